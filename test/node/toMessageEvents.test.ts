import { concat, from, of, take, throwError, toArray, firstValueFrom, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { RxMistralError } from '../../src/index.js';
import { marbles } from '../../src/testing/index.js';
import { toMessageEvents } from '../../src/node/index.js';

const listOf = <T>(source: Observable<T>): Promise<T[]> => firstValueFrom(source.pipe(toArray()));

describe('toMessageEvents', () => {
  it('makes an event of each value when it comes, and tells of an error as the last', () => {
    marbles((m) => {
      const source = m.cold('      -a-b-#', undefined, new RxMistralError({ kind: 'connection', message: 'reset', retryable: true }));
      const subs = '               ^----!';
      const expected = '           -a-b-(e|)';
      const error = { type: 'error', requestId: '', error: { name: 'RxMistralError', kind: 'connection', message: 'reset', retryable: true } };
      const values = { a: { data: '"a"', id: '' }, b: { data: '"b"', id: '' }, e: { data: JSON.stringify(error), id: '' } };
      m.expectObservable(source.pipe(toMessageEvents())).toBe(expected, values);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('is empty, silent or ended as the source is', () => {
    marbles((m) => {
      for (const [source, subs] of [['|', '(^!)'], ['-', '^'], ['--|', '^-!']] as const) {
        const cold = m.cold(source);
        m.expectObservable(cold.pipe(toMessageEvents())).toBe(source);
        m.expectSubscriptions(cold.subscriptions).toBe(subs);
      }
    });
  });

  it('unsubscribes from the source when the client has gone', () => {
    marbles((m) => {
      const source = m.cold('      -a-b-c-');
      const subs = '               ^---!';
      const unsub = '              ----!';
      const expected = '           -a-b-';
      m.expectObservable(source.pipe(toMessageEvents()), unsub).toBe(expected, { a: { data: '"a"', id: '' }, b: { data: '"b"', id: '' } });
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('gives ids, names and the reconnection time, which comes once', async () => {
    const operator = toMessageEvents<string>({ id: (value, index) => `${value}${index}`, event: (value) => (value === 'a' ? 'first' : ''), retry: 500 });
    const expected = [{ data: '"a"', id: 'a0', type: 'first', retry: 500 }, { data: '"b"', id: 'b1' }];
    // The operator value used twice, and one result subscribed to twice.
    const result = of('a', 'b').pipe(operator);
    for (const source of [result, result, of('a', 'b').pipe(operator)]) expect(await listOf(source)).toEqual(expected);
  });

  it('leaves the client its last id where an event has none', async () => {
    const source = concat(of('a', 'b', 'c'), throwError(() => new Error('x')));
    const events = await listOf(source.pipe(toMessageEvents({ id: (value) => (value === 'b' ? 'b' : '') })));
    // What has a NULL in it is no id, by the rules; an empty one would be a new id.
    expect(events.map(({ id }) => id)).toEqual(['', 'b', '\0', '\0']);
  });

  it('tells of a callback that throws, and of a value that has no JSON, and stops there', async () => {
    const throwing = toMessageEvents<number>({ id: () => { throw new Error('secret'); } });
    for (const source of [of(1, 2).pipe(throwing), of(undefined, 2).pipe(toMessageEvents())]) {
      const events = await listOf(source);
      expect(events).toHaveLength(1);
      expect(JSON.parse(events[0]!.data)).toMatchObject({ type: 'error', error: { kind: 'validation' } });
      expect(events[0]!.data).not.toContain('secret');
    }
  });

  it('names the call of the last event in its error', async () => {
    const events = await listOf(concat(of({ requestId: 'r' }), throwError(() => new Error(''))).pipe(toMessageEvents()));
    expect(JSON.parse(events[1]!.data)).toMatchObject({ requestId: 'r' });
  });

  it('takes no more of a firehose than is asked for', async () => {
    let made = 0;
    const source = from({ *[Symbol.iterator]() { for (;;) yield (made += 1); } });
    expect(await listOf(source.pipe(toMessageEvents(), take(3)))).toEqual(['1', '2', '3'].map((data) => ({ data, id: '' })));
    expect(made).toBe(3);
  });

  it('checks its options at the call', () => {
    expect(() => toMessageEvents({ retry: -1 })).toThrow(new TypeError('Expected `retry` to be an integer >= 0, got -1'));
  });
});

import { EMPTY, map, type Observable, of, range, take, throwError, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  accumulate,
  type ChatEvent,
  chatComplete,
  chatStream,
  createCircuitBreaker,
  type FallbackEvent,
  RxMistralError,
  withFallback,
  type WithFallbackOptions,
} from '../../src/index.js';
import { chunk, completion, fakeMistral, marbles } from '../../src/testing/index.js';

const fault = new Error('fault');
const local = new RxMistralError({ kind: 'validation', message: 'bad' });
const unavailable = new RxMistralError({ kind: 'http', message: 'unavailable', status: 503, retryable: true });
const unexpected = (error: unknown): never => expect.unreachable(String(error));
const thrower = (): never => {
  throw fault;
};
const delta = (requestId: string, text: string): ChatEvent => ({ type: 'text-delta', requestId, index: 0, text });
const fallback = (requestId: string, message: string): FallbackEvent =>
  expect.objectContaining({ type: 'fallback', requestId, error: expect.objectContaining({ message }) as object }) as FallbackEvent;

describe('withFallback', () => {
  test('goes on with something else at an error', () => {
    marbles((m) => {
      const source = m.cold('  -a-#    ', undefined, fault);
      const subs = '           ^--!    ';
      const next = m.cold('       -x-y|');
      const nextSubs = '       ---^---!';
      const expected = '       -a--x-y|';

      m.expectObservable(source.pipe(withFallback(next))).toBe(expected);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
      m.expectSubscriptions(next.subscriptions).toBe(nextSubs);
    });
  });

  test('does nothing where there is no error', () => {
    marbles((m) => {
      const source = m.cold('  -a-|');
      const subs = '           ^--!';
      const next = m.cold('    x|  ');
      const expected = '       -a-|';

      m.expectObservable(source.pipe(withFallback(next))).toBe(expected);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
      m.expectSubscriptions(next.subscriptions).toBe([]);
    });
  });

  test('marks the switch between events, so that a snapshot begins anew', () => {
    marbles((m) => {
      const deltas = { a: delta('r1', 'Hel'), x: delta('r2', 'Bon') };
      const values = { ...deltas, F: fallback('r2', 'unavailable') };
      const source = m.cold('    a-#     ', deltas, unavailable);
      const next = m.cold('        -x|   ', deltas);
      const expected = '         a--(Fx|)';
      const snapshots = '        a--(0x|)';
      const events = source.pipe(withFallback(next), take(3));
      const texts = events.pipe(accumulate(), map(({ text }) => text));

      m.expectObservable(events).toBe(expected, values);
      m.expectObservable(texts).toBe(snapshots, { a: 'Hel', 0: '', x: 'Bon' });
    });
  });

  test('has a marker that survives JSON', () => {
    const events: unknown[] = [];
    throwError(() => unavailable)
      .pipe(withFallback(of(delta('r2', 'Bon'))))
      .subscribe({ next: (event) => events.push(event), error: unexpected });
    const back = JSON.parse(JSON.stringify(events[0])) as FallbackEvent;
    expect(back).toMatchObject({ type: 'fallback', requestId: 'r2' });
    expect(RxMistralError.fromJSON(back.error)).toMatchObject({ kind: 'http', status: 503 });
  });

  test('goes on with another model, after the retries', () => {
    const client = fakeMistral({
      'chat.stream': (request) => (request.model === 'large' ? throwError(() => unavailable) : of(chunk.text('Bon'), chunk.finish('stop'))),
    });
    const ask = (model: string): Observable<ChatEvent> => chatStream(client, { model, messages: [{ role: 'user', content: 'Hi' }] });
    const types: string[] = [];
    ask('large').pipe(withFallback(() => ask('small'))).subscribe({ next: ({ type }) => types.push(type), error: unexpected });
    expect(types).toEqual(['fallback', 'start', 'text-delta', 'complete']);
  });

  test('puts no marker before what is no event', () => {
    const client = fakeMistral({ 'chat.complete': throwError(() => unavailable) });
    const seen: unknown[] = [];
    const answer = completion({ text: 'We are sorry.' });
    chatComplete(client, { model: 'm', messages: [{ role: 'user', content: 'Hi' }] })
      .pipe(withFallback([answer]))
      .subscribe({ next: (value) => seen.push(value), error: unexpected });
    expect(seen).toEqual([answer]);
  });

  test('is told of the error', () => {
    const seen: unknown[] = [];
    throwError(() => fault)
      .pipe(withFallback((error) => [error]))
      .subscribe({ next: (value) => seen.push(value), error: unexpected });
    expect(seen).toEqual([fault]);
  });

  test('passes an error that is not for it: by default one of kind `validation`', () => {
    marbles((m) => {
      const refused = m.cold('  --#', undefined, local);
      const failed = m.cold('   --#', undefined, fault);
      const expected = '        --#';

      m.expectObservable(refused.pipe(withFallback(of('x')))).toBe(expected, undefined, local);
      m.expectObservable(failed.pipe(withFallback(of('x'), { when: () => false }))).toBe(expected, undefined, fault);
      m.expectObservable(failed.pipe(withFallback(of('x'), { when: thrower }))).toBe(expected, undefined, fault);
      m.expectObservable(failed.pipe(withFallback(thrower))).toBe(expected, undefined, fault);
    });
  });

  test('that fails too is the end, with the first error as its cause', () => {
    let error: unknown;
    throwError(() => unavailable)
      .pipe(withFallback(throwError(() => new RxMistralError({ kind: 'timeout', message: 'late' }))))
      .subscribe({ error: (thrown: unknown) => (error = thrown) });
    expect(error).toMatchObject({ kind: 'timeout', message: 'late', cause: { message: 'unavailable' } });
  });

  test('may stand behind another', () => {
    const seen: unknown[] = [];
    throwError(() => unavailable)
      .pipe(withFallback(throwError(() => fault)), withFallback(of('last')))
      .subscribe({ next: (value) => seen.push(value), error: unexpected });
    expect(seen).toEqual(['last']);
  });

  test('of an empty source is empty, and of a silent one silent', () => {
    marbles((m) => {
      m.expectObservable(m.cold('--|').pipe(withFallback(of('x')))).toBe('--|');
      m.expectObservable(m.cold('-').pipe(withFallback(of('x')))).toBe('-');
      m.expectObservable(m.cold('--#').pipe(withFallback(EMPTY))).toBe('--|');
    });
  });

  test('ends with its subscription, whichever is at work; the chain is not broken', () => {
    marbles((m) => {
      const source = m.cold('  a-#     ');
      const subs = ['          ^!      ', '^-!'];
      const next = m.cold('      ------');
      const nextSubs = '       --^--!  ';
      const result = source.pipe((chain) => chain.pipe(withFallback(next)), (chain) => chain.pipe(take(9)));

      m.expectObservable(result, '^!').toBe('a');
      m.expectObservable(result, '^----!').toBe('a');
      m.expectSubscriptions(source.subscriptions).toBe(subs);
      m.expectSubscriptions(next.subscriptions).toBe(nextSubs);
    });
  });

  test('stops a synchronous firehose that `take` has enough of', () => {
    let seen: number[] = [];
    throwError(() => fault)
      .pipe(withFallback(range(0, Infinity)), take(3), toArray())
      .subscribe({ next: (values) => (seen = values), error: unexpected });
    expect(seen).toEqual([0, 1, 2]);
  });

  test('is each subscriber’s own, and one operator serves two sources', () => {
    let made = 0;
    const operator = withFallback<string, string>(() => [`fallback ${(made += 1)}`]);
    const seen: string[] = [];
    const failing = throwError(() => fault).pipe(operator);
    for (const source of [failing, failing, of('fine').pipe(operator)]) source.subscribe({ next: (value) => seen.push(value), error: unexpected });
    expect(seen).toEqual(['fallback 1', 'fallback 2', 'fine']);
  });

  test('takes a text for one value', () => {
    const seen: string[] = [];
    for (const next of ['sorry', () => 'sorry']) {
      throwError(() => fault).pipe(withFallback(next)).subscribe({ next: (value) => seen.push(value), error: unexpected });
    }
    expect(seen).toEqual(['sorry', 'sorry']);
  });

  test('does not call at all what has failed too often', () => {
    marbles((m) => {
      const breaker = createCircuitBreaker({ failures: 2, within: 100, openFor: 10, scheduler: m.scheduler });
      const source = m.cold('  #', undefined, unavailable);
      const subs = ['          (^!)', '-(^!)', '-----------(^!)'];
      const guarded = source.pipe(withFallback((error) => [(error as RxMistralError).kind], { breaker }));

      m.expectObservable(guarded, '           ^').toBe('(h|)', { h: 'http' });
      m.expectObservable(guarded, '          -^').toBe('-(h|)', { h: 'http' });
      m.expectObservable(guarded, '         --^').toBe('--(l|)', { l: 'limit' });
      m.expectObservable(guarded, '-----------^').toBe('-----------(h|)', { h: 'http' });
      m.expectObservable(guarded, '------------^').toBe('------------(l|)', { l: 'limit' });
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('asks `when` once for each error, with a breaker too', () => {
    let asked = 0;
    const when = (): boolean => {
      asked += 1;
      throw fault;
    };
    let error: unknown;
    throwError(() => unavailable)
      .pipe(withFallback(of('x'), { when, breaker: createCircuitBreaker() }))
      .subscribe({ error: (thrown: unknown) => (error = thrown) });
    expect([error, asked]).toEqual([fault, 1]);
  });

  const cases: readonly (readonly [string, unknown, unknown])[] = [
    ['Expected `next` to be a fallback, or a function that makes one, got undefined', undefined, undefined],
    ['Expected `next` to be a fallback, or a function that makes one, got an object', { text: 'sorry' }, undefined],
    ['Expected `when` to be a function, got 4', [], { when: 4 }],
    ['Expected `breaker` to be a CircuitBreaker, got an object', [], { breaker: {} }],
  ];
  for (const [message, next, options] of cases) {
    test(`throws at the call: ${message}`, () => {
      expect(() => withFallback(next as [], options as WithFallbackOptions)).toThrow(new TypeError(message));
    });
  }
});

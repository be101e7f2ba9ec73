import { last, type Observable, of, range, map as rxMap, Subject, take, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { accumulate, type ChatEvent, chatStream, RxMistralError, smooth, type SmoothOptions } from '../../src/index.js';
import { chunk, fakeMistral, marbles } from '../../src/testing/index.js';

const fault = new Error('fault');
const unexpected = (error: unknown): never => expect.unreachable(String(error));
const words = { by: 'word' } as const;
const delta = (text: string, index: number): ChatEvent => ({ type: 'text-delta', requestId: 'r', index, text });
const thought = (text: string, index: number): ChatEvent => ({ type: 'thinking-delta', requestId: 'r', index, text });
const start = (attempt = 1): ChatEvent => ({ type: 'start', requestId: 'r', id: 'i', model: 'm', attempt });
const retry = (strategy: 'restart' | 'resume'): ChatEvent => ({
  type: 'retry',
  requestId: 'r',
  attempt: 1,
  delayMs: 0,
  strategy,
  error: new RxMistralError({ kind: 'connection', message: 'lost' }),
});
const call: ChatEvent = { type: 'tool-call', requestId: 'r', toolCall: { id: 'c', name: 'f', arguments: '{}' } };
const allOf = <T>(source: Observable<T>): T[] => {
  let all: T[] = [];
  source.pipe(toArray()).subscribe({ next: (values) => (all = values), error: unexpected });
  return all;
};

describe('smooth', () => {
  test('cuts text into words, each when the next begins, and the last before the end', () => {
    marbles((m) => {
      const source = m.cold('  a-b--c-|   ', { a: 'Hel', b: 'lo, wor', c: 'ld' });
      const subs = '           ^------!   ';
      const expected = '       --x----(y|)';

      m.expectObservable(source.pipe(smooth(words))).toBe(expected, { x: 'Hello, ', y: 'world' });
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('shows pieces at its pace, and the rest at once before the end', () => {
    marbles((m) => {
      const source = m.cold('  a------|    ', { a: 'one two three four five' });
      const subs = '           ^------!    ';
      const expected = '       a--b--c(de|)';

      m.expectObservable(source.pipe(smooth({ by: 'word', delay: 3 }))).toBe(expected, { a: 'one ', b: 'two ', c: 'three ', d: 'four ', e: 'five' });
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('shows what waits before an error', () => {
    marbles((m) => {
      const source = m.cold('  a-#    ', { a: 'one two three' }, fault);
      const subs = '           ^-!    ';
      const expected = '       a-(bc#)';

      m.expectObservable(source.pipe(smooth({ by: 'word', delay: 30 }))).toBe(expected, { a: 'one ', b: 'two ', c: 'three' }, fault);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('shows what comes later than its pace at once', () => {
    marbles((m) => {
      const source = m.cold('  a----b----|   ', { a: 'one two ', b: 'three ' });
      const expected = '       a----b----(c|)';

      m.expectObservable(source.pipe(smooth({ by: 'word', delay: 3 }))).toBe(expected, { a: 'one ', b: 'two ', c: 'three ' });
    });
  });

  test('lets no more than a hundred pieces wait', () => {
    marbles((m) => {
      const text = Array.from({ length: 151 }, (_, index) => `${index} `).join('');
      const times: number[] = [];
      const source = m.cold('a 999ms |', { a: text });
      source.pipe(smooth({ by: 'word', delay: 5 })).subscribe({ next: () => times.push(m.scheduler.now()), error: unexpected });
      m.flush();
      expect(times).toHaveLength(151);
      expect(times.filter((time) => time === 0)).toHaveLength(51);
      expect(times.slice(51, 54)).toEqual([5, 10, 15]);
    });
  });

  test('counts the deltas of an answer anew, and keeps every other event in its place', () => {
    const events = [start(), thought('Let me ', 0), thought('think', 1), delta('Hel', 0), delta('lo you ', 1), call, delta('x', 2)];

    expect(allOf(of(...events).pipe(smooth(words)))).toEqual([
      start(),
      thought('Let ', 0),
      thought('me ', 1),
      thought('think', 2),
      delta('Hello ', 0),
      delta('you ', 1),
      call,
      delta('x', 2),
    ]);
  });

  test('begins the index anew at a restart, and goes on with it at a resume', () => {
    const indexes = (strategy: 'restart' | 'resume'): number[] =>
      allOf(of(start(), delta('a b ', 0), retry(strategy), start(2), delta('c', 0)).pipe(smooth(words))).flatMap((event) =>
        event.type === 'text-delta' ? [event.index] : [],
      );
    expect(indexes('restart')).toEqual([0, 1, 0]);
    expect(indexes('resume')).toEqual([0, 1, 2]);
  });

  test('leads to the same snapshot of a real stream', () => {
    const chunks = Array.from('Hello, wörld! 👩‍👧 How are you?').map((text) => chunk.text(text));
    const client = fakeMistral({ 'chat.stream': of(...chunks, chunk.finish('stop')) });
    const events = chatStream(client, { model: 'm', messages: [{ role: 'user', content: 'Hi' }] }, { requestId: 'r' });
    const final = (source: Observable<ChatEvent>): unknown => allOf(source.pipe(accumulate(), last()));

    for (const by of ['word', 'grapheme', 'sentence'] as const) expect(final(events.pipe(smooth({ by })))).toEqual(final(events));
  });

  test('loses and reorders nothing where it is ended, or goes on, while it is being told', () => {
    const ended = new Subject<string>();
    const seen: string[] = [];
    ended.pipe(smooth(words)).subscribe({
      next: (word) => {
        seen.push(word);
        if (word === 'a ') ended.complete();
      },
      error: unexpected,
    });
    ended.next('a b c d ');
    expect(seen.join('')).toBe('a b c d ');

    const endless = new Subject<string>();
    seen.length = 0;
    endless.pipe(smooth(words)).subscribe({
      next: (word) => {
        seen.push(word);
        if (word === 'a ') endless.next('X Y ');
      },
      error: unexpected,
    });
    endless.next('a b c ');
    endless.complete();
    expect(seen.join('')).toBe('a b c X Y ');
  });

  test('of an empty source is empty', () => {
    marbles((m) => {
      const source = m.cold('--|');
      const subs = '                 ^-!';
      m.expectObservable(source.pipe(smooth(words))).toBe('--|');
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('of a source that is silent is silent', () => {
    marbles((m) => {
      const source = m.cold('-');
      const subs = '                 ^';
      m.expectObservable(source.pipe(smooth({ by: 'word', delay: 1 }))).toBe('-');
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('ends with its subscription, the timer too; the chain is not broken', () => {
    marbles((m) => {
      const source = m.cold('  a---------', { a: 'one two three' });
      const subs = '           ^---!     ';
      const unsub = '          ----!     ';
      const expected = '       a--b-     ';
      const result = source.pipe((chain) => chain.pipe(smooth({ by: 'word', delay: 3 })), (chain) => chain.pipe(take(9)));

      m.expectObservable(result, unsub).toBe(expected, { a: 'one ', b: 'two ' });
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('stops a synchronous firehose that `take` has enough of', () => {
    const seen = allOf(range(0, Infinity).pipe(rxMap((n) => `${n} `), smooth(words), take(3)));
    expect(seen).toEqual(['0 ', '1 ', '2 ']);
  });

  test('is each subscriber’s own, and one operator serves two sources', () => {
    const operator = smooth<string>(words);
    const source = of('one tw', 'o').pipe(operator);
    expect([allOf(source), allOf(source), allOf(of('x').pipe(operator))]).toEqual([['one ', 'two'], ['one ', 'two'], ['x']]);
  });

  const cases: readonly (readonly [string, unknown])[] = [
    ['Expected `options` to be an object, got undefined', undefined],
    ["Expected `by` to be 'word' or 'grapheme' or 'sentence', got undefined", {}],
    ['Expected `by` to be \'word\' or \'grapheme\' or \'sentence\', got "letter"', { by: 'letter' }],
    ['Expected `delay` to be milliseconds from 0 to 2147483647, got -1', { by: 'word', delay: -1 }],
    ['Expected `locale` to be a BCP 47 language tag, got "not a tag"', { by: 'word', locale: 'not a tag' }],
  ];
  for (const [message, options] of cases) {
    test(`throws at the call: ${message}`, () => {
      expect(() => smooth(options as SmoothOptions)).toThrow(new TypeError(message));
    });
  }
});

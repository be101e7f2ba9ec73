import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import { config, NEVER, Observable, of, Subject, type Subscriber, take, tap } from 'rxjs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ChatAssembler } from '../../src/events/ChatAssembler.js';
import { type ChatEvent, type PartialMessage, RxMistralError, type RxMistralErrorKind, TruncatedStreamError } from '../../src/index.js';
import { attachPartial, type CompletionReader, isLossOfConnection, readCompletion } from '../../src/sources/readCompletion.js';
import { chunk, marbles } from '../../src/testing/index.js';

// A reader that emits the types of the events: s for start, t for text-delta, c for complete.

const chunks = { s: chunk.start(), t: chunk.text('Hel'), f: chunk.finish('stop'), e: chunk.finish('error') };

const reset = new RxMistralError({ kind: 'connection', message: 'The connection broke', retryable: true });
const truncated = new TruncatedStreamError({ message: 'The stream ended before the answer was finished' });
const saying = (content: string): PartialMessage => ({ role: 'assistant', content });
const assembler = (...received: readonly CompletionChunk[]): ChatAssembler => {
  const made = new ChatAssembler('request-1', 1, () => undefined);
  for (const each of received) made.push(each);
  return made;
};

function begin(subscriber: Subscriber<string>): CompletionReader<CompletionChunk> {
  const made = new ChatAssembler('request-1', 1, ({ type }: ChatEvent) => {
    subscriber.next(type.charAt(0));
  });
  return { assembler: made, next: (received) => { made.push(received); } };
}

afterEach(() => {
  config.onStoppedNotification = null;
});

describe('readCompletion', () => {
  test('completes at the end, behind a finish reason', () => {
    marbles((m) => {
      const source = m.cold('  -s-t-t-f-|   ', chunks);
      const subs = '           ^--------!   ';
      const expected = '       -s-t-t---(c|)';

      m.expectObservable(readCompletion(source, begin)).toBe(expected);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('emits as many events for a chunk as it has', () => {
    marbles((m) => {
      const source = m.cold('  -t---f----(t|)', chunks);
      const subs = '           ^---------!   ';
      const expected = '       -(st)-----(tc|)';

      m.expectObservable(readCompletion(source, begin)).toBe(expected);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test.each([
    ['-s-t-|', '^----!', '-s-t-#', 'Hel'],
    ['-s---|', '^----!', '-s---#', ''],
    ['-----|', '^----!', '-----#', ''],
    ['|     ', '(^!)  ', '#     ', ''],
  ])('at the end of %s without a finish reason: a TruncatedStreamError', (diagram, subs, expected, content) => {
    marbles((m) => {
      const source = m.cold(diagram, chunks);

      m.expectObservable(readCompletion(source, begin)).toBe(expected, undefined, truncated.with({ partial: saying(content) }));
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('never ends where the source does not', () => {
    marbles((m) => {
      const source = m.cold('  -s-t-f---', chunks);
      const subs = '           ^        ';
      const expected = '       -s-t-----';

      m.expectObservable(readCompletion(source, begin)).toBe(expected);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  const kinds: readonly [RxMistralErrorKind, boolean][] = [
    ['connection', true],
    ['timeout', true],
    ['truncated', false],
    ['http', false],
    ['rate-limit', false],
    ['protocol', false],
    ['stream', false],
    ['limit', false],
    ['validation', false],
  ];
  test.each(kinds)('an error of kind %s behind a finish reason completes: %s', (kind, completes) => {
    marbles((m) => {
      const error = new RxMistralError({ kind, message: 'broken' });
      const source = m.cold('  -s-t-f-#', chunks, error);
      const subs = '           ^------!';

      m.expectObservable(readCompletion(source, begin)).toBe(
        completes ? '          -s-t---(c|)' : '-s-t---#',
        undefined,
        error.with({ partial: saying('Hel') }),
      );
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test.each(kinds)('an error of kind %s before a finish reason carries the message so far', (kind) => {
    marbles((m) => {
      const error = new RxMistralError({ kind, message: 'broken' });
      const source = m.cold('  -s-t-#', chunks, error);
      const subs = '           ^----!';
      const expected = '       -s-t-#';

      m.expectObservable(readCompletion(source, begin)).toBe(expected, undefined, error.with({ partial: saying('Hel') }));
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('what next throws is the error, and ends the source', () => {
    marbles((m) => {
      const source = m.cold('  -s-t-e-t-f-|', chunks);
      const subs = '           ^----!      ';
      const expected = '       -s-t-#      ';

      m.expectObservable(readCompletion(source, begin)).toBe(
        expected,
        undefined,
        expect.objectContaining({ kind: 'stream', partial: saying('Hel') }),
      );
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('what begin throws is the error, and the source is not subscribed to', () => {
    marbles((m) => {
      const thrown = new Error('from begin');
      const source = m.cold<CompletionChunk>('-');
      const result = readCompletion(source, () => {
        throw thrown;
      });

      m.expectObservable(result).toBe('#', undefined, thrown);
      m.expectSubscriptions(source.subscriptions).toBe([]);
    });
  });

  test('each subscriber has a reader of its own', () => {
    marbles((m) => {
      const source = m.cold('  -s-t-(f|)', chunks);
      const subs = ['          ^----!   ', '--^----!'];
      const expected1 = '      -s-t-(c|)';
      const expected2 = '      ---s-t-(c|)';
      const result = readCompletion(source, begin);

      m.expectObservable(result).toBe(expected1);
      m.expectObservable(result, '--^').toBe(expected2);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });
});

describe('unsubscribing', () => {
  test('unsubscribes from the source', () => {
    marbles((m) => {
      const source = m.cold('  -s-t-f-|', chunks);
      const subs = '           ^---!    ';
      const unsub = '          ----!    ';
      const expected = '       -s-t-    ';

      m.expectObservable(readCompletion(source, begin), unsub).toBe(expected);
      m.expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  test('stops a synchronous firehose', () => {
    let produced = 0;
    const firehose = new Observable<CompletionChunk>((subscriber) => {
      while (!subscriber.closed) {
        produced += 1;
        subscriber.next(chunks.t);
      }
    });
    const seen: string[] = [];
    readCompletion(firehose, begin).pipe(take(3)).subscribe({
      next: (letter) => seen.push(letter),
      error: (error: unknown) => seen.push(String(error)),
    });

    expect(seen).toEqual(['s', 't', 't']);
    expect(produced).toBe(2);
  });

  // rxjs tells `onStoppedNotification` of whatever is emitted to a subscriber that has gone.
  test.each([
    ['that is open', (source: Subject<CompletionChunk>) => { source.next(chunks.t); }],
    ['that is finished', (source: Subject<CompletionChunk>) => { source.next(chunks.t); source.next(chunks.f); }],
  ])('emits nothing, to nobody, where the answer is one %s', (_state, play) => {
    vi.useFakeTimers();
    const onStopped = vi.fn();
    config.onStoppedNotification = onStopped;
    const source = new Subject<CompletionChunk>();
    const subscription = readCompletion(source, begin).subscribe({ error: () => undefined });
    play(source);

    subscription.unsubscribe();
    vi.runAllTimers();
    vi.useRealTimers();

    expect(source.observed).toBe(false);
    expect(onStopped).not.toHaveBeenCalled();
  });

  test.each([
    ['completed', of(chunks.t, chunks.f)],
    ['failed', of(chunks.t)],
  ])('is not done twice where the source has %s', (_end, source) => {
    vi.useFakeTimers();
    const onStopped = vi.fn();
    config.onStoppedNotification = onStopped;

    readCompletion(source, begin).subscribe({ error: () => undefined });
    vi.runAllTimers();
    vi.useRealTimers();

    expect(onStopped).not.toHaveBeenCalled();
  });

  test('while a chunk is being read stops the rest of its events', () => {
    const seen: string[] = [];
    const reads: unknown[] = [];
    readCompletion(of(chunks.t, chunks.f).pipe(tap((read) => reads.push(read))), begin)
      .pipe(take(1))
      .subscribe({ next: (letter) => seen.push(letter), error: (error: unknown) => seen.push(String(error)) });

    expect(seen).toEqual(['s']);
    expect(reads).toEqual([chunks.t]);
  });

  test('where nothing has come asks the assembler for nothing', () => {
    const made = assembler();
    const end = vi.spyOn(made, 'end');
    readCompletion(NEVER, () => ({ assembler: made, next: () => undefined })).subscribe({ error: () => undefined }).unsubscribe();

    expect(end).not.toHaveBeenCalled();
  });
});

describe('isLossOfConnection', () => {
  test.each([
    ['connection', true],
    ['timeout', true],
    ['truncated', false],
    ['http', false],
    ['stream', false],
    ['limit', false],
  ] as const)('an error of kind %s: %s', (kind, expected) => {
    expect(isLossOfConnection(new RxMistralError({ kind, message: 'broken' }))).toBe(expected);
  });

  test.each([[undefined], [null], ['connection'], [new Error('ECONNRESET')], [{ kind: 'connection' }]])('%j is none', (value) => {
    expect(isLossOfConnection(value)).toBe(false);
  });
});

describe('attachPartial', () => {
  test('adds the message so far where a token has come, and keeps the rest of the error', () => {
    const error = new RxMistralError({ kind: 'http', message: 'broken', status: 500, retryable: true, retryAfterMs: 5, cause: new Error('below') });
    const attached = attachPartial(error, assembler(chunks.t)) as RxMistralError;

    expect(attached.toJSON()).toEqual({ ...error.toJSON(), partial: saying('Hel') });
    expect(attached.stack).toBe(error.stack);
  });

  test('keeps a TruncatedStreamError one, of either kind', () => {
    for (const kind of ['truncated', 'connection'] as const) {
      const attached = attachPartial(new TruncatedStreamError({ kind, message: 'cut' }), assembler(chunks.t));

      expect(attached).toBeInstanceOf(TruncatedStreamError);
      expect(attached).toMatchObject({ kind, partial: saying('Hel') });
    }
  });

  test('a TruncatedStreamError always has a partial, an empty one too', () => {
    expect(attachPartial(new TruncatedStreamError({ message: 'cut' }), assembler(chunks.s))).toMatchObject({ partial: saying('') });
  });

  test.each([
    ['before the first token', reset, [chunks.s]],
    ['that has a partial', reset.with({ partial: saying('of its own') }), [chunks.t]],
    ['of another family', new TypeError('no error of the family'), [chunks.t]],
    ['that is no error', 'a string', [chunks.t]],
  ] as const)('passes an error %s as it is, the same object', (_which, error, received) => {
    expect(attachPartial(error, assembler(...received))).toBe(error);
  });
});

import type { ChatCompletionStreamRequest } from '@mistralai/mistralai/models/components/chatcompletionstreamrequest.js';
import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import { Observable, of, take } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  type CallOptions,
  chatChunks,
  constantBackoff,
  createRetryBudget,
  type MistralClient,
  type PartialMessage,
  type RetryAttempt,
  RxMistralError,
  TruncatedStreamError,
} from '../../src/index.js';
import { chunk, fakeMistral, marbles, usage } from '../../src/testing/index.js';

// In the diagrams: s begins an answer, a and b are text, f finishes it. Upper case is the same of the second answer.

const request: ChatCompletionStreamRequest = { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Hi' }] };
const twice: ChatCompletionStreamRequest = { ...request, n: 2 };
const chunks = {
  s: chunk.start(),
  a: chunk.text('Hel'),
  b: chunk.text('lo'),
  f: chunk.finish('stop', usage({ promptTokens: 3, completionTokens: 2 })),
  e: chunk.finish('error'),
  A: chunk.text('Bon', { choice: 1 }),
  B: chunk.text('jour', { choice: 1 }),
  F: chunk.finish('length', undefined, { choice: 1 }),
  E: chunk.finish('error', undefined, { choice: 1 }),
};

const unavailable = new RxMistralError({ kind: 'http', message: 'unavailable', status: 503, retryable: true });
const unauthorized = new RxMistralError({ kind: 'http', message: 'unauthorized', status: 401 });
const reset = new RxMistralError({ kind: 'connection', message: 'The connection broke', retryable: true });
const truncated = expect.objectContaining({ name: 'TruncatedStreamError', kind: 'truncated' });
const saying = (content: string): PartialMessage => ({ role: 'assistant', content });

describe('the chunks', () => {
  test('come as they are, the same objects', () => {
    const given = [chunks.s, chunk.usage(usage()), chunk.toolCallFragment({ name: 'weather' }), chunk.text(''), chunks.f];
    const seen: CompletionChunk[] = [];

    chatChunks(fakeMistral({ 'chat.stream': () => given }), request).subscribe({
      next: (received) => seen.push(received),
      error: (error: unknown) => expect.unreachable(String(error)),
    });

    expect(seen).toHaveLength(given.length);
    seen.forEach((received, place) => {
      expect(received).toBe(given[place]);
    });
  });

  test('come when they come, and complete behind a finish reason', () => {
    marbles((m) => {
      const reply = m.cold('  --s-a-b-f-|', chunks);
      const subs = '          ^---------!';
      const expected = '      --s-a-b-f-|';

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), request)).toBe(expected, chunks);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('never come where the server is silent', () => {
    marbles((m) => {
      const reply = m.cold<CompletionChunk>('-');
      const subs = '          ^       ';
      const expected = '      -       ';

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), request)).toBe(expected);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('each subscriber has a call of its own', () => {
    marbles((m) => {
      const reply = m.cold('  --s-a-(f|)', chunks);
      const subs = ['         ^-----!   ', '---^-----!'];
      const expected1 = '     --s-a-(f|)';
      const expected2 = '     -----s-a-(f|)';
      const result = chatChunks(m.mistral({ 'chat.stream': reply }), request);

      m.expectObservable(result).toBe(expected1, chunks);
      m.expectObservable(result, '---^').toBe(expected2, chunks);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('the request, the headers and the bound of an event go to the transport', () => {
    const mistral = fakeMistral({ 'chat.stream': of(chunks.f) });
    const headers = { 'x-team': 'red' };

    chatChunks(mistral, request, { headers, maxEventBytes: 1_000 }).subscribe({
      error: (error: unknown) => expect.unreachable(String(error)),
    });

    expect(mistral.calls).toMatchObject([{ operation: 'chat.stream', options: { headers, maxEventBytes: 1_000 }, state: 'completed' }]);
    expect(mistral.calls[0]?.request).toBe(request);
  });
});

describe('unsubscribing', () => {
  test.each([1, 2, 3, 4, 5, 6, 7])('at frame %i closes the call', (frame) => {
    marbles((m) => {
      const reply = m.cold('  --s-a-b-(f|)', chunks);
      const subs = `          ^${'-'.repeat(frame - 1)}!`;
      const expected = '--s-a-b-(f|)'.slice(0, frame);
      const unsub = `${'-'.repeat(frame)}!`;
      const options = { retry: {}, timeouts: { firstEvent: 100, idle: 100, total: 100 } };

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), request, options), unsub).toBe(expected, chunks);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('in the wait for a retry begins no further call', () => {
    marbles((m) => {
      const reply = m.cold('  --#   ', chunks, unavailable);
      const subs = '          ^-!   ';
      const unsub = '         -----!';
      const expected = '      ------';
      const result = chatChunks(m.mistral({ 'chat.stream': reply }), request, { retry: { backoff: constantBackoff(10) } });

      m.expectObservable(result, unsub).toBe(expected);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('a synchronous firehose stops with take(3)', () => {
    let produced = 0;
    const endless = new Observable<CompletionChunk>((subscriber) => {
      while (!subscriber.closed) {
        produced += 1;
        subscriber.next(chunks.a);
      }
    });
    const mistral = fakeMistral({ 'chat.stream': endless });
    const seen: unknown[] = [];
    const options = { retry: {}, timeouts: { firstEvent: 1_000, idle: 1_000, total: 1_000 } };

    chatChunks(mistral, request, options).pipe(take(3)).subscribe({
      next: (received) => seen.push(received),
      error: (error: unknown) => expect.unreachable(String(error)),
      complete: () => seen.push('complete'),
    });

    expect(seen).toEqual([chunks.a, chunks.a, chunks.a, 'complete']);
    expect(produced).toBe(3);
    expect(mistral.calls[0]?.state).toBe('unsubscribed');
  });
});

describe('completion is a claim', () => {
  test.each([
    ['cut behind its tokens', '--s-a-|', 'Hel'],
    ['empty', '------|', ''],
  ])('a stream that is %s is truncated', (_how, diagram, content) => {
    marbles((m) => {
      const reply = m.cold(diagram, chunks);
      const subs = '^-----!';
      const expected = diagram.replace('|', '#');
      const error = new TruncatedStreamError({ message: 'The stream ended before the answer was finished', partial: saying(content) });

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), request)).toBe(expected, chunks, error);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('a connection that breaks behind the finish reason takes nothing from the answer', () => {
    marbles((m) => {
      const reply = m.cold('  --s-a-f-#', chunks, reset);
      const subs = '          ^-------!';
      const expected = '      --s-a-f-|';

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), request)).toBe(expected, chunks);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('an error of the server behind the finish reason is an error', () => {
    marbles((m) => {
      const error = new RxMistralError({ kind: 'stream', message: 'overloaded' });
      const reply = m.cold('  --s-a-f-#', chunks, error);
      const subs = '          ^-------!';
      const expected = '      --s-a-f-#';

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), request)).toBe(expected, chunks, error.with({ partial: saying('Hel') }));
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('the finish reason "error" is an error of kind stream', () => {
    marbles((m) => {
      const reply = m.cold('  --s-a-e-b', chunks);
      const subs = '          ^-----!  ';
      const expected = '      --s-a-(e#)';

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), request)).toBe(
        expected,
        chunks,
        expect.objectContaining({ kind: 'stream', partial: saying('Hel') }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });
});

describe('several answers (n)', () => {
  test('complete when each of them is finished, in any order', () => {
    marbles((m) => {
      const reply = m.cold('  -a-A-b-F-B-f-|', chunks);
      const subs = '          ^------------!';
      const expected = '      -a-A-b-F-B-f-|';

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), twice)).toBe(expected, chunks);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('complete where one chunk finishes them all', () => {
    marbles((m) => {
      const both = { ...chunks.f, choices: [...chunks.f.choices, ...chunks.F.choices] };
      const reply = m.cold('  -a-A-x-|', { ...chunks, x: both });
      const subs = '          ^------!';
      const expected = '      -a-A-x-|';

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), twice)).toBe(expected, { ...chunks, x: both });
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('are truncated where the first one was not finished', () => {
    marbles((m) => {
      const reply = m.cold('  -a-A-F-|', chunks);
      const subs = '          ^------!';
      const expected = '      -a-A-F-#';

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), twice)).toBe(expected, chunks, truncated);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('are truncated where another one was not finished', () => {
    marbles((m) => {
      const reply = m.cold('  -a-A-f-|', chunks);
      const subs = '          ^------!';
      const expected = '      -a-A-f-#';

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), twice)).toBe(expected, chunks, truncated);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('are truncated where another one never began', () => {
    marbles((m) => {
      const reply = m.cold('  -a-b-f-|', chunks);
      const subs = '          ^------!';
      const expected = '      -a-b-f-#';

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), twice)).toBe(expected, chunks, truncated);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('are truncated where one that nobody asked for was not finished', () => {
    marbles((m) => {
      const reply = m.cold('  -a-A-f-|', chunks);
      const subs = '          ^------!';
      const expected = '      -a-A-f-#';

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), request)).toBe(expected, chunks, truncated);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('fail where the connection breaks before another one is finished', () => {
    marbles((m) => {
      const reply = m.cold('  -a-A-f-#', chunks, reset);
      const subs = '          ^------!';
      const expected = '      -a-A-f-#';

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), twice)).toBe(expected, chunks, reset.with({ partial: saying('Hel') }));
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('fail where another one ends with the finish reason "error"', () => {
    marbles((m) => {
      const reply = m.cold('  -a-A-E-f-|', chunks);
      const subs = '          ^----!     ';
      const expected = '      -a-A-(E#)  ';

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), twice)).toBe(
        expected,
        chunks,
        expect.objectContaining({ kind: 'stream', partial: saying('Hel') }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('carry the first one as partial', () => {
    marbles((m) => {
      const reply = m.cold('  -a-A-B-b-#', chunks, reset);
      const subs = '          ^--------!';
      const expected = '      -a-A-B-b-#';

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), twice)).toBe(
        expected,
        chunks,
        reset.with({ partial: saying('Hello') }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });
});

describe('retry', () => {
  test('is off by default, and the error passes as it is', () => {
    marbles((m) => {
      const reply = m.cold('  --#', chunks, unavailable);
      const subs = '          ^-!';
      const expected = '      --#';

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), request)).toBe(expected, chunks, unavailable);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('repeats a call that failed before its first chunk, without a word', () => {
    marbles((m) => {
      const first = m.cold('   --#              ', chunks, unavailable);
      const firstSubs = '      ^-!              ';
      const second = m.cold('       --s-a-(f|)  ', chunks);
      const secondSubs = '     -----^-----!     ';
      const expected = '       -------s-a-(f|)  ';
      const result = chatChunks(m.mistral({ 'chat.stream': [first, second] }), request, { retry: { backoff: constantBackoff(3) } });

      m.expectObservable(result).toBe(expected, chunks);
      m.expectSubscriptions(first.subscriptions).toBe(firstSubs);
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
    });
  });

  test('repeats nothing once a chunk was emitted, though it held no token', () => {
    marbles((m) => {
      const reply = m.cold('  --s-#', chunks, unavailable);
      const subs = '          ^---!';
      const expected = '      --s-#';

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), request, { retry: {} })).toBe(expected, chunks, unavailable);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('waits as long as the server says, asks isRetryable, tells onRetry, and is bounded by the budget', () => {
    marbles((m) => {
      const told: RetryAttempt[] = [];
      const reply = m.cold('   --#             ', chunks, unauthorized);
      const subs = '           7s ^-!          ';
      const expected = '       7002ms #        ';
      const mistral = m.mistral({ 'chat.stream': [{ status: 429, headers: { 'retry-after': '7' } }, reply] });
      const budget = createRetryBudget({ retriesPerCall: 1 });
      const result = chatChunks(mistral, request, {
        retry: {
          maxRetries: 5,
          backoff: constantBackoff(1),
          isRetryable: () => true,
          onRetry: (attempt) => told.push(attempt),
          budget,
          random: () => 0,
        },
      });

      m.expectObservable(result).toBe(expected, chunks, unauthorized);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
      m.flush();
      expect(told).toMatchObject([{ attempt: 1, delayMs: 7_000, error: { status: 429 } }]);
    });
  });

  test('fails with the last error after two retries', () => {
    marbles((m) => {
      const reply = m.cold('  -#       ', chunks, unavailable);
      const subs = ['         ^!       ', '---^!', '------^!'];
      const expected = '      -------# ';
      const result = chatChunks(m.mistral({ 'chat.stream': reply }), request, { retry: { backoff: constantBackoff(2) } });

      m.expectObservable(result).toBe(expected, chunks, unavailable);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('what isRetryable throws is the error', () => {
    const thrown = new Error('from a callback');
    marbles((m) => {
      const reply = m.cold('  --#', chunks, unavailable);
      const subs = '          ^-!';
      const expected = '      --#';
      const isRetryable = (): never => {
        throw thrown;
      };

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), request, { retry: { isRetryable } })).toBe(expected, chunks, thrown);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });
});

describe('timeouts', () => {
  test('firstEvent closes an attempt that does not begin, and is worth a retry', () => {
    marbles((m) => {
      const first = m.cold('   -----s           ', chunks);
      const firstSubs = '      ^--!             ';
      const second = m.cold('       --s-a-(f|)  ', chunks);
      const secondSubs = '     -----^-----!     ';
      const expected = '       -------s-a-(f|)  ';
      const result = chatChunks(m.mistral({ 'chat.stream': [first, second] }), request, {
        timeouts: { firstEvent: 3 },
        retry: { backoff: constantBackoff(2) },
      });

      m.expectObservable(result).toBe(expected, chunks);
      m.expectSubscriptions(first.subscriptions).toBe(firstSubs);
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
    });
  });

  test('idle closes a stream that fell silent, with what had come', () => {
    marbles((m) => {
      const reply = m.cold('  --s-a-----b', chunks);
      const subs = '          ^------!   ';
      const expected = '      --s-a--#   ';

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), request, { timeouts: { idle: 3 } })).toBe(
        expected,
        chunks,
        expect.objectContaining({ kind: 'timeout', which: 'idle', partial: saying('Hel') }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('total ends it over all attempts, with what had come', () => {
    marbles((m) => {
      const first = m.cold('   --#           ', chunks, unavailable);
      const second = m.cold('     --s-a-b-a ', chunks);
      const secondSubs = '     ---^------!   ';
      const expected = '       -----s-a-b#   ';
      const result = chatChunks(m.mistral({ 'chat.stream': [first, second] }), request, {
        timeouts: { total: 10 },
        retry: { backoff: constantBackoff(1) },
      });

      m.expectObservable(result).toBe(
        expected,
        chunks,
        expect.objectContaining({ kind: 'timeout', which: 'total', partial: saying('Hello') }),
      );
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
    });
  });

  test('total passes in the middle of a wait, and says what it was waited for', () => {
    marbles((m) => {
      const reply = m.cold('  --#   ', chunks, unavailable);
      const subs = '          ^-!   ';
      const expected = '      -----#';
      const result = chatChunks(m.mistral({ 'chat.stream': reply }), request, {
        timeouts: { total: 5 },
        retry: { backoff: constantBackoff(100) },
      });

      m.expectObservable(result).toBe(
        expected,
        chunks,
        expect.objectContaining({
          kind: 'timeout',
          which: 'total',
          cause: expect.objectContaining({ name: 'RxMistralError', message: 'unavailable' }),
        }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test.each([
    ['idle', { idle: 4 }],
    ['total', { total: 10 }],
  ])('%s takes nothing from an answer that is finished', (_which, timeouts) => {
    marbles((m) => {
      const reply = m.cold('  --s-a-f-----', chunks);
      const subs = '          ^---------! ';
      const expected = '      --s-a-f---| ';

      m.expectObservable(chatChunks(m.mistral({ 'chat.stream': reply }), request, { timeouts })).toBe(expected, chunks);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });
});

describe('bad input is a TypeError at the call', () => {
  const mistral = fakeMistral({});
  const bad: readonly [unknown, unknown, unknown, string][] = [
    [{}, request, {}, 'Expected `client` to be a Mistral client of the SDK or a MistralTransport, got an object'],
    [mistral, null, {}, 'Expected `request` to be an object, got null'],
    [mistral, { ...request, messages: [] }, {}, 'Expected `messages` to be an array that is not empty, got an empty array'],
    [mistral, { ...request, model: undefined }, {}, 'Expected `model` to be a string that is not empty, got undefined'],
    [mistral, { ...request, stream: false }, {}, 'Expected `stream` to be true or absent, got false'],
    [mistral, request, { timeouts: { idle: -1 } }, 'Expected `timeouts.idle` to be milliseconds from 0 to 2147483647, got -1'],
    [mistral, request, { maxEventBytes: 0 }, 'Expected `maxEventBytes` to be an integer >= 1, got 0'],
    [mistral, request, { retry: { maxRetries: 0.5 } }, 'Expected `retry.maxRetries` to be an integer >= 0 or Infinity, got 0.5'],
    [mistral, request, { scheduler: 1 }, 'Expected `scheduler` to be a scheduler, got 1'],
  ];
  test.each(bad)('%#', (client, given, options, message) => {
    expect(() => chatChunks(client as MistralClient, given as ChatCompletionStreamRequest, options as CallOptions)).toThrow(
      new TypeError(message),
    );
    expect(mistral.calls).toEqual([]);
  });
});

import type { ChatCompletionStreamRequest } from '@mistralai/mistralai/models/components/chatcompletionstreamrequest.js';
import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import { MistralCore } from '@mistralai/mistralai/core.js';
import { filter, ignoreElements, map, NEVER, Observable, of, share, Subscription, take, tap, throwError, VirtualTimeScheduler } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  accumulate,
  type ChatEvent,
  chatStream,
  type ChatStreamOptions,
  type CompleteEvent,
  constantBackoff,
  createRetryBudget,
  exponentialBackoff,
  isRxMistralError,
  type MistralTransport,
  type PartialMessage,
  type RetryAttempt,
  RxMistralError,
  type RxMistralErrorKind,
  text,
  TruncatedStreamError,
} from '../../src/index.js';
import { answer, chunk, fakeMistral, marbles, usage } from '../../src/testing/index.js';

// The letters of all diagrams. A reply: s begins it without text, a and b are text, f finishes it.
// A result: s and S are the starts of the first and the second attempt, a and b deltas, c the completion, r and q the
// retries that follow the first and the second attempt.

const request: ChatCompletionStreamRequest = { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Hi' }] };
const requestId = 'request-1';
const used = usage({ promptTokens: 3, completionTokens: 2 });
const chunks = { s: chunk.start(), a: chunk.text('Hel'), b: chunk.text('lo'), f: chunk.finish('stop', used) };

const started = (attempt = 1): ChatEvent => ({ type: 'start', requestId, id: 'completion-1', model: 'mistral-small-latest', attempt });
const delta = (piece: string, index: number): ChatEvent => ({ type: 'text-delta', requestId, index, text: piece });
const completed = (fields: Partial<CompleteEvent> = {}): ChatEvent => ({
  type: 'complete',
  requestId,
  id: 'completion-1',
  model: 'mistral-small-latest',
  message: { role: 'assistant', content: 'Hello' },
  finishReason: 'stop',
  usage: used,
  ...fields,
});
const retried = (attempt: number, delayMs: number, error: unknown): ChatEvent => ({
  type: 'retry',
  requestId,
  attempt,
  delayMs,
  strategy: 'restart',
  error: error as RxMistralError,
});
const events = { s: started(), S: started(2), a: delta('Hel', 0), b: delta('lo', 1), c: completed() };
const ofRequest = (id: string): Record<string, ChatEvent> =>
  Object.fromEntries(Object.entries(events).map(([letter, event]) => [letter, { ...event, requestId: id }]));

const unavailable = new RxMistralError({ kind: 'http', message: 'unavailable', status: 503, retryable: true });
const unauthorized = new RxMistralError({ kind: 'http', message: 'unauthorized', status: 401 });
const reset = new RxMistralError({ kind: 'connection', message: 'The connection broke', code: 'ECONNRESET', retryable: true });
const truncated = new TruncatedStreamError({ message: 'The stream ended before the answer was finished' });
const timedOut = (which: 'firstEvent' | 'idle' | 'total'): unknown => expect.objectContaining({ kind: 'timeout', which });
const saying = (content: string): PartialMessage => ({ role: 'assistant', content });

/** A hand-made transport whose streams are what `stream` returns. */
const transportOf = (stream: (call: number) => Observable<CompletionChunk>): MistralTransport => {
  let calls = 0;
  return { call: () => NEVER, stream: () => stream(calls++) as Observable<never> };
};

function stackDepth(): number {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = Infinity;
  const { stack = '' } = new Error('here');
  Error.stackTraceLimit = limit;
  return stack.split('\n').length;
}

interface Watched {
  readonly events: ChatEvent[];
  error?: unknown;
  completed: boolean;
  readonly subscription: Subscription;
}

/** Subscribes, and tells how it stands while the test goes on. */
function watch(result: Observable<ChatEvent>): Watched {
  const watched: Watched = { events: [], completed: false, subscription: new Subscription() };
  watched.subscription.add(
    result.subscribe({
      next: (event) => watched.events.push(event),
      error: (error: unknown) => (watched.error = error),
      complete: () => (watched.completed = true),
    }),
  );
  return watched;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('an answer', () => {
  test('comes as a start, its deltas, and a completion behind its end', () => {
    marbles((m) => {
      const reply = m.cold('  --s-a-b-f-|   ', chunks);
      const subs = '          ^---------!   ';
      const expected = '      --s-a-b---(c|)';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request)).toBe(expected, events);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('starts with its first chunk, whatever that holds', () => {
    marbles((m) => {
      const reply = m.cold('  --a----b----(f|)', chunks);
      const subs = '          ^-----------!   ';
      const expected = '      --(sa)-b----(c|)';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request)).toBe(expected, events);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('takes the id and the model from its first chunk', () => {
    marbles((m) => {
      const named = { id: 'first', model: 'model-1' };
      const reply = m.cold('  --s-f-|   ', { s: chunk.start('model-1', { id: 'first' }), f: chunk.finish('stop', used, { id: 'other' }) });
      const subs = '          ^-----!   ';
      const expected = '      --s---(c|)';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request)).toBe(expected, {
        s: { ...started(), ...named },
        c: completed({ ...named, message: saying('') }),
      });
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('has no event for a chunk without news', () => {
    marbles((m) => {
      const reply = m.cold('  -s-x-y-a-b-(f|)', { ...chunks, x: chunk.text(''), y: chunk.usage(used) });
      const subs = '          ^----------!   ';
      const expected = '      -s-----a-b-(c|)';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request)).toBe(expected, events);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('has a thinking delta for each piece of thinking, counted for themselves', () => {
    marbles((m) => {
      const reply = m.cold('  -s-x-y-a-b-(f|)', { ...chunks, x: chunk.thinking('Let me'), y: chunk.thinking(' see') });
      const subs = '          ^----------!   ';
      const expected = '      -s-x-y-a-b-(c|)';
      const thinking = [{ type: 'text' as const, text: 'Let me see' }];

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request)).toBe(expected, {
        ...events,
        x: { type: 'thinking-delta', requestId, index: 0, text: 'Let me' },
        y: { type: 'thinking-delta', requestId, index: 1, text: ' see' },
        c: completed({ message: { role: 'assistant', content: [{ type: 'thinking', thinking }, { type: 'text', text: 'Hello' }] } }),
      });
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('has the pieces of a tool call as they come, and the call whole before the completion', () => {
    marbles((m) => {
      const reply = m.cold('  -s-x-y-z-f-|    ', {
        s: chunks.s,
        x: chunk.toolCallFragment({ id: 'call-1', name: 'weather', arguments: '{"city":', index: 0 }),
        y: chunk.toolCallFragment({ arguments: '"Paris"}', index: 0 }),
        z: chunk.toolCall({ id: 'call-2', name: 'time', arguments: { zone: 'CET' }, index: 1 }),
        f: chunk.finish('tool_calls', used),
      });
      const subs = '          ^----------!    ';
      const expected = '      -s-x-y-z---(tuc|)';
      const first = { id: 'call-1', name: 'weather', arguments: '{"city":"Paris"}' };
      const second = { id: 'call-2', name: 'time', arguments: '{"zone":"CET"}' };
      const piece = { type: 'tool-call-delta' as const, requestId };

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request)).toBe(expected, {
        s: started(),
        x: { ...piece, toolCallId: 'call-1', name: 'weather', argumentsText: '{"city":' },
        y: { ...piece, toolCallId: 'call-1', name: 'weather', argumentsText: '"Paris"}' },
        z: { ...piece, toolCallId: 'call-2', name: 'time', argumentsText: '{"zone":"CET"}' },
        t: { type: 'tool-call', requestId, toolCall: first },
        u: { type: 'tool-call', requestId, toolCall: second },
        c: completed({
          finishReason: 'tool_calls',
          message: {
            role: 'assistant',
            content: '',
            toolCalls: [
              { id: 'call-1', type: 'function', function: { name: 'weather', arguments: first.arguments }, index: 0 },
              { id: 'call-2', type: 'function', function: { name: 'time', arguments: second.arguments }, index: 1 },
            ],
          },
        }),
      });
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('has the usage of the last chunk that carries one, behind the finish reason too', () => {
    marbles((m) => {
      const late = usage({ promptTokens: 30, completionTokens: 20 });
      const reply = m.cold('  -s-a-b-f-u-|   ', { ...chunks, u: chunk.usage(late) });
      const subs = '          ^----------!   ';
      const expected = '      -s-a-b-----(c|)';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request)).toBe(expected, {
        ...events,
        c: completed({ usage: late }),
      });
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test.each(['length', 'model_length', 'a reason of tomorrow'])('is complete with the finish reason %j', (finishReason) => {
    marbles((m) => {
      const reply = m.cold('  -s-a-b-(f|)', { ...chunks, f: chunk.finish(finishReason) });
      const subs = '          ^------!   ';
      const expected = '      -s-a-b-(c|)';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request)).toBe(expected, {
        ...events,
        c: completed({ finishReason, usage: undefined }),
      });
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('never comes where the server is silent', () => {
    marbles((m) => {
      const reply = m.cold<CompletionChunk>('-');
      const subs = '          ^       ';
      const expected = '      -       ';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request)).toBe(expected);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });
});

describe('the source is cold', () => {
  test('nothing is called before there is a subscriber', () => {
    const mistral = fakeMistral({ 'chat.stream': () => answer('Hello') });

    void chatStream(mistral, request);

    expect(mistral.calls).toEqual([]);
  });

  test('each subscriber has a call, an id and counters of its own', () => {
    marbles((m) => {
      const reply = m.cold('   -s-a-b-(f|)', chunks);
      const subs = ['          ^------!   ', '---^------!'];
      const first = '          -s-a-b-(c|)';
      const second = '         ----s-a-b-(c|)';
      const mistral = m.mistral({ 'chat.stream': reply });
      const result = chatStream(mistral, request);

      m.expectObservable(result).toBe(first, ofRequest('request-1'));
      m.expectObservable(result, '---^').toBe(second, ofRequest('request-2'));
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('each subscriber has retries of its own', () => {
    marbles((m) => {
      const reply = m.cold<CompletionChunk>('#', undefined, unavailable);
      const subs = ['               (^!)', '    --(^!)', '-----(^!)', '-------(^!)'];
      const first = '               r-#';
      const second = '              -----r-#';
      const result = chatStream(m.mistral({ 'chat.stream': reply }), request, {
        requestId,
        retry: { maxRetries: 1, backoff: constantBackoff(2) },
      });

      m.expectObservable(result).toBe(first, { r: retried(1, 2, unavailable) }, unavailable);
      m.expectObservable(result, '-----^').toBe(second, { r: retried(1, 2, unavailable) }, unavailable);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('shared, it is one call', () => {
    marbles((m) => {
      const reply = m.cold('   -s-a-b-(f|)', chunks);
      const subs = '           ^------!   ';
      const first = '          -s-a-b-(c|)';
      const second = '         -----b-(c|)';
      const result = chatStream(m.mistral({ 'chat.stream': reply }), request).pipe(share());

      m.expectObservable(result).toBe(first, events);
      m.expectObservable(result, '----^').toBe(second, events);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('passes the request, the headers and the bound of an event to the transport, at each attempt', () => {
    marbles((m) => {
      const mistral = m.mistral({ 'chat.stream': [{ status: 503 }, answer('Hello')] });
      const headers = { 'x-team': 'red' };
      const result = chatStream(mistral, request, { headers, maxEventBytes: 1_000, retry: { backoff: constantBackoff(0) } });

      m.flush();
      watch(result);
      m.flush();

      expect(mistral.calls).toMatchObject([
        { options: { headers, maxEventBytes: 1_000 }, state: 'errored' },
        { options: { headers, maxEventBytes: 1_000 }, state: 'completed' },
      ]);
      expect(mistral.calls.every((call) => call.request === request)).toBe(true);
    });
  });
});

describe('the request id', () => {
  test('is the one that was given, in all events of all subscribers', () => {
    marbles((m) => {
      const reply = m.cold('   -s-a-b-(f|)', chunks);
      const subs = ['          ^------!   ', '^------!   '];
      const expected = '       -s-a-b-(c|)';
      const result = chatStream(m.mistral({ 'chat.stream': reply }), request, { requestId: 'mine' });

      m.expectObservable(result).toBe(expected, ofRequest('mine'));
      m.expectObservable(result).toBe(expected, ofRequest('mine'));
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('is made by the transport where that can', () => {
    const mistral = { ...transportOf(() => of(chunks.s, chunks.f)), createRequestId: () => 'made' };

    expect(watch(chatStream(mistral, request)).events.map((event) => event.requestId)).toEqual(['made', 'made']);
  });

  test('is a UUID otherwise, another for each subscriber', () => {
    const result = chatStream(transportOf(() => of(chunks.s, chunks.f)), request);
    const ids = [watch(result), watch(result)].flatMap(({ events: seen }) => seen.map((event) => event.requestId));

    expect(ids[0]).toMatch(/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/u);
    expect(ids).toEqual([ids[0], ids[0], ids[2], ids[2]]);
    expect(ids[2]).not.toBe(ids[0]);
  });
});

describe('unsubscribing', () => {
  test('before the first event ends the call', () => {
    marbles((m) => {
      const reply = m.cold('  ----s-a-b-(f|)', chunks);
      const subs = '          ^--!          ';
      const unsub = '         ---!          ';
      const expected = '      ----          ';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request), unsub).toBe(expected);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('between two tokens ends the call', () => {
    marbles((m) => {
      const reply = m.cold('  --s-a-b-(f|)', chunks);
      const subs = '          ^----!      ';
      const unsub = '         -----!      ';
      const expected = '      --s-a-      ';
      const mistral = m.mistral({ 'chat.stream': reply });

      m.expectObservable(chatStream(mistral, request), unsub).toBe(expected, events);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
      m.flush();
      expect(mistral.calls).toMatchObject([{ state: 'unsubscribed', endedAt: 5 }]);
    });
  });

  test('behind the finish reason emits no completion', () => {
    marbles((m) => {
      const reply = m.cold('  --s-a-b-f---|', chunks);
      const subs = '          ^---------!  ';
      const unsub = '         ----------!  ';
      const expected = '      --s-a-b----  ';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request), unsub).toBe(expected, events);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('in the wait for a retry ends the wait: no further call', () => {
    marbles((m) => {
      const reply = m.cold('  --#             ', chunks, unavailable);
      const subs = '          ^-!             ';
      const unsub = '         -----!          ';
      const expected = '      --r---          ';
      const result = chatStream(m.mistral({ 'chat.stream': reply }), request, { retry: { backoff: constantBackoff(10) } });

      m.expectObservable(result, unsub).toBe(expected, { r: retried(1, 10, unavailable) });
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  // One diagram in which everything happens, cut at each of its frames: attempts from 0, from 4 and from 10 on.
  const attempts = [
    { reply: '-s-#       ', error: unavailable, from: 0, to: 3 },
    { reply: '-s-a-#     ', error: reset, from: 4, to: 9 },
    { reply: '-s-a-b-(f|)', error: undefined, from: 10, to: 17 },
  ];
  const uncut = '-s-r-S-a-q-z-a-b-(c|)';
  const frames = Array.from({ length: 17 }, (_, place) => [place + 1] as const);

  test.each(frames)('at frame %i ends the call that is open, and begins no other', (frame) => {
    marbles((m) => {
      const mistral = fakeMistral({ 'chat.stream': attempts.map(({ reply, error }) => m.cold(reply, chunks, error)) });
      const result = chatStream(mistral, request, { onDisconnect: 'restart', retry: { backoff: constantBackoff(1) } });

      m.expectObservable(result, `${'-'.repeat(frame)}!`).toBe(uncut.slice(0, frame), {
        ...events,
        z: started(3),
        r: retried(1, 1, unavailable),
        q: retried(2, 1, reset.with({ partial: saying('Hel') })),
      });
      m.flush();

      const called = attempts.filter(({ from }) => from < frame);
      expect(mistral.calls.map(({ subscribedAt }) => subscribedAt)).toEqual(called.map(({ from }) => from));
      expect(mistral.calls.map(({ endedAt }) => endedAt)).toEqual(called.map(({ to }) => Math.min(to, frame)));
    });
  });

  test('inside next stops the rest of the same chunk, and the source', () => {
    marbles((m) => {
      const reply = m.cold('  --x--y--|', { x: chunk.text('Hel', { finishReason: 'stop' }), y: chunks.b });
      const subs = '          ^-!      ';
      const mistral = m.mistral({ 'chat.stream': reply });
      const seen: string[] = [];
      const subscription = new Subscription();
      subscription.add(
        chatStream(mistral, request).subscribe({
          next: ({ type }) => {
            seen.push(type);
            subscription.unsubscribe();
          },
          error: () => seen.push('error'),
          complete: () => seen.push('completion'),
        }),
      );

      m.expectSubscriptions(reply.subscriptions).toBe(subs);
      m.flush();
      expect(seen).toEqual(['start']);
      expect(mistral.calls).toMatchObject([{ state: 'unsubscribed', endedAt: 2 }]);
    });
  });

  test.each([
    [1, 1, ['start']],
    [2, 1, ['start', 'text-delta']],
    [3, 2, ['start', 'text-delta', 'text-delta']],
  ])('take(%i) of a synchronous source reads %i chunks of it', (count, chunkCount, types) => {
    let produced = 0;
    const mistral = fakeMistral({ 'chat.stream': () => of(chunks.a, chunks.b, chunks.f).pipe(tap(() => (produced += 1))) });

    const { events: seen, completed: isComplete } = watch(chatStream(mistral, request).pipe(take(count)));

    expect(seen.map(({ type }) => type)).toEqual(types);
    expect(isComplete).toBe(true);
    expect(produced).toBe(chunkCount);
    expect(mistral.calls.map(({ state }) => state)).toEqual(['unsubscribed']);
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
    const timeouts = { firstEvent: 1_000, idle: 1_000, total: 1_000 };

    const { events: seen, completed: isComplete } = watch(chatStream(mistral, request, { timeouts }).pipe(take(3)));

    expect(seen).toEqual([events.s, events.a, { ...events.a, index: 1 }]);
    expect(isComplete).toBe(true);
    expect(produced).toBe(2);
    expect(mistral.calls[0]?.state).toBe('unsubscribed');
  });

  test('inside next, at a retry event, begins no further attempt', () => {
    marbles((m) => {
      const reply = m.cold('  --#     ', chunks, unavailable);
      const subs = '          ^-!     ';
      const expected = '      --(r|)  ';
      const result = chatStream(m.mistral({ 'chat.stream': reply }), request, { retry: { backoff: constantBackoff(3) } });

      m.expectObservable(result.pipe(take(1))).toBe(expected, { r: retried(1, 3, unavailable) });
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('inside onRetry begins no further attempt and emits nothing', () => {
    marbles((m) => {
      const reply = m.cold<CompletionChunk>('--#', undefined, unavailable);
      const subs = '                         ^-!';
      const subscription = new Subscription();
      const onRetry = (): void => {
        subscription.unsubscribe();
      };
      const mistral = m.mistral({ 'chat.stream': reply });
      const watched = watch(chatStream(mistral, request, { retry: { backoff: constantBackoff(3), onRetry } }));
      subscription.add(watched.subscription);

      m.expectSubscriptions(reply.subscriptions).toBe(subs);
      m.flush();
      expect(watched).toMatchObject({ events: [], completed: false });
      expect(watched.error).toBeUndefined();
    });
  });
});

describe('completion is a claim', () => {
  test('an end without a finish reason is a TruncatedStreamError with what had come', () => {
    marbles((m) => {
      const reply = m.cold('  --s-a-b-|', chunks);
      const subs = '          ^-------!';
      const expected = '      --s-a-b-#';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request)).toBe(
        expected,
        events,
        truncated.with({ partial: saying('Hello') }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('an empty stream is truncated too, and its partial is empty', () => {
    marbles((m) => {
      const reply = m.cold<CompletionChunk>('--|');
      const subs = '                         ^-!';
      const expected = '                     --#';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request)).toBe(
        expected,
        undefined,
        truncated.with({ partial: saying('') }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  const losses: readonly [string, RxMistralError][] = [
    ['a connection that broke', reset],
    ['a TruncatedStreamError of kind connection', new TruncatedStreamError({ kind: 'connection', message: 'The connection broke' })],
    ['a timeout', new RxMistralError({ kind: 'timeout', which: 'total', message: 'too late' })],
  ];
  test.each(losses)('%s behind a finish reason takes nothing from the answer', (_loss, error) => {
    marbles((m) => {
      const reply = m.cold('  --s-a-b-f-#   ', chunks, error);
      const subs = '          ^---------!   ';
      const expected = '      --s-a-b---(c|)';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request, { retry: {}, onDisconnect: 'restart' })).toBe(
        expected,
        events,
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test.each(losses)('%s before a finish reason is the error, with what had come', (_loss, error) => {
    marbles((m) => {
      const reply = m.cold('  --s-a-b-#', chunks, error);
      const subs = '          ^-------!';
      const expected = '      --s-a-b-#';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request)).toBe(
        expected,
        events,
        error.with({ partial: saying('Hello') }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test.each(['stream', 'protocol', 'limit'] as const)('an error of kind %s is one behind a finish reason too', (kind) => {
    marbles((m) => {
      const error = new RxMistralError({ kind, message: 'broken' });
      const reply = m.cold('  --s-a-b-f-#', chunks, error);
      const subs = '          ^---------!';
      const expected = '      --s-a-b---#';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request)).toBe(
        expected,
        events,
        error.with({ partial: saying('Hello') }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('the finish reason "error" is an error of kind stream that closes the call', () => {
    marbles((m) => {
      const reply = m.cold('  --s-a-f-b-|', { ...chunks, f: chunk.finish('error') });
      const subs = '          ^-----!    ';
      const expected = '      --s-a-#    ';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request)).toBe(
        expected,
        events,
        expect.objectContaining({ kind: 'stream', retryable: true, partial: saying('Hel') }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });
});

describe('completion is a claim of a resumed attempt too', () => {
  test('the finish reason of the attempt before it does not count', () => {
    marbles((m) => {
      const overloaded = new RxMistralError({ kind: 'stream', message: 'overloaded', retryable: true });
      const first = m.cold('   --a-f-#        ', chunks, overloaded);
      const second = m.cold('         --a-b-|', chunks);
      const secondSubs = '     -------^-----!';
      const expected = '       -------------#';
      const result = chatStream(m.mistral({ 'chat.stream': [first, second] }), request, {
        onDisconnect: 'resume',
        retry: { maxRetries: 1, backoff: constantBackoff(1) },
      });

      m.expectObservable(result.pipe(ignoreElements())).toBe(expected, undefined, truncated.with({ partial: saying('Hello') }));
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
    });
  });
});

describe('an error carries the message so far as partial', () => {
  const kinds: readonly RxMistralErrorKind[] = ['connection', 'timeout', 'truncated', 'http', 'rate-limit', 'protocol', 'stream', 'limit'];

  test.each(kinds)('after the first token, of kind %s', (kind) => {
    marbles((m) => {
      const error = new RxMistralError({ kind, message: 'broken', code: 'X', cause: new Error('below') });
      const reply = m.cold('  --s-a-#', chunks, error);
      const subs = '          ^-----!';
      const expected = '      --s-a-#';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request)).toBe(
        expected,
        events,
        error.with({ partial: saying('Hel') }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('with the thinking and the tool calls that had come, whose arguments may be cut', () => {
    marbles((m) => {
      const reply = m.cold('-(xy)-#', {
        x: chunk.thinking('Let me see'),
        y: chunk.toolCallFragment({ id: 'call-1', name: 'weather', arguments: '{"ci' }),
      }, reset);
      const subs = '        ^-----!';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request).pipe(text())).toBe(
        '------#',
        undefined,
        reset.with({
          partial: {
            role: 'assistant',
            content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Let me see' }] }],
            toolCalls: [{ id: 'call-1', type: 'function', function: { name: 'weather', arguments: '{"ci' }, index: 0 }],
          },
        }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('and passes as it is, the same object, before the first token', () => {
    const watched = watch(chatStream(transportOf(() => throwError(() => unavailable)), request));

    expect(watched.error).toBe(unavailable);
  });

  test('of the transport itself stays as it is', () => {
    const error = reset.with({ partial: saying('Hello, from the transport') });
    marbles((m) => {
      const reply = m.cold('  --s-a-#', chunks, error);
      const subs = '          ^-----!';
      const expected = '      --s-a-#';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request)).toBe(expected, events, error);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('also where the attempt that failed last had no token, and one before it had', () => {
    marbles((m) => {
      const first = m.cold('   --s-a-#   ', chunks, reset);
      const firstSubs = '      ^-----!   ';
      const second = m.cold('          --#', chunks, unauthorized);
      const secondSubs = '     --------^-!';
      const expected = '       --s-a-r---#';
      const result = chatStream(m.mistral({ 'chat.stream': [first, second] }), request, {
        onDisconnect: 'restart',
        retry: { backoff: constantBackoff(2) },
      });

      m.expectObservable(result).toBe(
        expected,
        { ...events, r: retried(1, 2, reset.with({ partial: saying('Hel') })) },
        unauthorized.with({ partial: saying('Hel') }),
      );
      m.expectSubscriptions(first.subscriptions).toBe(firstSubs);
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
    });
  });
});

describe('retry', () => {
  test('is off by default: what to retry is the word of the user', () => {
    marbles((m) => {
      const reply = m.cold('  --#', chunks, unavailable);
      const subs = '          ^-!';
      const expected = '      --#';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request)).toBe(expected, events, unavailable);
      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request, { retry: false })).toBe(expected, events, unavailable);
      m.expectSubscriptions(reply.subscriptions).toBe([subs, subs]);
    });
  });

  test('says that it will wait, waits, and calls again', () => {
    marbles((m) => {
      const first = m.cold('   --#              ', chunks, unavailable);
      const firstSubs = '      ^-!              ';
      const second = m.cold('         --s-a-b-(f|)', chunks);
      const secondSubs = '     -------^-------!   ';
      const expected = '       --r------S-a-b-(c|)';
      const result = chatStream(m.mistral({ 'chat.stream': [first, second] }), request, { retry: { backoff: constantBackoff(5) } });

      m.expectObservable(result).toBe(expected, { ...events, r: retried(1, 5, unavailable) });
      m.expectSubscriptions(first.subscriptions).toBe(firstSubs);
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
    });
  });

  test('repeats an attempt that had started and had no token: each has a start with its number', () => {
    marbles((m) => {
      const first = m.cold('   --s-#              ', chunks, reset);
      const firstSubs = '      ^---!              ';
      const second = m.cold('        --s-a-b-(f|) ', chunks);
      const secondSubs = '     ------^-------!    ';
      const expected = '       --s-r---S-a-b-(c|) ';
      const result = chatStream(m.mistral({ 'chat.stream': [first, second] }), request, { retry: { backoff: constantBackoff(2) } });

      m.expectObservable(result).toBe(expected, { ...events, r: retried(1, 2, reset) });
      m.expectSubscriptions(first.subscriptions).toBe(firstSubs);
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
    });
  });

  test('repeats a stream that was cut before its first token', () => {
    marbles((m) => {
      const first = m.cold('   --s-|             ', chunks);
      const firstSubs = '      ^---!             ';
      const second = m.cold('       -s-a-b-(f|) ', chunks);
      const secondSubs = '     -----^------!    ';
      const expected = '       --s-r-S-a-b-(c|) ';
      const result = chatStream(m.mistral({ 'chat.stream': [first, second] }), request, { retry: { backoff: constantBackoff(1) } });

      m.expectObservable(result).toBe(expected, { ...events, r: retried(1, 1, truncated.with({ partial: saying('') })) });
      m.expectSubscriptions(first.subscriptions).toBe(firstSubs);
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
    });
  });

  test('repeats two times by default, and then fails with the last error as it is', () => {
    marbles((m) => {
      const reply = m.cold('  -#          ', chunks, unavailable);
      const subs = ['         ^!', '  ---^!', '  ------^!'];
      const expected = '      -r--q--#    ';
      const result = chatStream(m.mistral({ 'chat.stream': reply }), request, { retry: { backoff: constantBackoff(2) } });

      m.expectObservable(result).toBe(expected, { r: retried(1, 2, unavailable), q: retried(2, 2, unavailable) }, unavailable);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test.each([0, 1, 5])('repeats %i times with that maxRetries', (maxRetries) => {
    const calls = { count: 0 };
    marbles((m) => {
      const mistral = m.mistral({
        'chat.stream': () => {
          calls.count += 1;
          return throwError(() => unavailable);
        },
      });
      const watched = watch(chatStream(mistral, request, { retry: { maxRetries, backoff: constantBackoff(1) } }));

      m.flush();
      expect(calls.count).toBe(maxRetries + 1);
      expect(watched.events).toEqual(Array.from({ length: maxRetries }, (_, place) => retried(place + 1, 1, unavailable)));
      expect(watched.error).toBe(unavailable);
    });
  });

  test('waits under a ceiling that doubles from 500 ms by default, by the chance that was given', () => {
    marbles((m) => {
      const reply = m.cold('  #                  ', chunks, unavailable);
      const subs = ['         (^!)', '250ms (^!)', '750ms (^!)'];
      const expected = '      r 249ms q 499ms #  ';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request, { retry: { random: () => 0.5 } })).toBe(
        expected,
        { r: retried(1, 250, unavailable), q: retried(2, 500, unavailable) },
        unavailable,
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('fails at once where the error is final', () => {
    marbles((m) => {
      const reply = m.cold('  --#', chunks, unauthorized);
      const subs = '          ^-!';
      const expected = '      --#';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request, { retry: {} })).toBe(expected, events, unauthorized);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test.each([400, 401, 403, 404, 422])('status %i is final', (status) => {
    const mistral = fakeMistral({ 'chat.stream': [{ status }] });

    expect(watch(chatStream(mistral, request, { retry: {} })).error).toMatchObject({ kind: 'http', status });
    mistral.assertDone();
  });

  test.each([408, 500, 502, 503, 504])('status %i is worth a retry', (status) => {
    marbles((m) => {
      const reply = m.cold('   --s-a-b-(f|)', chunks);
      const subs = '           -^-------!';
      const expected = '       r--S-a-b-(c|)';
      const result = chatStream(m.mistral({ 'chat.stream': [{ status }, reply] }), request, { retry: { backoff: constantBackoff(1) } });

      m.expectObservable(result).toBe(expected, { ...events, r: retried(1, 1, expect.objectContaining({ kind: 'http', status })) });
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  describe('as the server says', () => {
    const limited = (retryAfterMs: number): unknown => expect.objectContaining({ kind: 'rate-limit', status: 429, retryAfterMs });

    test.each([
      ['seconds', { 'retry-after': '7' }],
      ['milliseconds', { 'retry-after-ms': '7000' }],
      ['a date', { 'retry-after': 'Thu, 01 Jan 1970 00:00:07 GMT' }],
    ])('a Retry-After of 7 s waits 7 s, given in %s', (_form, headers) => {
      marbles((m) => {
        const reply = m.cold('   --s-a-b-(f|)', chunks);
        const subs = '           7s ^-------!   ';
        const expected = '       r 6999ms --S-a-b-(c|)';
        const result = chatStream(m.mistral({ 'chat.stream': [{ status: 429, headers }, reply] }), request, {
          retry: { backoff: constantBackoff(5), random: () => 0 },
        });

        m.expectObservable(result).toBe(expected, { ...events, r: retried(1, 7_000, limited(7_000)) });
        m.expectSubscriptions(reply.subscriptions).toBe(subs);
      });
    });

    test('by chance up to a tenth later, and the event says how late', () => {
      marbles((m) => {
        const reply = m.cold('   --s-a-b-(f|)', chunks);
        const subs = '           7350ms ^-------!   ';
        const expected = '       r 7349ms --S-a-b-(c|)';
        const result = chatStream(m.mistral({ 'chat.stream': [{ status: 429, headers: { 'retry-after': '7' } }, reply] }), request, {
          retry: { backoff: constantBackoff(5), random: () => 0.5 },
        });

        m.expectObservable(result).toBe(expected, { ...events, r: retried(1, 7_350, limited(7_000)) });
        m.expectSubscriptions(reply.subscriptions).toBe(subs);
      });
    });

    test('the backoff counts where it is longer', () => {
      marbles((m) => {
        const reply = m.cold('   --s-a-b-(f|)', chunks);
        const subs = '           9s ^-------!   ';
        const expected = '       r 8999ms --S-a-b-(c|)';
        const result = chatStream(m.mistral({ 'chat.stream': [{ status: 429, headers: { 'retry-after': '7' } }, reply] }), request, {
          retry: { backoff: constantBackoff(9_000) },
        });

        m.expectObservable(result).toBe(expected, { ...events, r: retried(1, 9_000, limited(7_000)) });
        m.expectSubscriptions(reply.subscriptions).toBe(subs);
      });
    });

    test('a wait of more than a minute is not begun: the error is final at once', () => {
      marbles((m) => {
        const mistral = m.mistral({ 'chat.stream': [{ status: 429, headers: { 'retry-after': '61' } }] });

        m.expectObservable(chatStream(mistral, request, { retry: {} })).toBe('#', undefined, limited(61_000));
      });
    });

    test('maxRetryAfter lets it ask for more', () => {
      marbles((m) => {
        const mistral = m.mistral({ 'chat.stream': [{ status: 429, headers: { 'retry-after': '3600' } }, answer('Hello')] });
        const result = chatStream(mistral, request, { retry: { maxRetryAfter: 3_600_000, random: () => 0 } });

        m.expectObservable(result.pipe(take(2))).toBe('r 3599999ms (S|)', { ...events, r: retried(1, 3_600_000, limited(3_600_000)) });
      });
    });

    test('respectRetryAfter: false lets the backoff decide', () => {
      marbles((m) => {
        const mistral = m.mistral({ 'chat.stream': [{ status: 429, headers: { 'retry-after': '3600' } }, answer('Hello')] });
        const result = chatStream(mistral, request, { retry: { respectRetryAfter: false, backoff: constantBackoff(2) } });

        m.expectObservable(result.pipe(take(2))).toBe('r-(S|)', { ...events, r: retried(1, 2, limited(3_600_000)) });
      });
    });

    test('a 429 with a zero allowance is final', () => {
      marbles((m) => {
        const headers = { 'x-ratelimit-limit-req-minute': '0', 'retry-after': '1' };
        const mistral = m.mistral({ 'chat.stream': [{ status: 429, headers }] });

        m.expectObservable(chatStream(mistral, request, { retry: {} })).toBe('#', undefined, limited(1_000));
      });
    });
  });

  test('waits for hours', () => {
    marbles((m) => {
      const hour = 3_600_000;
      const reply = m.cold('   --s-a-b-(f|)', chunks);
      const subs = '           420m ^-------!   ';
      const expected = '       r 3599999ms q 7199999ms p 14399999ms --z-a-b-(c|)';
      const broken = throwError(() => unavailable);
      const result = chatStream(m.mistral({ 'chat.stream': [broken, broken, broken, reply] }), request, {
        retry: { maxRetries: 3, backoff: exponentialBackoff({ initial: hour, max: 24 * hour, jitter: 'none' }) },
      });

      m.expectObservable(result).toBe(expected, {
        ...events,
        r: retried(1, hour, unavailable),
        q: retried(2, 2 * hour, unavailable),
        p: retried(3, 4 * hour, unavailable),
        z: started(4),
      });
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('begins no wait that would end after maxElapsed', () => {
    marbles((m) => {
      const reply = m.cold('  --#       ', chunks, unavailable);
      const subs = ['         ^-!', '  ------^-!'];
      const expected = '      --r-----# ';
      const result = chatStream(m.mistral({ 'chat.stream': reply }), request, {
        retry: { backoff: constantBackoff(4), maxElapsed: 10 },
      });

      m.expectObservable(result).toBe(expected, { r: retried(1, 4, unavailable) }, unavailable);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('tells onRetry of each retry before its event', () => {
    const log: unknown[] = [];
    marbles((m) => {
      const mistral = m.mistral({ 'chat.stream': [{ status: 503 }, { status: 503 }, answer('Hello')] });
      const onRetry = ({ attempt, delayMs, error }: RetryAttempt): void => {
        log.push(['onRetry', attempt, delayMs, isRxMistralError(error) && error.status]);
      };
      watch(chatStream(mistral, request, { retry: { backoff: constantBackoff(3), onRetry } }).pipe(tap(({ type }) => log.push(type))));
      m.flush();
    });

    expect(log).toEqual([
      ['onRetry', 1, 3, 503], 'retry', ['onRetry', 2, 3, 503], 'retry', 'start', 'text-delta', 'complete',
    ]);
  });

  const thrown = new Error('from a callback');
  const fail = (): never => {
    throw thrown;
  };
  const failing: readonly [string, ChatStreamOptions][] = [
    ['isRetryable', { retry: { isRetryable: fail } }],
    ['onRetry', { retry: { onRetry: fail } }],
    ['random', { retry: { random: fail } }],
    ['the backoff', { retry: { backoff: { next: fail } } }],
    ['the budget', { retry: { budget: { ...createRetryBudget(), withdraw: fail } } }],
  ];
  test.each(failing)('what %s throws is the error', (_callback, options) => {
    marbles((m) => {
      const reply = m.cold('  --#', chunks, unavailable);
      const subs = '          ^-!';
      const expected = '      --#';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request, options)).toBe(expected, undefined, thrown);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('what a budget throws at the start is the error too, and nothing is called', () => {
    const mistral = fakeMistral({});
    const budget = { ...createRetryBudget(), deposit: fail };

    expect(watch(chatStream(mistral, request, { retry: { budget } })).error).toBe(thrown);
    expect(mistral.calls).toEqual([]);
  });

  test('asks isRetryable with the error as it is, and repeats what that says', () => {
    marbles((m) => {
      const asked: unknown[] = [];
      const isRetryable = (error: unknown): boolean => {
        asked.push(error);
        return true;
      };
      const reply = m.cold('   --s-a-b-(f|)', chunks);
      const subs = '           -^-------!';
      const expected = '       r--S-a-b-(c|)';
      const result = chatStream(m.mistral({ 'chat.stream': [throwError(() => unauthorized), reply] }), request, {
        retry: { isRetryable, backoff: constantBackoff(1) },
      });

      m.expectObservable(result).toBe(expected, { ...events, r: retried(1, 1, unauthorized) });
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
      m.flush();
      expect(asked).toHaveLength(1);
      expect(asked[0]).toBe(unauthorized);
    });
  });

  test('is bounded by a budget that calls share: what one has used up is gone for the other', () => {
    marbles((m) => {
      const budget = createRetryBudget({ retriesPerCall: 0.5 });
      const first = m.cold('   --#              ', chunks, unavailable);
      const second = m.cold('  ---#             ', chunks, unavailable);
      const third = m.cold('        -s-a-b-(f|) ', chunks);
      const expected1 = '      --r---S-a-b-(c|) ';
      const expected2 = '      ---#             ';
      const options = { requestId, retry: { budget, backoff: constantBackoff(3) } };
      const mistral = m.mistral({ 'chat.stream': [first, second, third] });

      m.expectObservable(chatStream(mistral, request, options)).toBe(expected1, { ...events, r: retried(1, 3, unavailable) });
      m.expectObservable(chatStream(mistral, request, options)).toBe(expected2, undefined, unavailable);
      m.expectSubscriptions(third.subscriptions).toBe('-----^------!');
      m.expectObservable(budget.state$, '10ms ^').toBe('10ms s', { s: expect.objectContaining({ calls: 2, retries: 1, refusals: 1 }) });
    });
  });

  test('of a budget that lets its callers wait is announced before the wait; delayMs is the least of it', () => {
    marbles((m) => {
      const first = m.cold('   --#                     ', chunks, unavailable);
      const second = m.cold('       -s-a-b-(f|)        ', chunks);
      const secondSubs = '     1s   ^------!           ';
      const expected = '       --r 997ms -S-a-b-(c|)   ';
      const budget = createRetryBudget({ whenEmpty: 'wait' });
      const options = { requestId, retry: { budget, backoff: constantBackoff(3) } };

      const result = chatStream(m.mistral({ 'chat.stream': [first, second] }), request, options);
      m.expectObservable(result).toBe(expected, { ...events, r: retried(1, 3, unavailable) });
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
      m.expectObservable(budget.state$, '500ms ^!').toBe('500ms s', { s: expect.objectContaining({ waiting: 1 }) });
    });
  });

  test('gives up its place among those who wait when it is unsubscribed from', () => {
    marbles((m) => {
      const reply = m.cold('   --#      ', chunks, unavailable);
      const subs = '           ^-!      ';
      const expected = '       --r------';
      const budget = createRetryBudget({ whenEmpty: 'wait' });
      const options = { requestId, retry: { budget, backoff: constantBackoff(3) } };

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request, options), '^--------!').toBe(
        expected,
        { r: retried(1, 3, unavailable) },
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
      m.expectObservable(budget.state$, '7ms ^!').toBe('7ms s', { s: expect.objectContaining({ waiting: 1 }) });
      m.expectObservable(budget.state$, '10ms ^!').toBe('10ms s', { s: expect.objectContaining({ waiting: 0 }) });
    });
  });

  test('keeps the stack flat over 10,000 attempts that fail synchronously', () => {
    const attempts = 10_000;
    const scheduler = new VirtualTimeScheduler(undefined, Infinity);
    const depths: number[] = [];
    const mistral = fakeMistral({
      'chat.stream': (_request, n) => {
        if (n === 10 || n === attempts) depths.push(stackDepth());
        return n < attempts ? throwError(() => unavailable) : answer('Hello');
      },
    });
    const retry = { maxRetries: Infinity, backoff: constantBackoff(0) };
    const { events: seen } = watch(chatStream(mistral, request, { retry, scheduler }));
    scheduler.flush();

    expect(seen.filter(({ type }) => type === 'retry')).toHaveLength(attempts);
    expect(seen.at(-1)).toMatchObject({ type: 'complete', message: saying('Hello') });
    expect(depths).toEqual([depths[0], depths[0]]);
  });
});

describe('after the first token', () => {
  const tokens: readonly [string, CompletionChunk][] = [
    ['text', chunk.text('Hel')],
    ['thinking', chunk.thinking('Let')],
    ['a piece of a tool call', chunk.toolCallFragment({ id: 'call-1', name: 'weather' })],
    ['a reference', chunk.content([{ type: 'reference', referenceIds: [1] }])],
  ];
  test.each(tokens)('nothing is repeated by retry: the token was %s', (_token, token) => {
    marbles((m) => {
      const reply = m.cold('  --s-x-#', { ...chunks, x: token }, reset);
      const subs = '          ^-----!';
      const expected = '      ------#';
      const result = chatStream(m.mistral({ 'chat.stream': reply }), request, { retry: { backoff: constantBackoff(1) } });

      m.expectObservable(result.pipe(ignoreElements())).toBe(
        expected,
        undefined,
        expect.objectContaining({ kind: 'connection', partial: expect.anything() }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('nothing is repeated by retry: onDisconnect is "error"', () => {
    marbles((m) => {
      const reply = m.cold('  --s-a-#', chunks, reset);
      const subs = ['         ^-----!', '^-----!'];
      const expected = '      --s-a-#';
      const mistral = m.mistral({ 'chat.stream': reply });
      const error = reset.with({ partial: saying('Hel') });

      m.expectObservable(chatStream(mistral, request, { requestId, retry: {} })).toBe(expected, events, error);
      m.expectObservable(chatStream(mistral, request, { requestId, retry: {}, onDisconnect: 'error' })).toBe(expected, events, error);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });
});

describe("onDisconnect: 'restart'", () => {
  test('begins the answer anew: with a start, and the indexes from 0', () => {
    marbles((m) => {
      const first = m.cold('   --s-a-b-#                ', chunks, reset);
      const firstSubs = '      ^-------!                ';
      const second = m.cold('             --s-a-b-(f|) ', chunks);
      const secondSubs = '     -----------^-------!     ';
      const expected = '       --s-a-b-r----S-a-b-(c|)  ';
      const result = chatStream(m.mistral({ 'chat.stream': [first, second] }), request, {
        onDisconnect: 'restart',
        retry: { backoff: constantBackoff(3) },
      });

      m.expectObservable(result).toBe(expected, { ...events, r: retried(1, 3, reset.with({ partial: saying('Hello') })) });
      m.expectSubscriptions(first.subscriptions).toBe(firstSubs);
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
    });
  });

  test('lets nothing of the attempt before into the completion: no text, no thinking, no tool call, no usage', () => {
    marbles((m) => {
      const first = m.cold('   (wxyz)-#              ', {
        w: chunk.thinking('Let me see'),
        x: chunk.text('Once'),
        y: chunk.toolCallFragment({ id: 'call-1', name: 'weather', arguments: '{' }),
        z: chunk.usage(usage({ promptTokens: 100 })),
      }, reset);
      const second = m.cold('            --s-a-b-(f|)', { ...chunks, f: chunk.finish('stop') });
      const secondSubs = '     ---------^-------!    ';
      const expected = '       -----------------(c|) ';
      const result = chatStream(m.mistral({ 'chat.stream': [first, second] }), request, {
        onDisconnect: 'restart',
        retry: { backoff: constantBackoff(2) },
      });

      m.expectObservable(result.pipe(filter(({ type }) => type === 'complete'))).toBe(expected, { c: completed({ usage: undefined }) });
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
    });
  });

  test('and accumulate() begins anew with it', () => {
    marbles((m) => {
      const first = m.cold('   --s-a-#                ', chunks, reset);
      const second = m.cold('           --s-b-(f|)    ', chunks);
      const secondSubs = '     ---------^-----!       ';
      const expected = '       ----x-0------y-(y|)    ';
      const result = chatStream(m.mistral({ 'chat.stream': [first, second] }), request, {
        onDisconnect: 'restart',
        retry: { backoff: constantBackoff(3) },
      });

      m.expectObservable(result.pipe(accumulate(), map((snapshot) => snapshot.text))).toBe(expected, { x: 'Hel', 0: '', y: 'lo' });
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
    });
  });

  test.each([
    ['a truncated stream', '--s-a-|', truncated.with({ partial: saying('Hel') })],
    ['the finish reason "error"', '--s-a-e', expect.objectContaining({ kind: 'stream', partial: saying('Hel') })],
    ['a server error in the stream', '--s-a-#', unavailable.with({ partial: saying('Hel') })],
  ])('repeats %s', (_fault, cut, error) => {
    marbles((m) => {
      const first = m.cold(cut, { ...chunks, e: chunk.finish('error') }, unavailable);
      const firstSubs = '      ^-----!                ';
      const second = m.cold('          --s-a-b-(f|)   ', chunks);
      const secondSubs = '     --------^-------!      ';
      const expected = '       --s-a-r---S-a-b-(c|)   ';
      const result = chatStream(m.mistral({ 'chat.stream': [first, second] }), request, {
        onDisconnect: 'restart',
        retry: { backoff: constantBackoff(2) },
      });

      m.expectObservable(result).toBe(expected, { ...events, r: retried(1, 2, error) });
      m.expectSubscriptions(first.subscriptions).toBe(firstSubs);
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
    });
  });

  test('does not repeat an error that is final', () => {
    marbles((m) => {
      const reply = m.cold('  --s-a-#', chunks, unauthorized);
      const subs = '          ^-----!';
      const expected = '      --s-a-#';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request, { onDisconnect: 'restart' })).toBe(
        expected,
        events,
        unauthorized.with({ partial: saying('Hel') }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  const implied: readonly [string, ChatStreamOptions][] = [
    ['is left out', {}],
    ['is undefined', { retry: undefined }],
    ['is false', { retry: false }],
    ['is {}', { retry: {} }],
  ];
  test.each(implied)('implies the two retries of `retry: {}`, before the first token too, where retry %s', (_retry, options) => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    marbles((m) => {
      const first = m.cold('   -#          ', chunks, unavailable);
      const firstSubs = '      ^!          ';
      const second = m.cold('   -s-a-#     ', chunks, reset);
      const secondSubs = '     -^----!     ';
      const third = m.cold('         -s-a-#', chunks, reset);
      const thirdSubs = '      ------^----!';
      const expected = '       -rS-a-qz-a-#';
      const mistral = m.mistral({ 'chat.stream': [first, second, third] });
      const lost = reset.with({ partial: saying('Hel') });

      m.expectObservable(chatStream(mistral, request, { ...options, onDisconnect: 'restart' })).toBe(
        expected,
        { ...events, z: started(3), r: retried(1, 0, unavailable), q: retried(2, 0, lost) },
        lost,
      );
      m.expectSubscriptions(first.subscriptions).toBe(firstSubs);
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
      m.expectSubscriptions(third.subscriptions).toBe(thirdSubs);
    });
  });

  test('shares the limit of retries with those before the first token', () => {
    marbles((m) => {
      const first = m.cold('   -#          ', chunks, unavailable);
      const second = m.cold('    -s-a-#   ', chunks, reset);
      const secondSubs = '     --^----!    ';
      const expected = '       -r-S-a-#    ';
      const result = chatStream(m.mistral({ 'chat.stream': [first, second] }), request, {
        onDisconnect: 'restart',
        retry: { maxRetries: 1, backoff: constantBackoff(1) },
      });

      m.expectObservable(result).toBe(expected, { ...events, r: retried(1, 1, unavailable) }, reset.with({ partial: saying('Hel') }));
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
    });
  });

  test('does not repeat what a finish reason has closed', () => {
    marbles((m) => {
      const reply = m.cold('  --s-a-b-f-#   ', chunks, reset);
      const subs = '          ^---------!   ';
      const expected = '      --s-a-b---(c|)';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request, { onDisconnect: 'restart' })).toBe(expected, events);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });
});

describe('timeouts', () => {
  test('firstEvent: an attempt that does not begin in time is closed', () => {
    marbles((m) => {
      const reply = m.cold('  -----s-a-(f|)', chunks);
      const subs = '          ^--!         ';
      const expected = '      ---#         ';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request, { timeouts: { firstEvent: 3 } })).toBe(
        expected,
        events,
        expect.objectContaining({
          kind: 'timeout',
          which: 'firstEvent',
          retryable: true,
          message: 'The first event did not come in time (`timeouts.firstEvent`: 3 ms)',
        }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('firstEvent: no bound on what comes behind the first event', () => {
    marbles((m) => {
      const reply = m.cold('  --s-------a-------b-(f|)', chunks);
      const subs = '          ^-------------------!   ';
      const expected = '      --s-------a-------b-(c|)';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request, { timeouts: { firstEvent: 3 } })).toBe(expected, events);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('firstEvent: holds for each attempt anew, and is worth a retry', () => {
    marbles((m) => {
      const first = m.cold('   -----s-a-(f|)        ', chunks);
      const firstSubs = '      ^--!                 ';
      const second = m.cold('       --s-a-b-(f|)    ', chunks);
      const secondSubs = '     -----^-------!       ';
      const expected = '       ---r---S-a-b-(c|)    ';
      const result = chatStream(m.mistral({ 'chat.stream': [first, second] }), request, {
        timeouts: { firstEvent: 3 },
        retry: { backoff: constantBackoff(2) },
      });

      m.expectObservable(result).toBe(expected, { ...events, r: retried(1, 2, timedOut('firstEvent')) });
      m.expectSubscriptions(first.subscriptions).toBe(firstSubs);
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
    });
  });

  test('idle: a silence between two events closes the call, with what had come', () => {
    marbles((m) => {
      const reply = m.cold('  --s-a------b-(f|)', chunks);
      const subs = '          ^--------!       ';
      const expected = '      --s-a----#       ';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request, { timeouts: { idle: 5 } })).toBe(
        expected,
        events,
        expect.objectContaining({
          kind: 'timeout',
          which: 'idle',
          retryable: true,
          message: 'The stream fell silent (`timeouts.idle`: 5 ms)',
          partial: saying('Hel'),
        }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('idle: an event in time begins the wait anew, without end', () => {
    marbles((m) => {
      const reply = m.cold('  --s---a---b---(f|)', chunks);
      const subs = '          ^-------------!   ';
      const expected = '      --s---a---b---(c|)';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request, { timeouts: { idle: 5 } })).toBe(expected, events);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('idle: bounds the wait for the first event where firstEvent is not given', () => {
    marbles((m) => {
      const reply = m.cold('  --------s-a-(f|)', chunks);
      const subs = '          ^----!          ';
      const expected = '      -----#          ';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request, { timeouts: { idle: 5 } })).toBe(
        expected,
        events,
        timedOut('idle'),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('idle: leaves the wait for the first event to firstEvent where that is given', () => {
    marbles((m) => {
      const reply = m.cold('  --------s-a----b-(f|)', chunks);
      const subs = '          ^------------!       ';
      const expected = '      --------s-a--#       ';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request, { timeouts: { firstEvent: 20, idle: 3 } })).toBe(
        expected,
        events,
        expect.objectContaining({ kind: 'timeout', which: 'idle', partial: saying('Hel') }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('idle: a silence before the first token is worth a retry, one behind it a restart', () => {
    marbles((m) => {
      const first = m.cold('   --s----                  ', chunks);
      const firstSubs = '      ^----!                   ';
      const second = m.cold('        -s-a----           ', chunks);
      const secondSubs = '     ------^-----!            ';
      const third = m.cold('                --s-a-b-(f|)', chunks);
      const thirdSubs = '      -------------^-------!   ';
      const expected = '       --s--r-S-a--q--z-a-b-(c|)';
      const mistral = m.mistral({ 'chat.stream': [first, second, third] });
      const result = chatStream(mistral, request, {
        timeouts: { idle: 3 },
        onDisconnect: 'restart',
        retry: { backoff: constantBackoff(1) },
      });

      m.expectObservable(result).toBe(expected, {
        ...events,
        z: started(3),
        r: retried(1, 1, timedOut('idle')),
        q: retried(2, 1, expect.objectContaining({ which: 'idle', partial: saying('Hel') })),
      });
      m.expectSubscriptions(first.subscriptions).toBe(firstSubs);
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
      m.expectSubscriptions(third.subscriptions).toBe(thirdSubs);
    });
  });

  test.each([
    ['idle', { idle: 3 }, '--s-a-b-f--(c|)', '^----------!'],
    ['total', { total: 12 }, '--s-a-b-f---(c|)', '^-----------!'],
  ] as const)('%s: where it passes behind a finish reason the answer is complete', (_which, timeouts, expected, subs) => {
    marbles((m) => {
      const reply = m.cold('--s-a-b-f', chunks);

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request, { timeouts })).toBe(
        expected.replace('f', '-'),
        events,
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('total: ends an attempt, with what had come', () => {
    marbles((m) => {
      const reply = m.cold('  --s-a-b-a-b-a-b', chunks);
      const subs = '          ^------!       ';
      const expected = '      --s-a-b#       ';

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request, { timeouts: { total: 7 } })).toBe(
        expected,
        events,
        expect.objectContaining({
          kind: 'timeout',
          which: 'total',
          retryable: false,
          message: 'The call took too long (`timeouts.total`: 7 ms)',
          partial: saying('Hello'),
        }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('total: counts over all attempts and waits', () => {
    marbles((m) => {
      const first = m.cold('   --#             ', chunks, unavailable);
      const second = m.cold('       --s-a-b-a ', chunks);
      const secondSubs = '     -----^-----!    ';
      const expected = '       --r----S-a-#    ';
      const result = chatStream(m.mistral({ 'chat.stream': [first, second] }), request, {
        timeouts: { total: 11 },
        retry: { backoff: constantBackoff(3) },
      });

      m.expectObservable(result).toBe(
        expected,
        { ...events, r: retried(1, 3, unavailable) },
        expect.objectContaining({ kind: 'timeout', which: 'total', partial: saying('Hel') }),
      );
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
    });
  });

  test('total: passes in the middle of a wait, and says what it was waited for', () => {
    marbles((m) => {
      const reply = m.cold('  --#        ', chunks, unavailable);
      const subs = '          ^-!        ';
      const expected = '      --r----#   ';
      const result = chatStream(m.mistral({ 'chat.stream': reply }), request, {
        timeouts: { total: 7 },
        retry: { backoff: constantBackoff(100) },
      });

      m.expectObservable(result).toBe(
        expected,
        { r: retried(1, 100, unavailable) },
        expect.objectContaining({
          kind: 'timeout',
          which: 'total',
          cause: expect.objectContaining({ name: 'RxMistralError', message: 'unavailable' }),
        }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('total: passes in the middle of the wait for a restart, and carries what is lost', () => {
    marbles((m) => {
      const reply = m.cold('  --s-a-#      ', chunks, reset);
      const subs = '          ^-----!      ';
      const expected = '      --s-a-r---#  ';
      const result = chatStream(m.mistral({ 'chat.stream': reply }), request, {
        timeouts: { total: 10 },
        onDisconnect: 'restart',
        retry: { backoff: constantBackoff(100) },
      });

      m.expectObservable(result).toBe(
        expected,
        { ...events, r: retried(1, 100, reset.with({ partial: saying('Hel') })) },
        expect.objectContaining({
          which: 'total',
          partial: saying('Hel'),
          cause: expect.objectContaining({ message: 'The connection broke', code: 'ECONNRESET' }),
        }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('total: passes in a restarted attempt before its first token, and carries what is lost', () => {
    marbles((m) => {
      const first = m.cold('   --s-a-#         ', chunks, reset);
      const second = m.cold('         ------s  ', chunks);
      const secondSubs = '     -------^--!     ';
      const expected = '       --s-a-r---#     ';
      const result = chatStream(m.mistral({ 'chat.stream': [first, second] }), request, {
        timeouts: { total: 10 },
        onDisconnect: 'restart',
        retry: { backoff: constantBackoff(1) },
      });

      m.expectObservable(result).toBe(
        expected,
        { ...events, r: retried(1, 1, reset.with({ partial: saying('Hel') })) },
        expect.objectContaining({ which: 'total', partial: saying('Hel') }),
      );
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
    });
  });

  test('total: is not repeated, whatever isRetryable says', () => {
    marbles((m) => {
      const reply = m.cold<CompletionChunk>('-');
      const subs = '          ^----!';
      const expected = '      -----#';
      const result = chatStream(m.mistral({ 'chat.stream': reply }), request, {
        timeouts: { total: 5 },
        retry: { isRetryable: () => true },
      });

      m.expectObservable(result).toBe(expected, undefined, timedOut('total'));
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('total: of the client itself (its timeoutMs) bounds one call, and is repeated where isRetryable says so', () => {
    marbles((m) => {
      const late = new RxMistralError({ kind: 'timeout', which: 'total', message: "The call took longer than the client's timeoutMs" });
      const first = m.cold('   --#            ', chunks, late);
      const firstSubs = '      ^-!              ';
      const second = m.cold('     --s-a-b-(f|)  ', chunks);
      const secondSubs = '     ---^-------!     ';
      const expected = '       --r--S-a-b-(c|)  ';
      const result = chatStream(m.mistral({ 'chat.stream': [first, second] }), request, {
        retry: { isRetryable: () => true, backoff: constantBackoff(1) },
      });

      m.expectObservable(result).toBe(expected, { ...events, r: retried(1, 1, late) });
      m.expectSubscriptions(first.subscriptions).toBe(firstSubs);
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
    });
  });

  test('total: counts from the subscription, for each subscriber anew', () => {
    marbles((m) => {
      const reply = m.cold<CompletionChunk>('-');
      const subs = ['         ^----!', '---^----!'];
      const expected1 = '     -----#';
      const expected2 = '     --------#';
      const result = chatStream(m.mistral({ 'chat.stream': reply }), request, { timeouts: { total: 5 } });

      m.expectObservable(result).toBe(expected1, undefined, timedOut('total'));
      m.expectObservable(result, '---^').toBe(expected2, undefined, timedOut('total'));
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('a call of a day takes no time to test', () => {
    marbles((m) => {
      const reply = m.cold('  --s-a 1430m b-(f|)', chunks);
      const expected = '      --s-a 1430m b-(c|)';
      const subs = '          ^----- 1430m -!   ';
      const day = 86_400_000;
      const timeouts = { firstEvent: day, idle: day, total: day };

      m.expectObservable(chatStream(m.mistral({ 'chat.stream': reply }), request, { timeouts })).toBe(expected, events);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });
});

describe('the scheduler option', () => {
  test('alone moves timeouts and retries: no virtual time elsewhere', () => {
    const wallClock = vi.spyOn(globalThis, 'setTimeout');
    const scheduler = new TestScheduler(() => true);
    const first = scheduler.createColdObservable('--s--', chunks);
    const second = scheduler.createColdObservable('--s-a-b-(f|)', chunks);
    const log: [number, string][] = [];
    const result = chatStream(fakeMistral({ 'chat.stream': [first, second] }), request, {
      scheduler,
      timeouts: { firstEvent: 100, idle: 50, total: 700 },
      retry: { backoff: constantBackoff(100) },
    });

    watch(result.pipe(tap(({ type }) => log.push([scheduler.now(), type]))));
    scheduler.flush();

    // A frame is 10 ms where a TestScheduler is not run.
    expect(log).toEqual([
      [20, 'start'], [70, 'retry'], [190, 'start'], [210, 'text-delta'], [230, 'text-delta'], [250, 'complete'],
    ]);
    expect(wallClock).not.toHaveBeenCalled();
  });

  test('is that of total too', () => {
    const scheduler = new TestScheduler(() => true);
    const log: [number, unknown][] = [];

    chatStream(fakeMistral({ 'chat.stream': NEVER }), request, { scheduler, timeouts: { total: 300 } }).subscribe({
      error: (error: unknown) => log.push([scheduler.now(), error]),
    });
    scheduler.flush();

    expect(log).toEqual([[300, timedOut('total')]]);
  });

  test("gives way to that of the retries: their clock and their timers", () => {
    const scheduler = new VirtualTimeScheduler();
    const ofRetries = new VirtualTimeScheduler();
    const mistral = fakeMistral({ 'chat.stream': [{ status: 503 }, answer('Hello')] });
    const retry = { scheduler: ofRetries, backoff: constantBackoff(10) };
    const watched = watch(chatStream(mistral, request, { scheduler, retry }));

    scheduler.flush();
    expect(watched.events.map(({ type }) => type)).toEqual(['retry']);
    ofRetries.flush();
    expect(watched.events.map(({ type }) => type)).toEqual(['retry', 'start', 'text-delta', 'complete']);
  });
});

describe('a hand-made transport', () => {
  const foreign = new Error('no error of the family');

  test('may fail with any error: it passes as it is and is not repeated', () => {
    let calls = 0;
    const transport = transportOf(() => {
      calls += 1;
      return throwError(() => foreign);
    });

    expect(watch(chatStream(transport, request, { retry: {}, onDisconnect: 'restart' })).error).toBe(foreign);
    expect(calls).toBe(1);
  });

  test('may fail with any error, which isRetryable may find worth a retry: the event has it wrapped', () => {
    marbles((m) => {
      const transport = transportOf((call) => (call === 0 ? throwError(() => foreign) : m.cold('--s-a-b-(f|)', chunks)));
      const expected = 'r--S-a-b-(c|)';
      const retry = { isRetryable: (error: unknown) => error === foreign, backoff: constantBackoff(1) };

      m.expectObservable(chatStream(transport, request, { requestId, retry })).toBe(expected, {
        ...events,
        r: retried(1, 1, expect.objectContaining({
          name: 'RxMistralError',
          kind: 'validation',
          cause: expect.objectContaining({ message: 'no error of the family' }),
        })),
      });
    });
  });

  test('may throw where it should return', () => {
    const transport = transportOf(() => {
      throw foreign;
    });

    expect(watch(chatStream(transport, request)).error).toBe(foreign);
  });

  test('may send what is no chunk: an error, and the call is closed', () => {
    marbles((m) => {
      const reply = m.cold('  --s-x-a-(f|)', { ...chunks, x: {} as CompletionChunk });
      const subs = '          ^---!       ';
      const expected = '      --s-#       ';

      m.expectObservable(chatStream(transportOf(() => reply), request, { requestId })).toBe(expected, events, expect.any(TypeError));
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });
});

test('all events survive JSON, errors through their toJSON and fromJSON', () => {
  marbles((m) => {
    const first = m.cold('   (sxya)-#', { ...chunks, x: chunk.thinking('Let me see'), y: chunk.toolCallFragment({ id: 'call-1', name: 'weather', arguments: '{' }) }, reset.with({ cause: new Error('socket hang up') }));
    const second = m.cold('  (sayf)|', { ...chunks, y: chunk.toolCall({ id: 'call-1', name: 'weather' }), f: chunk.finish('tool_calls') });
    const watched = watch(chatStream(m.mistral({ 'chat.stream': [first, second] }), request, { onDisconnect: 'restart' }));
    m.flush();

    const reread = watched.events.map((event) => {
      const json = JSON.parse(JSON.stringify(event)) as ChatEvent;
      return json.type === 'retry' ? { ...json, error: RxMistralError.fromJSON(json.error) } : json;
    });
    const withoutStack = watched.events.map((event) =>
      event.type === 'retry' ? { ...event, error: RxMistralError.fromJSON(event.error.toJSON()) } : event,
    );

    expect(new Set(watched.events.map(({ type }) => type)).size).toBe(7);
    expect(reread).toEqual(withoutStack);
    expect(reread.find(({ type }) => type === 'retry')).toMatchObject({
      error: { kind: 'connection', retryable: true, partial: { toolCalls: [{ id: 'call-1' }] }, cause: { message: 'socket hang up' } },
    });
  });
});

describe('bad input is a TypeError at the call', () => {
  const { messages } = request;
  const transport = fakeMistral({});
  const badClients: readonly [string, unknown, string][] = [
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a key', 'secret-key-of-somebody-else', 'a string'],
    ['an object', {}, 'an object'],
    ['half a transport', { call: transport.call }, 'an object'],
    ['half a client', { _options: {} }, 'an object'],
    ['the class itself', MistralCore, 'a function'],
  ];
  test.each(badClients)('a client that is %s', (_what, client, got) => {
    expect(() => chatStream(client as MistralTransport, request)).toThrow(
      new TypeError(`Expected \`client\` to be a Mistral client of the SDK or a MistralTransport, got ${got}`),
    );
  });

  const text = 'a string that is not empty';
  const badRequests: readonly [unknown, string, string, string][] = [
    [undefined, 'request', 'an object', 'undefined'],
    [null, 'request', 'an object', 'null'],
    ['Hi', 'request', 'an object', '"Hi"'],
    [{ model: 'm' }, 'messages', 'an array that is not empty', 'undefined'],
    [{ model: 'm', messages: [] }, 'messages', 'an array that is not empty', 'an empty array'],
    [{ model: 'm', messages: 'Hi' }, 'messages', 'an array that is not empty', '"Hi"'],
    [{ messages }, 'model', text, 'undefined'],
    [{ model: null, messages }, 'model', text, 'null'],
    [{ model: '', messages }, 'model', text, '""'],
    [{ model: 'm', messages, n: 2 }, 'n', '1 or absent (several answers: use the chunks)', '2'],
    [{ model: 'm', messages, n: 0 }, 'n', '1 or absent (several answers: use the chunks)', '0'],
    [{ model: 'm', messages, stream: false }, 'stream', 'true or absent', 'false'],
  ];
  test.each(badRequests)('the request %j', (given, name, expectation, got) => {
    expect(() => chatStream(transport, given as ChatCompletionStreamRequest)).toThrow(new TypeError(`Expected \`${name}\` to be ${expectation}, got ${got}`));
  });

  const duration = 'milliseconds from 0 to 2147483647';
  const badOptions: readonly [unknown, string, string, string][] = [
    [null, 'options', 'an object', 'null'],
    ['fast', 'options', 'an object', '"fast"'],
    [{ headers: [] }, 'headers', 'an object', 'an empty array'],
    [{ timeouts: 5 }, 'timeouts', 'an object', '5'],
    [{ timeouts: { firstEvent: -1 } }, 'timeouts.firstEvent', duration, '-1'],
    [{ timeouts: { idle: NaN } }, 'timeouts.idle', duration, 'NaN'],
    [{ timeouts: { total: Infinity } }, 'timeouts.total', duration, 'Infinity'],
    [{ timeouts: { total: '5s' } }, 'timeouts.total', duration, '"5s"'],
    [{ maxEventBytes: 0 }, 'maxEventBytes', 'an integer >= 1', '0'],
    [{ maxEventBytes: 1.5 }, 'maxEventBytes', 'an integer >= 1', '1.5'],
    [{ scheduler: {} }, 'scheduler', 'a scheduler', 'an object'],
    [{ requestId: '' }, 'requestId', text, '""'],
    [{ requestId: 7 }, 'requestId', text, '7'],
    [{ onDisconnect: 'again' }, 'onDisconnect', "'error' or 'restart' or 'resume'", '"again"'],
    [{ retry: true }, 'retry', 'an object', 'true'],
    [{ retry: null }, 'retry', 'an object', 'null'],
    [{ retry: { maxRetries: -1 } }, 'retry.maxRetries', 'an integer >= 0 or Infinity', '-1'],
    [{ retry: { backoff: {} } }, 'retry.backoff', 'a Backoff', 'an object'],
    [{ retry: { isRetryable: 'yes' } }, 'retry.isRetryable', 'a function', '"yes"'],
    [{ retry: { respectRetryAfter: 1 } }, 'retry.respectRetryAfter', 'true or false', '1'],
    [{ retry: { maxRetryAfter: -1 } }, 'retry.maxRetryAfter', duration, '-1'],
    [{ retry: { maxElapsed: -1 } }, 'retry.maxElapsed', 'a number >= 0', '-1'],
    [{ retry: { budget: {} } }, 'retry.budget', 'a RetryBudget', 'an object'],
    [{ retry: { onRetry: 1 } }, 'retry.onRetry', 'a function', '1'],
    [{ retry: { scheduler: 1 } }, 'retry.scheduler', 'a scheduler', '1'],
    [{ retry: { random: 0.5 } }, 'retry.random', 'a function', '0.5'],
  ];
  test.each(badOptions)('the options %j', (options, name, expectation, got) => {
    expect(() => chatStream(transport, request, options as ChatStreamOptions)).toThrow(
      new TypeError(`Expected \`${name}\` to be ${expectation}, got ${got}`),
    );
  });

  const nothing: ChatStreamOptions = {
    headers: undefined,
    timeouts: { firstEvent: undefined, idle: undefined, total: undefined },
    retry: undefined,
    maxEventBytes: undefined,
    scheduler: undefined,
    requestId: undefined,
    onDisconnect: undefined,
  };
  test('but an option that is undefined is one that is absent', () => {
    expect(watch(chatStream(fakeMistral({ 'chat.stream': [answer('Hello')] }), request, nothing)).completed).toBe(true);
    expect(watch(chatStream(fakeMistral({ 'chat.stream': [answer('Hello')] }), { ...request, n: 1, stream: true })).completed).toBe(true);
  });

  test('and nothing is called', () => {
    expect(transport.calls).toEqual([]);
  });
});

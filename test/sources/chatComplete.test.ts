import type { ChatCompletionRequest } from '@mistralai/mistralai/models/components/chatcompletionrequest.js';
import type { ChatCompletionResponse } from '@mistralai/mistralai/models/components/chatcompletionresponse.js';
import { TestScheduler } from 'rxjs/testing';
import { NEVER, of, throwError, VirtualTimeScheduler } from 'rxjs';
import { describe, expect, test, vi } from 'vitest';
import {
  type CallOptions,
  chatComplete,
  constantBackoff,
  createRetryBudget,
  type MistralClient,
  type RetryAttempt,
  RxMistralError,
} from '../../src/index.js';
import { completion, fakeMistral, marbles } from '../../src/testing/index.js';

const request: ChatCompletionRequest = { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Hi' }] };
const responses = { r: completion({ text: 'Hello' }) };

const unavailable = new RxMistralError({ kind: 'http', message: 'unavailable', status: 503, retryable: true });
const unauthorized = new RxMistralError({ kind: 'http', message: 'unauthorized', status: 401 });
const timedOut = (which: 'firstEvent' | 'idle' | 'total'): unknown => expect.objectContaining({ kind: 'timeout', which });

describe('the answer', () => {
  test('is one value, and the completion with it', () => {
    marbles((m) => {
      const reply = m.cold('  ---(r|)', responses);
      const subs = '          ^--!   ';
      const expected = '      ---(r|)';

      m.expectObservable(chatComplete(m.mistral({ 'chat.complete': reply }), request)).toBe(expected, responses);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('is the response as it is: the same object, with all of its choices', () => {
    const given = completion({ text: 'Hello' });
    let seen: ChatCompletionResponse | undefined;

    chatComplete(fakeMistral({ 'chat.complete': of(given) }), { ...request, n: 2 }).subscribe({
      next: (response) => (seen = response),
      error: (error: unknown) => expect.unreachable(String(error)),
    });

    expect(seen).toBe(given);
  });

  test('is asked for by each subscriber anew, and by nobody before', () => {
    marbles((m) => {
      const reply = m.cold('  ---(r|)', responses);
      const subs = ['         ^--!   ', '--^--!'];
      const expected1 = '     ---(r|)';
      const expected2 = '     -----(r|)';
      const mistral = m.mistral({ 'chat.complete': reply });
      const result = chatComplete(mistral, request);

      expect(mistral.calls).toEqual([]);
      m.expectObservable(result).toBe(expected1, responses);
      m.expectObservable(result, '--^').toBe(expected2, responses);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('is asked for with the request and the headers', () => {
    const mistral = fakeMistral({ 'chat.complete': responses.r });
    const headers = { 'x-team': 'red' };

    chatComplete(mistral, request, { headers }).subscribe({ error: (error: unknown) => expect.unreachable(String(error)) });

    expect(mistral.calls).toMatchObject([{ operation: 'chat.complete', options: { headers }, state: 'completed' }]);
    expect(mistral.calls[0]?.request).toBe(request);
  });

  test('does not come where the server is silent', () => {
    marbles((m) => {
      const reply = m.cold<ChatCompletionResponse>('-');
      const subs = '                               ^';
      const expected = '                           -';

      m.expectObservable(chatComplete(m.mistral({ 'chat.complete': reply }), request)).toBe(expected);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });
});

describe('an error', () => {
  test('passes as it is, and nothing is repeated by default', () => {
    marbles((m) => {
      const reply = m.cold('  ---#', responses, unavailable);
      const subs = '          ^--!';
      const expected = '      ---#';

      m.expectObservable(chatComplete(m.mistral({ 'chat.complete': reply }), request)).toBe(expected, responses, unavailable);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test.each([
    [401, 'http', false],
    [422, 'http', false],
    [429, 'rate-limit', true],
    [500, 'http', true],
  ])('status %i is of kind %s', (status, kind, retryable) => {
    const onError = vi.fn();

    chatComplete(fakeMistral({ 'chat.complete': [{ status, body: { message: 'no' } }] }), request).subscribe({ error: onError });

    expect(onError.mock.calls).toMatchObject([[{ kind, status, retryable, message: 'no' }]]);
  });

  test('of another family passes as it is', () => {
    const foreign = new Error('no error of the family');
    const onError = vi.fn();
    const mistral = { call: () => throwError(() => foreign), stream: () => NEVER };

    chatComplete(mistral, request, { retry: {} }).subscribe({ error: onError });

    expect(onError.mock.calls[0]?.[0]).toBe(foreign);
  });
});

describe('unsubscribing', () => {
  test('closes the call', () => {
    marbles((m) => {
      const reply = m.cold('  ----(r|)', responses);
      const subs = '          ^-!     ';
      const unsub = '         --!     ';
      const expected = '      ---     ';
      const mistral = m.mistral({ 'chat.complete': reply });
      const options = { retry: {}, timeouts: { firstEvent: 100, idle: 100, total: 100 } };

      m.expectObservable(chatComplete(mistral, request, options), unsub).toBe(expected);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
      m.flush();
      expect(mistral.calls).toMatchObject([{ state: 'unsubscribed', endedAt: 2 }]);
    });
  });

  test('in the wait for a retry begins no further call', () => {
    marbles((m) => {
      const reply = m.cold('  --#   ', responses, unavailable);
      const subs = '          ^-!   ';
      const unsub = '         -----!';
      const expected = '      ------';
      const result = chatComplete(m.mistral({ 'chat.complete': reply }), request, { retry: { backoff: constantBackoff(10) } });

      m.expectObservable(result, unsub).toBe(expected);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });
});

describe('retry', () => {
  test('repeats what failed and may succeed', () => {
    marbles((m) => {
      const first = m.cold('   --#           ', responses, unavailable);
      const firstSubs = '      ^-!           ';
      const second = m.cold('       --(r|)   ', responses);
      const secondSubs = '     -----^-!      ';
      const expected = '       -------(r|)   ';
      const result = chatComplete(m.mistral({ 'chat.complete': [first, second] }), request, { retry: { backoff: constantBackoff(3) } });

      m.expectObservable(result).toBe(expected, responses);
      m.expectSubscriptions(first.subscriptions).toBe(firstSubs);
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
    });
  });

  test('ends after maxRetries with the last error', () => {
    marbles((m) => {
      const reply = m.cold('  -#       ', responses, unavailable);
      const subs = ['         ^!       ', '---^!', '------^!'];
      const expected = '      -------# ';
      const result = chatComplete(m.mistral({ 'chat.complete': reply }), request, { retry: { backoff: constantBackoff(2) } });

      m.expectObservable(result).toBe(expected, responses, unavailable);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('repeats no error that is final', () => {
    marbles((m) => {
      const reply = m.cold('  --#', responses, unauthorized);
      const subs = '          ^-!';
      const expected = '      --#';

      m.expectObservable(chatComplete(m.mistral({ 'chat.complete': reply }), request, { retry: {} })).toBe(expected, responses, unauthorized);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('a Retry-After of 7 s waits 7 s', () => {
    marbles((m) => {
      const told: RetryAttempt[] = [];
      const reply = m.cold('   --(r|)', responses);
      const subs = '           7s ^-!   ';
      const expected = '       7s --(r|)';
      const mistral = m.mistral({ 'chat.complete': [{ status: 429, headers: { 'retry-after': '7' } }, reply] });
      const retry = { backoff: constantBackoff(1), random: () => 0, onRetry: (attempt: RetryAttempt) => told.push(attempt) };

      m.expectObservable(chatComplete(mistral, request, { retry })).toBe(expected, responses);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
      m.flush();
      expect(told).toMatchObject([{ attempt: 1, delayMs: 7_000, error: { kind: 'rate-limit' } }]);
    });
  });

  test('is bounded by a budget that calls share', () => {
    marbles((m) => {
      const budget = createRetryBudget({ retriesPerCall: 0.5 });
      const reply = m.cold('  --#    ', responses, unavailable);
      const subs = ['         ^-!    ', '^-!', '---^-!'];
      const expected1 = '     -----# ';
      const expected2 = '     --#    ';
      const mistral = m.mistral({ 'chat.complete': reply });
      const options = { retry: { budget, backoff: constantBackoff(1) } };

      m.expectObservable(chatComplete(mistral, request, options)).toBe(expected1, responses, unavailable);
      m.expectObservable(chatComplete(mistral, request, options)).toBe(expected2, responses, unavailable);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('each subscriber has retries of its own', () => {
    marbles((m) => {
      const reply = m.cold('  #        ', responses, unavailable);
      const subs = ['         (^!)     ', '--(^!)', '---(^!)', '-----(^!)'];
      const expected1 = '     --#      ';
      const expected2 = '     -----#   ';
      const result = chatComplete(m.mistral({ 'chat.complete': reply }), request, {
        retry: { maxRetries: 1, backoff: constantBackoff(2) },
      });

      m.expectObservable(result).toBe(expected1, responses, unavailable);
      m.expectObservable(result, '---^').toBe(expected2, responses, unavailable);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('what isRetryable or onRetry throws is the error', () => {
    const thrown = new Error('from a callback');
    const fail = (): never => {
      throw thrown;
    };
    for (const retry of [{ isRetryable: fail }, { onRetry: fail }]) {
      const onError = vi.fn();
      chatComplete(fakeMistral({ 'chat.complete': [{ status: 503 }] }), request, { retry }).subscribe({ error: onError });
      expect(onError.mock.calls[0]?.[0]).toBe(thrown);
    }
  });
});

describe('timeouts', () => {
  test.each(['firstEvent', 'idle'] as const)('%s bounds the wait of an attempt', (which) => {
    marbles((m) => {
      const reply = m.cold('  -----(r|)', responses);
      const subs = '          ^--!     ';
      const expected = '      ---#     ';

      m.expectObservable(chatComplete(m.mistral({ 'chat.complete': reply }), request, { timeouts: { [which]: 3 } })).toBe(
        expected,
        responses,
        timedOut(which),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('an attempt that took too long is worth a retry', () => {
    marbles((m) => {
      const first = m.cold('   -----(r|)  ', responses);
      const firstSubs = '      ^--!       ';
      const second = m.cold('     --(r|)  ', responses);
      const secondSubs = '     ----^-!    ';
      const expected = '       ------(r|) ';
      const result = chatComplete(m.mistral({ 'chat.complete': [first, second] }), request, {
        timeouts: { firstEvent: 3 },
        retry: { backoff: constantBackoff(1) },
      });

      m.expectObservable(result).toBe(expected, responses);
      m.expectSubscriptions(first.subscriptions).toBe(firstSubs);
      m.expectSubscriptions(second.subscriptions).toBe(secondSubs);
    });
  });

  test('total counts over all attempts', () => {
    marbles((m) => {
      const reply = m.cold('  --#      ', responses, unavailable);
      const subs = ['         ^-!      ', '---^-!', '------^!'];
      const expected = '      -------# ';
      const result = chatComplete(m.mistral({ 'chat.complete': reply }), request, {
        timeouts: { total: 7 },
        retry: { maxRetries: 10, backoff: constantBackoff(1) },
      });

      m.expectObservable(result).toBe(expected, responses, timedOut('total'));
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('total that passes in an attempt blames no attempt before it', () => {
    const onError = vi.fn();
    marbles((m) => {
      const mistral = m.mistral({ 'chat.complete': [throwError(() => unavailable), NEVER] });
      const options = { timeouts: { total: 7 }, retry: { backoff: constantBackoff(1) } };
      chatComplete(mistral, request, options).subscribe({ error: onError });
    });
    expect(onError.mock.calls).toMatchObject([[{ kind: 'timeout', which: 'total' }]]);
    expect(onError.mock.calls[0]?.[0]).not.toHaveProperty('cause');
  });

  test('total passes in the middle of a wait, and says what it was waited for', () => {
    marbles((m) => {
      const reply = m.cold('  --#   ', responses, unavailable);
      const subs = '          ^-!   ';
      const expected = '      -----#';
      const result = chatComplete(m.mistral({ 'chat.complete': reply }), request, {
        timeouts: { total: 5 },
        retry: { backoff: constantBackoff(100) },
      });

      m.expectObservable(result).toBe(
        expected,
        responses,
        expect.objectContaining({
          kind: 'timeout',
          which: 'total',
          cause: expect.objectContaining({ name: 'RxMistralError', message: 'unavailable' }),
        }),
      );
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('total is not repeated, whatever isRetryable says', () => {
    marbles((m) => {
      const reply = m.cold<ChatCompletionResponse>('-');
      const subs = '                               ^----!';
      const expected = '                           -----#';
      const result = chatComplete(m.mistral({ 'chat.complete': reply }), request, {
        timeouts: { total: 5 },
        retry: { isRetryable: () => true },
      });

      m.expectObservable(result).toBe(expected, undefined, timedOut('total'));
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('the scheduler option alone moves timeouts and retries', () => {
    const wallClock = vi.spyOn(globalThis, 'setTimeout');
    const scheduler = new TestScheduler(() => true);
    const log: [number, unknown][] = [];
    const slow = scheduler.createColdObservable('-----(r|)', responses);
    const quick = scheduler.createColdObservable('--(r|)', responses);

    chatComplete(fakeMistral({ 'chat.complete': [slow, quick] }), request, {
      scheduler,
      timeouts: { firstEvent: 30, total: 200 },
      retry: { backoff: constantBackoff(100) },
    }).subscribe({
      next: (response) => log.push([scheduler.now(), response]),
      error: (error: unknown) => log.push([scheduler.now(), error]),
    });
    scheduler.flush();

    // A frame is 10 ms where a TestScheduler is not run.
    expect(log).toEqual([[150, responses.r]]);
    expect(wallClock).not.toHaveBeenCalled();
    wallClock.mockRestore();
  });

  test('10,000 synchronous failures keep the stack flat', () => {
    const attempts = 10_000;
    const scheduler = new VirtualTimeScheduler(undefined, Infinity);
    const seen: unknown[] = [];
    const mistral = fakeMistral({
      'chat.complete': (_request, n) => (n < attempts ? throwError(() => unavailable) : responses.r),
    });

    chatComplete(mistral, request, { scheduler, retry: { maxRetries: Infinity, backoff: constantBackoff(0) } }).subscribe({
      next: (response) => seen.push(response),
      error: (error: unknown) => seen.push(error),
    });
    scheduler.flush();

    expect(seen).toEqual([responses.r]);
    expect(mistral.calls).toHaveLength(attempts + 1);
  });
});

describe('bad input is a TypeError at the call', () => {
  const mistral = fakeMistral({});
  const bad: readonly [unknown, unknown, unknown, string][] = [
    [undefined, request, {}, 'Expected `client` to be a Mistral client of the SDK or a MistralTransport, got undefined'],
    [mistral, undefined, {}, 'Expected `request` to be an object, got undefined'],
    [mistral, { ...request, messages: 'Hi' }, {}, 'Expected `messages` to be an array that is not empty, got "Hi"'],
    [mistral, { ...request, model: '' }, {}, 'Expected `model` to be a string that is not empty, got ""'],
    [mistral, { ...request, stream: true }, {}, 'Expected `stream` to be false or absent, got true'],
    [mistral, request, null, 'Expected `options` to be an object, got null'],
    [mistral, request, { headers: 'x-a: 1' }, 'Expected `headers` to be an object, got "x-a: 1"'],
    [mistral, request, { timeouts: { total: 2 ** 31 } }, 'Expected `timeouts.total` to be milliseconds from 0 to 2147483647, got 2147483648'],
    [mistral, request, { retry: 3 }, 'Expected `retry` to be an object, got 3'],
    [mistral, request, { retry: { backoff: 500 } }, 'Expected `retry.backoff` to be a Backoff, got 500'],
  ];
  test.each(bad)('%#', (client, given, options, message) => {
    expect(() => chatComplete(client as MistralClient, given as ChatCompletionRequest, options as CallOptions)).toThrow(
      new TypeError(message),
    );
    expect(mistral.calls).toEqual([]);
  });
});

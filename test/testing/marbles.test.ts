import type { ChatCompletionStreamRequest } from '@mistralai/mistralai/models/components/chatcompletionstreamrequest.js';
import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import { asyncScheduler, catchError, delay, EMPTY, map, mergeMap, of, timeout, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, test, vi } from 'vitest';
import { RxMistralError } from '../../src/errors/RxMistralError.js';
import { chunk, type MarbleHelpers, marbles } from '../../src/testing/index.js';
import { chatStreamOperation } from '../../src/transport/operations/chatStream.js';

const request: ChatCompletionStreamRequest = { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Hi' }] };
const textOf = ({ choices }: CompletionChunk): unknown => choices[0]?.delta.content;

/** What a marble test that must fail says. */
function failureOf(run: (m: MarbleHelpers) => void): Error {
  try {
    marbles(run);
  } catch (error) {
    return error as Error;
  }
  throw new Error('Expected the marble test to fail');
}

describe('a marble test', () => {
  test('runs a pipeline in virtual time', () => {
    const wallClock = vi.spyOn(globalThis, 'setTimeout');
    marbles((m) => {
      const reply = m.cold('--a-b 1m (c|)', { a: chunk.text('Hel'), b: chunk.text('lo'), c: chunk.finish('stop') });
      const subs = '        ^---- 1m !';
      const expected = '    ---a-b 1m (c|)';
      const mistral = m.mistral({ 'chat.stream': reply });
      const source = mistral.stream(chatStreamOperation, request).pipe(map(textOf), mergeMap((text) => of(text).pipe(delay(1))));

      m.expectObservable(source).toBe(expected, { a: 'Hel', b: 'lo', c: '' });
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
    expect(wallClock).not.toHaveBeenCalled();
    wallClock.mockRestore();
  });

  test('sees a timeout and the unsubscription that it causes', () => {
    marbles((m) => {
      const reply = m.cold('-----a', { a: chunk.text('late') });
      const subs = '        ^--!';
      const expected = '    ---|';
      const mistral = m.mistral({ 'chat.stream': reply });
      const source = mistral.stream(chatStreamOperation, request).pipe(timeout(3), catchError(() => EMPTY));

      m.expectObservable(source).toBe(expected);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
      m.flush();
      expect(mistral.calls).toMatchObject([{ subscribedAt: 0, endedAt: 3, state: 'unsubscribed' }]);
    });
  });

  test('hands out the clock', () => {
    marbles((m) => {
      expect(m.scheduler).toBeInstanceOf(TestScheduler);
      m.expectObservable(timer(2, m.scheduler).pipe(map(() => m.scheduler.now()))).toBe('--(a|)', { a: 2 });
    });
  });

  test('gives back the real clock, also after a failure', () => {
    failureOf((m) => { m.expectObservable(of('a')).toBe('(b|)'); });

    expect(asyncScheduler.now()).toBeGreaterThan(1_600_000_000_000);
  });

  test('fails where a list of answers was not used up', () => {
    expect(failureOf((m) => { m.mistral({ 'chat.stream': [EMPTY] }); }).message).toContain('`chat.stream` was called 0 times');
  });

  test('fails where a call found no answer, though the pipeline swallowed it', () => {
    const error = failureOf((m) => {
      const source = m.mistral({}).stream(chatStreamOperation, request).pipe(catchError(() => EMPTY));
      m.expectObservable(source).toBe('|');
    });
    expect(error.message).toContain('No answer is scripted for `chat.stream`');
  });

  test('that is asynchronous is refused', () => {
    const run: () => unknown = () => Promise.reject(new Error('nobody hears this'));

    expect(() => { marbles(run); }).toThrow(new TypeError('Expected `run` to be synchronous, it returned a Promise: virtual time ends before it goes on'));
    expect(() => { marbles(undefined as unknown as () => void); }).toThrow('Expected `run` to be a function, got undefined');
    expect(() => { marbles(() => undefined, 1 as unknown as () => boolean); }).toThrow('Expected `assertDeepEqual` to be a function, got 1');
  });
});

describe('a comparison of the caller', () => {
  const run = (m: MarbleHelpers): void => { m.expectObservable(of('a')).toBe('(b|)'); };

  test('takes the place of the built-in one', () => {
    const seen: unknown[] = [];
    marbles(run, (actual, expected) => { seen.push(actual, expected); });
    expect(seen).toMatchObject([
      [{ frame: 0, notification: { kind: 'N', value: 'a' } }, { frame: 0, notification: { kind: 'C' } }],
      [{ frame: 0, notification: { kind: 'N', value: 'b' } }, { frame: 0, notification: { kind: 'C' } }],
    ]);
  });

  test('may throw, or return false', () => {
    expect(() => { marbles(run, (actual, expected) => { expect(actual).toEqual(expected); }); }).toThrow('to deeply equal');
    expect(() => { marbles(run, () => false); }).toThrow('Expectation 1: The marbles differ at frame 0');
    expect(() => { marbles((m) => { m.expectObservable(of('a')).toBe('(a|)'); }, () => false); }).toThrow('`assertDeepEqual` returned false');
  });
});

describe('a failure says', () => {
  test('both diagrams, a table by frames, and the first difference', () => {
    const { message, name } = failureOf((m) => {
      m.expectObservable(m.cold('--a-b-|', { a: { text: 'Hel' }, b: { text: 'la' } })).toBe('--a-b--|', { a: { text: 'Hel' }, b: { text: 'lo' } });
    });

    expect(name).toBe('AssertionError');
    expect(message.split('\n').map((line) => line.trimEnd())).toEqual([
      'Expectation 1: The marbles differ at frame 4 (first of 3 differences)',
      '',
      '  expected  --a-b--|',
      '  actual    --a-c-|',
      '',
      '      frame  expected  actual',
      '          2  a         a',
      '  >       4  b         c',
      '  >       6            |',
      '  >       7  |',
      '',
      '  a = { text: "Hel" }',
      '  b = { text: "lo" }',
      '  c = { text: "la" }',
      '',
      'At frame 4, value.text: expected "lo", got "la"',
    ]);
  });

  test('which expectation failed', () => {
    const { message } = failureOf((m) => {
      m.expectObservable(of('a')).toBe('(a|)');
      m.expectObservable(of('a')).toBe('(b|)');
    });
    expect(message).toContain('Expectation 2: ');
    expect(message).toContain('  expected  (b|)\n  actual    (a|)');
    expect(message).toContain('At frame 0, value: expected "b", got "a"');
  });

  test('long silences as times', () => {
    const { message } = failureOf((m) => { m.expectObservable(timer(2_000)).toBe('2s |'); });
    expect(message).toContain('  expected  2000ms |');
    expect(message).toContain('  actual    2000ms (a|)');
    expect(message).toContain('At frame 2000: expected the completion, got the value 0');
  });

  test('what is missing and what is too much', () => {
    expect(failureOf((m) => { m.expectObservable(EMPTY).toBe(''); }).message).toContain('expected nothing, got the completion');
    expect(failureOf((m) => { m.expectObservable(m.cold('-')).toBe('--a'); }).message).toContain('At frame 2: expected the value "a", got nothing');
    expect(failureOf((m) => { m.expectObservable(m.cold('-')).toBe('--a'); }).message).toContain('  actual    - (nothing)');
  });

  test('how errors differ, by name, message and own fields', () => {
    const error = (retryAfterMs: number): RxMistralError => new RxMistralError({ kind: 'rate-limit', message: 'slow down', retryAfterMs });
    marbles((m) => { m.expectObservable(m.cold('-#', {}, error(7))).toBe('-#', {}, error(7)); });

    const { message } = failureOf((m) => { m.expectObservable(m.cold('-#', {}, error(7))).toBe('-#', {}, error(8)); });
    expect(message).toContain('At frame 1, error.retryAfterMs: expected 8, got 7');
    expect(message).toContain('# = RxMistralError: slow down { kind: "rate-limit", retryable: false, retryAfterMs: 7 }');
  });

  test('how subscriptions differ', () => {
    const { message } = failureOf((m) => {
      const source = m.cold('--a--|');
      m.expectObservable(source).toBe('--a--|');
      m.expectSubscriptions(source.subscriptions).toBe(['^---!', '20ms ^']);
    });
    expect(message).toContain('The subscriptions differ: expected 2, got 1');
    expect(message).toContain('  > 1. expected  ^---!\n       actual    ^----!');
    expect(message).toContain('  > 2. expected  20ms ^\n       actual    (none)');
  });

  test('an unexpected subscription, and none where one was expected', () => {
    const source = (m: MarbleHelpers): ReturnType<MarbleHelpers['cold']> => m.cold('|');
    const { message } = failureOf((m) => {
      const cold = source(m);
      m.expectObservable(cold).toBe('|');
      m.expectSubscriptions(cold.subscriptions).toBe([]);
    });
    expect(message).toContain('expected 0, got 1');
    expect(message).toContain('(^!)');
    expect(failureOf((m) => { m.expectSubscriptions(source(m).subscriptions).toBe('^!'); }).message).toContain('expected 1, got 0');
  });

  test('what is no record of a scheduler', () => {
    const { message } = failureOf((m) => { m.expectSubscriptions(undefined as unknown as []).toBe('^!'); });
    expect(message).toContain('Expectation 1: At the top: expected [SubscriptionLog { subscribedFrame: 0, unsubscribedFrame: 1 }], got undefined');
  });

  test('no more than can be read, for thousands of notifications', () => {
    const values = Object.fromEntries(Array.from({ length: 26 }, (_, place) => [String.fromCodePoint(97 + place), 'x'.repeat(2_000)]));
    const diagram = 'abcdefghijklmnopqrstuvwxyz'.repeat(100);
    const { message } = failureOf((m) => { m.expectObservable(m.cold(`${diagram}|`, values)).toBe(`${diagram}-|`, values); });
    expect(message).toContain('differ at frame 2600');
    expect(message.length).toBeLessThan(2_000);
  });

  test('where a value of an inner Observable differs', () => {
    const { message } = failureOf((m) => {
      const source = m.cold('a|').pipe(map(() => m.cold('-x|')));
      m.expectObservable(source).toBe('a|', { a: m.cold('-y|') });
    });
    expect(message).toContain('value[0].notification.value: expected "y", got "x"');
  });
});

test('the matchers of a test framework work inside expected values', () => {
  const error = new RxMistralError({ kind: 'rate-limit', message: 'slow down', status: 429 });
  marbles((m) => {
    m.expectObservable(m.cold('a-#', { a: chunk.text('Hi') }, error)).toBe(
      'a-#',
      { a: expect.objectContaining({ model: expect.any(String) }) },
      expect.objectContaining({ kind: 'rate-limit', status: 429 }),
    );
  });
  const { message } = failureOf((m) => {
    m.expectObservable(m.cold('a', { a: 1 })).toBe('a', { a: expect.any(String) });
  });
  expect(message).toContain('At frame 0, value: expected Any<String>, got 1');
});

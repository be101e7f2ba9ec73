import { defer, of, retry, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { constantBackoff, exponentialBackoff, RxMistralError } from '../../src/index.js';
import type { ReconnectOptions } from '../../src/sse/index.js';
import { readSettings } from '../../src/sse/StreamSettings.js';
import { StreamState } from '../../src/sse/StreamState.js';
import { marbles, type MarbleHelpers } from '../../src/testing/index.js';

const broken = new RxMistralError({ kind: 'connection', message: 'reset', retryable: true });
const event = { event: 'message', data: '', id: '' };

function stateWith(m: MarbleHelpers, reconnect: ReconnectOptions): StreamState {
  return new StreamState(readSettings('http://localhost/', { reconnect: { random: () => 0, ...reconnect }, scheduler: m.scheduler }));
}

// The waits alone, in virtual time: what stands between two connections.
describe('StreamState: the wait before the next connection', () => {
  it('is that of the backoff, and longer from attempt to attempt', () => {
    marbles((m) => {
      const state = stateWith(m, { backoff: exponentialBackoff({ initial: 2, jitter: 'none' }), maxRetries: 3 });
      let left = 3;
      const connection = defer(() => (left-- > 0 ? throwError(() => broken) : of('a')));
      const expected = '           --------------(a|)'; // 2 + 4 + 8
      m.expectObservable(connection.pipe(retry({ delay: (error) => state.wait(error) }))).toBe(expected);
    });
  });

  it('is no shorter than the server asked, in the stream and in a response', () => {
    marbles((m) => {
      const asked = stateWith(m, { backoff: constantBackoff(2) });
      asked.asked(6);
      m.expectObservable(asked.wait(broken)).toBe('           ------(a|)', { a: 0 });
      const refused = stateWith(m, { backoff: constantBackoff(2) });
      m.expectObservable(refused.wait(broken.with({ retryAfterMs: 4 }))).toBe('----(a|)', { a: 0 });
      const both = stateWith(m, { backoff: constantBackoff(2) });
      both.asked(6);
      m.expectObservable(both.wait(broken.with({ retryAfterMs: 9 }))).toBe('---------(a|)', { a: 0 });
    });
  });

  it('begins anew behind an event', () => {
    marbles((m) => {
      const state = stateWith(m, { backoff: exponentialBackoff({ initial: 2, jitter: 'none' }), maxRetries: 1 });
      m.expectObservable(state.wait(broken)).toBe('           --(a|)', { a: 0 });
      m.expectObservable(state.wait(broken)).toBe('           #', {}, broken);
      state.received(event);
      m.expectObservable(state.wait(broken)).toBe('           --(a|)', { a: 0 });
    });
  });

  it('ends with its subscription', () => {
    marbles((m) => {
      const state = stateWith(m, { backoff: constantBackoff(50) });
      m.expectObservable(state.wait(broken), '             ---!').toBe('-----');
    });
  });

  it('is none for an error that no connection helps against', () => {
    marbles((m) => {
      const state = stateWith(m, {});
      for (const error of [broken.with({ retryable: false }), new Error('a bug')]) m.expectObservable(state.wait(error)).toBe('#', {}, error);
    });
  });

  it('asks for what comes behind the last id', () => {
    const state = new StreamState(readSettings('http://localhost/', { lastEventId: '4' }));
    expect(state.lastEventId).toBe('4');
    state.reached('5');
    expect(state.lastEventId).toBe('5');
  });
});

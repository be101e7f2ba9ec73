import { of, throwError, concat, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type ChatEvent, constantBackoff, RxMistralError } from '../../src/index.js';
import { remoteChat, type RemoteChatInit, toServerSentEvents } from '../../src/sse/index.js';
import { failureOf, outcomeOf } from '../wire/fixtures/outcomeOf.js';
import { noMore, scriptedFetch, status, streamOf } from './fixtures/scriptedFetch.js';

const url = 'http://localhost/chat';
const atOnce = { backoff: constantBackoff(0), maxRetries: 3 };

const start: ChatEvent = { type: 'start', requestId: 'r', id: 'c', model: 'm', attempt: 1 };
const delta = (text: string, index = 0): ChatEvent => ({ type: 'text-delta', requestId: 'r', index, text });
const complete = (content: string): ChatEvent => ({ type: 'complete', requestId: 'r', id: 'c', model: 'm', message: { role: 'assistant', content }, finishReason: 'stop', usage: { promptTokens: 1, completionTokens: 2, totalTokens: 3 } });
const answer: readonly ChatEvent[] = [start, delta('Hel'), delta('lo', 1), complete('Hello')];

const withId = (id: number, event: unknown): string => `id: ${id}\ndata: ${JSON.stringify(event)}\n\n`;
const all = answer.map((event, index) => withId(index + 1, event));
const cut = new TypeError('terminated');

function served(source: Observable<unknown>): () => Response {
  return () => new Response(toServerSentEvents(source), { headers: { 'content-type': 'text/event-stream' } });
}

async function chat(script: readonly (() => Response)[], init: RemoteChatInit = {}, body: unknown = 'a question') {
  const { fetch, taken } = scriptedFetch(...script);
  const outcome = await outcomeOf(remoteChat(url, body === 'none' ? undefined : body, { reconnect: atOnce, ...init, fetch }));
  return { ...outcome, requests: taken.map(({ request }) => request), asked: taken.map(({ request }) => request.headers.get('last-event-id')) };
}

describe('remoteChat', () => {
  it('emits the events of the server as they were there, and completes behind the last', async () => {
    const { events, completed } = await chat([served(of(...answer))]);
    expect([events, completed]).toEqual([answer, true]);
  });

  it('sends its body as JSON, with a key that is new for each subscription and the same for each attempt', async () => {
    const first = await chat([streamOf(all.slice(0, 1), cut), streamOf(all.slice(1))]);
    const second = await chat([streamOf(all)]);
    const keys = [...first.requests, ...second.requests].map(({ headers }) => headers.get('idempotency-key'));
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect([keys[1] === keys[0], keys[2] === keys[0]]).toEqual([true, false]);
    const [request] = first.requests;
    expect([request?.method, request?.headers.get('content-type'), await request?.json()]).toEqual(['POST', 'application/json', 'a question']);
  });

  it('takes a key, headers and a method of the user', async () => {
    const { requests } = await chat([streamOf(all)], { key: 'mine', method: 'PUT', headers: { 'content-type': 'application/x', 'x-a': 'b' } });
    const { headers, method } = requests[0]!;
    expect([method, headers.get('idempotency-key'), headers.get('content-type'), headers.get('x-a')]).toEqual(['PUT', 'mine', 'application/x', 'b']);
  });

  it('joins with a GET where there is no body', async () => {
    const { requests, events } = await chat([streamOf(all.slice(2))], { lastEventId: '2' }, 'none');
    expect([requests[0]!.method, requests[0]!.headers.get('last-event-id'), events]).toEqual(['GET', '2', answer.slice(2)]);
  });

  it.each([1, 2, 3])('goes on behind event %s where it was cut', async (count) => {
    const { events, completed, asked } = await chat([streamOf(all.slice(0, count), cut), streamOf(all.slice(count))]);
    expect([events, completed, asked]).toEqual([answer, true, [null, String(count)]]);
  });

  it('leaves out what comes twice', async () => {
    const { events } = await chat([streamOf(all.slice(0, 3), cut), streamOf(all)]);
    expect(events).toEqual(answer);
    expect((await chat([streamOf([all[0]!, all[1]!, all[1]!, all[0]!, ...all.slice(2)])])).events).toEqual(answer);
  });

  it('asks again where an event is missing, and gives up where it stays so', async () => {
    const { events, asked } = await chat([streamOf([all[0]!, all[2]!]), streamOf(all.slice(1))]);
    expect([events, asked]).toEqual([answer, [null, '1']]);
    const { events: some, error, asked: tries } = await chat([streamOf([all[0]!, all[2]!]), streamOf([all[2]!])]);
    expect([some, error, tries]).toMatchObject([[start], { kind: 'protocol', message: 'Event 2 of the stream is missing' }, [null, '1', '1', '1']]);
  });

  it('does not ask again for an answer that has begun without ids', async () => {
    for (const body of [{}, 'none']) {
      const { error, asked } = await chat([streamOf([`data: ${JSON.stringify(start)}\n\n`], cut), served(of(...answer))], {}, body);
      expect([error, asked]).toMatchObject([{ kind: 'connection' }, [null]]);
    }
  });

  it('fails with the error of the server, as it was there', async () => {
    const original = new RxMistralError({ kind: 'rate-limit', message: 'busy', status: 429, retryable: true, retryAfterMs: 5_000 });
    const { events, error } = await chat([served(concat(of(start), throwError(() => original)))]);
    expect(events).toEqual([start]);
    expect(error).toBeInstanceOf(RxMistralError);
    expect((error as RxMistralError).toJSON()).toEqual(original.toJSON());
  });

  it('hears the error of a stream that is gone, though it has no id of its own', async () => {
    const gone = new RxMistralError({ kind: 'http', status: 410, message: 'gone' });
    const { error, asked } = await chat([streamOf(all.slice(0, 2), cut), served(throwError(() => gone))]);
    expect([error, asked]).toMatchObject([{ kind: 'http', status: 410, partial: { content: 'Hel' } }, [null, '2']]);
  });

  it('gives a retry event its error back', async () => {
    const error = new RxMistralError({ kind: 'connection', message: 'reset', retryable: true });
    const retry: ChatEvent = { type: 'retry', requestId: 'r', attempt: 1, delayMs: 5, strategy: 'restart', error };
    const { events } = await chat([served(of(retry, ...answer))]);
    expect(events[0]).toMatchObject({ type: 'retry', error: { kind: 'connection' } });
    expect((events[0] as typeof retry).error).toBeInstanceOf(RxMistralError);
  });

  it.each([
    ['by the server', [streamOf(all.slice(0, 3)), noMore], {}],
    ['with its only connection', [streamOf(all.slice(0, 3))], { reconnect: false as const }],
  ])('fails with a TruncatedStreamError where the stream is ended %s before its last event', async (_, script, init) => {
    const { events, error } = await chat(script, init);
    expect([events, error]).toMatchObject([answer.slice(0, 3), { name: 'TruncatedStreamError', kind: 'truncated', partial: { role: 'assistant', content: 'Hello' } }]);
  });

  it('fails behind what had come where the attempts are used up, with the answer so far', async () => {
    const { error, asked } = await chat([streamOf(all.slice(0, 2), cut), status(503)]);
    expect([error, asked.length]).toMatchObject([{ status: 503, partial: { content: 'Hel' } }, 4]);
  });

  it.each(['<p>', '7', '{"kind":"x"}', '{"type":7}', '{"type":"error"}', '{"type":"error","error":{}}'])('fails for an event that is none, and shows nothing of it: %s', async (text) => {
    const error = await failureOf(remoteChat(url, {}, { ...scriptedFetch(streamOf([`data: ${text}\n\n`])), reconnect: false }));
    expect([error.kind, error.message]).toEqual(['protocol', `An event of the stream is no chat event (${text.length} characters)`]);
  });

  it('ends at the event that the user names, and passes events that it does not know', async () => {
    type Event = { readonly type: string };
    const events: readonly Event[] = [{ type: 'step-start' }, complete('a'), { type: 'turn-complete' }];
    const { fetch } = scriptedFetch(served(of(...events)));
    const outcome = await outcomeOf(remoteChat<Event>(url, {}, { fetch, isLast: ({ type }) => type === 'turn-complete' }));
    expect(outcome).toMatchObject({ events, completed: true });
  });

  it('closes the connection behind the last event', async () => {
    const { fetch, taken } = scriptedFetch(streamOf([...all, 'data: more\n\n']));
    await outcomeOf(remoteChat(url, {}, { fetch }));
    expect(taken[0]!.signal.aborted).toBe(true);
  });

  it.each<[string, () => unknown, string]>([
    ['body', () => remoteChat(url, () => 1), 'Expected `body` to be a value that has JSON, got a function'],
    ['key', () => remoteChat(url, {}, { key: '' }), 'Expected `key` to be a string that is not empty, got ""'],
    ['a key that no header can have', () => remoteChat(url, {}, { key: '鍵' }), 'Expected `key` to be a text that a header can have, got "鍵"'],
    ['headers', () => remoteChat(url, {}, { headers: { authorization: 'Bearer a\nb' } }), 'Expected `headers` to be names and values that a header can have, got an object'],
    ['isLast', () => remoteChat(url, {}, { isLast: 1 as never }), 'Expected `isLast` to be a function, got 1'],
    ['the options of eventStream', () => remoteChat(url, {}, { maxEventBytes: 0 }), 'Expected `maxEventBytes` to be an integer >= 1 or Infinity, got 0'],
  ])('checks %s at the call', (_, call, message) => {
    expect(call).toThrow(new TypeError(message));
  });
});

import { concat, filter, map, type Observable, of, queueScheduler, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  accumulate,
  type ChatEvent,
  chatStream,
  type ChatStreamOptions,
  constantBackoff,
  RxMistralError,
} from '../../src/index.js';
import { chunk, fakeMistral, marbles, usage } from '../../src/testing/index.js';

const user = { role: 'user' as const, content: 'Hi' };
const request = { model: 'any', messages: [user] };
const resume: ChatStreamOptions = { onDisconnect: 'resume', retry: { maxRetries: 5, backoff: constantBackoff(2) } };
const reset = new RxMistralError({ kind: 'connection', message: 'reset', retryable: true });
const values = { a: chunk.text('Hel'), b: chunk.text('lo'), c: chunk.finish('stop') };

const withoutStarts = (source: Observable<ChatEvent>): Observable<string> =>
  source.pipe(
    filter(({ type }) => type !== 'start'),
    map((event) => (event.type === 'retry' ? event.strategy : event.type)),
  );
const types = { t: 'text-delta', r: 'resume', R: 'restart', c: 'complete', k: 'thinking-delta', d: 'tool-call-delta', w: 'tool-call' };

describe("onDisconnect: 'resume'", () => {
  it('goes on where the answer was cut, and says so', () => {
    marbles(({ cold, mistral, expectObservable, expectSubscriptions }) => {
      const cut = cold('  -a#            ', values, reset);
      const cutSubs = '   ^-!            ';
      const rest = cold('     -ab(c|)    ', values);
      const restSubs = '  ----^--!       ';
      const expected = '  -tr---t(c|)    ';
      const client = mistral({ 'chat.stream': [cut, rest] });

      expectObservable(chatStream(client, request, resume).pipe(withoutStarts)).toBe(expected, types);
      expectSubscriptions(cut.subscriptions).toBe(cutSubs);
      expectSubscriptions(rest.subscriptions).toBe(restSubs);
    });
  });

  it('grows the snapshot on: no blank, no echo', () => {
    marbles(({ cold, mistral, expectObservable }) => {
      const cut = cold('  -a#            ', values, reset);
      const rest = cold('     -ab(c|)    ', values);
      const expected = '  -x----y(y|)    ';
      const client = mistral({ 'chat.stream': [cut, rest] });

      const texts = chatStream(client, request, resume).pipe(
        accumulate(),
        map((snapshot) => snapshot.text),
      );
      expectObservable(texts).toBe(expected, { x: 'Hel', y: 'Hello' });
    });
  });

  it('closes the continued call with its subscriber', () => {
    marbles(({ cold, mistral, expectObservable, expectSubscriptions }) => {
      const cut = cold('  -a#      ', values, reset);
      const rest = cold('     -ab--', values);
      const unsub = '     -----!   ';
      const restSubs = '  ----^!   ';
      const expected = '  -tr---   ';
      const client = mistral({ 'chat.stream': [cut, rest] });

      expectObservable(chatStream(client, request, resume).pipe(withoutStarts), unsub).toBe(expected, types);
      expectSubscriptions(rest.subscriptions).toBe(restSubs);
    });
  });

  it('asks with the answer so far as the beginning, cut after cut', () => {
    marbles(({ cold, mistral, expectObservable, flush }) => {
      const client = mistral({
        'chat.stream': [
          cold('-a#', values, reset),
          cold('-ab#', values, reset),
          cold('-abd(c|)', { ...values, d: chunk.text('!') }),
        ],
      });
      expectObservable(chatStream(client, request, resume).pipe(withoutStarts)).toBe('-tr---tr----t(c|)', types);
      flush();

      expect(client.calls.map(({ request: sent }) => (sent as typeof request).messages)).toEqual([
        [user],
        [user, { role: 'assistant', content: 'Hel', prefix: true }],
        [user, { role: 'assistant', content: 'Hello', prefix: true }],
      ]);
    });
  });

  it('counts the deltas on, and the attempts', () => {
    const client = fakeMistral({
      'chat.stream': [failing(values.a), of(values.b, values.c)],
    });
    const events = collect(chatStream(client, request, { ...resume, ...immediately }));
    expect(events.filter((event) => event.type === 'text-delta').map(({ index }) => index)).toEqual([0, 1]);
    expect(events.filter((event) => event.type === 'start').map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('adds up the usage of all attempts that said theirs', () => {
    const client = fakeMistral({
      'chat.stream': [
        failing(values.a, chunk.usage(usage({ promptTokens: 5, completionTokens: 1 }))),
        of(values.b, chunk.finish('stop', usage({ promptTokens: 6, completionTokens: 1 }))),
      ],
    });
    expect(collect(chatStream(client, request, { ...resume, ...immediately })).at(-1)).toMatchObject({
      type: 'complete',
      message: { role: 'assistant', content: 'Hello' },
      usage: usage({ promptTokens: 11, completionTokens: 2 }),
    });
  });

  it('has one limit of retries and one deadline over all attempts', () => {
    const cuts = Array.from({ length: 3 }, () => failing(values.a));
    const client = fakeMistral({ 'chat.stream': cuts });
    const options = { ...resume, ...immediately, retry: { ...immediately.retry, maxRetries: 2 } };
    expect(failure(chatStream(client, request, options))).toMatchObject({ kind: 'connection', partial: { content: 'Hel' } });
    expect(client.calls).toHaveLength(3);

    marbles(({ cold, mistral, expectObservable }) => {
      const slow = mistral({ 'chat.stream': () => cold('-a#', values, reset) });
      const late = { kind: 'timeout', which: 'total', partial: { role: 'assistant', content: 'Hel' } };
      const events = chatStream(slow, request, { ...resume, timeouts: { total: 11 } }).pipe(withoutStarts);
      expectObservable(events).toBe('-tr---r---r#', types, expect.objectContaining(late));
    });
  });

  it("goes on behind a beginning of the user's own", () => {
    const beginning = { role: 'assistant' as const, content: 'He ', prefix: true };
    const client = fakeMistral({
      'chat.stream': [failing(chunk.text('He'), chunk.text(' said')), of(chunk.text('He said no'), values.c)],
    });
    const events = collect(chatStream(client, { model: 'any', messages: [user, beginning] }, { ...resume, ...immediately }));
    expect(client.calls[1]?.request).toMatchObject({ messages: [user, { ...beginning, content: 'He said' }] });
    expect(events.at(-1)).toMatchObject({ message: { content: 'He said no' } });
  });

  const tools = [{ type: 'function' as const, function: { name: 'now', parameters: {} } }];
  it.each([
    ['in thinking', {}, [chunk.thinking('Hm')]],
    ['behind thinking', {}, [chunk.thinking('Hm'), values.a]],
    ['in a tool call', { tools }, [chunk.toolCallFragment({ id: 'abcdefghi', name: 'now', arguments: '{"a' })]],
    ['in text, with tools offered', { tools }, [values.a]],
    ['with a JSON schema', { responseFormat: { type: 'json_schema' as const } }, [values.a]],
    ['with a JSON object', { responseFormat: { type: 'json_object' as const } }, [values.a]],
  ])('falls back to a restart %s', (_name, fields, chunks) => {
    const client = fakeMistral({ 'chat.stream': [failing(...chunks), of(values.a, values.b, values.c)] });
    const events = collect(chatStream(client, { ...request, ...fields }, { ...resume, ...immediately }));
    expect(events.find((event) => event.type === 'retry')).toMatchObject({ strategy: 'restart' });
    expect(client.calls[1]?.request).toEqual({ ...request, ...fields });
    expect(events.at(-1)).toMatchObject({ type: 'complete', message: { content: 'Hello' } });
  });

  it('begins anew where no token had come', () => {
    const client = fakeMistral({ 'chat.stream': [failing(chunk.start()), of(values.a, values.b, values.c)] });
    const events = collect(chatStream(client, request, { ...resume, ...immediately }));
    expect(events.find((event) => event.type === 'retry')).toMatchObject({ strategy: 'restart' });
    expect(client.calls[1]?.request).toEqual(request);
  });
});

// Runs what is scheduled in the same turn: a pipeline of fakes is over when `subscribe` returns.
const immediate = queueScheduler;
const immediately = { retry: { maxRetries: 5, backoff: constantBackoff(0), scheduler: immediate }, scheduler: immediate };

function failing<T>(...items: readonly T[]): Observable<T> {
  return concat(items, throwError(() => reset));
}

function collect<T>(source: Observable<T>): T[] {
  const all: T[] = [];
  source.pipe(toArray()).subscribe({
    next: (items) => {
      all.push(...items);
    },
    error: (error: unknown) => {
      throw error;
    },
  });
  return all;
}

function failure(source: Observable<unknown>): unknown {
  let failed: unknown;
  source.subscribe({
    error: (error: unknown) => {
      failed = error;
    },
  });
  return failed;
}

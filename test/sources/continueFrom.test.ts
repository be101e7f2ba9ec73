import { concat, concatMap, filter, from, map, type Observable, of, queueScheduler, take, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  accumulate,
  agentsStream,
  type ChatEvent,
  type ChatSnapshot,
  chatStream,
  type ChatStreamOptions,
  constantBackoff,
  createUsageMeter,
  isRxMistralError,
  RxMistralError,
  trackUsage,
} from '../../src/index.js';
import { chunk, fakeMistral, marbles, usage } from '../../src/testing/index.js';

const user = { role: 'user' as const, content: 'Hi' };
const request = { model: 'any', messages: [user] };
const continueFrom = { role: 'assistant' as const, content: 'Hel' };
const continued = { model: 'any', messages: [user, { ...continueFrom, prefix: true }] };
const reset = new RxMistralError({ kind: 'connection', message: 'reset', retryable: true });
const values = { a: chunk.text('Hel'), b: chunk.text('lo'), c: chunk.finish('stop') };

// Runs what is scheduled in the same turn: a pipeline of fakes is over when `subscribe` returns.
const scheduler = queueScheduler;
const retry = { maxRetries: 5, backoff: constantBackoff(0), scheduler };

const names = (source: Observable<ChatEvent>): Observable<string> =>
  source.pipe(map((event) => (event.type === 'retry' ? event.strategy : event.type)));
const types = { s: 'start', t: 'text-delta', r: 'resume', R: 'restart', c: 'complete' };

// What was kept of an answer whose process died.
const kept: readonly ChatEvent[] = [
  { type: 'start', requestId: 'job-1', id: 'completion-1', model: 'any', attempt: 1 },
  { type: 'text-delta', requestId: 'job-1', index: 0, text: 'H' },
  { type: 'text-delta', requestId: 'job-1', index: 1, text: 'el' },
];

describe('continueFrom', () => {
  it('asks at once for the rest, and says first that the answer goes on', () => {
    marbles(({ cold, mistral, expectObservable, expectSubscriptions, flush }) => {
      const rest = cold(' --ab(c|)', values);
      const restSubs = '  ^---!   ';
      const expected = '  r-st(c|)';
      const client = mistral({ 'chat.stream': rest });

      // The start of the attempt comes with the echo, which is taken off.
      expectObservable(chatStream(client, request, { continueFrom }).pipe(names)).toBe(expected, types);
      expectSubscriptions(rest.subscriptions).toBe(restSubs);
      flush();
      expect(client.calls.map(({ request: sent }) => sent)).toEqual([continued]);
    });
  });

  it('begins anew where nothing had come, and says so first', () => {
    marbles(({ cold, mistral, expectObservable, expectSubscriptions, flush }) => {
      const whole = cold('   -a-b(c|)', values);
      const wholeSubs = '    ^---!   ';
      const expected = '     Rt-t(c|)';
      const client = mistral({ 'chat.stream': whole });
      const nothing: ChatStreamOptions = { continueFrom: { role: 'assistant', content: '' } };

      const events = chatStream(client, request, nothing).pipe(filter(({ type }) => type !== 'start'), names);
      expectObservable(events).toBe(expected, types);
      expectSubscriptions(whole.subscriptions).toBe(wholeSubs);
      flush();
      expect(client.calls.map(({ request: sent }) => sent)).toEqual([request]);
    });
  });

  it('closes the call with its subscriber', () => {
    marbles(({ cold, mistral, expectObservable, expectSubscriptions }) => {
      const rest = cold(' --ab--', values);
      const unsub = '     ----! ';
      const restSubs = '  ^---! ';
      const expected = '  r-st-';
      const client = mistral({ 'chat.stream': rest });

      expectObservable(chatStream(client, request, { continueFrom }).pipe(names), unsub).toBe(expected, types);
      expectSubscriptions(rest.subscriptions).toBe(restSubs);
    });
  });

  it('makes no call for a subscriber that takes the first event only', () => {
    const client = fakeMistral({ 'chat.stream': [] });
    expect(collect(chatStream(client, request, { continueFrom }).pipe(take(1), names))).toEqual(['resume']);
    expect(client.calls).toEqual([]);
  });

  it('does the same for each subscriber', () => {
    const client = fakeMistral({ 'chat.stream': () => of(values.a, values.b, values.c) });
    const events = chatStream(client, request, { continueFrom, requestId: 'job-1' });
    const first = collect(events);
    expect(first).toHaveLength(4);
    expect(collect(events)).toEqual(first);
    expect(client.calls.map(({ request: sent }) => sent)).toEqual([continued, continued]);
  });

  it('tells in its events what had come, what is new, and the whole message', () => {
    const said = usage({ promptTokens: 6, completionTokens: 1 });
    const client = fakeMistral({ 'chat.stream': [of(values.a, values.b, chunk.finish('stop', said))] });
    const requestId = 'job-1';
    const { id, model } = values.a;
    const truncated: unknown = expect.objectContaining({ name: 'TruncatedStreamError', kind: 'truncated', partial: continueFrom });
    expect(collect(chatStream(client, request, { continueFrom, requestId }))).toEqual([
      { type: 'retry', requestId, attempt: 1, delayMs: 0, strategy: 'resume', error: truncated },
      { type: 'start', requestId, id, model, attempt: 2 },
      { type: 'text-delta', requestId, index: 1, text: 'lo' },
      { type: 'complete', requestId, id, model, message: { role: 'assistant', content: 'Hello' }, finishReason: 'stop', usage: said },
    ]);
  });

  it.each([
    ['text in chunks', { content: [{ type: 'text' as const, text: 'H' }, { type: 'text' as const, text: 'el' }] }],
    ['a message without a role', { content: 'Hel' }],
    ["a snapshot's message", lastOf(from(kept).pipe(accumulate()))?.message ?? { content: 'none' }],
    ["an error's partial, through JSON", RxMistralError.fromJSON(JSON.parse(JSON.stringify(reset.with({ partial: continueFrom })))).partial],
  ])('goes on behind %s', (_name, message) => {
    const client = fakeMistral({ 'chat.stream': [of(values.b, values.c)] });
    expect(collect(chatStream(client, request, { continueFrom: message })).at(-1)).toMatchObject({ message: { content: 'Hello' } });
    expect(client.calls.map(({ request: sent }) => sent)).toEqual([continued]);
  });

  const tools = [{ type: 'function' as const, function: { name: 'now', parameters: {} } }];
  const thinking = { type: 'thinking' as const, thinking: [{ type: 'text' as const, text: 'Hm' }] };
  const call = { id: 'abcdefghi', type: 'function' as const, function: { name: 'now', arguments: '{"a' }, index: 0 };
  it.each<[string, object, ChatStreamOptions['continueFrom']]>([
    ['in thinking', {}, { role: 'assistant', content: [thinking] }],
    ['behind thinking', {}, { role: 'assistant', content: [thinking, { type: 'text', text: 'Hel' }] }],
    ['in a tool call', {}, { role: 'assistant', content: '', toolCalls: [call] }],
    ['in text, with tools offered', { tools }, continueFrom],
    ['with a JSON schema', { responseFormat: { type: 'json_schema' } }, continueFrom],
    ['with a JSON object', { responseFormat: { type: 'json_object' } }, continueFrom],
  ])('begins anew %s', (_name, fields, message) => {
    const client = fakeMistral({ 'chat.stream': [of(values.a, values.b, values.c)] });
    const asked = { ...request, ...fields };
    const events = collect(chatStream(client, asked, { continueFrom: message }));
    expect(events[0]).toMatchObject({ type: 'retry', attempt: 1, delayMs: 0, strategy: 'restart', error: { kind: 'truncated', partial: message } });
    expect(events.slice(1).map((event) => ('index' in event ? event.index : event.type))).toEqual(['start', 0, 1, 'complete']);
    expect(client.calls.map(({ request: sent }) => sent)).toEqual([asked]);
    expect(lastOf(concat(kept, events).pipe(accumulate()))).toEqual(wholeSnapshot);
    expect(lastOf(concat(events).pipe(accumulate()))).toEqual(wholeSnapshot);
  });

  const wholeSnapshot = lastOf(
    chatStream(fakeMistral({ 'chat.stream': [of(values.a, values.b, values.c)] }), request).pipe(accumulate()),
  );

  it('grows the snapshot on behind what was kept: no blank, no echo', () => {
    const client = fakeMistral({ 'chat.stream': [of(values.a, values.b, values.c)] });
    const snapshots = collect(concat(kept, chatStream(client, request, { continueFrom })).pipe(accumulate()));
    expect(snapshots.map(({ text }) => text)).toEqual(['H', 'Hel', 'Hello', 'Hello']);
    expect(snapshots.at(-1)).toEqual(wholeSnapshot);
  });

  it('begins the snapshot with what had come, where nothing was kept', () => {
    const client = fakeMistral({ 'chat.stream': [of(values.a, values.b, values.c)] });
    const events = collect(chatStream(client, request, { continueFrom }));
    const through: ChatEvent[] = JSON.parse(JSON.stringify(events)) as ChatEvent[];
    for (const each of [events, through]) {
      const snapshots = collect(from(each).pipe(accumulate()));
      expect(snapshots.map(({ text }) => text)).toEqual(['Hel', 'Hello', 'Hello']);
      expect(snapshots.at(-1)).toEqual(wholeSnapshot);
    }
  });

  it('begins the snapshot so behind another answer, too', () => {
    const client = fakeMistral({ 'chat.stream': [of(chunk.text('One'), values.c), of(values.b, values.c)] });
    const calls = from([{}, { continueFrom }]).pipe(concatMap((options) => chatStream(client, request, options)));
    expect(collect(calls.pipe(accumulate())).map(({ text }) => text)).toEqual(['One', 'One', 'Hel', 'Hello', 'Hello']);
  });

  it('is cut and continued again and again, each time by the error of the one before', () => {
    const client = fakeMistral({
      'chat.stream': [failing(values.a), failing(values.a, values.b), of(chunk.text('Hello'), chunk.text('!'), values.c)],
    });
    const log: ChatEvent[] = [];
    let partial: RxMistralError['partial'];
    for (let process = 0; process < 3; process++) {
      chatStream(client, request, { continueFrom: partial }).subscribe({
        next: (event) => log.push(event),
        error: (error: unknown) => {
          partial = isRxMistralError(error) ? error.partial : undefined;
        },
      });
    }
    expect(collect(from(log).pipe(filter(({ type }) => type !== 'start'), names))).toEqual(
      ['text-delta', 'resume', 'text-delta', 'resume', 'text-delta', 'complete'],
    );
    expect(lastOf(from(log).pipe(accumulate()))).toMatchObject({ text: 'Hello!', message: { content: 'Hello!' }, done: true });
  });

  it('works for agents', () => {
    const client = fakeMistral({ 'agents.stream': [of(values.a, values.b, values.c)] });
    const events = collect(agentsStream(client, { agentId: 'ag', messages: [user] }, { continueFrom }));
    expect(client.calls[0]?.request).toEqual({ agentId: 'ag', messages: continued.messages });
    expect(events.at(-1)).toMatchObject({ message: { content: 'Hello' } });
  });

  it("goes on behind a beginning of the user's own", () => {
    const client = fakeMistral({ 'chat.stream': [of(values.b, values.c)] });
    const own = { role: 'assistant' as const, content: 'He', prefix: true };
    chatStream(client, { ...request, messages: [user, own] }, { continueFrom }).subscribe();
    expect(client.calls.map(({ request: sent }) => sent)).toEqual([continued]);
  });

  it('counts the usage of the attempts made here, and the cut one as a retry', () => {
    const said = usage({ promptTokens: 6, completionTokens: 1 });
    const client = fakeMistral({ 'chat.stream': [of(values.b, chunk.finish('stop', said))] });
    const meter = createUsageMeter();
    chatStream(client, request, { continueFrom }).pipe(trackUsage(meter)).subscribe();
    const [state] = collect(meter.state$.pipe(take(1)));
    expect(state).toMatchObject({ calls: 1, retries: 1, inputTokens: 6, outputTokens: 1 });
  });

  describe('where the continued attempt fails', () => {
    it('before anything new, is repeated by `retry`, still from there', () => {
      const client = fakeMistral({ 'chat.stream': [throwError(() => reset), failing(values.a), of(values.a, values.b, values.c)] });
      const events = collect(chatStream(client, request, { continueFrom, retry, scheduler }));
      expect(events.flatMap((event) => (event.type === 'retry' ? [[event.attempt, event.strategy]] : []))).toEqual([
        [1, 'resume'],
        [2, 'resume'],
        [3, 'resume'],
      ]);
      expect(client.calls.map(({ request: sent }) => sent)).toEqual([continued, continued, continued]);
      expect(lastOf(concat(kept, events).pipe(accumulate()))).toEqual(wholeSnapshot);
    });

    it("before anything new, is repeated from there with `onDisconnect: 'restart'`", () => {
      const client = fakeMistral({ 'chat.stream': [failing(values.a), of(values.b, values.c)] });
      chatStream(client, request, { continueFrom, retry, scheduler, onDisconnect: 'restart' }).subscribe();
      expect(client.calls.map(({ request: sent }) => sent)).toEqual([continued, continued]);
    });

    it('without `retry`, fails with all that had come', () => {
      const client = fakeMistral({ 'chat.stream': [throwError(() => reset)] });
      expect(failure(chatStream(client, request, { continueFrom }))).toMatchObject({ kind: 'connection', partial: continueFrom });
    });

    it('begun anew and before its first token, fails with all that had come', () => {
      const client = fakeMistral({ 'chat.stream': [throwError(() => reset)] });
      const partial = { role: 'assistant' as const, content: [thinking] };
      expect(failure(chatStream(client, request, { continueFrom: partial }))).toMatchObject({ kind: 'connection', partial });
    });

    it.each([
      ['error', ['resume'], 1],
      ['restart', ['resume', 'restart'], 2],
      ['resume', ['resume', 'resume'], 2],
    ] as const)("behind something new, does as `onDisconnect: '%s'` says", (onDisconnect, strategies, calls) => {
      const client = fakeMistral({
        'chat.stream': [
          failing(values.a, values.b),
          onDisconnect === 'restart' ? of(values.a, values.b, chunk.text('!'), values.c) : of(chunk.text('!'), values.c),
        ],
      });
      const events: ChatEvent[] = [];
      let failed: unknown;
      chatStream(client, request, { continueFrom, retry, scheduler, onDisconnect }).subscribe({
        next: (event) => events.push(event),
        error: (error: unknown) => (failed = error),
      });
      expect(events.flatMap((event) => (event.type === 'retry' ? [event.strategy] : []))).toEqual(strategies);
      expect(client.calls).toHaveLength(calls);
      if (onDisconnect === 'error') expect(failed).toMatchObject({ kind: 'connection', partial: { content: 'Hello' } });
      else expect(lastOf(concat(kept, events).pipe(accumulate()))).toMatchObject({ text: 'Hello!', done: true });
    });

    it('behind thinking that is new, is not repeated by `retry`', () => {
      const client = fakeMistral({ 'chat.stream': [failing(chunk.thinking('Hm'))] });
      expect(failure(chatStream(client, request, { continueFrom, retry, scheduler }))).toMatchObject({ kind: 'connection' });
      expect(client.calls).toHaveLength(1);
    });
  });

  it.each([[null], ['Hel'], [7], [{}], [{ role: 'assistant' }], [{ content: null }], [{ content: 7 }], [[]]])('refuses %j', (message) => {
    const options = { continueFrom: message } as unknown as ChatStreamOptions;
    for (const source of [() => chatStream(fakeMistral({}), request, options), () => agentsStream(fakeMistral({}), { ...request, agentId: 'ag' }, options)]) {
      expect(source).toThrow(TypeError);
      expect(source).toThrow('Expected `continueFrom` to be a message with content, got ');
    }
  });
});

function failing<T>(...items: readonly T[]): Observable<T> {
  return concat(items, throwError(() => reset));
}

function collect<T>(source: Observable<T>): T[] {
  const all: T[] = [];
  source.subscribe({
    next: (value) => all.push(value),
    error: (error: unknown) => {
      throw error;
    },
  });
  return all;
}

function lastOf(source: Observable<ChatSnapshot>): ChatSnapshot | undefined {
  return collect(source).at(-1);
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

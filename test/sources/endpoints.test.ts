import type { Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import * as rx from '../../src/index.js';
import { completion, fakeMistral, type FakeMistral, type FakeMistralScript, marbles } from '../../src/testing/index.js';

const messages = [{ role: 'user' as const, content: 'Hi' }];
const usage = { promptTokens: 1, completionTokens: 1, totalTokens: 2 };
const backoff = rx.constantBackoff(3);

// What is the same of every endpoint that answers once: the source, its operation, what it is asked and answers.
interface Endpoint {
  readonly name: string;
  readonly operation: keyof FakeMistralScript;
  readonly call: (client: FakeMistral, options?: rx.CallOptions) => Observable<unknown>;
  readonly request: unknown;
  readonly response: unknown;
}

const agentRequest = { agentId: 'ag_1', messages };
const fimRequest = { model: 'codestral-latest', prompt: 'function' };
const textsRequest = { model: 'any', inputs: ['a'] };
const chatRequest = { model: 'any', inputs: messages };
const ocrRequest = { model: 'any', document: { type: 'document_url' as const, documentUrl: 'https://example.com/a.pdf' } };
const audioRequest = { model: 'any', fileUrl: 'https://example.com/a.mp3' };
const agent = { id: 'ag_1', model: 'any', name: 'reviewer', object: 'agent', version: 0, versions: [0], createdAt: new Date(0), updatedAt: new Date(0), deploymentChat: false, source: 'api' };
const agentUpdate = { agentId: 'ag_1', updateAgentRequest: { instructions: 'You review code.' } };
const newAgent = { model: 'any', name: 'reviewer' };
const embeddingResponse = { id: 'e', object: 'list', model: 'any', usage, data: [{ object: 'embedding', embedding: [1], index: 0 }] };

const endpoints: readonly Endpoint[] = [
  { name: 'chatComplete', operation: 'chat.complete', call: (client, options) => rx.chatComplete(client, { model: 'any', messages }, options), request: { model: 'any', messages }, response: completion() },
  { name: 'agentsComplete', operation: 'agents.complete', call: (client, options) => rx.agentsComplete(client, agentRequest, options), request: agentRequest, response: completion() },
  { name: 'fimComplete', operation: 'fim.complete', call: (client, options) => rx.fimComplete(client, fimRequest, options), request: fimRequest, response: completion() },
  { name: 'embeddings', operation: 'embeddings.create', call: (client, options) => rx.embeddings(client, textsRequest, options), request: textsRequest, response: embeddingResponse },
  { name: 'moderate', operation: 'classifiers.moderate', call: (client, options) => rx.moderate(client, textsRequest, options), request: textsRequest, response: { id: 'm', model: 'any', results: [] } },
  { name: 'moderateChat', operation: 'classifiers.moderateChat', call: (client, options) => rx.moderateChat(client, chatRequest, options), request: chatRequest, response: { id: 'm', model: 'any', results: [] } },
  { name: 'classify', operation: 'classifiers.classify', call: (client, options) => rx.classify(client, textsRequest, options), request: textsRequest, response: { id: 'c', model: 'any', results: [] } },
  { name: 'ocr', operation: 'ocr.process', call: (client, options) => rx.ocr(client, ocrRequest, options), request: ocrRequest, response: { pages: [], model: 'any', usageInfo: { pagesProcessed: 0 } } },
  { name: 'models', operation: 'models.list', call: (client, options) => rx.models(client, {}, options), request: {}, response: { object: 'list', data: [] } },
  { name: 'transcribe', operation: 'audio.transcriptions.complete', call: (client, options) => rx.transcribe(client, audioRequest, options), request: audioRequest, response: { model: 'any', text: 'Hi', usage, language: null } },
  { name: 'createAgent', operation: 'beta.agents.create', call: (client, options) => rx.createAgent(client, newAgent, options), request: newAgent, response: agent },
  { name: 'getAgent', operation: 'beta.agents.get', call: (client, options) => rx.getAgent(client, { agentId: 'ag_1' }, options), request: { agentId: 'ag_1' }, response: agent },
  { name: 'updateAgent', operation: 'beta.agents.update', call: (client, options) => rx.updateAgent(client, agentUpdate, options), request: agentUpdate, response: agent },
  { name: 'deleteAgent', operation: 'beta.agents.delete', call: (client, options) => rx.deleteAgent(client, { agentId: 'ag_1' }, options), request: { agentId: 'ag_1' }, response: undefined },
];

describe.each(endpoints)('$name', ({ operation, call, request, response }) => {
  it('emits the one answer and completes, and is one call a subscription', () => {
    marbles(({ cold, mistral, expectObservable, expectSubscriptions, flush }) => {
      const answer = cold('--(r|)', { r: response });
      const client = mistral({ [operation]: answer });
      const source = call(client);

      expectObservable(source).toBe('--(r|)', { r: response });
      expectObservable(source, '-^').toBe('---(r|)', { r: response });
      expectSubscriptions(answer.subscriptions).toBe(['^-!', '-^-!']);
      flush();
      expect(client.calls.map((each) => [each.operation, each.request])).toEqual([
        [operation, request],
        [operation, request],
      ]);
    });
  });

  it('ends the call with its subscriber', () => {
    marbles(({ cold, mistral, expectObservable, expectSubscriptions }) => {
      const answer = cold('------(r|)', { r: response });
      const client = mistral({ [operation]: answer });

      expectObservable(call(client), '^--!').toBe('----');
      expectSubscriptions(answer.subscriptions).toBe('^--!');
    });
  });

  it('repeats what may succeed, and nothing else', () => {
    marbles(({ cold, mistral, expectObservable }) => {
      const client = mistral({ [operation]: [{ status: 503 }, cold('-(r|)', { r: response })] });
      expectObservable(call(client, { retry: { backoff } })).toBe('----(r|)', { r: response });

      const refused = mistral({ [operation]: { status: 422, body: { detail: [{ loc: ['body', 'model'], msg: 'unknown' }] } } });
      const error = { kind: 'http', status: 422, message: 'body.model: unknown' };
      expectObservable(call(refused, { retry: { backoff } })).toBe('#', {}, expect.objectContaining(error));
    });
  });

  it('keeps to its timeouts', () => {
    marbles(({ cold, mistral, expectObservable, expectSubscriptions }) => {
      const silent = cold('-');
      const client = mistral({ [operation]: silent });
      const late = (which: string) => expect.objectContaining({ kind: 'timeout', which }) as unknown;

      expectObservable(call(client, { timeouts: { firstEvent: 5 } })).toBe('-----#', {}, late('firstEvent'));
      expectObservable(call(client, { timeouts: { total: 7 } })).toBe('-------#', {}, late('total'));
      expectSubscriptions(silent.subscriptions).toBe(['^----!', '^------!']);
    });
  });
});

describe('embeddings', () => {
  const embed = (request: { readonly inputs: string | string[] }) => ({
    ...embeddingResponse,
    data: [request.inputs].flat().map((text, index) => ({ object: 'embedding', embedding: [Number(text)], index })).reverse(),
  });
  const run = (inputs: string[], options: rx.EmbeddingsOptions) => {
    const client = fakeMistral({ 'embeddings.create': (request) => embed(request) });
    let result: unknown;
    rx.embeddings(client, { model: 'any', inputs }, options).subscribe({ next: (response) => (result = response), error: (error: unknown) => (result = error) });
    return { client, result };
  };

  it('joins many calls as if they had been one: order, index, usage', () => {
    const inputs = Array.from({ length: 10 }, (_, index) => String(index));
    const { client, result } = run(inputs, { maxInputs: 3 });
    expect(client.calls.map(({ request }) => (request as { inputs: string[] }).inputs.length)).toEqual([3, 3, 3, 1]);
    expect(result).toMatchObject({
      usage: { promptTokens: 4, completionTokens: 4, totalTokens: 8 },
      data: inputs.map((text, index) => ({ embedding: [Number(text)], index })),
    });
  });

  it('cuts by estimated tokens, and sends alone what is larger', () => {
    const { client } = run(['111', '222', '3'.repeat(30), '4'], { maxTokens: 2 });
    expect(client.calls.map(({ request }) => (request as { inputs: string[] }).inputs)).toEqual([['111', '222'], ['3'.repeat(30)], ['4']]);
  });

  it('makes no call for no inputs', () => {
    const { client, result } = run([], {});
    expect(client.calls).toEqual([]);
    expect(result).toMatchObject({ data: [], model: 'any' });
  });

  it('has at most `concurrency` calls under way, and ends them all when one fails for good', () => {
    marbles(({ cold, mistral, expectObservable, expectSubscriptions }) => {
      const slow = cold('-----(r|)', { r: embeddingResponse });
      const failing = cold<typeof embeddingResponse>('--#', {}, new rx.RxMistralError({ kind: 'http', message: 'no' }));
      const client = mistral({ 'embeddings.create': [slow, failing] });
      const source = rx.embeddings(client, { model: 'any', inputs: ['1', '2', '3'] }, { maxInputs: 1, concurrency: 2 });

      expectObservable(source).toBe('--#', {}, expect.objectContaining({ kind: 'http', message: 'no' }));
      expectSubscriptions(slow.subscriptions).toBe('^-!');
    });
  });

  it('bounds all calls together by the total', () => {
    marbles(({ cold, mistral, expectObservable }) => {
      const client = mistral({ 'embeddings.create': () => cold('----(r|)', { r: embeddingResponse }) });
      const source = rx.embeddings(client, { model: 'any', inputs: ['1', '2', '3'] }, { maxInputs: 1, concurrency: 1, timeouts: { total: 10 } });
      expectObservable(source).toBe('----------#', {}, expect.objectContaining({ kind: 'timeout', which: 'total' }));
    });
  });
});

const delta = (text: string) => ({ event: 'transcription.text.delta', data: { type: 'transcription.text.delta', text } }) as const;
const done = { event: 'transcription.done', data: { type: 'transcription.done', model: 'any', text: 'Hello', usage, language: 'en' } } as const;
const sound = { event: 'speech.audio.delta', data: { type: 'speech.audio.delta', audioData: 'AA==' } } as const;
const silence = { event: 'speech.audio.done', data: { type: 'speech.audio.done', usage } } as const;

describe.each([
  { name: 'transcriptionStream', operation: 'audio.transcriptions.stream', call: (client: FakeMistral, options?: rx.CallOptions): Observable<unknown> => rx.transcriptionStream(client, audioRequest, options), piece: delta('Hel'), last: done, partial: { role: 'assistant', content: 'Hel' } },
  { name: 'speechStream', operation: 'audio.speech.complete', call: (client: FakeMistral, options?: rx.CallOptions): Observable<unknown> => rx.speechStream(client, { input: 'Hello' }, options), piece: sound, last: silence, partial: undefined },
] as const)('$name', ({ operation, call, piece, last, partial }) => {
  const values = { a: piece, d: last };
  const reset = new rx.RxMistralError({ kind: 'connection', message: 'reset', retryable: true });
  const script = (answer: unknown) => ({ [operation]: answer }) as unknown as FakeMistralScript;

  it('passes its events on and completes behind the last', () => {
    marbles(({ cold, mistral, expectObservable, expectSubscriptions }) => {
      const events = cold('--a-a-(d|)', values);
      expectObservable(call(mistral(script(events)))).toBe('--a-a-(d|)', values);
      expectSubscriptions(events.subscriptions).toBe('^-----!');
    });
  });

  it('is truncated without its last event', () => {
    marbles(({ cold, mistral, expectObservable }) => {
      const error = { kind: 'truncated', name: 'TruncatedStreamError', ...(partial && { partial }) };
      expectObservable(call(mistral(script(cold('--a|', values))))).toBe('--a#', values, expect.objectContaining(error));
    });
  });

  it('completes where the connection is lost behind the last event', () => {
    marbles(({ cold, mistral, expectObservable }) => {
      expectObservable(call(mistral(script(cold('--ad-#', values, reset))))).toBe('--ad-|', values);
    });
  });

  it('repeats only before the first event', () => {
    marbles(({ cold, mistral, expectObservable }) => {
      const retried = call(mistral(script([cold('-#', values, reset), cold('-(d|)', values)])), { retry: { backoff } });
      expectObservable(retried).toBe('-----(d|)', values);

      const error = { kind: 'connection', ...(partial && { partial }) };
      const failed = call(mistral(script(cold('-a#', values, reset))), { retry: { backoff } });
      expectObservable(failed).toBe('-a#', values, expect.objectContaining(error));
    });
  });

  it('ends the call with its subscriber, and keeps to its timeouts', () => {
    marbles(({ cold, mistral, expectObservable, expectSubscriptions }) => {
      const stalled = cold('-a------', values);
      const client = mistral(script(stalled));
      const late = expect.objectContaining({ kind: 'timeout', which: 'idle' }) as unknown;

      expectObservable(call(client), '^--!').toBe('-a--', values);
      expectObservable(call(client, { timeouts: { idle: 4 } })).toBe('-a---#', values, late);
      expectSubscriptions(stalled.subscriptions).toBe(['^--!', '^----!']);
    });
  });
});

describe('what is wrong is said at once', () => {
  const client = fakeMistral({});
  it.each<[string, () => unknown]>([
    ['Expected `agentId` to be a string that is not empty, got undefined', () => rx.agentsStream(client, { messages } as never)],
    ['Expected `messages` to be an array that is not empty, got an empty array', () => rx.agentsComplete(client, { agentId: 'a', messages: [] })],
    ['Expected `n` to be 1 or absent (several answers: use the chunks), got 2', () => rx.agentsStream(client, { ...agentRequest, n: 2 })],
    ['Expected `prompt` to be given, got undefined', () => rx.fimStream(client, { model: 'any' } as never)],
    ["Expected `onDisconnect` to be 'error' or 'restart', got \"resume\"", () => rx.fimStream(client, fimRequest, { onDisconnect: 'resume' as never })],
    ['Expected `inputs` to be given, got undefined', () => rx.embeddings(client, { model: 'any' } as never)],
    ['Expected `concurrency` to be an integer >= 1, got 0', () => rx.embeddings(client, textsRequest, { concurrency: 0 })],
    ['Expected `maxInputs` to be an integer >= 1, got 0.5', () => rx.embeddings(client, textsRequest, { maxInputs: 0.5 })],
    ['Expected `model` to be a string that is not empty, got ""', () => rx.moderate(client, { ...textsRequest, model: '' })],
    ['Expected `document` to be given, got null', () => rx.ocr(client, { model: 'any', document: null } as never)],
    ['Expected `input` to be a string that is not empty, got undefined', () => rx.speechStream(client, {} as never)],
    ['Expected `name` to be a string that is not empty, got undefined', () => rx.createAgent(client, { model: 'any' } as never)],
    ['Expected `agentId` to be an id (letters, digits, `-`, `_`, `.`, `:`), got ".."', () => rx.getAgent(client, { agentId: '..' })],
    ['Expected `agentId` to be an id (letters, digits, `-`, `_`, `.`, `:`), got "a/b"', () => rx.deleteAgent(client, { agentId: 'a/b' })],
    ['Expected `agentId` to be an id (letters, digits, `-`, `_`, `.`, `:`), got ""', () => rx.updateAgent(client, { agentId: '', updateAgentRequest: {} })],
    ['Expected `updateAgentRequest` to be given, got undefined', () => rx.updateAgent(client, { agentId: 'a' } as never)],
    ['Expected `request` to be an object, got null', () => rx.listAgents(client, null as never)],
    ['Expected `name` to be a string that is not empty, got ""', () => rx.ensureAgent(client, { model: 'any', name: '' })],
    ['Expected `model` to be a string that is not empty, got undefined', () => rx.ensureAgent(client, { name: 'any' } as never)],
    ['Expected `request` to be an object, got undefined', () => rx.transcribe(client, undefined as never)],
    ['Expected `client` to be a Mistral client of the SDK or a MistralTransport, got an object', () => rx.models({} as never)],
  ])('%s', (message, call) => {
    expect(call).toThrow(new TypeError(message));
  });
});

describe('agents and fim are streams of a completion', () => {
  it.each([
    ['agents.stream', (client: FakeMistral) => rx.agentsStream(client, agentRequest)],
    ['fim.stream', (client: FakeMistral) => rx.fimStream(client, fimRequest)],
  ] as const)('%s: events', (operation, call) => {
    const client = fakeMistral({ [operation]: () => [text('Hel'), text('lo'), finish] });
    const types: string[] = [];
    call(client).subscribe({ next: ({ type }) => types.push(type), error: (error: unknown) => types.push(String(error)) });
    expect(types).toEqual(['start', 'text-delta', 'text-delta', 'complete']);
  });

  it.each([
    ['agents.stream', (client: FakeMistral) => rx.agentsChunks(client, agentRequest)],
    ['fim.stream', (client: FakeMistral) => rx.fimChunks(client, fimRequest)],
  ] as const)('%s: chunks', (operation, call) => {
    marbles(({ cold, mistral, expectObservable }) => {
      const values = { a: text('Hel'), f: finish };
      expectObservable(call(mistral({ [operation]: cold('-a-(f|)', values) }))).toBe('-a-(f|)', values);
      const truncated = expect.objectContaining({ kind: 'truncated', partial: { role: 'assistant', content: 'Hel' } }) as unknown;
      expectObservable(call(mistral({ [operation]: cold('-a-|', values) }))).toBe('-a-#', values, truncated);
    });
  });
});

const base = { id: 'x', model: 'any' };
const text = (content: string) => ({ ...base, choices: [{ index: 0, delta: { content }, finishReason: null }] });
const finish = { ...base, choices: [{ index: 0, delta: {}, finishReason: 'stop' as const }] };

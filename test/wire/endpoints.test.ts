import { MistralCore } from '@mistralai/mistralai/core.js';
import { lastValueFrom, type Observable, toArray } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as rx from '../../src/index.js';
import { type Simulator, startSimulator } from '../../src/simulator/index.js';

const messages = [{ role: 'user' as const, content: 'Say something.' }];
const audio = { model: 'voxtral-mini-latest', fileUrl: 'https://example.com/a.mp3' };

type Call = (client: MistralCore, options?: rx.CallOptions) => Observable<unknown>;

const streams: readonly { readonly name: string; readonly call: Call }[] = [
  { name: 'agentsStream', call: (client, options) => rx.agentsStream(client, { agentId: 'ag_1', messages }, options) },
  { name: 'agentsChunks', call: (client, options) => rx.agentsChunks(client, { agentId: 'ag_1', messages }, options) },
  { name: 'fimStream', call: (client, options) => rx.fimStream(client, { model: 'codestral-latest', prompt: 'function' }, options) },
  { name: 'fimChunks', call: (client, options) => rx.fimChunks(client, { model: 'codestral-latest', prompt: 'function' }, options) },
  { name: 'transcriptionStream', call: (client, options) => rx.transcriptionStream(client, audio, options) },
  { name: 'speechStream', call: (client, options) => rx.speechStream(client, { input: 'Hello there.' }, options) },
];

const calls: readonly { readonly name: string; readonly call: Call }[] = [
  { name: 'agentsComplete', call: (client, options) => rx.agentsComplete(client, { agentId: 'ag_1', messages }, options) },
  { name: 'fimComplete', call: (client, options) => rx.fimComplete(client, { model: 'codestral-latest', prompt: 'function' }, options) },
  { name: 'embeddings', call: (client, options) => rx.embeddings(client, { model: 'mistral-embed', inputs: ['a', 'b'] }, options) },
  { name: 'moderate', call: (client, options) => rx.moderate(client, { model: 'mistral-moderation-latest', inputs: ['a'] }, options) },
  { name: 'moderateChat', call: (client, options) => rx.moderateChat(client, { model: 'mistral-moderation-latest', inputs: messages }, options) },
  { name: 'classify', call: (client, options) => rx.classify(client, { model: 'ft:classifier:x', inputs: ['a'] }, options) },
  { name: 'ocr', call: (client, options) => rx.ocr(client, { model: 'mistral-ocr-latest', document: { type: 'image_url', imageUrl: 'https://example.com/a.png' } }, options) },
  { name: 'models', call: (client, options) => rx.models(client, {}, options) },
  { name: 'transcribe', call: (client, options) => rx.transcribe(client, audio, options) },
  { name: 'createAgent', call: (client, options) => rx.createAgent(client, { model: 'mistral-small-latest', name: 'reviewer' }, options) },
  { name: 'getAgent', call: (client, options) => rx.getAgent(client, { agentId }, options) },
  { name: 'updateAgent', call: (client, options) => rx.updateAgent(client, { agentId, updateAgentRequest: { instructions: 'You review code.' } }, options) },
  { name: 'deleteAgent', call: (client, options) => rx.deleteAgent(client, { agentId: doomedId }, options) },
  { name: 'listAgents', call: (client, options) => rx.listAgents(client, { id: agentId }, options) },
  { name: 'ensureAgent', call: (client, options) => rx.ensureAgent(client, { model: 'mistral-small-latest', name: 'reviewer' }, options) },
];

let simulator: Simulator;
let client: MistralCore;
let agentId: string;
let doomedId: string;

beforeAll(async () => {
  simulator = await startSimulator();
  client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });
  const create = rx.createAgent(client, { model: 'mistral-small-latest', name: 'any' });
  agentId = (await lastValueFrom(create)).id;
  doomedId = (await lastValueFrom(create)).id;
});
beforeEach(() => {
  simulator.setFaults();
});
afterAll(() => simulator.close());

// The collector takes what only a weak link holds: the request that the SDK cloned, and its tie to a signal.
async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
  }
}

async function failureOf(source: Observable<unknown>): Promise<unknown> {
  return lastValueFrom(source.pipe(toArray())).then(
    () => undefined,
    (error: unknown) => error,
  );
}

// Subscribes, waits until the server is silent, collects garbage, unsubscribes: the server must see the connection go.
async function cancelsWhileSilent(call: Call): Promise<void> {
  const before = simulator.requestCount;
  const subscription = call(client).subscribe({ error: () => undefined });
  await simulator.until(({ requestCount }) => requestCount > before);
  await simulator.until(({ openRequests }) => openRequests === 1);
  await collectGarbage();
  subscription.unsubscribe();
  await simulator.until(({ openRequests }) => openRequests === 0);
  expect(simulator.requests.at(-1)?.outcome).toBe('client-closed');
}

describe.each(streams)('$name', ({ call }) => {
  it('comes to its end', async () => {
    expect((await lastValueFrom(call(client).pipe(toArray()))).length).toBeGreaterThan(2);
  });

  it('is truncated, not complete, when the server cuts it', async () => {
    simulator.setFaults({ kind: 'truncate', at: { events: 2 } });
    expect(await failureOf(call(client))).toMatchObject({ name: 'TruncatedStreamError', kind: 'truncated' });
    simulator.setFaults({ kind: 'reset', at: { events: 2 } });
    expect(await failureOf(call(client))).toMatchObject({ name: 'TruncatedStreamError', kind: 'connection' });
  });

  it('falls to its idle timeout in a stall, and closes the connection', async () => {
    simulator.setFaults({ kind: 'stall', at: { events: 2 } });
    await collectGarbage();
    expect(await failureOf(call(client, { timeouts: { idle: 1_000 } }))).toMatchObject({ kind: 'timeout', which: 'idle' });
    await simulator.until(({ openRequests }) => openRequests === 0);
    expect(simulator.requests.at(-1)?.outcome).toBe('client-closed');
  });

  it.each([['before-headers'], ['after-headers'], [{ events: 1 }]] as const)('cancels while the server is silent (%j), after a garbage collection', async (at) => {
    simulator.setFaults({ kind: 'stall', at });
    await cancelsWhileSilent(call);
  });

  it('is repeated after a 503, before its first event', async () => {
    simulator.setFaults({ kind: 'status', status: 503, on: 0 });
    const events = await lastValueFrom(call(client, { retry: { backoff: rx.constantBackoff(1) } }).pipe(toArray()));
    expect(events.length).toBeGreaterThan(2);
  });
});

describe.each(calls)('$name', ({ call }) => {
  it('emits one answer', async () => {
    expect(await lastValueFrom(call(client).pipe(toArray()))).toHaveLength(1);
  });

  it('cancels while the server is silent, after a garbage collection', async () => {
    simulator.setFaults({ kind: 'stall', at: 'before-headers' });
    await cancelsWhileSilent(call);
  });

  it('fails with the server\'s own message, and closes what is slow', async () => {
    simulator.setFaults({ kind: 'status', status: 400, body: { json: { object: 'error', message: 'Not today', type: 'invalid', code: '1' } } });
    expect(await failureOf(call(client))).toMatchObject({ kind: 'http', status: 400, message: 'Not today', code: '1', retryable: false });
    simulator.setFaults({ kind: 'stall', at: 'before-headers' });
    await collectGarbage();
    expect(await failureOf(call(client, { timeouts: { total: 100 } }))).toMatchObject({ kind: 'timeout', which: 'total' });
    await simulator.until(({ openRequests }) => openRequests === 0);
  });
});

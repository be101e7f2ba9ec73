import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lastValueFrom, take, toArray } from 'rxjs';
import { Webhook } from 'standardwebhooks';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { accumulate, type ChatEvent } from '../../src/index.js';
import { startSimulator, type Simulator } from '../../src/simulator/index.js';
import { eventStream, type FetchFunction, remoteChat } from '../../src/sse/index.js';
import { documentedPrograms, root } from '../package/programs.js';
import { eventually } from '../wire/fixtures/cancellationFixtures.js';
import { failureOf } from '../wire/fixtures/outcomeOf.js';

// The handlers of docs/serving.md, as they stand there, asked by real requests.

type Handler = (request: Request) => Promise<Response>;

// Inside the package, so that they import it by its name, as it was built.
const folder = join(root, 'test/node/.generated');
let simulator: Simulator;
let chat: { readonly POST: Handler; readonly GET: Handler; readonly DELETE: Handler };
let hook: { readonly POST: Handler };

/** The module of the document's program that has this in it. */
async function load<T>(name: string, mark: string): Promise<T> {
  const program = (await documentedPrograms()).find(({ place, source }) => place.startsWith('docs/serving.md') && source.includes(mark));
  const source = program!.source.replace("{ apiKey: process.env['MISTRAL_API_KEY'] ?? '' }", `{ serverURL: '${simulator.url}', apiKey: 'any' }`);
  const { outputText } = transpileModule(source, { compilerOptions: { target: ScriptTarget.ES2023, module: ModuleKind.ESNext, verbatimModuleSyntax: true } });
  const file = join(folder, `${name}.js`);
  await writeFile(file, outputText);
  return (await import(/* @vite-ignore */ file)) as T;
}

beforeAll(async () => {
  simulator = await startSimulator({ reply: 'The sky is blue – 漢字 🚀.' });
  await mkdir(folder, { recursive: true });
  chat = await load('chat', 'export async function DELETE');
  hook = await load('hook', 'verifyWebhook(request, secrets)');
});
afterEach(() => {
  simulator.setFaults();
  vi.restoreAllMocks();
});
afterAll(async () => {
  await simulator.close();
  await rm(folder, { recursive: true, force: true });
});

const url = 'http://localhost/chat';
/** The handler in the place of the network. */
const fetch: FetchFunction = (request) => chat[request.method as keyof typeof chat](request);
const ask = (init: Parameters<typeof remoteChat>[2] = {}, body: unknown = { prompt: 'Why is the sky blue?' }) => remoteChat(url, body, { fetch, ...init });
const keyed = (key: string, headers: Record<string, string> = {}): Record<string, string> => ({ 'idempotency-key': key, ...headers });

describe('the fetch handler of the guide', () => {
  it('is read by remoteChat, whole', async () => {
    const { text, done } = await lastValueFrom(ask().pipe(accumulate()));
    expect([text, done]).toEqual(['The sky is blue – 漢字 🚀.', true]);
  });

  it('answers with an event stream that no proxy may hold back, read by eventStream', async () => {
    const response = await chat.POST(new Request(url, { method: 'POST', body: '{"prompt":"Hi"}' }));
    expect([response.status, response.headers.get('content-type'), response.headers.get('x-accel-buffering')]).toEqual([200, 'text/event-stream', 'no']);
    await response.body?.cancel();
    const events = await lastValueFrom(eventStream(url, { method: 'POST', body: '{"prompt":"Hi"}', fetch, reconnect: false }).pipe(toArray()));
    expect(events.map(({ id }) => Number(id))).toEqual(events.map((_, index) => index + 1));
    expect((JSON.parse(events.at(-1)!.data) as ChatEvent).type).toBe('complete');
  });

  it('goes on with an answer behind Last-Event-ID, lets others join it, and asks the model once', async () => {
    const before = simulator.requestCount;
    const first = await lastValueFrom(ask({ key: 'k-1' }).pipe(take(3), toArray()));
    const rest = await lastValueFrom(ask({ key: 'k-1', lastEventId: '3' }).pipe(toArray()));
    const joined = await lastValueFrom(remoteChat(url, undefined, { fetch, headers: keyed('k-1') }).pipe(toArray()));
    expect([...first, ...rest]).toEqual(joined);
    expect(simulator.requestCount - before).toBe(1);
    const { status } = await chat.POST(new Request(url, { method: 'POST', headers: keyed('k-1', { 'last-event-id': String(joined.length) }), body: '{"prompt":"Hi"}' }));
    expect(status).toBe(204);
  });

  it('stops the model when it is told to', async () => {
    simulator.setFaults({ kind: 'stall', at: { events: 3 } });
    const failure = failureOf(ask({ key: 'k-2' }));
    await eventually(() => simulator.openRequests === 1, 'the model is asked');
    const { status } = await chat.DELETE(new Request(url, { method: 'DELETE', headers: keyed('k-2') }));
    await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });
    expect([status, await failure]).toMatchObject([204, { name: 'TruncatedStreamError' }]);
  });

  it.each(['', '{"prompt":""}', '{"prompt":7}', '[]'])('refuses %j with the reason, and asks nobody', async (body) => {
    const before = simulator.requestCount;
    const response = await chat.POST(new Request(url, { method: 'POST', body }));
    expect([response.status, await response.json(), simulator.requestCount]).toEqual([400, { message: 'A `prompt` of 1 to 20,000 characters is missing' }, before]);
  });

  it('knows nothing of an answer that nobody has begun', async () => {
    expect(await failureOf(remoteChat(url, undefined, { fetch, headers: keyed('k-3') }))).toMatchObject({ kind: 'http', status: 404 });
  });
});

describe('the webhook handler of the guide', () => {
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const signed = (body: string, by = secret, at = new Date()): Request =>
    new Request('http://localhost/hook', {
      method: 'POST',
      headers: { 'webhook-id': 'msg_1', 'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)), 'webhook-signature': new Webhook(by).sign('msg_1', at, body) },
      body,
    });

  it('hears once of what `standardwebhooks` has signed, however often it comes', async () => {
    const heard = vi.spyOn(console, 'log').mockReturnValue(undefined);
    const answers = [await hook.POST(signed('{"a":"é"}')), await hook.POST(signed('{"a":"é"}'))];
    expect([answers.map(({ status }) => status), heard.mock.calls]).toEqual([[204, 204], [[{ a: 'é' }]]]);
  });

  it('refuses what it must', async () => {
    const refused = [
      await hook.POST(new Request('http://localhost/hook', { method: 'POST', body: '{}' })),
      await hook.POST(signed('{}', `whsec_${Buffer.alloc(32, 7).toString('base64')}`)),
      await hook.POST(signed('{}', secret, new Date(Date.now() - 600_000))),
      await hook.POST(signed('x'.repeat(1_100_000))),
    ];
    expect(await Promise.all(refused.map(async (response) => [response.status, await response.text()]))).toEqual([
      [400, 'webhook-headers'],
      [400, 'webhook-signature'],
      [400, 'webhook-timestamp'],
      [413, 'limit'],
    ]);
  });
});

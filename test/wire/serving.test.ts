import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { concatMap, delay, from, type Observable, of, Subject, tap } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accumulate, type ChatEvent, chatStream, constantBackoff, sdkTransport } from '../../src/index.js';
import { eventStreamResponse, pipeEventStream } from '../../src/node/index.js';
import { type Simulator, startSimulator } from '../../src/simulator/index.js';
import { eventStream, memoryReplayStore, remoteChat, type ReplayStore, type SharedServingOptions } from '../../src/sse/index.js';
import { freePort } from '../fixtures/freePort.js';
import { clientOf, collectGarbage, eventually, request as question, warmUp, watch } from './fixtures/cancellationFixtures.js';
import { type CuttingProxy, startCuttingProxy } from './fixtures/cuttingProxy.js';
import { outcomeOf, seed, seededRandom } from './fixtures/outcomeOf.js';

// The pipeline's other end: a server of ours between the model and a browser, on sockets.

let simulator: Simulator;
let server: Server | undefined;
let proxy: CuttingProxy | undefined;
let replay: ReplayStore;

beforeEach(async () => {
  await warmUp();
  simulator = await startSimulator({ seed: 1 });
  replay = memoryReplayStore();
});

afterEach(async () => {
  await proxy?.close();
  server?.closeAllConnections();
  server?.close();
  await simulator.close();
  proxy = undefined;
});

/** Serves each request so, and returns the port. */
async function serve(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
  server = createServer(handle);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** As an application would: a POST begins an answer or goes on with it, by its key. */
function serveChat(answer: () => Observable<ChatEvent>, options: Partial<SharedServingOptions<ChatEvent>> = {}): Promise<number> {
  return serve((request, response) => {
    const key = request.headers['idempotency-key'] as string;
    const lastEventId = request.headers['last-event-id'] as string | undefined;
    pipeEventStream(answer(), response, { replay, key, lastEventId, ...options });
  });
}

const urlOf = (port: number): string => `http://127.0.0.1:${port}/chat`;
const atOnce = { backoff: constantBackoff(0), maxRetries: 20 };

/** An answer as it comes: an event now and then. */
const paced = <T>(events: readonly T[], everyMs: number): Observable<T> => from(events).pipe(concatMap((event) => of(event).pipe(delay(everyMs))));

async function recordedAnswer(): Promise<readonly ChatEvent[]> {
  simulator.setReply('The sky is blue because “air” scatters short waves – 漢字 🚀 – more than long ones.');
  const { events } = await outcomeOf(chatStream(clientOf(simulator), question, { requestId: 'r' }));
  return events;
}

describe('an answer whose connection is lost', () => {
  /** What is cut where, what the client saw of it, and what the model was asked. */
  async function talk(events: readonly ChatEvent[], bytesOf: (connection: number) => number, everyMs: number) {
    let subscribed = 0;
    const answer = (): Observable<ChatEvent> => paced(events, everyMs).pipe(tap({ subscribe: () => (subscribed += 1) }));
    const port = await serveChat(answer);
    proxy = await startCuttingProxy(port, bytesOf);
    const outcome = await outcomeOf(remoteChat(urlOf(proxy.port), { prompt: 'Hi' }, { reconnect: atOnce }));
    const { connections } = proxy;
    await proxy.close();
    server?.close();
    return { ...outcome, subscribed, connections };
  }

  it('is the same events, in order, none lost and none twice, cut behind every event', { timeout: 600_000 }, async () => {
    const events = await recordedAnswer();
    let reconnections = 0;
    for (let cut = 0; cut <= events.length; cut += 1) {
      // What the first connection carries: its head, and so many events. The head is measured by a connection of its own.
      const body = events.slice(0, cut).map((event, index) => `id: ${index + 1}\ndata: ${JSON.stringify(event)}\n\n`);
      const bytes = (await headBytes()) + chunkedBytes(body);
      const { events: seen, completed, subscribed, connections } = await talk(events, (connection) => (connection === 0 ? bytes : Infinity), 1);
      expect(seen, `cut behind event ${cut}`).toEqual(events);
      expect([completed, subscribed], `cut behind event ${cut}`).toEqual([true, 1]);
      reconnections += connections - 1;
    }
    // All but the last, whose cut finds nothing more to lose (and one or two where events were written together).
    expect(reconnections).toBeGreaterThan(events.length - 3);
  });

  it(`is the same events, cut at any byte, again and again (seed ${seed})`, { timeout: 600_000 }, async () => {
    const random = seededRandom(seed);
    const events = await recordedAnswer();
    for (let run = 0; run < 25; run += 1) {
      const cuts = Array.from({ length: 5 }, () => Math.floor(random() * 1_500));
      const { events: seen, completed, subscribed } = await talk(events, (connection) => cuts[connection] ?? Infinity, random() < 0.5 ? 0 : 1);
      expect(seen, `run ${run} of seed ${seed}, cut behind ${cuts.join(', ')} bytes`).toEqual(events);
      expect([completed, subscribed]).toEqual([true, 1]);
    }
  });

  // Of a response that is written as one chunk an event, as it comes.
  const chunkedBytes = (pieces: readonly string[]): number =>
    pieces.reduce((sum, piece) => {
      const { byteLength } = Buffer.from(piece);
      return sum + byteLength.toString(16).length + byteLength + 4;
    }, 0);

  let head: number | undefined;
  async function headBytes(): Promise<number> {
    if (head !== undefined) return head;
    const port = await serveChat(() => new Subject());
    const bytes = await new Promise<number>((resolve) => {
      get(urlOf(port), { method: 'POST', headers: { 'idempotency-key': 'head' } }, (response) => {
        resolve(response.socket.bytesRead);
        response.destroy();
      });
    });
    server?.closeAllConnections();
    server?.close();
    return (head = bytes);
  }
});

describe('a chat from the model to the client', () => {
  const chat = (): Observable<ChatEvent> => chatStream(sdkTransport(clientOf(simulator)), question);

  it('asks the model once, however often the client comes back, and joins those who come late', { timeout: 600_000 }, async () => {
    simulator.setReply('word '.repeat(60));
    simulator.setFaults({ kind: 'slow', perEvent: 2 });
    const port = await serveChat(chat);
    proxy = await startCuttingProxy(port, (connection) => (connection < 4 ? 900 + connection * 400 : Infinity));
    const key = 'one-key';
    const first = outcomeOf(remoteChat(urlOf(proxy.port), {}, { key, reconnect: atOnce }).pipe(accumulate()));
    await eventually(() => proxy!.connections > 1, 'the client has come back');
    const late = outcomeOf(remoteChat(urlOf(port), {}, { key }).pipe(accumulate()));
    const texts = (await Promise.all([first, late])).map(({ events }) => events.at(-1));
    expect(texts.map((last) => [last?.text, last?.done])).toEqual([['word '.repeat(60), true], ['word '.repeat(60), true]]);
    expect([simulator.requestCount, proxy.connections]).toEqual([1, 5]);
  });

  it("'stop': closes the server's call to the model when the client unsubscribes, behind a collection too", async () => {
    simulator.setFaults({ kind: 'stall', at: { events: 3 } });
    const port = await serveChat(chat, { onDisconnect: 'stop' });
    const { values, subscription } = watch(remoteChat(urlOf(port), {}));
    await eventually(() => values.length > 1, 'tokens have come');
    await collectGarbage();
    expect(simulator.openRequests).toBe(1);
    subscription.unsubscribe();
    await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });
    expect(simulator.requests[0]!.outcome).toBe('client-closed');
  });

  it('without a store: unsubscribing closes the call to the model, before the first token too', async () => {
    simulator.setFaults({ kind: 'stall', at: 'before-headers' });
    const port = await serve((_, response) => pipeEventStream(chat(), response));
    const { subscription } = watch(remoteChat(urlOf(port), {}));
    await eventually(() => simulator.openRequests === 1, 'the model is asked');
    await collectGarbage();
    subscription.unsubscribe();
    await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });
  });

  it('goes on for the grace period, is whole when the client comes back, and is stopped by its key', async () => {
    simulator.setReply('word '.repeat(20));
    simulator.setFaults({ kind: 'slow', perEvent: 2 });
    const port = await serveChat(chat, { onDisconnect: { gracePeriod: 10_000 } });
    const { values, subscription } = watch(remoteChat(urlOf(port), {}, { key: 'k' }));
    await eventually(() => values.length > 2, 'tokens have come');
    subscription.unsubscribe();
    await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });
    expect(simulator.requests[0]!.outcome).toBe('completed');
    const { events } = await outcomeOf(remoteChat(urlOf(port), {}, { key: 'k' }).pipe(accumulate()));
    expect([events.at(-1)?.text, simulator.requestCount]).toEqual(['word '.repeat(20), 1]);

    simulator.setFaults({ kind: 'stall', at: { events: 3 } });
    const stalled = watch(remoteChat(urlOf(port), {}, { key: 'other' }));
    await eventually(() => stalled.values.length > 1, 'tokens have come');
    await replay.end('other');
    await simulator.until(() => simulator.openRequests === 0, { timeout: 20_000 });
    await eventually(() => stalled.errors.length > 0, 'the client has heard of it');
    expect(stalled.errors).toMatchObject([{ name: 'TruncatedStreamError' }]);
  });

  it('brings the error of the model to the client, as it was', async () => {
    simulator.setFaults({ kind: 'status', status: 429, headers: { 'retry-after': '7' } });
    const port = await serveChat(chat);
    const { error } = await outcomeOf(remoteChat(urlOf(port), {}));
    expect(error).toMatchObject({ kind: 'rate-limit', status: 429, retryable: true, retryAfterMs: 7_000 });
    expect(JSON.stringify(error)).not.toContain('any-key');
  });

  it('through a fetch handler: a POST begins, a GET joins, an unknown one is 404', async () => {
    const handle = async (request: Request): Promise<Response> => {
      const key = new URL(request.url).searchParams.get('key')!;
      const source = request.method === 'POST' ? chat() : undefined;
      return eventStreamResponse(source, { replay, key, lastEventId: request.headers.get('last-event-id') });
    };
    // The handler in the place of the network.
    const fetch = (request: Request): Promise<Response> => handle(request);
    const begun = await outcomeOf(remoteChat('http://localhost/?key=a', {}, { fetch }));
    const joined = await outcomeOf(remoteChat('http://localhost/?key=a', undefined, { fetch }));
    expect([joined.events, begun.completed, simulator.requestCount]).toEqual([begun.events, true, 1]);
    expect((await outcomeOf(remoteChat('http://localhost/?key=b', undefined, { fetch }))).error).toMatchObject({ kind: 'http', status: 404 });
  });
});

describe('eventStream on sockets', () => {
  it('closes the socket of every stream that is unsubscribed from, behind a collection', async () => {
    let open = 0;
    const port = await serve((_, response) => {
      open += 1;
      response.on('close', () => (open -= 1));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: a\n\n');
    });
    const streams = Array.from({ length: 30 }, () => watch(eventStream(urlOf(port))));
    await eventually(() => streams.every(({ values }) => values.length === 1), 'all have their event');
    await collectGarbage();
    expect(open).toBe(30);
    for (const { subscription } of streams) subscription.unsubscribe();
    await eventually(() => open === 0, 'all sockets are closed');
    expect(streams.flatMap(({ errors }) => errors)).toEqual([]);
  });

  it('follows redirects, as fetch does', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/chat') response.writeHead(307, { location: '/moved' }).end();
      else response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${request.method}\n\n`);
    });
    const { events } = await outcomeOf(eventStream(urlOf(port), { method: 'POST', body: 'x', reconnect: false }));
    expect(events.map(({ data }) => data)).toEqual(['POST']);
  });

  it('a server that is down when the client comes is waited for', async () => {
    const port = await freePort();
    const told: unknown[] = [];
    const onReconnect = ({ error }: { readonly error: unknown }): void => {
      told.push(error);
      if (told.length === 2) server = createServer((_, response) => response.writeHead(204).end()).listen(port, '127.0.0.1');
    };
    const { completed } = await outcomeOf(eventStream(urlOf(port), { reconnect: { backoff: constantBackoff(20), maxRetries: 50, onReconnect } }));
    expect([completed, told[0]]).toMatchObject([true, { kind: 'connection', code: 'ECONNREFUSED' }]);
  });
});

describe('many slow readers of one answer', () => {
  it('hold nothing but their places, and hold nobody up', { timeout: 600_000 }, async () => {
    const count = 100;
    const size = 8_192;
    const events = 500;
    const values = new Subject<string>();
    const port = await serve((_, response) => pipeEventStream(values, response, { replay, key: 'k' }));
    // They take the head, and nothing more.
    const slow = await Promise.all(
      Array.from({ length: count }, () => new Promise<IncomingMessage>((resolve) => get(urlOf(port), { agent: false }, (response) => { response.pause(); resolve(response); }))),
    );
    await collectGarbage();
    const before = process.memoryUsage().heapUsed;
    let seen = 0;
    const fast = eventStream(urlOf(port), { reconnect: false }).subscribe({ next: () => (seen += 1), error: () => undefined });
    for (let index = 0; index < events; index += 1) {
      values.next(`${index}`.padEnd(size));
      // A turn of the event loop for the sockets.
      if (index % 10 === 0) await sleep(0, undefined, { ref: true });
    }
    await eventually(() => seen === events, 'the one that reads has everything', 20_000);
    await collectGarbage();
    const held = process.memoryUsage().heapUsed - before;
    // The answer once, and what is on its way to each: a queue for each would be 400 MB.
    expect(held).toBeLessThan(60_000_000);
    fast.unsubscribe();

    // And each of them gets all of it when it does read.
    values.complete();
    const texts = await Promise.all(slow.slice(0, 5).map(async (response) => Buffer.concat(await response.toArray() as Buffer[]).toString()));
    for (const text of texts) expect(text.match(/^id: /gm)).toHaveLength(events);
    for (const response of slow) response.destroy();
  });
});

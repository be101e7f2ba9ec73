import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { serve } from '@hono/node-server';
import { MistralCore } from '@mistralai/mistralai/core.js';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { accumulate, chatStream } from 'rxmistral';
import { eventStreamResponse, pipeEventStream } from 'rxmistral/node';
import { startSimulator, type Simulator } from 'rxmistral/simulator';
import { memoryReplayStore, remoteChat, type SharedServingOptions } from 'rxmistral/sse';
import { lastValueFrom } from 'rxjs';
import { eventually, patience } from './fixtures/testServer.js';

// One chat, by each of the servers that people have: as docs/serving.md shows it.

let simulator: Simulator;
let replay = memoryReplayStore();
let client: MistralCore;
const closers: (() => unknown)[] = [];

beforeEach(async () => {
  simulator = await startSimulator({ reply: 'The sky is blue – 漢字 🚀.' });
  replay = memoryReplayStore();
  client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await simulator.close();
});

const answer = (prompt: string) => chatStream(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content: prompt }] });
type Place = Pick<SharedServingOptions<unknown>, 'replay' | 'key' | 'lastEventId' | 'onDisconnect'>;
/** `stop`, so that a test sees at once what a disconnect does. */
const placeOf = (key: string | null | undefined, lastEventId: string | null | undefined): Place => ({ replay, key: key ?? crypto.randomUUID(), lastEventId, onDisconnect: 'stop' });
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

const servers: Readonly<Record<string, () => Promise<number>>> = {
  async 'node:http'() {
    const server = createServer((request, response) => {
      pipeEventStream(answer('Hi'), response, placeOf(request.headers['idempotency-key'] as string, request.headers['last-event-id'] as string | undefined));
    }).listen(0, '127.0.0.1');
    closers.push(() => { server.closeAllConnections(); server.close(); });
    await once(server, 'listening');
    return portOf(server);
  },
  async 'Express 5'() {
    const app = express();
    app.post('/chat', express.json(), (request, response) => {
      const { prompt } = request.body as { prompt: string };
      pipeEventStream(answer(prompt), response, placeOf(request.get('idempotency-key'), request.get('last-event-id')));
    });
    const server = app.listen(0, '127.0.0.1');
    closers.push(() => { server.closeAllConnections(); server.close(); });
    await once(server, 'listening');
    return portOf(server);
  },
  async 'Fastify 5, by its raw response'() {
    const app = fastify();
    app.post('/chat', (request, reply) => {
      const { prompt } = request.body as { prompt: string };
      reply.hijack();
      pipeEventStream(answer(prompt), reply.raw, placeOf(request.headers['idempotency-key'] as string, request.headers['last-event-id'] as string | undefined));
    });
    closers.push(() => { app.server.closeAllConnections(); return app.close(); });
    await app.listen({ port: 0, host: '127.0.0.1' });
    return portOf(app.server);
  },
  async 'Fastify 5, by a Response'() {
    const app = fastify();
    app.post('/chat', (request) => {
      const { prompt } = request.body as { prompt: string };
      return eventStreamResponse(answer(prompt), placeOf(request.headers['idempotency-key'] as string, request.headers['last-event-id'] as string | undefined));
    });
    closers.push(() => { app.server.closeAllConnections(); return app.close(); });
    await app.listen({ port: 0, host: '127.0.0.1' });
    return portOf(app.server);
  },
  async 'Hono 4'() {
    const app = new Hono();
    app.post('/chat', async (context) => {
      const { prompt } = await context.req.json<{ prompt: string }>();
      return eventStreamResponse(answer(prompt), placeOf(context.req.header('idempotency-key'), context.req.header('last-event-id')));
    });
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
    closers.push(() => { server.closeAllConnections(); server.close(); });
    await once(server, 'listening');
    return portOf(server);
  },
};

for (const [name, start] of Object.entries(servers)) {
  describe(name, () => {
    it('brings an answer to the client, whole', async () => {
      const url = `http://127.0.0.1:${await start()}/chat`;
      const { text, done } = await lastValueFrom(remoteChat(url, { prompt: 'Hi' }).pipe(accumulate()));
      assert.deepEqual([text, done], ['The sky is blue – 漢字 🚀.', true]);
    });

    it('closes the call to the model when the client goes', async () => {
      simulator.setFaults({ kind: 'stall', at: { events: 3 } });
      const url = `http://127.0.0.1:${await start()}/chat`;
      let count = 0;
      const subscription = remoteChat(url, { prompt: 'Hi' }).subscribe({ next: () => (count += 1), error: assert.ifError });
      await eventually(() => count > 1 && simulator.openRequests === 1, 'tokens have come');
      subscription.unsubscribe();
      await simulator.until(({ openRequests }) => openRequests === 0, { timeout: patience });
      assert.equal(simulator.requests[0]?.outcome, 'client-closed');
    });

    it('gives a second client of the same key the same answer, and one that had all of it 204', async () => {
      const url = `http://127.0.0.1:${await start()}/chat`;
      const read = () => lastValueFrom(remoteChat(url, { prompt: 'Hi' }, { key: 'k' }).pipe(accumulate()));
      const first = await read();
      // Its readers gone, the answer is whole all the same.
      assert.equal((await read()).text, first.text);
      assert.equal(simulator.requestCount, 1);
      const headers = { 'idempotency-key': 'k', 'content-type': 'application/json' };
      const whole = await (await fetch(url, { method: 'POST', headers, body: '{"prompt":"Hi"}' })).text();
      const [, lastEventId = ''] = /id: (\d+)\n.*\n\n$/.exec(whole) ?? [];
      const { status } = await fetch(url, { method: 'POST', headers: { ...headers, 'last-event-id': lastEventId }, body: '{"prompt":"Hi"}' });
      assert.equal(status, 204);
    });
  });
}

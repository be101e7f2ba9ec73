import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { serve } from '@hono/node-server';
import type { FastifyInstance } from 'fastify';
import type { Hono } from 'hono';
import { accumulate } from 'rxmistral';
import { postWebhook } from 'rxmistral/node';
import { startSimulator, type Simulator } from 'rxmistral/simulator';
import { remoteChat } from 'rxmistral/sse';
import { lastValueFrom, of } from 'rxjs';
import { eventually, patience, secret } from './fixtures/testServer.js';

// The servers of docs/serving.md, as they stand there: what the guide shows of frameworks is run here, where they are installed.

const guide = fileURLToPath(new URL('../../../docs/serving.md', import.meta.url));
const folder = fileURLToPath(new URL('.generated/', import.meta.url));
const programs = [...(await readFile(guide, 'utf8')).matchAll(/^```js\n([\s\S]*?)^```/gm)].map(([, source = '']) => source);

let simulator: Simulator;
const servers: Server[] = [];
before(async () => {
  simulator = await startSimulator({ reply: 'The sky is blue – 漢字 🚀.' });
  await mkdir(folder, { recursive: true });
});
afterEach(() => {
  simulator.setFaults();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
after(async () => {
  await simulator.close();
  await rm(folder, { recursive: true, force: true });
});

/** What the program exports that has these words in it. */
async function load(...words: readonly string[]): Promise<unknown> {
  const found = programs.filter((source) => words.every((word) => source.includes(word)));
  assert.equal(found.length, 1);
  const file = `${folder}${words.join('').replace(/\W+/g, '-')}.mjs`;
  await writeFile(file, (found[0] ?? '').replace("{ apiKey: process.env.MISTRAL_API_KEY ?? '' }", `{ serverURL: '${simulator.url}', apiKey: 'any' }`));
  return ((await import(pathToFileURL(file).href)) as { readonly app: unknown }).app;
}

async function listen(server: Server): Promise<Server> {
  servers.push(server);
  if (!server.listening) await once(server, 'listening');
  return server;
}

const starts: Readonly<Record<string, () => Promise<Server>>> = {
  Express: async () => listen((await load("from 'express'", "app.post('/chat'") as { listen: (port: number, host: string) => Server }).listen(0, '127.0.0.1')),
  Fastify: async () => {
    const app = (await load("from 'fastify'")) as FastifyInstance;
    await app.listen({ port: 0, host: '127.0.0.1' });
    return listen(app.server);
  },
  Hono: async () => listen(serve({ fetch: ((await load("from 'hono'")) as Hono).fetch, port: 0, hostname: '127.0.0.1' }) as Server),
};

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

it('every program of another framework in the guide is one of these', () => {
  assert.equal(programs.length, 4);
});

for (const [name, start] of Object.entries(starts)) {
  it(`${name}: brings an answer to the client once, and stops the model when it is told to`, async () => {
    const server = await start();
    const url = `${urlOf(server)}/chat`;
    simulator.forgetRequests();
    const read = () => lastValueFrom(remoteChat(url, { prompt: 'Hi' }, { key: name }).pipe(accumulate()));
    assert.deepEqual([(await read()).text, (await read()).text], ['The sky is blue – 漢字 🚀.', 'The sky is blue – 漢字 🚀.']);
    assert.equal(simulator.requests.length, 1);

    simulator.setFaults({ kind: 'stall', at: { events: 3 } });
    const failure = assert.rejects(lastValueFrom(remoteChat(url, { prompt: 'Hi' }, { key: `${name}-2` })), { name: 'TruncatedStreamError' });
    await eventually(() => simulator.openRequests === 1, 'the model is asked');
    const { status } = await fetch(url, { method: 'DELETE', headers: { 'idempotency-key': `${name}-2` } });
    await simulator.until(({ openRequests }) => openRequests === 0, { timeout: patience });
    assert.equal(status, 204);
    await failure;
  });
}

describe('the receiver of webhooks in Express', () => {
  it('takes what is signed, and refuses what is not', async () => {
    const app = (await load('verifyWebhook')) as { listen: (port: number, host: string) => Server } & RequestListener;
    const server = await listen(app.listen(0, '127.0.0.1'));
    const url = `${urlOf(server)}/hook`;
    const send = (by: string) => lastValueFrom(of({ text: 'é ☃' }).pipe(postWebhook({ url, secret: by, retry: false, allow: { http: true, addresses: ['127.0.0.1'] } })));
    assert.equal((await send(secret)).type, 'webhook-delivered');
    const refused = await send(`whsec_${Buffer.alloc(32, 7).toString('base64')}`);
    assert.equal(refused.type === 'webhook-failed' && refused.error.status, 400);
  });
});

/**
 * The API's process: `POST /jobs` puts a question into the queue, `GET /jobs/:id/events` is its answer as it comes. It works at
 * nothing itself, so that any number of it may run: a browser that has lost one goes on at another, by `Last-Event-ID`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { lastValueFrom } from 'rxjs';
import { enqueueJob, jobEvents } from 'rxmistral/bullmq';
import { pipeEventStream } from 'rxmistral/node';
import { type Answer, placeOfThis, type Question, queueName, tell } from './messages.js';

const { redisUrl, prefix } = placeOfThis();
const queue = new Queue<Question, Answer>(queueName, { connection: new Redis(redisUrl, { maxRetriesPerRequest: null }), prefix });

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(error);
    response.writeHead(500).end();
  });
}).listen(0, '127.0.0.1', () => {
  tell({ type: 'ready', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, id] = /^\/jobs\/([\w-]+)\/events$/.exec(request.url ?? '') ?? [];
  if (request.method === 'POST' && request.url === '/jobs') {
    const { content } = (await json(request)) as Question;
    const job = await lastValueFrom(enqueueJob(queue, { content }, { attempts: 3 }));
    response.writeHead(202, { 'content-type': 'application/json' }).end(JSON.stringify(job));
  } else if (request.method === 'GET' && id !== undefined) {
    const since = request.headers['last-event-id'];
    pipeEventStream(jobEvents(queue, id, { since: typeof since === 'string' ? since : undefined }), response, { id: (event) => event.id });
  } else {
    response.writeHead(404).end();
  }
}

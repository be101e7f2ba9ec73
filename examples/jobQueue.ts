/**
 * A job queue in one process: five jobs at once, ten starts a second, three attempts with a backoff that grows from two
 * seconds, every job settled, in order, and a signed webhook at the end of each. What people run BullMQ and Redis for where one
 * process would do. As an API with Express, events and a shutdown: `npm run example:express-jobs`.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MistralCore } from '@mistralai/mistralai/core.js';
import { tap } from 'rxjs';
import { chatComplete, constantBackoff, createRateLimiter, exponentialBackoff, pullMap } from 'rxmistral';
import { postWebhook } from 'rxmistral/node';
import { startSimulator } from 'rxmistral/simulator';

const simulator = await startSimulator({
  answerTokens: 12,
  latency: 150,
  // The third call meets a busy server; the eighth, and both of its retries, too.
  faults: [
    { kind: 'status', status: 503, on: 2 },
    { kind: 'status', status: 503, on: ({ body }) => JSON.stringify(body).includes('job 8') },
  ],
});
const client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });

// Whoever has ordered the jobs. It is down when the first webhook comes.
let isUp = false;
const receiver = createServer((_request, response) => {
  response.writeHead(isUp ? 204 : 503).end();
  isUp = true;
}).listen(0, '127.0.0.1');
await once(receiver, 'listening');

const limiter = createRateLimiter({ requests: { limit: 10, interval: 1_000 } });
const retry = { maxRetries: 2, backoff: exponentialBackoff({ initial: 2_000, jitter: 'equal' }) };
const jobs = Array.from({ length: 20 }, (_, index) => `job ${index + 1}`);

const startedAt = Date.now();
const work = (job: string) =>
  chatComplete(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content: job }] }, { limiter, retry });

const attempts: number[] = [];
pullMap(jobs, work, { concurrency: 5, ordered: true, settle: true })
  .pipe(
    tap((result) => {
      const seconds = ((Date.now() - startedAt) / 1_000).toFixed(1);
      if (result.status === 'fulfilled') console.log(`${seconds} s  ${result.input}: ${result.value.usage.totalTokens} tokens`);
      else console.log(`${seconds} s  ${result.input} failed: ${String(result.reason)}`);
    }),
    postWebhook({
      url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`,
      secret: randomBytes(32),
      id: ({ index }) => `msg_job-${index + 1}`,
      payload: ({ input, status }) => ({ type: `job.${status}`, timestamp: new Date().toISOString(), data: { job: input } }),
      retry: { maxRetries: 5, backoff: constantBackoff(200) },
      // For this example only: it is http, to this very machine.
      allow: { http: true, addresses: ['127.0.0.1'] },
    }),
  )
  .subscribe({
    next: (event) => {
      if (event.type === 'webhook-delivered') attempts.push(event.attempts);
      else console.error(`${event.id} is a dead letter: ${event.error.message}`);
    },
    error: (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    },
    complete: () => {
      console.log(`${attempts.length} webhooks delivered, ${attempts.filter((count) => count > 1).length} of them again`);
      receiver.close();
      void simulator.close();
    },
  });

/**
 * A job API in one process: what people put BullMQ, Redis, a worker and a socket server together for. `npm start` shows the
 * whole way and ends; `npm run serve` stays, on port 3000 or `PORT`. Both talk to the embedded simulator: no key is needed.
 */
import { randomBytes } from 'node:crypto';
import { MistralCore } from '@mistralai/mistralai/core.js';
import { startSimulator } from 'rxmistral/simulator';
import { showTheWay } from './showTheWay.js';
import { startServer } from './startServer.js';

const isServing = process.argv.includes('--serve');
const simulator = await startSimulator({
  answerTokens: 40,
  chunkDelay: 25,
  faults: [
    // A busy server: once for the one, at every attempt for the other.
    { kind: 'status', status: 503, on: ({ body }) => JSON.stringify(body).includes('a busy day'), times: 1 },
    { kind: 'status', status: 503, on: ({ body }) => JSON.stringify(body).includes('a bad day') },
  ],
});

const server = await startServer({
  client: new MistralCore({ apiKey: 'any', serverURL: simulator.url }),
  stop: ['SIGTERM', 'SIGINT'],
  secret: randomBytes(32),
  port: isServing ? Number(process.env['PORT'] ?? 3_000) : 0,
  // For this example only, whose receiver is this very machine. Without it: public addresses, and https.
  allow: { http: true, addresses: ['127.0.0.1'] },
  onWebhook: (payload, id) => {
    console.log(`  [receiver] ${id}: ${String((payload as { readonly type?: unknown }).type)}`);
  },
});

if (isServing) {
  console.log(`The job API listens on ${server.url}; Ctrl+C ends it, behind what is running.
  curl -i ${server.url}/jobs -H 'content-type: application/json' -d '{"prompt":"Name three rivers.","callbackUrl":"${server.url}/hook"}'
  curl -N ${server.url}/jobs/<jobId>/events`);
} else {
  await showTheWay(server.url, simulator);
}

await server.closed;
await simulator.close();
console.log('All that was taken is done.');

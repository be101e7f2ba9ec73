import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WebhookSecret } from 'rxmistral/node';
import { createApp } from './createApp.js';
import { JobQueue, type JobQueueOptions } from './JobQueue.js';
import { webhookReceiver } from './webhookReceiver.js';

/** Options of {@link startServer}. */
export interface ServerOptions extends JobQueueOptions {
  readonly secret: WebhookSecret;
  /** @defaultValue 0: a free one */
  readonly port?: number | undefined;
  /** What the receiver hears. */
  readonly onWebhook: (payload: unknown, id: string) => void;
}

/** A server that listens. */
export interface RunningServer {
  readonly url: string;
  /** Resolves when, behind the signal, all work is done and the last connection is closed. */
  readonly closed: Promise<void>;
}

/** Starts the job API on loopback, and beside it, for it to have somebody to post to, a receiver of webhooks. */
export async function startServer({ port = 0, onWebhook, ...options }: ServerOptions): Promise<RunningServer> {
  const queue = new JobQueue(options);
  const app = createApp(queue, { http: options.allow?.http ?? false, routes: webhookReceiver(options.secret, onWebhook) });
  const server = createServer(app).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const closed = queue.drained.then(async () => {
    // Until now it has answered: with the state of the jobs, with 503 to new ones. The last events are on their way to their
    // readers; then a connection that is open for no reason has to go too.
    server.close();
    setTimeout(() => { server.closeAllConnections(); }, 1_000).unref();
    await once(server, 'close');
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, closed };
}

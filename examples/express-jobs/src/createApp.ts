import express, { type ErrorRequestHandler, type Express, type Request, type Router } from 'express';
import { pipeEventStream } from 'rxmistral/node';
import { z } from 'zod';
import type { Job, JobRequest } from './Job.js';
import type { JobQueue } from './JobQueue.js';

/** Options of {@link createApp}. */
export interface AppOptions {
  /** Whether a `callbackUrl` may be http. */
  readonly http: boolean;
  /** Other routes, before those of the API. */
  readonly routes: Router;
}

/** The job API. Who may ask is for whoever stands in front of it to decide: a job belongs to whoever knows its id. */
export function createApp(queue: JobQueue, { http, routes }: AppOptions): Express {
  const app = express();
  const readRequest = requestReader(http);
  app.disable('x-powered-by');
  app.use(routes);

  app.post('/jobs', express.json({ limit: '256kb' }), (request, response) => {
    const submission = queue.submit(readRequest(request.body), keyOf(request));
    switch (submission.outcome) {
      case 'accepted':
        // The same for a request that comes again, whatever has become of the job since.
        response.status(202).location(`/jobs/${submission.job.id}`).json({ jobId: submission.job.id, status: 'queued' });
        break;
      case 'key-reused':
        throw new HttpError(422, 'The `Idempotency-Key` was used for another request');
      case 'full':
        throw new HttpError(503, 'Too many jobs are waiting', 10);
      case 'stopping':
        throw new HttpError(503, 'The server is about to stop, and takes no new jobs', 5);
    }
  });

  app.get('/jobs/:id', (request, response) => {
    response.json(jobOf(request).view);
  });

  app.get('/jobs/:id/events', (request, response) => {
    const { id } = jobOf(request);
    // Joins: the queue has begun it, and goes on with it whoever comes and goes.
    pipeEventStream(undefined, response, { replay: queue.replay, key: id, lastEventId: request.get('last-event-id'), retry: 1_000 });
  });

  app.delete('/jobs/:id', (request, response) => {
    const job = jobOf(request);
    if (!queue.cancel(job) && job.status !== 'cancelled') throw new HttpError(409, `The job has ended already: ${job.status}`);
    response.json({ jobId: job.id, status: job.status });
  });

  app.get('/dead-letters', (_request, response) => {
    response.json({ jobs: queue.failedJobs, webhooks: queue.deadLetters });
  });

  app.post('/dead-letters/:webhookId', (request, response) => {
    if (!queue.repost(request.params.webhookId)) throw new HttpError(404, 'There is no such dead letter');
    response.status(202).end();
  });

  app.use(() => {
    throw new HttpError(404, 'There is nothing here');
  });
  app.use(answerError);
  return app;

  function jobOf(request: Request<{ id: string }>): Job {
    const job = queue.find(request.params.id);
    if (job === undefined) throw new HttpError(404, 'There is no such job');
    return job;
  }
}

class HttpError extends Error {
  readonly status: number;
  /** When to come back, in seconds. */
  readonly retryAfter: number | undefined;

  constructor(status: number, message: string, retryAfter?: number) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

function requestReader(http: boolean): (body: unknown) => JobRequest {
  const schema = z.strictObject({
    prompt: z.string().trim().min(1, 'is empty').max(100_000, 'has more than 100,000 characters'),
    callbackUrl: z.url({ protocol: http ? /^https?$/ : /^https$/, error: `is no ${http ? 'http or https' : 'https'} URL` }).optional(),
  });
  return (body) => {
    if (body === undefined) throw new HttpError(400, 'The body is no JSON: send `content-type: application/json`');
    const { success, data, error } = schema.safeParse(body);
    if (!success) throw new HttpError(400, error.issues.map(({ path, message }) => [...path.map((part) => `\`${String(part)}\``), message].join(' ')).join('; '));
    return data;
  };
}

function keyOf(request: Request): string | undefined {
  const key = request.get('idempotency-key');
  if (key !== undefined && !/^[\x21-\x7e]{1,255}$/.test(key)) throw new HttpError(400, 'The `Idempotency-Key` has to be 1 to 255 visible ASCII characters');
  return key;
}

// Four parameters are what tells Express that it is for errors.
const answerError: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (response.headersSent) {
    next(error);
    return;
  }
  const { status, message, retryAfter } = toHttpError(error);
  if (retryAfter !== undefined) response.set('retry-after', String(retryAfter));
  response.status(status).json({ message });
};

function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  // Those of `express.json`.
  const type = error instanceof Error && 'type' in error ? error.type : undefined;
  if (type === 'entity.parse.failed') return new HttpError(400, 'The body is no JSON');
  if (type === 'entity.too.large') return new HttpError(413, 'The body is too large');
  console.error(error);
  return new HttpError(500, 'The server has failed');
}

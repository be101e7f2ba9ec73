/** A worker's process: four jobs at a time, under a limit that all workers share. Killed, it leaves its jobs to the others. */
import { MistralCore } from '@mistralai/mistralai/core.js';
import { Redis } from 'ioredis';
import { chatStream } from 'rxmistral';
import { processQueue, type QueueJob } from 'rxmistral/bullmq';
import { drainOn } from 'rxmistral/node';
import { redisRateLimiter } from 'rxmistral/redis';
import { placeOfThis, type Question, queueName, tell } from './messages.js';

const { redisUrl, prefix, serverURL } = placeOfThis();
const { MISTRAL_API_KEY: key = '', MISTRAL_MODEL: model = 'mistral-small-latest' } = process.env;
const client = new MistralCore(serverURL === undefined ? { apiKey: key } : { apiKey: 'any', serverURL });
const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
const limiter = redisRateLimiter(redis, { name: 'mistral', prefix: `${prefix}:limits`, requests: { limit: 12, interval: 1_000 } });

const running = new Set<string>();
let done = 0;

// What a killed worker had streamed is there, and the answer goes on behind it.
const answer = ({ data: { content }, partial }: QueueJob<Question>) =>
  chatStream(client, { model, messages: [{ role: 'user', content }], maxTokens: 60 }, { limiter, continueFrom: partial, onDisconnect: 'resume' });

processQueue(queueName, answer, {
  connection: redis,
  prefix,
  concurrency: 4,
  // Short, so that the jobs of a killed worker are taken over within seconds.
  lockDuration: 3_000,
  stalledInterval: 1_000,
  maxStalledCount: 10,
})
  // At SIGTERM: no new jobs, and those that run come to their end.
  .pipe(drainOn('SIGTERM'))
  .subscribe({
    next: ({ type, jobId }) => {
      if (type === 'job-value') return;
      if (type === 'job-start') running.add(jobId);
      else running.delete(jobId);
      if (type === 'job-complete') done += 1;
      tell({ type: 'working', running: running.size, done });
    },
    error: (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  });
tell({ type: 'ready' });

import { Mistral } from '@mistralai/mistralai';
import { MistralCore } from '@mistralai/mistralai/core.js';
import { type Job, Worker } from 'bullmq';
import { lastValueFrom } from 'rxjs';
import { accumulate, chatStream } from 'rxmistral';
import { processQueue } from 'rxmistral/bullmq';

/** What a worker is told. */
export interface Order {
  readonly queue: string;
  readonly redisUrl: string;
  readonly serverURL: string;
  readonly concurrency: number;
}

/** A worker that streams a chat for each job, and has the answer as the job's result. */
export interface Contender {
  readonly title: string;
  /** Begins to work, and calls `onComplete` with the text of each job that is done. @returns how it is ended. */
  readonly work: (order: Order, onComplete: (text: string) => void) => () => Promise<void>;
}

/** A job's data. */
export interface Question {
  readonly content: string;
}

const model = 'mistral-small-latest';
const requestOf = ({ content }: Question) => ({ model, messages: [{ role: 'user' as const, content }] });
const connectionOf = (url: string) => ({ host: new URL(url).hostname, port: Number(new URL(url).port) });

interface Answer {
  readonly text: string;
}

function byHand(answer: (order: Order) => (job: Job<Question>) => Promise<Answer>): Contender['work'] {
  return (order, onComplete) => {
    const connection = { ...connectionOf(order.redisUrl), maxRetriesPerRequest: null };
    const worker = new Worker<Question, Answer>(order.queue, answer(order), { connection, concurrency: order.concurrency });
    worker.on('completed', (_job, { text }) => {
      onComplete(text);
    });
    return () => worker.close();
  };
}

function bySdk(onToken?: (job: Job<Question>, text: string) => Promise<void>): Contender['work'] {
  return byHand(({ serverURL }) => {
    const client = new Mistral({ serverURL, apiKey: 'any' });
    return async (job) => {
      let text = '';
      let usage: unknown;
      for await (const { data } of await client.chat.stream(requestOf(job.data))) {
        const piece = data.choices[0]?.delta.content;
        if (typeof piece === 'string' && piece !== '') {
          text += piece;
          await onToken?.(job, piece);
        }
        usage = data.usage ?? usage;
      }
      return { text, usage };
    };
  });
}

function byQueue(events: false | undefined): Contender['work'] {
  return ({ queue, redisUrl, serverURL, concurrency }, onComplete) => {
    const client = new MistralCore({ serverURL, apiKey: 'any' });
    const worker = processQueue(queue, ({ data }: { readonly data: Question }) => chatStream(client, requestOf(data)), {
      connection: connectionOf(redisUrl),
      concurrency,
      events,
    });
    const subscription = worker.subscribe({
      next: (event) => {
        if (event.type === 'job-complete') onComplete((event.result as Answer).text);
      },
      error: (error: unknown) => {
        throw error;
      },
    });
    return () => {
      subscription.unsubscribe();
      return Promise.resolve();
    };
  };
}

export const contenders: Readonly<Record<string, Contender>> = {
  sdk: { title: '`Worker` by hand, the SDK', work: bySdk() },
  chatStream: {
    title: '`Worker` by hand, `chatStream`',
    work: byHand(({ serverURL }) => {
      const client = new MistralCore({ serverURL, apiKey: 'any' });
      return ({ data }) => lastValueFrom(chatStream(client, requestOf(data)).pipe(accumulate()), { defaultValue: { text: '' } });
    }),
  },
  quiet: { title: '`processQueue`, `events: false`', work: byQueue(false) },
  progress: { title: '`Worker` by hand, the SDK, `updateProgress` with each token', work: bySdk((job, text) => job.updateProgress({ text })) },
  events: { title: '`processQueue`, each token an event', work: byQueue(undefined) },
};

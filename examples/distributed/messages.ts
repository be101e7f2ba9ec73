import type { AssistantMessage } from '@mistralai/mistralai/models/components/assistantmessage.js';

/** What a process of this example is told when it starts. */
export interface Place {
  readonly redisUrl: string;
  /** Before all keys in Redis: another run on the same server is another world. */
  readonly prefix: string;
  /** Of the simulator; without it the calls go to Mistral. */
  readonly serverURL?: string | undefined;
  /** Of the API, for those who come from outside. */
  readonly apiUrl?: string | undefined;
}

/** The name of the queue. */
export const queueName = 'chat';

/** What a client asks, and so a job's data. */
export interface Question {
  readonly content: string;
}

/** A job's result. */
export interface Answer {
  readonly text: string;
  readonly message: AssistantMessage;
}

/** What the processes tell `main.ts`. */
export type Message =
  | { readonly type: 'ready'; readonly url?: string }
  | { readonly type: 'working'; readonly running: number; readonly done: number }
  | { readonly type: 'watching'; readonly tokens: number; readonly connections: number }
  | { readonly type: 'seen'; readonly jobId: string; readonly ids: readonly string[]; readonly text: string };

/** Tells `main.ts`. */
export function tell(message: Message): void {
  process.send?.(message);
}

/** Where everything is, as `main.ts` told this process. */
export function placeOfThis(): Place {
  return JSON.parse(process.argv[2] ?? '') as Place;
}

import type { ChatEvent, ChatSnapshot, RxMistralError } from 'rxmistral';

/** How far a job has come. */
export type JobStatus = 'queued' | 'running' | 'completed' | 'failed' | 'cancelled';

/** What a job has come to. */
export type JobResult = Pick<ChatSnapshot, 'text' | 'finishReason' | 'usage'>;

/** How a job ends: the last event of its stream. */
export type JobEnd =
  | { readonly type: 'job-completed'; readonly jobId: string; readonly result: JobResult }
  | { readonly type: 'job-failed'; readonly jobId: string; readonly error: RxMistralError }
  | { readonly type: 'job-cancelled'; readonly jobId: string };

/** What a job tells on its way. All that the model says is part of it. */
export type JobEvent =
  | { readonly type: 'job-queued'; readonly jobId: string }
  | { readonly type: 'job-started'; readonly jobId: string }
  | ChatEvent
  | JobEnd;

/** Whether an event is the last one of its job. */
export function isJobEnd({ type }: { readonly type: string }): boolean {
  return ['job-completed', 'job-failed', 'job-cancelled'].includes(type);
}

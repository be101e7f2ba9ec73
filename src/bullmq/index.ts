export type { JobWebhook, JobWebhookPayload } from './addWebhook.js';
export { cancelJob } from './cancelJob.js';
export { enqueue, enqueueAll, type EnqueuedJob, enqueueJob } from './enqueue.js';
export type { EnqueueOptions } from './EnqueueOptions.js';
export type {
  JobCompleteEvent,
  JobEvent,
  JobEventPlace,
  JobFailedEvent,
  JobPausedEvent,
  JobReleasedEvent,
  JobRetryEvent,
  JobStartEvent,
  JobValueEvent,
} from './JobEvent.js';
export { jobEvents, type JobEventsReadOptions } from './jobEvents.js';
export type { JobLogOptions } from './JobLog.js';
export { jobValues } from './jobValues.js';
export { processQueue } from './processQueue.js';
export type { JobEventsOptions, JobWebhookOptions, ProcessQueueOptions } from './ProcessQueueOptions.js';
export type { QueueJob } from './QueueJob.js';

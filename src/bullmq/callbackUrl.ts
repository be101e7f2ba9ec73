import type { Job, JobsOptions } from 'bullmq';

// Among BullMQ's own options of the job, so that the data stay the user's.
const name = 'rxmistralCallbackUrl';

/** The options of a job that wants a webhook at its end. */
export function withCallbackUrl(options: JobsOptions, url: string | undefined): JobsOptions {
  const own: object = url === undefined ? {} : { [name]: url };
  return { ...options, ...own };
}

/** Where the job wants its webhook. */
export function callbackUrlOf({ opts }: Pick<Job, 'opts'>): string | undefined {
  const url = (opts as Readonly<Record<string, unknown>>)[name];
  return typeof url === 'string' ? url : undefined;
}

/**
 * A batch, whole: the file, its upload, the jobs, polls, downloads, the join, and what failed for a while sent again; every
 * request ends as exactly one result. batchByHand.ts is what people write today, against the same server.
 */
import { MistralCore } from '@mistralai/mistralai/core.js';
import { runBatch } from 'rxmistral';
import { requests, startServer } from './batchServer.js';
import { type Progress, ProgressLine } from './progressLine.js';

const server = await startServer();
const client = new MistralCore({ apiKey: 'any', serverURL: server.url });
const view = new ProgressLine(process.stdout);
type Counts = Pick<Progress, 'done' | 'failed'>;
const nothing: Counts = { done: 0, failed: 0 };
const parts = new Map<number, PartProgress>();

runBatch(client, requests, {
  model: 'mistral-small-latest',
  maxRequestsPerJob: 100,
  interval: 200, // by default from 2 s to a minute
  deadline: 60_000,
}).subscribe({
  next: (event) => {
    switch (event.type) {
      case 'file-prepared':
        parts.set(event.part, { settled: nothing, before: nothing, job: { ...nothing, total: event.requests } });
        break;
      case 'job-progress':
        change(event.part, () => ({ job: { ...event, failed: event.job.failedRequests } }));
        view.show(sumOf([...parts.values()]));
        break;
      case 'result':
        change(event.part, ({ settled: { done, failed } }) => ({
          settled: { done: done + 1, failed: failed + (event.status === 'fulfilled' ? 0 : 1) },
        }));
        if (event.status === 'rejected') view.log(`${event.customId} failed: ${event.error.message}`);
        if (event.status === 'missing') view.log(`${event.customId} is missing: ${event.reason}`);
        break;
      case 'resubmitted':
        change(event.part, ({ settled }) => ({ before: settled, job: { ...nothing, total: event.requests } }));
        view.log(`${event.requests} of part ${event.part} are sent again`);
        break;
      case 'complete':
        view.end();
        console.log(`${event.fulfilled} of ${event.requests} answered, ${event.rejected} failed, ${event.missing} missing; ${event.jobs.length} jobs`);
    }
  },
  error: (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
  complete: () => void server.close(),
});

/** A part of the requests: what has its result by earlier jobs, and how far the job that runs has come with the rest. */
interface PartProgress {
  readonly settled: Counts;
  readonly before: Counts;
  readonly job: Progress;
}

function change(part: number, to: (progress: PartProgress) => Partial<PartProgress>): void {
  const progress = parts.get(part);
  if (progress !== undefined) parts.set(part, { ...progress, ...to(progress) });
}

/** Of jobs that run side by side, the slowest says how long it takes. */
function sumOf(all: readonly PartProgress[]): Progress {
  const sum = (count: (part: PartProgress) => number): number => all.reduce((total, part) => total + count(part), 0);
  const open = all.filter(({ job }) => job.done < job.total).map(({ job }) => job.remainingMs);
  return {
    done: sum(({ before, job }) => before.done + job.done),
    total: sum(({ before, job }) => before.done + job.total),
    failed: sum(({ before, job }) => before.failed + job.failed),
    remainingMs: open.includes(undefined) ? undefined : Math.max(0, ...open.map(Number)),
  };
}

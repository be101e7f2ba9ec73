import type { BatchJob } from '@mistralai/mistralai/models/components/batchjob.js';
import type { CreateBatchJobRequest } from '@mistralai/mistralai/models/components/createbatchjobrequest.js';
import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  filter,
  finalize,
  from,
  ignoreElements,
  map,
  mergeMap,
  type Observable,
  type ObservableInput,
  of,
  take,
  throwError,
  timer,
  toArray,
} from 'rxjs';
import { isRxMistralError, type RxMistralError } from '../../errors/RxMistralError.js';
import { toRxMistralError } from '../../errors/toRxMistralError.js';
import type { BatchResult, BatchResultEvent } from '../../events/BatchEvent.js';
import type { SpoolFile } from '../../events/BatchSpool.js';
import { endingOf } from '../../events/BatchWatch.js';
import type { MistralTransport } from '../../transport/MistralTransport.js';
import { batchJobsCancelOperation } from '../../transport/operations/batchJobsCancel.js';
import { filesDeleteOperation } from '../../transport/operations/filesDelete.js';
import { batchResults } from '../batchResults.js';
import { callOnce } from '../callOnce.js';
import { watchBatch } from '../watchBatch.js';
import { findJob } from './createJob.js';
import { PartRun } from './PartRun.js';
import { PartWriter } from './PartWriter.js';
import { type Part, prepareParts } from './prepareParts.js';
import type { BatchPlan, JobEnd, JobPlace, RunContext, RunEvent } from './RunContext.js';
import type { RunJournal } from './RunJournal.js';

/** One run: what its parts share, and what becomes of it all at the end. Made anew for each subscription. */
export class BatchRun implements RunContext {
  readonly transport: MistralTransport;
  readonly plan: BatchPlan;
  readonly journal: RunJournal;
  readonly tally = { requests: 0, fulfilled: 0, rejected: 0, missing: 0, resubmitted: 0, surplus: 0 };
  readonly live = new Map<string, string | undefined>();
  readonly inputFiles = new Set<string>();
  readonly #outputFiles = new Set<string>();
  readonly #jobs: string[] = [];
  readonly #spoolFiles: SpoolFile[] = [];
  readonly #writer: PartWriter;
  readonly #resultsOptions: BatchPlan['results'];
  #attachedEnd: JobEnd = { isOver: true, retryable: true, reason: 'None of the attached jobs has answered it' };
  #isDone = false;
  #isOver = false;
  // Of a function of the user's: the run is to end with it.
  #ownError: { readonly error: unknown } | undefined;

  constructor(transport: MistralTransport, plan: BatchPlan, journal: RunJournal) {
    this.transport = transport;
    this.plan = plan;
    this.journal = journal;
    this.#writer = new PartWriter(plan.limits);
    this.#resultsOptions = { ...plan.results, onResult: this.#noting(plan.results.onResult) };
  }

  mayRepeat(part: number, round: number): boolean {
    const { plan, journal } = this;
    // A run that was complete makes no new jobs: it is told again as it was.
    return round < plan.rounds && (!journal.isComplete || journal.jobOf(journal.key(part, round + 1)) !== undefined);
  }

  get jobRequest(): BatchPlan['job'] & Pick<CreateBatchJobRequest, 'model'> {
    return { ...this.plan.job, model: this.#writer.model };
  }

  /** The whole trip. */
  events(requests: ObservableInput<unknown>, runId: string): Observable<RunEvent> {
    const { plan, journal } = this;
    const parts: PartRun[] = [];

    const prepare = prepareParts(requests, this.#writer, plan.spool, (file) => { this.#keep(file); }, plan.check).pipe(
      mergeMap((part) => {
        parts.push(new PartRun(this, part));
        return concat(journal.notePart(part), of(prepared(part)));
      }),
    );
    const run = defer(() => {
      journal.expectParts(parts.length);
      this.tally.requests = this.#writer.count;
      if (plan.attach.length === 0) return from(parts).pipe(mergeMap((part) => part.events(), plan.concurrency));
      return concat(
        this.#attached(parts),
        from(parts).pipe(mergeMap((part) => part.rest(this.#attachedEnd), plan.concurrency)),
      );
    });
    const finish = defer(() => {
      this.#isDone = true;
      return concat(
        journal.isComplete ? EMPTY : journal.write({ type: 'complete' }),
        this.#cleanUp().pipe(
          map((undeleted): RunEvent => ({ type: 'complete', ...this.tally, jobs: this.#jobs, undeleted })),
        ),
      );
    });
    return concat(journal.open(runId), prepare, run, finish).pipe(
      finalize(() => {
        this.#end();
      }),
    );
  }

  follow(
    { part, round, jobId, key }: JobPlace,
    take: (result: BatchResult) => RunEvent | undefined,
    then: (end: JobEnd) => Observable<RunEvent>,
  ): Observable<RunEvent> {
    return defer(() => {
      this.#jobs.push(jobId);
      this.live.set(key, jobId);
      let job: BatchJob | undefined;
      let failure: RxMistralError | undefined;
      const noteFailure = (error: unknown): Observable<never> => {
        if (this.#ownError !== undefined) return throwError(() => this.#ownError?.error);
        failure = toRxMistralError(error);
        return EMPTY;
      };

      const watch = watchBatch(this.transport, jobId, this.plan.watch).pipe(
        map((progress): RunEvent => {
          job = progress.job;
          return progress.stuck
            ? { type: 'job-stuck', part, round, jobId, job }
            : { type: 'job-progress', part, round, jobId, ...progress };
        }),
        catchError(noteFailure),
      );
      const results = defer(() => {
        if (job === undefined || endingOf(job) === undefined) return EMPTY;
        this.live.delete(key);
        const files = [job.outputFile, job.errorFile].flatMap((file) => (file ? [file] : []));
        for (const file of files) this.#outputFiles.add(file);
        // It has failed before its first request. (A count alone proves nothing: servers leave it out.)
        if (failure !== undefined && job.completedRequests === 0 && files.length === 0) return EMPTY;
        return batchResults(this.transport, job, this.#resultsOptions);
      }).pipe(
        catchError(noteFailure),
        map(take),
        filter((event) => event !== undefined),
      );
      return concat(watch, results, defer(() => then(jobEnd(jobId, job, failure))));
    });
  }

  #noting(onResult: BatchPlan['results']['onResult']): BatchPlan['results']['onResult'] {
    return (
      onResult &&
      ((result) =>
        defer(() => onResult(result)).pipe(
          catchError((error: unknown) => {
            this.#ownError = { error };
            return throwError(() => error);
          }),
        ))
    );
  }

  // Jobs that another run has made: their lines may be those of any part. Without requests, all of them are told.
  #attached(parts: readonly PartRun[]): Observable<RunEvent> {
    const takeResult = (result: BatchResult, jobId: string): RunEvent | undefined => {
      const { customId } = result;
      if (parts.length === 0) return this.#tellUnasked(result, jobId);
      const owner = customId === undefined ? undefined : parts.find((part) => part.isPending(customId));
      return (owner ?? parts[0])?.take(result, 0, jobId);
    };
    const noteEnd = (end: JobEnd): Observable<never> => {
      // Where one of them may still be at work, nothing is sent again.
      if (!end.isOver) this.#attachedEnd = end;
      return EMPTY;
    };
    return from(this.plan.attach).pipe(
      mergeMap(
        (jobId) => this.follow({ part: 0, round: 0, jobId, key: jobId }, (result) => takeResult(result, jobId), noteEnd),
        this.plan.concurrency,
      ),
    );
  }

  #tellUnasked(result: BatchResult, jobId: string): BatchResultEvent {
    this.tally.requests += 1;
    this.tally[result.status] += 1;
    return { type: 'result', part: 0, round: 0, jobId, ...result, customId: result.customId ?? '' };
  }

  // Emits the files that could not be deleted.
  #cleanUp(): Observable<readonly string[]> {
    const { cleanup, call } = this.plan;
    const files = cleanup === 'none' ? [] : [...this.inputFiles, ...(cleanup === 'all' ? this.#outputFiles : [])];
    return from(files).pipe(
      mergeMap(
        (fileId) =>
          callOnce(this.transport, filesDeleteOperation, { fileId }, call).pipe(
            ignoreElements(),
            catchError((error: unknown) => (isGone(error) ? EMPTY : of(fileId))),
          ),
        this.plan.concurrency,
      ),
      toArray(),
    );
  }

  #keep(file: SpoolFile): void {
    if (this.#isOver) void file.remove();
    else this.#spoolFiles.push(file);
  }

  // Completed, failed, or unsubscribed from.
  #end(): void {
    this.#isOver = true;
    for (const file of this.#spoolFiles) void file.remove();
    if (this.#isDone || !this.plan.cancels) return;
    const { transport, plan, journal } = this;
    const inputs = plan.cleanup === 'none' ? [] : [...this.inputFiles].filter((fileId) => !journal.needsFile(fileId));
    const cancel = ([key, jobId]: readonly [string, string | undefined]): Observable<unknown> =>
      (jobId === undefined ? this.#lookFor(key) : of(jobId)).pipe(
        mergeMap((id) => callOnce(transport, batchJobsCancelOperation, { jobId: id }, plan.call)),
      );
    const remove = (fileId: string): Observable<unknown> => callOnce(transport, filesDeleteOperation, { fileId }, plan.call);
    // Nobody listens any more: what cannot be cancelled goes on, as it would have without, and holds up nothing else.
    const quietly = (call: Observable<unknown>): Observable<never> => call.pipe(ignoreElements(), catchError(() => EMPTY));
    concat(
      from(this.live).pipe(mergeMap((job) => quietly(cancel(job)), plan.concurrency)),
      from(inputs).pipe(mergeMap((fileId) => quietly(remove(fileId)), plan.concurrency)),
    ).subscribe();
  }

  // The answer to its creation did not come any more: it may appear a little later, or never.
  #lookFor(key: string): Observable<string> {
    const { call } = this.plan;
    return timer(lookAfterMs, lookAfterMs, call.scheduler).pipe(
      take(maxLooks),
      concatMap(() => findJob(this.transport, key, call)),
      mergeMap((job) => (job === undefined ? EMPTY : of(job.id))),
      take(1),
    );
  }
}

const lookAfterMs = 1_000;
const maxLooks = 3;

function prepared({ part, bytes, pending }: Part): RunEvent {
  return { type: 'file-prepared', part, requests: pending.size, bytes };
}

function isGone(error: unknown): boolean {
  return isRxMistralError(error) && error.status === 404;
}

function jobEnd(jobId: string, job: BatchJob | undefined, failure: RxMistralError | undefined): JobEnd {
  const ending = job && endingOf(job);
  const isOver = ending !== undefined;
  if (failure === undefined) {
    return { isOver, retryable: true, reason: `The batch job ${jobId} has ended, and none of its files names the request` };
  }
  // A job that has failed before its first request would fail again, and results that are kept may be read another day.
  const isLost = ending === 'SUCCESS' ? isGone(failure) : (job?.completedRequests ?? 0) > 0 || ending !== 'FAILED';
  return { isOver, retryable: isOver && isLost, reason: failure.message };
}

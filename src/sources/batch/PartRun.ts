import type { CreateBatchJobRequest } from '@mistralai/mistralai/models/components/createbatchjobrequest.js';
import { catchError, concat, defer, EMPTY, from, map, mergeMap, type Observable, of, tap } from 'rxjs';
import { toRxMistralError } from '../../errors/toRxMistralError.js';
import type {
  BatchResult,
  BatchResultEvent,
  JobCreatedEvent,
  MissingBatchResult,
  RejectedBatchResult,
} from '../../events/BatchEvent.js';
import { createJob } from './createJob.js';
import { inlineRequests, partContent } from './partContent.js';
import type { Part } from './prepareParts.js';
import type { PartLine } from './PartWriter.js';
import type { JobEnd, RunContext, RunEvent } from './RunContext.js';
import { uploadFile } from './uploadFile.js';

/** One part of the requests on its way: a job for all of its lines, then one for those that are worth another try. */
export class PartRun {
  readonly #run: RunContext;
  readonly #part: Part;
  // Failed in a way that may pass: still pending, and told only where no later round brings anything better.
  readonly #failures = new Map<string, { readonly round: number; readonly result: RejectedBatchResult }>();

  constructor(run: RunContext, part: Part) {
    this.#run = run;
    this.#part = part;
  }

  /** The whole way of the part. */
  events(): Observable<RunEvent> {
    return this.#round(0, [...this.#part.pending.values()]);
  }

  /** What is left where jobs of another run have answered the part: its own job's, if the journal has one that was not among them. */
  rest(end: JobEnd): Observable<RunEvent> {
    const { journal, plan } = this.#run;
    const key = journal.key(this.#part.part, 0);
    const isAttached = plan.attach.includes(journal.jobOf(key) ?? '');
    const lines = [...this.#part.pending.values()];
    return journal.mayHaveCreated(key) && !isAttached && lines.length > 0 ? this.#round(0, lines) : this.#afterRound(0, undefined, end);
  }

  /** Whether the request is one of this part's that has no result yet. */
  isPending(customId: string): boolean {
    return this.#part.pending.has(customId);
  }

  /** What a line of a result file is to this part: the result of a request; or nothing, where it is to be sent again. */
  take(result: BatchResult, round: number, jobId: string | undefined): BatchResultEvent | undefined {
    const { customId } = result;
    const { pending } = this.#part;
    const isSecond = result.status === 'rejected' && customId !== undefined && this.#failures.get(customId)?.round === round;
    if (customId === undefined || !pending.has(customId) || isSecond) {
      this.#run.tally.surplus += 1;
      return undefined;
    }
    if (result.status === 'rejected' && this.#run.mayRepeat(this.#part.part, round) && this.#run.plan.when(result)) {
      this.#failures.set(customId, { round, result });
      return undefined;
    }
    return this.#tell(customId, result, round, jobId);
  }

  #round(round: number, lines: readonly PartLine[]): Observable<RunEvent> {
    const key = this.#run.journal.key(this.#part.part, round);
    const place = { part: this.#part.part, round };
    let jobId = this.#run.journal.jobOf(key);
    const fileId = this.#run.journal.fileOf(key);
    if (fileId !== undefined) this.#run.inputFiles.add(fileId);
    const submitted =
      jobId === undefined
        ? this.#submit(key, round, lines).pipe(
            tap((event) => {
              if (event.type === 'job-created') jobId = event.jobId;
            }),
          )
        : of<RunEvent>({ type: 'job-created', ...place, jobId, requests: lines.length, found: true });

    const followed = defer(() => {
      const id = jobId;
      if (id === undefined) return EMPTY;
      return this.#run.follow(
        { ...place, jobId: id, key },
        (result) => this.take(result, round, id),
        (end) => this.#afterRound(round, id, end),
      );
    });
    // The first job of a part fails the run: a key or an endpoint that is wrong is wrong for all. Behind it, results are at stake.
    const safely = round === 0 ? submitted : submitted.pipe(catchError((error: unknown) => this.#giveUp(round, error)));
    return concat(safely, followed);
  }

  #submit(key: string, round: number, lines: readonly PartLine[]): Observable<RunEvent> {
    const { transport, journal, plan, live } = this.#run;
    const { part, file } = this.#part;
    let fileId = journal.fileOf(key);

    const upload = defer(() => {
      if (fileId !== undefined) return EMPTY;
      const { content, size } = partContent(file, lines);
      return uploadFile(transport, { fileName: `batch-${part}-${round}.jsonl`, content, size }, plan.call).pipe(
        mergeMap(({ id }) => {
          fileId = id;
          this.#run.inputFiles.add(id);
          return concat(
            journal.write({ type: 'uploaded', key, fileId: id }),
            of<RunEvent>({ type: 'file-uploaded', part, fileId: id, bytes: size }),
          );
        }),
      );
    });

    const create = defer(() => {
      const mayExist = journal.mayHaveCreated(key);
      const input: Observable<Pick<CreateBatchJobRequest, 'requests' | 'inputFiles'>> = plan.inline
        ? inlineRequests(file, lines).pipe(map((requests) => ({ requests })))
        : of({ inputFiles: fileId === undefined ? [] : [fileId] });
      live.set(key, undefined);
      return concat(
        mayExist ? EMPTY : journal.write({ type: 'creating', key }),
        input.pipe(mergeMap((given) => createJob(transport, { ...this.#run.jobRequest, ...given }, key, plan.call, mayExist))),
      );
    }).pipe(
      mergeMap(({ job, found }) => {
        live.set(key, job.id);
        const event: JobCreatedEvent = { type: 'job-created', part, round, jobId: job.id, requests: lines.length, found };
        return concat(journal.write({ type: 'created', key, jobId: job.id }), of<RunEvent>(event));
      }),
    );
    return concat(plan.inline ? EMPTY : upload, create);
  }

  // What has no result when a job has ended: sent again where that may help, else told as it is.
  #afterRound(round: number, jobId: string | undefined, end: JobEnd): Observable<RunEvent> {
    return defer(() => {
      const mayRepeat = end.isOver && this.#run.mayRepeat(this.#part.part, round);
      const { pending } = this.#part;
      const told: RunEvent[] = [];
      for (const customId of [...pending.keys()]) {
        const isAgreed = this.#failures.get(customId)?.round === round;
        if (mayRepeat && (isAgreed || this.#run.plan.when(missing(customId, end)))) continue;
        told.push(this.#tellFailure(customId, end, round, jobId));
      }
      const lines = [...pending.values()];
      if (lines.length === 0) return told;
      this.#run.tally.resubmitted += lines.length;
      const event: RunEvent = { type: 'resubmitted', part: this.#part.part, round: round + 1, requests: lines.length };
      return concat(from(told), of(event), this.#round(round + 1, lines));
    });
  }

  // No further job could be made: what is known of each request is told.
  #giveUp(round: number, error: unknown): Observable<RunEvent> {
    const end: JobEnd = { isOver: false, retryable: false, reason: `It could not be sent again: ${toRxMistralError(error).message}` };
    return from([...this.#part.pending.keys()].map((customId) => this.#tellFailure(customId, end, round, undefined)));
  }

  #tellFailure(customId: string, end: JobEnd, round: number, jobId: string | undefined): BatchResultEvent {
    return this.#tell(customId, this.#failures.get(customId)?.result ?? missing(customId, end), round, jobId);
  }

  #tell(
    customId: string,
    result: BatchResult | MissingBatchResult,
    round: number,
    jobId: string | undefined,
  ): BatchResultEvent {
    this.#part.pending.delete(customId);
    this.#failures.delete(customId);
    this.#run.tally[result.status] += 1;
    return { type: 'result', part: this.#part.part, round, jobId, ...result, customId };
  }
}

function missing(customId: string, { reason, retryable }: JobEnd): MissingBatchResult {
  return { status: 'missing', customId, reason, retryable };
}

import {
  asyncScheduler,
  defer,
  from,
  lastValueFrom,
  merge,
  mergeMap,
  type Observable,
  type ObservableInput,
  ReplaySubject,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { RxMistralError, TruncatedStreamError } from '../errors/RxMistralError.js';
import { toRxMistralError } from '../errors/toRxMistralError.js';
import { decideJobOutcome, type JobOutcome, type JobPolicy } from './JobOutcome.js';
import type { JobHistory } from './JobHistory.js';
import type { ProcessQueueOptions } from './ProcessQueueOptions.js';

/** Why an attempt is stopped from outside: the job was cancelled, or has lost too many workers; its worker closes, or another worker has it. */
export type JobStop = 'cancelled' | 'stalled' | 'released' | 'lost';

/** How an attempt has ended. */
export type JobEnd = { readonly type: 'job-complete'; readonly result: unknown } | { readonly type: 'job-released' } | { readonly type: 'lost' } | JobOutcome;

class Stopped extends Error {
  readonly reason: JobStop | RxMistralError;

  constructor(reason: JobStop | RxMistralError) {
    super('The attempt was stopped');
    this.reason = reason;
  }
}

/** One attempt of a job, from the first value to its end. */
export class JobRun<E> {
  readonly #stops = new ReplaySubject<JobStop | RxMistralError>(1);
  readonly #history: JobHistory;
  readonly #attempt: number;
  readonly #policy: JobPolicy;
  readonly #options: ProcessQueueOptions;

  constructor(history: JobHistory, attempt: number, policy: JobPolicy, options: ProcessQueueOptions) {
    this.#history = history;
    this.#attempt = attempt;
    this.#policy = policy;
    this.#options = options;
  }

  /** What it is stopped for, also behind its end. */
  get stops(): Observable<JobStop | RxMistralError> {
    return this.#stops;
  }

  /** Ends it, with its call to Mistral; the first reason counts. */
  stop(reason: JobStop | RxMistralError): void {
    this.#stops.next(reason);
  }

  /** Runs the project, and tells how it has ended. Never rejects. */
  async end(project: () => ObservableInput<E>, onValue: (value: E) => void): Promise<JobEnd> {
    const { timeout, scheduler = asyncScheduler } = this.#options;
    const stop = (reason: JobStop | RxMistralError): Observable<never> => throwError(() => new Stopped(reason));
    const stopped = this.#stops.pipe(mergeMap(stop));
    const values: Observable<E> = defer(() => from(project())).pipe(
      tap((value) => {
        this.#history.takeValue(value);
        onValue(value);
      }),
      takeUntil(timeout === undefined ? stopped : merge(stopped, timer(timeout, scheduler).pipe(mergeMap(() => stop(timeoutError(timeout)))))),
    );
    try {
      await lastValueFrom(values, { defaultValue: undefined });
      return { type: 'job-complete', result: this.#history.result };
    } catch (error) {
      return this.#endOf(error);
    }
  }

  #endOf(thrown: unknown): JobEnd {
    const reason = thrown instanceof Stopped ? thrown.reason : thrown;
    switch (reason) {
      case 'lost':
        return { type: 'lost' };
      case 'released':
        return { type: 'job-released' };
      case 'cancelled':
        return { type: 'job-failed', error: this.#withPartial(cancelledError()) };
      case 'stalled':
        return { type: 'job-failed', error: this.#withPartial(stalledError()) };
      default:
        return decideJobOutcome(this.#policy, this.#attempt, this.#withPartial(toRxMistralError(reason)));
    }
  }

  #withPartial(error: RxMistralError): RxMistralError {
    const { partial } = this.#history;
    return error.partial === undefined && partial !== undefined ? error.with({ partial }) : error;
  }
}

function cancelledError(): RxMistralError {
  return new TruncatedStreamError({ message: 'The job was cancelled', code: 'cancelled', retryable: false });
}

function stalledError(): RxMistralError {
  return new RxMistralError({ kind: 'limit', message: 'The job has lost its worker too often (`maxStalledCount`)', code: 'stalled' });
}

function timeoutError(limit: number): RxMistralError {
  return new RxMistralError({ kind: 'timeout', message: `The attempt took longer than ${limit} ms (\`timeout\`)`, which: 'total', retryable: true });
}

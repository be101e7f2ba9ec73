import { concatMap, EMPTY, type Observable, of, type OperatorFunction, throwError } from 'rxjs';
import type { JobEvent } from './JobEvent.js';

/**
 * The values of a job as its own Observable had emitted them, over all attempts: for the operators that know chats.
 *
 * ```
 * jobEvents            s-x-y-R---s-z-C|
 * jobValues()          --x-y-------z-|      and fails where the job has failed
 * ```
 *
 * An attempt that did not go on where the one before it was cut begins anew with a `start` event, at which `accumulate()` does so
 * too: its text is what the model has said, once.
 *
 * **Completes** behind `job-complete`. **Fails** with the error of `job-failed`.
 *
 * @example
 * ```ts
 * import { of } from 'rxjs';
 * import { accumulate, type ChatEvent } from 'rxmistral';
 * import { type JobEvent, jobValues } from 'rxmistral/bullmq';
 *
 * const place = { jobId: 'job-1', attempt: 1 };
 * const events = of<JobEvent<ChatEvent>[]>(
 *   { type: 'job-start', id: '1', ...place },
 *   { type: 'job-value', id: '2', ...place, value: { type: 'text-delta', requestId: 'r', index: 0, text: 'Hello' } },
 *   { type: 'job-complete', id: '3', ...place, result: null },
 * );
 * events.pipe(jobValues(), accumulate()).subscribe(({ text }) => console.log(text));
 * ```
 *
 * @see {@link jobEvents}
 */
export function jobValues<E>(): OperatorFunction<JobEvent<E>, E> {
  return concatMap((event): Observable<E> => {
    switch (event.type) {
      case 'job-value':
        return of(event.value);
      case 'job-failed':
        return throwError(() => event.error);
      default:
        return EMPTY;
    }
  });
}

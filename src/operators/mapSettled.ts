import { Observable, type ObservableInput, type OperatorFunction } from 'rxjs';
import { expectBoolean, expectFunction, expectInteger, expectObject, fail } from '../errors/expect.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import type { Settled } from '../events/Settled.js';
import { settledOf } from '../events/settledOf.js';
import { BoundedProjection, type Projecting } from './BoundedProjection.js';
import { subscribeWithin } from './subscribeWithin.js';

/** Options of {@link mapSettled}. */
export interface MapSettledOptions {
  /** How many inputs are on their way at once: an integer of at least 1. */
  readonly concurrency: number;
  /**
   * Results in the order of their inputs. None runs more than `concurrency` ahead of the oldest that is open.
   * @defaultValue false: as they come
   */
  readonly ordered?: boolean | undefined;
  /**
   * The most inputs that wait for a place: an integer of at least 0, or `Infinity`. One more is an error of kind `limit`.
   * An Observable cannot be told to wait; what is large should be pulled, by {@link pullMap}.
   * @defaultValue 100,000
   */
  readonly maxQueued?: number | undefined;
}

/**
 * Maps each value, several at once, to how it ended: one failure is one result, and never the end of all.
 *
 * ```
 * source:                           -a-b-c--|
 * project(a):                        --1|
 * project(b):                          --#
 * project(c):                            --3|     when a place is free
 * mapSettled({ concurrency: 2 }):   ----F-R--F|   F: { status: 'fulfilled', value, … }  R: { status: 'rejected', reason, … }
 * ```
 *
 * The result of an input is the last value of its project, or its error; the `EmptyError` of rxjs where there was none. An
 * error that `project` throws is a result too. `input` and `index` tell where it belongs.
 *
 * **Completes** when the source has completed and all projects have ended. **An error of the source** is told then, behind
 * the results of what had come before it: nothing is lost.
 *
 * **Unsubscribing** ends the source and all projects.
 *
 * It is the push form of `pullMap(…, { settle: true })`: inputs come when they come, and wait for a place in memory.
 *
 * @throws TypeError at once when `project` is no function or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { of } from 'rxjs';
 * import { chatComplete, mapSettled } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * of('Loire', 'Rhine', 'Danube')
 *   .pipe(
 *     mapSettled(
 *       (river) => chatComplete(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content: river }] }),
 *       { concurrency: 2 },
 *     ),
 *   )
 *   .subscribe(({ input, status }) => console.log(input, status));
 * ```
 *
 * @see {@link pullMap}
 */
export function mapSettled<T, R>(
  project: (value: T, index: number) => ObservableInput<R>,
  options: MapSettledOptions,
): OperatorFunction<T, Settled<T, R>> {
  expectFunction('project', project);
  if ((project as unknown) === undefined) fail('project', 'a function', project);
  expectObject('options', options);
  if ((options as unknown) === undefined) fail('options', 'an object', options);
  const { concurrency, ordered = false, maxQueued = 100_000 } = options;
  if ((concurrency as unknown) === undefined) fail('concurrency', 'an integer >= 1', concurrency);
  expectInteger('concurrency', concurrency, 1);
  expectBoolean('ordered', ordered);
  expectInteger('maxQueued', maxQueued, 0, true);
  // One result for each input: what waits for its turn is bounded by `concurrency` already.
  const how: Projecting<T, R, Settled<T, R>> = { project, concurrency, ordered, maxBuffered: Infinity, settle: settledOf };

  // Constructed: `mergeMap` neither bounds what waits for it, nor lets what runs end when its source fails.
  return (source) =>
    new Observable((subscriber) => {
      let queue: T[] = [];
      let next = 0;
      let isAsked = false;
      let ending: { readonly failure: { readonly error: unknown } | undefined } | undefined;

      const answer = (): void => {
        if (!isAsked) return;
        if (next < queue.length) {
          isAsked = false;
          const input = queue[next] as T;
          next += 1;
          // Taken off in bulk: one by one would be quadratic.
          if (next > 1_024 && next * 2 > queue.length) {
            queue = queue.slice(next);
            next = 0;
          }
          projection.push(input);
        } else if (ending !== undefined) {
          isAsked = false;
          projection.end(ending.failure);
        }
      };
      const projection = new BoundedProjection(subscriber, how, {
        ask: () => {
          isAsked = true;
          answer();
        },
      });
      projection.fill();
      subscribeWithin(subscriber, source, {
        next: (input) => {
          queue.push(input);
          answer();
          if (queue.length - next <= maxQueued) return;
          const message = `More than ${maxQueued} inputs wait for a place (\`maxQueued\`)`;
          subscriber.error(new RxMistralError({ kind: 'limit', message }));
        },
        error: (error: unknown) => {
          ending = { failure: { error } };
          answer();
        },
        complete: () => {
          ending = { failure: undefined };
          answer();
        },
      });
    });
}

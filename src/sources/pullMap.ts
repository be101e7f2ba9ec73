import { asyncScheduler, Observable, type ObservableInput, type SchedulerLike } from 'rxjs';
import { expectBoolean, expectFunction, expectInteger, expectObject, expectScheduler, fail } from '../errors/expect.js';
import type { Settled } from '../events/Settled.js';
import { settledOf } from '../events/settledOf.js';
import { BoundedProjection, type Projecting } from '../operators/BoundedProjection.js';
import { isPullable, PulledSource, type Pullable } from './PulledSource.js';

/** Options of {@link pullMap}. */
export interface PullMapOptions {
  /** How many inputs are on their way at once: an integer of at least 1. */
  readonly concurrency: number;
  /**
   * Results in the order of their inputs. None runs more than `concurrency` ahead of the oldest that is open: behind it,
   * the source waits.
   * @defaultValue false: as they come
   */
  readonly ordered?: boolean | undefined;
  /**
   * With `ordered`, the most values that wait for those of an input before them; more is an error of kind `limit`. Only
   * projects that emit many values come near it.
   * @defaultValue 10,000
   */
  readonly maxBuffered?: number | undefined;
  /**
   * The clock by which the event loop gets its turn.
   * @defaultValue `asyncScheduler`
   */
  readonly scheduler?: SchedulerLike | undefined;
  /** A {@link Settled} for each input, in place of values and of an error that ends all. @defaultValue false */
  readonly settle?: boolean | undefined;
}

/**
 * Maps what can be pulled, several at once: asks for the next input only when a place is free.
 *
 * ```
 * source:                               a b c                 asked for when a place is free
 * project(a):                           --1|
 * project(b):                           -----2|
 * project(c):                              --3|               a's place is free
 * pullMap(project, { concurrency: 2 }): --1--(23)|
 *   with ordered:                       --1--(23)|            2 before 3, whoever is first
 *   with settle:                        ---1--(23)|           when each has ended
 * ```
 *
 * Where `mergeMap` over an async iterable reads all of it first, this holds no more than `concurrency` inputs (twice that
 * with `ordered`) however large the source: ten million prompts take the memory of five. One `next()` at a time.
 *
 * **Cold**: each subscription iterates for itself. What can be read only once (a generator object, a stream) fails the
 * second, with an error of kind `validation`.
 *
 * **Values**: those of each project, in order of arrival; with `settle`, one result for each input with the last value,
 * and the `EmptyError` of rxjs where there was none.
 *
 * **Completes** when the source has ended and all projects have.
 *
 * **An error of a project**, thrown or emitted, ends all at once (with `settle` it is the result of its input). **An error
 * of the source** is told when those that are on their way have ended: nothing that was begun is lost.
 *
 * **Unsubscribing**, and an error, end the projects and close the source: `return()` of its iterator, `cancel()` of a
 * stream, `destroy()` of a stream of Node that is being waited for. An async generator runs its `finally` when its pending
 * `await` has ended. Where closing fails with nobody to tell, the error is reported as rxjs does with those that nobody
 * handles.
 *
 * The event loop keeps turning, and timers fire, also where neither the source nor the projects ever wait.
 *
 * @param source An iterable (an array, a generator, a Map; no text), an async iterable, or a web `ReadableStream`. For an
 * Observable, which cannot be told to wait, there is {@link mapSettled}.
 * @throws TypeError at once when the source is none of these, `project` is no function, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { chatComplete, pullMap } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * function* prompts() {
 *   for (const river of ['Loire', 'Rhine', 'Danube']) yield `Where does the ${river} end?`;
 * }
 * const ask = (content: string) =>
 *   chatComplete(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content }] }, { retry: {} });
 *
 * pullMap(prompts(), ask, { concurrency: 2, ordered: true, settle: true }).subscribe((result) => {
 *   if (result.status === 'fulfilled') console.log(result.input, result.value.choices[0]?.message?.content);
 *   else console.error(result.input, result.reason);
 * });
 * ```
 *
 * @see {@link mapSettled} for Observables
 */
export function pullMap<T, R>(
  source: Pullable<T>,
  project: (value: T, index: number) => ObservableInput<R>,
  options: PullMapOptions & { readonly settle: true },
): Observable<Settled<T, R>>;
export function pullMap<T, R>(
  source: Pullable<T>,
  project: (value: T, index: number) => ObservableInput<R>,
  options: PullMapOptions & { readonly settle?: false | undefined },
): Observable<R>;
export function pullMap<T, R>(
  source: Pullable<T>,
  project: (value: T, index: number) => ObservableInput<R>,
  options: PullMapOptions,
): Observable<R | Settled<T, R>> {
  if (!isPullable(source)) fail('source', 'an iterable, an async iterable or a ReadableStream (mapSettled takes Observables)', source);
  expectFunction('project', project);
  if ((project as unknown) === undefined) fail('project', 'a function', project);
  expectObject('options', options);
  if ((options as unknown) === undefined) fail('options', 'an object', options);
  const { concurrency, ordered = false, maxBuffered = 10_000, settle = false, scheduler = asyncScheduler } = options;
  if ((concurrency as unknown) === undefined) fail('concurrency', 'an integer >= 1', concurrency);
  expectInteger('concurrency', concurrency, 1);
  expectBoolean('ordered', ordered);
  expectBoolean('settle', settle);
  expectInteger('maxBuffered', maxBuffered, 1, true);
  expectScheduler('scheduler', scheduler);
  const how: Projecting<T, R, R | Settled<T, R>> = {
    project,
    concurrency,
    ordered,
    maxBuffered,
    settle: settle ? settledOf : undefined,
  };

  // Constructed: no operator of rxjs asks a source for one value at a time.
  return new Observable((subscriber) => {
    const pulled = new PulledSource(source, scheduler, subscriber);
    const projection = new BoundedProjection(subscriber, how, pulled);
    pulled.open(projection);
  });
}

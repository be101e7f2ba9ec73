import { concat, defer, finalize, from, isObservable, map, mergeMap, type Observable, of, type SchedulerLike, takeUntil, tap, throwError, timer } from 'rxjs';
import { RxMistralError } from '../../errors/RxMistralError.js';
import type { ToolContext } from '../../events/Tool.js';
import { pullMap } from '../pullMap.js';

/** A value on the way, or the result at the end. */
export type ToolStep = { readonly done: false; readonly value: unknown } | { readonly done: true; readonly value: unknown };

/** The signals of the tools of one turn: each fires with its tool's, or with the turn's end. */
export class ToolSignals {
  readonly #open = new Set<AbortController>();

  /** Held here until it has fired: a signal that only its listeners knew could be collected. */
  create(): AbortController {
    const controller = new AbortController();
    this.#open.add(controller);
    return controller;
  }

  abortAll(): void {
    for (const controller of this.#open) controller.abort();
    this.#open.clear();
  }
}

/**
 * Runs a tool: emits what it streams, then its result. Unsubscribing, and `timeout` milliseconds, fire its signal and end it.
 */
export function runTool(
  name: string,
  execute: (context: ToolContext) => unknown,
  toolCallId: string,
  signals: ToolSignals,
  timeout: number | undefined,
  scheduler: SchedulerLike,
): Observable<ToolStep> {
  return defer(() => {
    const controller = signals.create();
    let isDone = false;
    let last: unknown;
    const outOfTime = timer(timeout ?? 0, scheduler).pipe(mergeMap(() => throwError(() => lateError(name, timeout ?? 0))));
    const output = defer(() => outputOf(execute({ signal: controller.signal, toolCallId }), scheduler));
    const steps = output.pipe(
      tap(({ value }) => {
        last = value;
      }),
      mergeMap((step) => (step.done ? [] : [step])),
    );
    const result = defer(() => {
      isDone = true;
      return of<ToolStep>({ done: true, value: last });
    });
    const whole = concat(steps, result);
    return (timeout === undefined ? whole : whole.pipe(takeUntil(outOfTime))).pipe(
      finalize(() => {
        // What it has left behind may go on until the turn is over.
        if (!isDone) controller.abort();
      }),
    );
  });
}

function outputOf(output: unknown, scheduler: SchedulerLike): Observable<ToolStep> {
  if (isObservable(output)) return output.pipe(map((value): ToolStep => ({ done: false, value })));
  // `from` would not close it before its next value.
  if (isAsyncIterable(output)) return pullMap(output, (value) => of<ToolStep>({ done: false, value }), { concurrency: 1, scheduler });
  const value = isPromiseLike(output) ? from(output) : of(output);
  return value.pipe(map((settled): ToolStep => ({ done: true, value: settled })));
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function lateError(name: string, timeout: number): RxMistralError {
  return new RxMistralError({ kind: 'tool', code: 'timeout', message: `The tool ${name} was not done within ${timeout} ms` });
}


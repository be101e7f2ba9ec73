import { Observable, Subject, takeUntil } from 'rxjs';

/** Calls `work` at once, in some context, and returns what it returns. */
export type RunInContext = <R>(work: () => R) => R;

/** Hears what the pipeline under it does that no event tells: see `traced`. */
export interface StageListener {
  /** A permit of a rate limiter was waited for. */
  readonly waited: (milliseconds: number) => void;
  /** `retryWithBackoff` is about to wait for another attempt. */
  readonly retried: (retry: { readonly attempt: number; readonly delayMs: number; readonly error: unknown }) => void;
  /** The context that the stage's subscriptions are made in; by default the one that they are made in anyway. */
  readonly inside?: RunInContext | undefined;
  /** The context that its values are received in, likewise. */
  readonly outside?: RunInContext | undefined;
}

let current: StageListener | undefined;

/**
 * The stage that is being subscribed to, which is known only then: to be read once, inside `defer`. Who subscribes to
 * something later (another attempt, a source that had to wait for its turn) puts {@link reenterStage} around it.
 */
export function currentStage(): StageListener | undefined {
  return current;
}

/**
 * Subscribes to `source` as a part of `stage`; what receives its values is no part of it.
 *
 * ```
 * of(1).pipe(limited, withinStage(stage), mergeMap(call))      as an operator: `limited` is inside, `call` is outside
 * ```
 *
 * Stages nest: what is outside is the stage that this subscription is itself a part of, whenever a value arrives.
 */
export function withinStage<T>(stage: StageListener | undefined, source: Observable<T>): Observable<T> {
  if (stage === undefined) return source;
  const { inside = run, outside = run } = stage;
  // Constructed, because composition gives no hold on the call of `subscribe` itself.
  return new Observable((subscriber) => {
    const outer = current;
    const leave = (emit: () => void): void => {
      // `takeUntil` completes what is closed; nobody is there any more.
      if (subscriber.closed) return;
      outside(() => {
        runAs(outer, emit);
      });
    };
    // A source that emits while it is being subscribed to must stop with its subscriber, before `subscribe` returns.
    const closed = new Subject<void>();
    subscriber.add(() => {
      closed.next();
    });
    enter(stage, inside, () => {
      source.pipe(takeUntil(closed)).subscribe({
        next: (value) => {
          leave(() => {
            subscriber.next(value);
          });
        },
        error: (error: unknown) => {
          leave(() => {
            subscriber.error(error);
          });
        },
        complete: () => {
          leave(() => {
            subscriber.complete();
          });
        },
      });
    });
  });
}

/** Subscribes to `source` as a part of `stage` still, at a later time: who receives its values is a part of it too. */
export function reenterStage<T>(stage: StageListener | undefined, source: Observable<T>): Observable<T> {
  if (stage === undefined) return source;
  // Constructed, as above.
  return new Observable((subscriber) => {
    enter(stage, stage.inside ?? run, () => {
      source.subscribe(subscriber);
    });
  });
}

function enter(stage: StageListener, inside: RunInContext, work: () => void): void {
  inside(() => {
    runAs(stage, work);
  });
}

function runAs(stage: StageListener | undefined, work: () => void): void {
  const before = current;
  current = stage;
  try {
    work();
  } finally {
    current = before;
  }
}

function run<R>(work: () => R): R {
  return work();
}

import { asyncScheduler, BehaviorSubject, map, type Observable, type SchedulerLike } from 'rxjs';
import { expectDuration, expectInteger, expectObject, expectScheduler } from '../errors/expect.js';

/** Options of {@link createCircuitBreaker}. */
export interface CircuitBreakerOptions {
  /** So many failures open it: an integer of at least 1. @defaultValue 5 */
  readonly failures?: number | undefined;
  /** The failures count that came within so many milliseconds. @defaultValue 60,000 */
  readonly within?: number | undefined;
  /** How long it stays open before one call may try, in milliseconds. @defaultValue 30,000 */
  readonly openFor?: number | undefined;
  /** The clock. @defaultValue `asyncScheduler` */
  readonly scheduler?: SchedulerLike | undefined;
}

/** A {@link CircuitBreaker} as it stands. */
export interface CircuitBreakerState {
  /** `closed`: calls are made. `open`: none is. `half-open`: one may try, or is trying. */
  readonly status: 'closed' | 'open' | 'half-open';
  /** The failures that count now. */
  readonly failures: number;
  /** Until when no call is made, by the clock of its scheduler. */
  readonly openUntil: number | undefined;
}

/** Leave to make one call, to be told once how it ended. */
export interface CircuitPass {
  succeed(): void;
  fail(): void;
  /** It was left before its end: that says nothing. */
  leave(): void;
}

/** Keeps calls from a service that fails too often: see {@link createCircuitBreaker}. */
export interface CircuitBreaker {
  /** The state now, and when it changes. Never completes, never fails. */
  readonly state$: Observable<CircuitBreakerState>;
  /** Asks to make a call; `undefined` where it should not be made. */
  enter(): CircuitPass | undefined;
}

/**
 * A circuit breaker, to be shared by the pipelines that call one service: after so many failures within so long it opens,
 * and no call is made any more. When it has been open for `openFor`, one call may try: its success closes the circuit, its
 * failure opens it anew.
 *
 * ```
 * calls:   f f f f f  ·  ·  ·  s  s     f: failure   s: success   ·: not made
 * status:  closed   open     half closed
 * ```
 *
 * @throws TypeError when an option is out of its bounds.
 * @see Michael Nygard, Release It!, "Circuit Breaker": the pattern
 * @see {@link withFallback}
 */
export function createCircuitBreaker(options: CircuitBreakerOptions = {}): CircuitBreaker {
  expectObject('options', options);
  const { failures: most = 5, within = 60_000, openFor = 30_000, scheduler = asyncScheduler } = options;
  expectInteger('failures', most, 1);
  expectDuration('within', within, 1);
  expectDuration('openFor', openFor);
  expectScheduler('scheduler', scheduler);

  let failedAt: readonly number[] = [];
  let openUntil: number | undefined;
  let isProbing = false;

  // Carries no state: whoever is told reads it afresh.
  const changes = new BehaviorSubject<undefined>(undefined);
  const recent = (): readonly number[] => failedAt.filter((at) => at > scheduler.now() - within);
  const readState = (): CircuitBreakerState => {
    const failures = recent().length;
    if (openUntil === undefined) return { status: 'closed', failures, openUntil };
    const isOpen = openUntil > scheduler.now();
    return { status: isOpen ? 'open' : 'half-open', failures, openUntil: isOpen ? openUntil : undefined };
  };

  const settle = (succeeded: boolean, probes: boolean): void => {
    if (succeeded) {
      // One that began before the circuit opened says nothing of how things are now.
      if (openUntil !== undefined && !probes) return;
      failedAt = [];
      openUntil = undefined;
    } else {
      failedAt = [...recent(), scheduler.now()].slice(-most);
      if (probes || failedAt.length >= most) openUntil = scheduler.now() + openFor;
    }
  };

  return {
    state$: changes.asObservable().pipe(map(readState)),
    enter() {
      const probes = openUntil !== undefined;
      if (openUntil !== undefined && (isProbing || openUntil > scheduler.now())) return undefined;
      if (probes) isProbing = true;
      let isOver = false;
      const end = (succeeded: boolean | undefined): void => {
        if (isOver) return;
        isOver = true;
        if (probes) isProbing = false;
        if (succeeded !== undefined) settle(succeeded, probes);
        changes.next(undefined);
      };
      changes.next(undefined);
      return {
        succeed() {
          end(true);
        },
        fail() {
          end(false);
        },
        leave() {
          end(undefined);
        },
      };
    },
  };
}

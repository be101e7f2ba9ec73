import { VirtualTimeScheduler } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { type CircuitBreaker, type CircuitBreakerOptions, type CircuitBreakerState, createCircuitBreaker } from '../../src/index.js';

const unexpected = (error: unknown): never => expect.unreachable(String(error));

function virtual(options: CircuitBreakerOptions = {}): readonly [CircuitBreaker, (milliseconds: number) => void] {
  const scheduler = new VirtualTimeScheduler();
  const pass = (milliseconds: number): void => {
    scheduler.schedule(() => undefined, milliseconds);
    scheduler.flush();
  };
  return [createCircuitBreaker({ ...options, scheduler }), pass];
}

function stateOf(breaker: CircuitBreaker): CircuitBreakerState {
  let state: CircuitBreakerState | undefined;
  breaker.state$.subscribe({ next: (now) => (state = now), error: unexpected }).unsubscribe();
  return state!;
}

describe('createCircuitBreaker', () => {
  test('opens at so many failures within so long, and tries again after a while', () => {
    const [breaker, pass] = virtual({ failures: 2, within: 100, openFor: 50 });
    breaker.enter()?.fail();
    expect(stateOf(breaker)).toEqual({ status: 'closed', failures: 1, openUntil: undefined });
    breaker.enter()?.fail();
    expect(stateOf(breaker)).toEqual({ status: 'open', failures: 2, openUntil: 50 });
    expect(breaker.enter()).toBeUndefined();

    pass(50);
    expect(stateOf(breaker).status).toBe('half-open');
    const probe = breaker.enter();
    expect(probe).toBeDefined();
    expect(breaker.enter()).toBeUndefined();
    probe?.fail();
    expect(stateOf(breaker)).toMatchObject({ status: 'open', openUntil: 100 });

    pass(50);
    breaker.enter()?.succeed();
    expect(stateOf(breaker)).toEqual({ status: 'closed', failures: 0, openUntil: undefined });
    expect(breaker.enter()).toBeDefined();
  });

  test('forgets failures that are long ago, and all at a success', () => {
    const [breaker, pass] = virtual({ failures: 2, within: 100 });
    breaker.enter()?.fail();
    pass(101);
    breaker.enter()?.fail();
    expect(stateOf(breaker)).toMatchObject({ status: 'closed', failures: 1 });
    breaker.enter()?.succeed();
    breaker.enter()?.fail();
    expect(stateOf(breaker)).toMatchObject({ status: 'closed', failures: 1 });
  });

  test('lets another one try where the one that did has left', () => {
    const [breaker, pass] = virtual({ failures: 1, openFor: 10 });
    breaker.enter()?.fail();
    pass(10);
    const left = breaker.enter();
    left?.leave();
    left?.succeed();
    expect(stateOf(breaker).status).toBe('half-open');
    expect(breaker.enter()).toBeDefined();
  });

  test('is not closed by a call that began before it opened', () => {
    const [breaker] = virtual({ failures: 1 });
    const early = breaker.enter();
    breaker.enter()?.fail();
    early?.succeed();
    expect(stateOf(breaker).status).toBe('open');
  });

  test('tells its state to each who asks, and each change', () => {
    const [breaker] = virtual({ failures: 1 });
    const seen: string[] = [];
    breaker.state$.subscribe({ next: ({ status }) => seen.push(status), error: unexpected });
    breaker.enter()?.fail();
    expect(seen).toEqual(['closed', 'closed', 'open']);
  });

  const cases: readonly (readonly [string, unknown])[] = [
    ['Expected `failures` to be an integer >= 1, got 0', { failures: 0 }],
    ['Expected `within` to be milliseconds from 1 to 2147483647, got 0', { within: 0 }],
    ['Expected `openFor` to be milliseconds from 0 to 2147483647, got -1', { openFor: -1 }],
    ['Expected `scheduler` to be a scheduler, got 4', { scheduler: 4 }],
  ];
  for (const [message, options] of cases) {
    test(`throws at the call: ${message}`, () => {
      expect(() => createCircuitBreaker(options as CircuitBreakerOptions)).toThrow(new TypeError(message));
    });
  }
});

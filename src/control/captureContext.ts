import type { RunInContext } from './stage.js';

/** What is used of OpenTelemetry's context manager. */
interface ContextManager {
  readonly active: () => unknown;
  readonly with: <R>(context: unknown, work: () => R) => R;
}

/**
 * Holds the context of OpenTelemetry that is active now: what it returns runs work in it, at any time. Without
 * OpenTelemetry, work is just run.
 *
 * A tracer can enter a context but not leave one, and what receives a value must not inherit the context of who emitted
 * it: behind a span, `mergeMap` starts the next call while the one before completes. So the context manager is taken
 * from where `@opentelemetry/api` 1.x registers it for all its copies (Deno puts its own there), and the
 * package needs no import of it.
 *
 * @see https://github.com/open-telemetry/opentelemetry-js/blob/main/api/src/internal/global-utils.ts
 */
export function captureContext(): RunInContext {
  const manager = contextManager();
  if (manager === undefined) return (work) => work();
  const context = manager.active();
  return (work) => manager.with(context, work);
}

const registry = Symbol.for('opentelemetry.js.api.1');

function contextManager(): ContextManager | undefined {
  const { context } = (Reflect.get(globalThis, registry) ?? {}) as { readonly context?: Partial<ContextManager> | undefined };
  const isManager = typeof context?.active === 'function' && typeof context.with === 'function';
  return isManager ? (context as ContextManager) : undefined;
}

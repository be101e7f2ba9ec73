import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { afterEach, describe, expect, it } from 'vitest';
import { captureContext } from '../../src/control/captureContext.js';

const key = createContextKey('name');
const registry = Symbol.for('opentelemetry.js.api.1');

/** The name that the active context has. */
const active = (): unknown => context.active().getValue(key);
const inContext = <R>(name: string, work: () => R): R => context.with(ROOT_CONTEXT.setValue(key, name), work);

afterEach(() => {
  context.disable();
});

describe('captureContext', () => {
  it('runs work in the context that was active, wherever it is called', () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const inA = inContext('a', () => captureContext());

    expect(inContext('b', () => [active(), inA(active), active()])).toEqual(['b', 'a', 'b']);
    expect(inA(active)).toBe('a');
    expect(active()).toBeUndefined();
  });

  it('passes on what work throws, and leaves the context', () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const inA = inContext('a', () => captureContext());

    expect(() =>
      inA(() => {
        throw new Error('thrown');
      }),
    ).toThrow('thrown');
    expect(active()).toBeUndefined();
  });

  it('runs work as it is where no context manager is registered', () => {
    expect(captureContext()(() => 1)).toBe(1);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['no context manager', { version: '1.9.1' }],
    ['something else in its place', { context: { active: () => 'a' } }],
  ])('runs work as it is where the registry holds %s', (_name, registered) => {
    const before: unknown = Reflect.get(globalThis, registry);
    Reflect.set(globalThis, registry, registered);
    try {
      expect(captureContext()(() => 1)).toBe(1);
    } finally {
      Reflect.set(globalThis, registry, before);
    }
  });
});

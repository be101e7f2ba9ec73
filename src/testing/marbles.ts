import { noop } from 'rxjs';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';
import { expectFunction, fail } from '../errors/expect.js';
import { assertionError } from './assertionError.js';
import { describeMismatch } from './describeMismatch.js';
import { type FakeMistral, fakeMistral } from './fakeMistral.js';
import type { FakeMistralScript } from './FakeMistralScript.js';

/** What a marble test works with: the helpers of rxjs, a fake Mistral and the clock. */
export interface MarbleHelpers extends RunHelpers {
  /** Makes a {@link fakeMistral} whose `assertDone()` is called at the end of the test. */
  mistral(script: FakeMistralScript): FakeMistral;
  /** The virtual clock, to pass as a `scheduler` option. */
  readonly scheduler: TestScheduler;
}

/** Compares what was recorded with what is expected; throws, or returns `false`, where they differ. */
export type AssertDeepEqual = (actual: unknown, expected: unknown) => unknown;

/**
 * A marble test: runs `run` in virtual time, in which a minute takes no time and a character of a diagram is a
 * millisecond. rxjs timers (`delay`, `timeout`, a source's `timeouts`) follow the virtual clock by themselves.
 *
 * ```
 * script    --a-b-(c|)     a: 'Hel', b: 'lo', c: the finish reason
 * text()    --a-b-|
 * ```
 *
 * @example
 * ```ts
 * import { test } from 'node:test'; // or vitest, or jest: any runner will do
 * import { chatStream, text } from 'rxmistral';
 * import { chunk, marbles } from 'rxmistral/testing';
 *
 * const request = { model: 'mistral-small-latest', messages: [{ role: 'user' as const, content: 'Hi' }] };
 *
 * test('the text of an answer, as it comes', () => {
 *   marbles((m) => {
 *     const reply = m.cold('--a-b-(c|)', { a: chunk.text('Hel'), b: chunk.text('lo'), c: chunk.finish('stop') });
 *     const mistral = m.mistral({ 'chat.stream': reply });
 *
 *     m.expectObservable(chatStream(mistral, request).pipe(text())).toBe('--a-b-|', { a: 'Hel', b: 'lo' });
 *     m.expectSubscriptions(reply.subscriptions).toBe('^-----!');
 *   });
 * });
 * ```
 *
 * After `run` has returned, the clock runs until nothing is scheduled; each expectation is then checked, and last the
 * `assertDone()` of each fake that `m.mistral` made. `mistral.calls` and other plain facts are asserted after
 * `marbles`, or inside it after `m.flush()`. A timer that starts itself anew for ever needs an end
 * (`expectObservable(source, '^---!')`), or the clock never stops.
 *
 * The built-in comparison throws an `AssertionError` with both diagrams, a table by frames and the first difference.
 * It compares plain data by fields, where a field that is `undefined` equals one that is missing; errors by name,
 * message, cause and own fields, without their stacks; Maps, Sets, Dates and cycles by content; `NaN` equals itself.
 * An expected value with a method `asymmetricMatch(actual)` decides itself, so that the matchers of vitest and jest
 * work inside values: `toBe('--#', {}, expect.objectContaining({ kind: 'rate-limit' }))`.
 *
 * What `marbles` makes is virtual, Promises are not: nothing that comes through one happens inside the test.
 *
 * @param run The test. It is synchronous: what comes after an `await` would not run in virtual time.
 * @param assertDeepEqual Used in place of the built-in comparison. @defaultValue the built-in comparison
 * @throws Error named `AssertionError` where an expectation or a script fails.
 * @throws TypeError where `run` is no function or returns a Promise.
 * @see {@link fakeMistral}
 */
export function marbles(run: (m: MarbleHelpers) => void, assertDeepEqual?: AssertDeepEqual): void {
  if (typeof run !== 'function') fail('run', 'a function', run);
  expectFunction('assertDeepEqual', assertDeepEqual);
  // Declared void, which an async function passes for.
  const runTest: (m: MarbleHelpers) => unknown = run;
  const fakes: FakeMistral[] = [];
  let expectation = 0;

  const scheduler = new TestScheduler((actual: unknown, expected: unknown) => {
    expectation++;
    if (assertDeepEqual !== undefined && assertDeepEqual(actual, expected) !== false) return;
    const mismatch = describeMismatch(actual, expected);
    if (mismatch !== undefined) throw assertionError(`Expectation ${expectation}: ${mismatch}`);
    if (assertDeepEqual !== undefined) throw assertionError(`Expectation ${expectation}: \`assertDeepEqual\` returned false`);
  });

  scheduler.run((helpers) => {
    const result = runTest({
      ...helpers,
      scheduler,
      mistral: (script) => {
        const fake = fakeMistral(script);
        fakes.push(fake);
        return fake;
      },
    });
    if (isPromiseLike(result)) {
      // What fails in it later has no one to hear it, and is not what went wrong.
      result.then(undefined, noop);
      throw new TypeError('Expected `run` to be synchronous, it returned a Promise: virtual time ends before it goes on');
    }
  });

  for (const fake of fakes) fake.assertDone();
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

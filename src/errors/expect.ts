/**
 * The checks of options: each throws a `TypeError` that names the option at once, when the function is called.
 * An absent option (`undefined`) always passes.
 */

/** The longest delay a timer takes; above it, timers fire at once. @see https://nodejs.org/api/timers.html */
export const maxTimerMs = 2 ** 31 - 1;

/** Throws unless `value` is an integer of at least `minimum`, or `Infinity` where `unlimited` says so. */
export function expectInteger(name: string, value: unknown, minimum: number, unlimited = false): void {
  if (value === undefined || (unlimited && value === Infinity)) return;
  if (!Number.isSafeInteger(value) || (value as number) < minimum) {
    fail(name, `an integer >= ${minimum}${unlimited ? ' or Infinity' : ''}`, value);
  }
}

/** Throws unless `value` is a finite number of at least `minimum` (and at most `maximum`). */
export function expectNumber(name: string, value: unknown, minimum: number, maximum = Infinity): void {
  if (value === undefined) return;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < minimum || value > maximum) {
    fail(name, maximum === Infinity ? `a number >= ${minimum}` : `a number from ${minimum} to ${maximum}`, value);
  }
}

/** Throws unless `value` is a number of milliseconds that a timer can wait for, of at least `minimum`. */
export function expectDuration(name: string, value: unknown, minimum = 0): void {
  if (value === undefined) return;
  if (typeof value !== 'number' || Number.isNaN(value) || value < minimum || value > maxTimerMs) {
    fail(name, `milliseconds from ${minimum} to ${maxTimerMs}`, value);
  }
}

/** Throws unless `value` is one of `choices`. */
export function expectOneOf(name: string, value: unknown, choices: readonly string[]): void {
  if (value === undefined) return;
  if (typeof value !== 'string' || !choices.includes(value)) {
    fail(name, choices.map((choice) => `'${choice}'`).join(' or '), value);
  }
}

/** Throws unless `value` is a function. */
export function expectFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') fail(name, 'a function', value);
}

/** Throws unless `value` is a string that is not empty. */
export function expectText(name: string, value: unknown): void {
  if (value === undefined) return;
  if (typeof value !== 'string' || value === '') fail(name, 'a string that is not empty', value);
}

/** Throws unless `value` is an object (an array is not). */
export function expectObject(name: string, value: unknown): void {
  if (value === undefined) return;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) fail(name, 'an object', value);
}

/**
 * Throws unless `value` has the named methods: how an option that is an object with behaviour is checked. Anything
 * with these methods passes, so that hand-made ones and those of a second install do too.
 *
 * @param expectation What the message says it should be, as in `a RetryBudget`.
 */
export function expectMethods(name: string, value: unknown, expectation: string, methods: readonly string[]): void {
  if (value === undefined) return;
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  if (!isObject || !methods.every((method) => typeof Reflect.get(value, method) === 'function')) {
    fail(name, expectation, value);
  }
}

/** Throws unless `value` is an object of headers that a request can carry; the engine's own error would show the value. */
export function expectHeaders(name: string, value: unknown): void {
  expectObject(name, value);
  try {
    new Headers(value as Record<string, string> | undefined);
  } catch {
    fail(name, 'names and values that a header can have', value);
  }
}

/** Throws the `TypeError` that every check here throws: ``Expected `name` to be …, got …``. */
export function fail(name: string, expectation: string, value: unknown): never {
  throw new TypeError(`Expected \`${name}\` to be ${expectation}, got ${describe(value)}`);
}

// A value is named, never shown whole: it may be a prompt or a key that was passed in the wrong place.
function describe(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'string') return value.length <= 24 ? JSON.stringify(value) : 'a string';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

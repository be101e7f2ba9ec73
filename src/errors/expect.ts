import { isRecord } from './isRecord.js';

/**
 * The checks of options: each throws a `TypeError` that names the option at once, when the function is called.
 * An absent option (`undefined`) always passes.
 */

/** The longest delay a timer takes; above it, timers fire at once. @see https://nodejs.org/api/timers.html */
export const maxTimerMs = 2 ** 31 - 1;

/** Throws unless `value` is an integer of at least `minimum`, or `Infinity` where `unlimited` says so. */
export function expectInteger(name: string, value: unknown, minimum: number, unlimited = false): void {
  const holds = (Number.isSafeInteger(value) && isBetween(value, minimum, Infinity)) || (unlimited && value === Infinity);
  expectThat(name, value, holds, `an integer >= ${minimum}${unlimited ? ' or Infinity' : ''}`);
}

/** Throws unless `value` is a finite number of at least `minimum` (and at most `maximum`). */
export function expectNumber(name: string, value: unknown, minimum: number, maximum = Infinity): void {
  const range = maximum === Infinity ? `>= ${minimum}` : `from ${minimum} to ${maximum}`;
  expectThat(name, value, Number.isFinite(value) && isBetween(value, minimum, maximum), `a number ${range}`);
}

/** Throws unless `value` is a number of milliseconds that a timer can wait for, of at least `minimum`. */
export function expectDuration(name: string, value: unknown, minimum = 0): void {
  expectThat(name, value, isBetween(value, minimum, maxTimerMs), `milliseconds from ${minimum} to ${maxTimerMs}`);
}

/** Throws unless `value` is one of `choices`. */
export function expectOneOf(name: string, value: unknown, choices: readonly string[]): void {
  expectThat(name, value, choices.some((choice) => choice === value), choices.map((choice) => `'${choice}'`).join(' or '));
}

/** Throws unless `value` is `true` or `false`. */
export function expectBoolean(name: string, value: unknown): void {
  expectThat(name, value, typeof value === 'boolean', 'true or false');
}

/** Throws unless `value` is a function. */
export function expectFunction(name: string, value: unknown): void {
  expectThat(name, value, typeof value === 'function', 'a function');
}

/** Throws unless `value` is a string that is not empty. */
export function expectText(name: string, value: unknown): void {
  expectThat(name, value, typeof value === 'string' && value !== '', 'a string that is not empty');
}

/** Throws unless `value` is an object (an array is not). */
export function expectObject(name: string, value: unknown): void {
  expectThat(name, value, isRecord(value) && !Array.isArray(value), 'an object');
}

/** A check for each of an object's options: it gets the option's name for the message, and its value. */
export type Checks<Options> = Readonly<Record<keyof Options, (name: string, value: unknown) => void>>;

/**
 * Checks each of the options that an object holds; `undefined` has none.
 *
 * @param path Where the object stands in the caller's options (`timeouts`); left out where it is the argument itself.
 */
export function expectFields<Options extends object>(options: Options | undefined, checks: Checks<Options>, path?: string): void {
  for (const name of Object.keys(checks) as (keyof Options & string)[]) {
    checks[name](path === undefined ? name : `${path}.${name}`, options?.[name]);
  }
}

/**
 * Throws unless `value` has the named methods: how an option that is an object with behaviour is checked. Anything
 * with these methods passes, so that hand-made ones and those of a second install do too.
 *
 * @param expectation What the message says it should be, as in `a RetryBudget`.
 */
export function expectMethods(name: string, value: unknown, expectation: string, methods: readonly string[]): void {
  const fields = value as Readonly<Record<string, unknown>> | null | undefined;
  expectThat(name, value, methods.every((method) => typeof fields?.[method] === 'function'), expectation);
}

/** Throws unless `value` is a scheduler of rxjs, or has what is used of one. */
export function expectScheduler(name: string, value: unknown): void {
  expectMethods(name, value, 'a scheduler', ['now', 'schedule']);
}

/** Throws unless `value` is an object of headers that a request can carry; the engine's own error would show the value. */
export function expectHeaders(name: string, value: unknown): void {
  expectObject(name, value);
  expectHeadersInit(name, value);
}

/** As {@link expectHeaders}, of whatever `fetch` takes for headers. */
export function expectHeadersInit(name: string, value: unknown): void {
  try {
    new Headers(value as HeadersInit | undefined);
  } catch {
    fail(name, 'names and values that a header can have', value);
  }
}

function expectThat(name: string, value: unknown, holds: boolean, expectation: string): void {
  if (value !== undefined && !holds) fail(name, expectation, value);
}

function isBetween(value: unknown, minimum: number, maximum: number): boolean {
  return typeof value === 'number' && value >= minimum && value <= maximum;
}

/** Throws the `TypeError` that every check here throws: ``Expected `name` to be …, got …``. */
export function fail(name: string, expectation: string, value: unknown): never {
  throw new TypeError(`Expected \`${name}\` to be ${expectation}, got ${describe(value)}`);
}

// A value is named, never shown whole: it may be a prompt or a key that was passed in the wrong place.
function describe(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'string' && value.length <= 24) return JSON.stringify(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

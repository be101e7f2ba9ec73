import { isError, showValue } from './showValue.js';

/** The first place where two values differ. */
export interface Difference {
  /** Where, as one would write it in code; empty at the top. */
  readonly path: string;
  readonly expected: string;
  readonly actual: string;
}

/** Decides itself what it equals: vitest's and jest's `expect.objectContaining(…)`, or an object with this method. */
export interface AsymmetricMatcher {
  asymmetricMatch(actual: unknown): boolean;
}

/** Deeper than this, values count as different: no test data is, and the stack is not endless. */
const maxDepth = 500;

/**
 * The first difference between two values; `undefined` where they are equal.
 *
 * - Plain data is compared by its own enumerable fields, whatever the class; a field that is `undefined` equals one
 *   that is missing, as in all of this library's types.
 * - `NaN` equals itself, and 0 equals -0.
 * - Errors are compared by name, message, cause and their other fields; stacks are not looked at.
 * - Dates by time, regular expressions by source and flags, Maps and Sets by content in any order, byte arrays by
 *   bytes, Headers by entries.
 * - Functions, symbols, Promises and what else shows no field are compared by identity (by `toJSON` where they have it).
 * - A cycle equals a cycle of the same form.
 * - An expected value with a method `asymmetricMatch` decides itself, at any depth.
 */
export function findDifference(actual: unknown, expected: unknown): Difference | undefined {
  return compare(actual, expected, '', []);
}

type Pair = readonly [actual: object, expected: object];

function compare(actual: unknown, expected: unknown, path: string, parents: readonly Pair[]): Difference | undefined {
  if (isMatcher(expected)) return expected.asymmetricMatch(actual) ? undefined : differ(actual, expected, path);
  if (actual === expected || (Number.isNaN(actual) && Number.isNaN(expected))) return undefined;
  if (typeof actual !== 'object' || typeof expected !== 'object' || actual === null || expected === null) {
    return differ(actual, expected, path);
  }
  if (parents.some(([left, right]) => left === actual && right === expected)) return undefined;
  if (parents.length >= maxDepth) return { path, expected: `at most ${maxDepth} levels`, actual: 'more' };
  return compareObjects(actual, expected, path, [...parents, [actual, expected]]);
}

function compareObjects(actual: object, expected: object, path: string, parents: readonly Pair[]): Difference | undefined {
  const kind = kindOf(actual);
  if (kind !== kindOf(expected)) return differ(actual, expected, path);
  switch (kind) {
    case 'Array':
      return compareLists(actual as unknown[], expected as unknown[], path, parents);
    case 'Error':
      return compareErrors(actual as Error, expected as Error, path, parents);
    case 'Date':
      return compare((actual as Date).getTime(), (expected as Date).getTime(), `${path}.getTime()`, parents);
    case 'RegExp':
      return showValue(actual) === showValue(expected) ? undefined : differ(actual, expected, path);
    case 'Map':
      return compareMaps(actual as Map<unknown, unknown>, expected as Map<unknown, unknown>, path, parents);
    case 'Set':
      return compareSets(actual as Set<unknown>, expected as Set<unknown>, path, parents);
    case 'Headers':
      return compare([...(actual as Headers)], [...(expected as Headers)], path, parents);
    case 'bytes':
      return compareLists(bytesOf(actual), bytesOf(expected), path, parents);
    case 'opaque':
      return differ(actual, expected, path);
    case 'Object':
      return compareInstances(actual, expected, path, parents);
  }
}

type Kind = 'Array' | 'Error' | 'Date' | 'RegExp' | 'Map' | 'Set' | 'Headers' | 'bytes' | 'opaque' | 'Object';

// By the tag and not by `instanceof`: a test runner's realm has classes of its own.
function kindOf(value: object): Kind {
  if (Array.isArray(value)) return 'Array';
  if (isError(value)) return 'Error';
  if (ArrayBuffer.isView(value)) return 'bytes';
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1);
  switch (tag) {
    case 'Date':
    case 'RegExp':
    case 'Map':
    case 'Set':
    case 'Headers':
      return tag;
    case 'ArrayBuffer':
      return 'bytes';
    case 'Promise':
    case 'WeakMap':
    case 'WeakSet':
    case 'WeakRef':
      return 'opaque';
    default:
      return 'Object';
  }
}

function compareLists(
  actual: ArrayLike<unknown>,
  expected: ArrayLike<unknown>,
  path: string,
  parents: readonly Pair[],
): Difference | undefined {
  for (let index = 0; index < Math.min(actual.length, expected.length); index++) {
    const difference = compare(actual[index], expected[index], `${path}[${index}]`, parents);
    if (difference !== undefined) return difference;
  }
  return compare(actual.length, expected.length, `${path}.length`, parents);
}

// `cause` and `errors` may be own and not enumerable, according to who set them.
function compareErrors(actual: Error, expected: Error, path: string, parents: readonly Pair[]): Difference | undefined {
  const { errors: actualErrors } = actual as { readonly errors?: unknown };
  const { errors: expectedErrors } = expected as { readonly errors?: unknown };
  return (
    compare(actual.name, expected.name, `${path}.name`, parents) ??
    compare(actual.message, expected.message, `${path}.message`, parents) ??
    compareFields(actual, expected, path, parents, errorFields) ??
    compare(actualErrors, expectedErrors, `${path}.errors`, parents) ??
    compareCauses(actual.cause, expected.cause, `${path}.cause`, parents)
  );
}

const errorFields: ReadonlySet<PropertyKey> = new Set(['name', 'message', 'stack', 'cause', 'errors']);
const causeFields: ReadonlySet<PropertyKey> = new Set(['stack', 'cause']);

// An RxMistralError's cause is a plain copy of an error, with its stack: that is not looked at either.
function compareCauses(actual: unknown, expected: unknown, path: string, parents: readonly Pair[]): Difference | undefined {
  if (!isPlain(actual) || !isPlain(expected) || isMatcher(expected) || parents.length >= maxDepth) {
    return compare(actual, expected, path, parents);
  }
  if (parents.some(([left, right]) => left === actual && right === expected)) return undefined;
  const below: readonly Pair[] = [...parents, [actual, expected]];
  return (
    compareFields(actual, expected, path, below, causeFields) ??
    compareCauses(actual['cause'], expected['cause'], `${path}.cause`, below)
  );
}

function compareInstances(actual: object, expected: object, path: string, parents: readonly Pair[]): Difference | undefined {
  if (isPlain(actual) || isPlain(expected) || ownKeys(actual).length > 0 || ownKeys(expected).length > 0) {
    return compareFields(actual, expected, path, parents);
  }
  // Instances without a field of their own hold their state where nobody sees it.
  return hasToJson(actual) && hasToJson(expected)
    ? compare(actual.toJSON(), expected.toJSON(), path, parents)
    : differ(actual, expected, path);
}

function compareFields(
  actual: object,
  expected: object,
  path: string,
  parents: readonly Pair[],
  ignored?: ReadonlySet<PropertyKey>,
): Difference | undefined {
  for (const key of new Set([...ownKeys(expected), ...ownKeys(actual)])) {
    if (ignored?.has(key) === true) continue;
    const left = Object.hasOwn(actual, key) ? (actual as Record<PropertyKey, unknown>)[key] : undefined;
    const right = Object.hasOwn(expected, key) ? (expected as Record<PropertyKey, unknown>)[key] : undefined;
    const difference = compare(left, right, `${path}${accessor(key)}`, parents);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function compareMaps(
  actual: ReadonlyMap<unknown, unknown>,
  expected: ReadonlyMap<unknown, unknown>,
  path: string,
  parents: readonly Pair[],
): Difference | undefined {
  const left = new Map(actual);
  for (const [key, value] of expected) {
    const place = `${path}.get(${showValue(key, 40)})`;
    const match = left.has(key) ? key : find(left.keys(), (candidate) => compare(candidate, key, '', parents) === undefined);
    if (match === none) return { path: place, expected: showValue(value), actual: 'no entry' };
    const difference = compare(left.get(match), value, place, parents);
    if (difference !== undefined) return difference;
    left.delete(match);
  }
  for (const [key, value] of left) {
    return { path: `${path}.get(${showValue(key, 40)})`, expected: 'no entry', actual: showValue(value) };
  }
  return undefined;
}

function compareSets(
  actual: ReadonlySet<unknown>,
  expected: ReadonlySet<unknown>,
  path: string,
  parents: readonly Pair[],
): Difference | undefined {
  const left = new Set(actual);
  for (const value of expected) {
    const match = left.has(value) ? value : find(left, (candidate) => compare(candidate, value, '', parents) === undefined);
    if (match === none) return { path, expected: `a Set with ${showValue(value, 80)}`, actual: showValue(actual) };
    left.delete(match);
  }
  return left.size === 0 ? undefined : differ(actual, expected, path);
}

const none = Symbol('none');

function find(candidates: Iterable<unknown>, isMatch: (candidate: unknown) => boolean): unknown {
  for (const candidate of candidates) if (isMatch(candidate)) return candidate;
  return none;
}

function differ(actual: unknown, expected: unknown, path: string): Difference {
  return { path, expected: isMatcher(expected) ? showMatcher(expected) : showValue(expected), actual: showValue(actual) };
}

/** Whether an expected value decides itself what it equals. */
export function isMatcher(value: unknown): value is AsymmetricMatcher {
  return typeof value === 'object' && value !== null && 'asymmetricMatch' in value && typeof value.asymmetricMatch === 'function';
}

// The runners' matchers know how to say what they expect.
function showMatcher(matcher: AsymmetricMatcher): string {
  const { toAsymmetricMatcher } = matcher as { readonly toAsymmetricMatcher?: unknown };
  const text: unknown = typeof toAsymmetricMatcher === 'function' ? toAsymmetricMatcher.call(matcher) : undefined;
  return typeof text === 'string' ? text : showValue(matcher);
}

function ownKeys(value: object): PropertyKey[] {
  return Reflect.ownKeys(value).filter((key) => Object.prototype.propertyIsEnumerable.call(value, key));
}

function accessor(key: PropertyKey): string {
  if (typeof key === 'symbol') return `[${String(key)}]`;
  return /^[A-Za-z_$][\w$]*$/u.test(String(key)) ? `.${String(key)}` : `[${JSON.stringify(key)}]`;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || kindOf(value) !== 'Object') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // `Object.prototype` of any realm: the one that has no prototype.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function hasToJson(value: object): value is { toJSON(): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}

function bytesOf(value: object): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value as ArrayBuffer);
}

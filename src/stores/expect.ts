import { expectMethods, fail } from '../errors/expect.js';

/** Throws unless `value` has the methods that are used of the driver's object. */
export function expectDriver(name: string, value: unknown, expectation: string, methods: readonly string[]): void {
  if (value === undefined) fail(name, expectation, value);
  expectMethods(name, value, expectation, methods);
}

/** Throws unless `value` can name a table or a schema, in any database; one that is absent passes. */
export function expectIdentifier(name: string, value: unknown, maxLength: number): void {
  if (value === undefined) return;
  if (typeof value === 'string' && value.length <= maxLength && /^[A-Za-z_]\w*$/.test(value)) return;
  fail(name, `a name of 1 to ${maxLength} letters, digits and _, that does not begin with a digit`, value);
}

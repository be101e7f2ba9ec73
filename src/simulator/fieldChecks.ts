import type { ValidationDetail } from './errorBodies.js';

export type Fields = Readonly<Record<string, unknown>>;

export interface Wrong {
  readonly type: string;
  readonly msg: string;
}

/** A check of one value: what is wrong with it, if anything. */
export type Check = (value: unknown) => Wrong | undefined;

/** What the fields of a request must be; optional ones may be null as well. */
export interface FieldChecks {
  readonly required?: Readonly<Record<string, Check>> | undefined;
  readonly optional?: Readonly<Record<string, Check>> | undefined;
}

export const string: Check = (value) => (typeof value === 'string' ? undefined : { type: 'string_type', msg: 'Input should be a valid string' });
export const boolean: Check = (value) => (typeof value === 'boolean' ? undefined : { type: 'bool_type', msg: 'Input should be a valid boolean' });
export const list: Check = (value) => (Array.isArray(value) ? undefined : { type: 'list_type', msg: 'Input should be a valid list' });
export const object: Check = (value) => (isFields(value) ? undefined : { type: 'dict_type', msg: 'Input should be a valid dictionary' });
/** A number as a query or a form has it. */
export const digits: Check = (value) =>
  /^\d{1,9}$/.test(String(value)) ? undefined : { type: 'int_parsing', msg: 'Input should be a valid integer, unable to parse string as an integer' };
export const missing: Wrong = { type: 'missing', msg: 'Field required' };
export const tooShort: Wrong = { type: 'too_short', msg: 'List should have at least 1 item after validation, not 0' };

export function integerFrom(least: number, most = Infinity): Check {
  return (value) => {
    if (!Number.isSafeInteger(value)) return { type: 'int_type', msg: 'Input should be a valid integer' };
    return numberWithin(least, most)(value);
  };
}

export function numberWithin(least: number, most: number): Check {
  return (value) => {
    if (typeof value !== 'number') return { type: 'float_type', msg: 'Input should be a valid number' };
    if (value < least) return { type: 'greater_than_equal', msg: `Input should be greater than or equal to ${least}` };
    return value > most ? { type: 'less_than_equal', msg: `Input should be less than or equal to ${most}` } : undefined;
  };
}

export function oneOf(...allowed: readonly string[]): Check {
  const msg = `Input should be ${allowed.map((each) => `'${each}'`).join(' or ')}`;
  return (value) => (allowed.includes(value as string) ? undefined : { type: 'literal_error', msg });
}

export function either(...checks: readonly Check[]): Check {
  return (value) => (checks.some((check) => check(value) === undefined) ? undefined : checks[0]?.(value));
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Complaints about the fields of a body (or of a query, where `place` says so). */
export function fieldComplaints(body: unknown, { required = {}, optional = {} }: FieldChecks, place = 'body'): readonly ValidationDetail[] {
  if (!isFields(body)) return [complaint([place], body, object(body))];
  return [
    ...Object.entries(required).flatMap(([name, check]) => {
      const value = body[name];
      return value === undefined ? [complaint([place, name], body, missing)] : complaints([place, name], value, check);
    }),
    ...Object.entries(optional).flatMap(([name, check]) => {
      const value = body[name];
      return value === undefined || value === null ? [] : complaints([place, name], value, check);
    }),
  ];
}

export function complaints(place: readonly (string | number)[], value: unknown, check: Check): readonly ValidationDetail[] {
  const wrong = check(value);
  return wrong ? [complaint(place, value, wrong)] : [];
}

export function complaint(loc: readonly (string | number)[], input: unknown, { type, msg }: Wrong = missing): ValidationDetail {
  return { type, loc, msg, input };
}

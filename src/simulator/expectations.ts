import { inspect } from 'node:util';

// Timers count in 32 bits; a longer delay would fire at once.
const longestDelay = 2_147_483_647;

function refuse(name: string, expectation: string, value: unknown): never {
  throw new TypeError(`Expected \`${name}\` to be ${expectation}, got ${inspect(value, { depth: 0, maxStringLength: 40, breakLength: Infinity })}`);
}

/** Checks of options, each a `TypeError` that names the option. `undefined` passes all of them. */
export const expectations = {
  refuse,

  integer(name: string, value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): void {
    if (value === undefined) return;
    if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return;
    const range = most === Number.MAX_SAFE_INTEGER ? `>= ${least}` : `from ${least} to ${most}`;
    refuse(name, `an integer ${range}`, value);
  },

  number(name: string, value: unknown, least: number, most = Infinity): void {
    if (value === undefined) return;
    if (typeof value === 'number' && value >= least && value <= most && value !== Infinity) return;
    refuse(name, most === Infinity ? `a number >= ${least}` : `a number from ${least} to ${most}`, value);
  },

  positiveNumber(name: string, value: unknown): void {
    if (value === undefined || (typeof value === 'number' && value > 0 && value !== Infinity)) return;
    refuse(name, 'a number > 0', value);
  },

  /** A delay in ms, as timers can take it. */
  delay(name: string, value: unknown): void {
    if (value === undefined) return;
    if (typeof value === 'number' && value >= 0 && value <= longestDelay) return;
    refuse(name, typeof value === 'number' && value > 0 ? `a number <= ${longestDelay}` : 'a number >= 0', value);
  },

  string(name: string, value: unknown): void {
    if (value !== undefined && (typeof value !== 'string' || value === '')) refuse(name, 'a string that is not empty', value);
  },

  boolean(name: string, value: unknown): void {
    if (value !== undefined && typeof value !== 'boolean') refuse(name, 'a boolean', value);
  },

  oneOf(name: string, value: unknown, allowed: readonly string[]): void {
    if (value === undefined || allowed.includes(value as string)) return;
    refuse(name, `one of ${allowed.map((each) => `'${each}'`).join(', ')}`, value);
  },

  object(name: string, value: unknown): void {
    if (value !== undefined && (typeof value !== 'object' || value === null || Array.isArray(value))) refuse(name, 'an object', value);
  },
};

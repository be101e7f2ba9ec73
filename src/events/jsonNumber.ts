/**
 * How far a JSON number has come, named by what was read last. `zero`, `integer`, `fraction` and `power` are numbers by
 * themselves; behind the others a digit must follow (`exponent` takes a sign before it).
 *
 * @see https://www.rfc-editor.org/rfc/rfc8259#section-6
 */
export type JsonNumberState = 'minus' | 'zero' | 'integer' | 'point' | 'fraction' | 'exponent' | 'sign' | 'power';

/** The state that a number begins in; `undefined` where no number begins so. */
export function beginJsonNumber(code: number): JsonNumberState | undefined {
  if (code === 0x2d) return 'minus';
  if (code === 0x30) return 'zero';
  return isDigit(code) ? 'integer' : undefined;
}

/** The state behind the next character; `undefined` where it is no part of the number. */
export function continueJsonNumber(state: JsonNumberState, code: number): JsonNumberState | undefined {
  switch (state) {
    case 'minus':
      return beginJsonNumber(code) === 'minus' ? undefined : beginJsonNumber(code);
    case 'zero':
    case 'integer':
      if (code === 0x2e) return 'point';
      if (isExponent(code)) return 'exponent';
      return state === 'integer' && isDigit(code) ? 'integer' : undefined;
    case 'point':
      return isDigit(code) ? 'fraction' : undefined;
    case 'fraction':
      if (isExponent(code)) return 'exponent';
      return isDigit(code) ? 'fraction' : undefined;
    case 'exponent':
      if (code === 0x2b || code === 0x2d) return 'sign';
      return isDigit(code) ? 'power' : undefined;
    case 'sign':
    case 'power':
      return isDigit(code) ? 'power' : undefined;
  }
}

/** Whether what was read is a number by itself. */
export function isWholeJsonNumber(state: JsonNumberState): boolean {
  return state === 'zero' || state === 'integer' || state === 'fraction' || state === 'power';
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isExponent(code: number): boolean {
  return code === 0x65 || code === 0x45;
}

import { definedFields } from './definedFields.js';
import { isRecord } from './isRecord.js';

/** A sanitised copy of an error: what helps to find a fault, and nothing that a request may hold. */
export interface ErrorCause {
  readonly name: string;
  readonly message: string;
  readonly code?: string | undefined;
  readonly stack?: string | undefined;
  readonly cause?: ErrorCause | undefined;
}

const maxDepth = 4;
const maxMessageLength = 500;
const maxStackLength = 4_000;

/**
 * Copies name, message, code and stack of an error and of the errors below it (4 at most; messages are cut at 500
 * characters, stacks at 4,000). Any other property is left behind: SDK errors carry the request and its headers.
 *
 * @param clean Takes secrets out of a text: called before it is cut, or the beginning of a secret could stay.
 */
export function describeCause(cause: unknown, clean: (text: string) => string = (text) => text): ErrorCause {
  try {
    return describe(cause, clean, 0);
  } catch {
    // A getter of what was thrown has thrown.
    return { name: 'Error', message: '' };
  }
}

function describe(cause: unknown, clean: (text: string) => string, depth: number): ErrorCause {
  const text = (value: unknown, length: number): string | undefined =>
    typeof value === 'string' ? bounded(clean(value), length) : undefined;

  if (!isRecord(cause)) return { name: 'Error', message: text(cause, maxMessageLength) ?? `thrown: ${typeof cause}` };
  const { name, message, code, stack, cause: below } = cause;
  return {
    name: text(name, 100) ?? 'Error',
    message: text(message, maxMessageLength) ?? '',
    ...definedFields({
      code: text(typeof code === 'number' ? String(code) : code, 100),
      stack: text(stack, maxStackLength),
      cause: below === undefined || below === null || depth + 1 === maxDepth ? undefined : describe(below, clean, depth + 1),
    }),
  };
}

/** `text`, cut to `length` characters with an ellipsis where it is longer. */
export function bounded(text: string, length: number): string {
  if (text.length <= length) return text;
  // Not between the two halves of a character.
  const end = /[\uD800-\uDBFF]/.test(text.charAt(length - 2)) ? length - 2 : length - 1;
  return `${text.slice(0, end)}…`;
}

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
 */
export function describeCause(cause: unknown): ErrorCause {
  try {
    return describe(cause, 0);
  } catch {
    // A getter of what was thrown has thrown.
    return { name: 'Error', message: '' };
  }
}

function describe(cause: unknown, depth: number): ErrorCause {
  if (typeof cause !== 'object' || cause === null) {
    return { name: 'Error', message: typeof cause === 'string' ? bounded(cause, maxMessageLength) : `thrown: ${typeof cause}` };
  }
  const { name, message, code, stack, cause: below } = cause as Readonly<Record<string, unknown>>;
  return {
    name: typeof name === 'string' ? bounded(name, 100) : 'Error',
    message: typeof message === 'string' ? bounded(message, maxMessageLength) : '',
    ...(typeof code === 'string' || typeof code === 'number' ? { code: bounded(String(code), 100) } : {}),
    ...(typeof stack === 'string' ? { stack: bounded(stack, maxStackLength) } : {}),
    ...(below !== undefined && below !== null && depth + 1 < maxDepth ? { cause: describe(below, depth + 1) } : {}),
  };
}

/** `text`, cut to `length` characters with an ellipsis where it is longer. */
export function bounded(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

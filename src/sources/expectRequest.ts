import { fail } from '../errors/expect.js';
import { expectInput } from '../events/expectInput.js';

/**
 * The checks of requests: what can be told at once, before anything is sent. Each throws a `TypeError` that names the
 * field. The rest only the server can judge.
 */

/** Throws unless `request` is an object. */
export function expectRequest(request: unknown): void {
  if (typeof request !== 'object' || request === null) fail('request', 'an object', request);
}

/** Throws unless `requests` are many: a text is none of them. */
export function expectRequests(requests: unknown): void {
  const expectation = 'an array, iterable, stream or Observable';
  if (typeof requests !== 'object') fail('requests', expectation, requests);
  expectInput('requests', requests, expectation);
}

/** Throws unless the request is an object with at least one message. */
export function expectMessages(request: { readonly messages?: unknown }): void {
  expectRequest(request);
  const { messages } = request;
  if (!Array.isArray(messages) || messages.length === 0) fail('messages', 'an array that is not empty', messages);
}

/** Throws unless the field of the request is a string that is not empty: `model`, `agentId`, `name`. */
export function expectField<Name extends string>(request: Readonly<Partial<Record<Name, unknown>>>, name: Name): void {
  expectRequest(request);
  const value = request[name];
  if (typeof value !== 'string' || value === '') fail(name, 'a string that is not empty', value);
}

/** Throws unless the field of the request is there at all: `inputs`, `document`. */
export function expectPresent<Name extends string>(request: Readonly<Partial<Record<Name, unknown>>>, name: Name): void {
  expectRequest(request);
  const value = request[name];
  if (value === undefined || value === null) fail(name, 'given', value);
}

/** Throws where `stream` contradicts the source: the source decides it. */
export function expectStream({ stream }: { readonly stream?: unknown }, streamed: boolean): void {
  if (stream !== undefined && stream !== streamed) fail('stream', `${streamed} or absent`, stream);
}

/** Throws where more than one answer is asked for. */
export function expectOneAnswer({ n }: { readonly n?: unknown }): void {
  if (n !== undefined && n !== null && n !== 1) fail('n', '1 or absent (several answers: use the chunks)', n);
}

/**
 * Throws unless `value` is an id that stays one segment of a path: one such as `..` or `a/b` would reach another
 * endpoint.
 */
export function expectId(name: string, value: unknown): void {
  if (typeof value !== 'string' || !/^(?!\.+$)[\w.:-]{1,256}$/.test(value)) {
    fail(name, 'an id (letters, digits, `-`, `_`, `.`, `:`)', value);
  }
}

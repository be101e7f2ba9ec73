import { expectText, fail } from '../errors/expect.js';

/** What the checks below look at; the rest of a request only the server can judge. */
interface MessagesRequest {
  readonly messages?: unknown;
  readonly stream?: unknown;
  readonly n?: unknown;
}

/** Throws a `TypeError` unless `request` is an object with at least one message. */
export function expectMessages(request: MessagesRequest): void {
  if (typeof request !== 'object' || (request as unknown) === null) fail('request', 'an object', request);
  const { messages } = request;
  if (!Array.isArray(messages) || messages.length === 0) fail('messages', 'an array that is not empty', messages);
}

/** Throws a `TypeError` unless the request names its model. */
export function expectModel(request: { readonly model?: unknown }): void {
  if (request.model === undefined) fail('model', 'a string that is not empty', request.model);
  expectText('model', request.model);
}

/** Throws a `TypeError` where `stream` contradicts the source: the source decides it. */
export function expectStream(request: MessagesRequest, streamed: boolean): void {
  const { stream } = request;
  if (stream !== undefined && stream !== streamed) fail('stream', `${streamed} or absent`, stream);
}

/** Throws a `TypeError` where more than one answer is asked for. */
export function expectOneAnswer(request: MessagesRequest): void {
  const { n } = request;
  if (n !== undefined && n !== null && n !== 1) fail('n', '1 or absent (several answers: use the chunks)', n);
}

import type { AssistantMessage } from '@mistralai/mistralai/models/components/assistantmessage.js';

/** What matters of a request to whether its answer can be continued. */
interface MessagesRequest {
  readonly messages: readonly object[];
  readonly tools?: readonly unknown[] | null | undefined;
  readonly responseFormat?: { readonly type?: string | undefined } | null | undefined;
}

/** A request that asks for the rest of an answer. */
export interface Continuation<Req> {
  readonly request: Req;
  /** The beginning that the model is given, and may echo. */
  readonly prefix: string;
}

/**
 * The request that continues an answer of which `received` has come: its last message is the beginning of the answer,
 * with `prefix: true`. `undefined` where a continuation is not safe: with tools or a JSON format (undocumented with
 * `prefix`), or behind a prefix of the user's own that is no plain text.
 */
export function continueMessages<Req extends MessagesRequest>(request: Req, received: string): Continuation<Req> | undefined {
  const { messages, tools, responseFormat } = request;
  const isPlain = (tools ?? []).length === 0 && (responseFormat?.type ?? 'text') === 'text';
  if (!isPlain) return undefined;
  const last = messages.at(-1) as Partial<AssistantMessage> | undefined;
  if (last?.role !== 'assistant' || last.prefix !== true) return prefixed(request, messages, received);
  // The user gave a beginning already. The answer has most likely echoed it; else it goes before what has come.
  const { content } = last;
  if (typeof content !== 'string') return undefined;
  return prefixed(request, messages.slice(0, -1), received.startsWith(content.trimEnd()) ? received : content + received);
}

function prefixed<Req extends MessagesRequest>(request: Req, messages: readonly object[], prefix: string): Continuation<Req> {
  const beginning = { role: 'assistant', content: prefix, prefix: true };
  return { request: { ...request, messages: [...messages, beginning] }, prefix };
}

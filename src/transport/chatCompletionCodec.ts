import { safeParse } from '@mistralai/mistralai/lib/schemas.js';
import { type ChatCompletionRequest, ChatCompletionRequest$outboundSchema } from '@mistralai/mistralai/models/components/chatcompletionrequest.js';
import { type ChatCompletionResponse, ChatCompletionResponse$inboundSchema } from '@mistralai/mistralai/models/components/chatcompletionresponse.js';
import { decodeCompletion } from './decodeCompletion.js';
import type { Json } from './json.js';
import { Redaction } from './redaction.js';
import { sdkError, unexpectedResponse } from './sdkError.js';

/**
 * The wire JSON of a chat, as the SDK sends it: what a batch job takes as a request's body.
 *
 * @throws RxMistralError of kind `validation`, the one that a live call fails with where the SDK refuses the request.
 */
export function encodeChatRequest(request: ChatCompletionRequest): Json {
  const encoded = safeParse(request, (value) => ChatCompletionRequest$outboundSchema.parse(value), 'Input validation failed');
  if (!encoded.ok) throw sdkError(encoded.error, undefined, new Redaction());
  return encoded.value;
}

/**
 * The SDK's response from the body of a batch result, read as a live answer is: by the SDK's own schema, and tolerantly
 * where that refuses it.
 *
 * @throws RxMistralError of kind `protocol`, the one that a live call fails with where the answer is none.
 */
export function decodeChatResponse(body: unknown): ChatCompletionResponse {
  const decoded = ChatCompletionResponse$inboundSchema.safeParse(body);
  const response = decoded.success ? decoded.data : decodeCompletion(body);
  if (response !== undefined) return response;
  const text = JSON.stringify(body);
  throw unexpectedResponse({ status: 200, headers: new Headers(), contentType: 'application/json', text }, new Redaction());
}

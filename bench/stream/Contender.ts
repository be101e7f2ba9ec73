import type { ChatCompletionStreamRequest } from '@mistralai/mistralai/models/components/chatcompletionstreamrequest.js';

/** What a client has read of one answer: the raw drain its bytes, all others the deltas and their text. */
export type Reading = { readonly bytes: number } | { readonly deltas: number; readonly text: string };

/** A client: reads one whole answer from the server at `url`. */
export type Contender = (url: string) => Promise<Reading>;

/** The key and the request that every contender sends. */
export const apiKey = 'bench-key';
export const request: ChatCompletionStreamRequest = {
  model: 'mistral-small-latest',
  messages: [{ role: 'user', content: 'Tell me something.' }],
};

/** The same request without the SDK: the body's reader. */
export async function openStream(url: string): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ ...request, stream: true }),
  });
  if (!response.ok || response.body === null) throw new Error(`The server answered with status ${response.status}`);
  return response.body.getReader();
}

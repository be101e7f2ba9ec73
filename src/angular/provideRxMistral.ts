import { type EnvironmentProviders, makeEnvironmentProviders } from '@angular/core';
import { fail } from '../errors/expect.js';
import { expectConfig, type RxMistralConfig, rxMistralConfig } from './RxMistralConfig.js';

/**
 * Tells all chats of an application where their server is.
 *
 * ```
 * browser   injectChat() ── POST endpoint ──►  your server   ── chatStream ──►  Mistral
 *                        ◄── event stream ───  pipeEventStream
 * ```
 *
 * The server answers a POST of `{ messages: [{ role, content }, …] }` with an event stream (`pipeEventStream`,
 * `eventStreamResponse`), and a DELETE with the same `Idempotency-Key` by ending that answer (`replay.end(key)`). With a `replay`
 * store there, a lost connection costs nothing: the answer goes on where it was cut, and the model is asked once.
 *
 * Who is asking is for your server to check, as with any request: keys come from pages, so where users log in, put the user's
 * id before them (`replay`'s key, and that of `end`). A server of another origin has to allow the methods POST and DELETE, and
 * the headers `Content-Type`, `Idempotency-Key` and `Last-Event-ID`.
 *
 * @throws TypeError at once when an option is out of its bounds.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { json } from 'node:stream/consumers';
 * import { Mistral } from '@mistralai/mistralai';
 * import { chatStream } from 'rxmistral';
 * import { provideRxMistral } from 'rxmistral/angular';
 * import { pipeEventStream } from 'rxmistral/node';
 * import { memoryReplayStore } from 'rxmistral/sse';
 *
 * // In the browser: bootstrapApplication(App, { providers: [...] })
 * export const providers = [provideRxMistral({ endpoint: '/api/chat' })];
 *
 * // On the server:
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const replay = memoryReplayStore();
 * const server = createServer(async (request, response) => {
 *   const key = String(request.headers['idempotency-key']);
 *   if (request.method === 'DELETE') {
 *     await replay.end(key);
 *     response.writeHead(204).end();
 *     return;
 *   }
 *   const { messages } = (await json(request)) as { messages: { role: 'user' | 'assistant'; content: string }[] };
 *   const answer = chatStream(client, { model: 'mistral-small-latest', messages });
 *   pipeEventStream(answer, response, { replay, key, lastEventId: request.headers['last-event-id'] as string | undefined });
 * });
 * server.listen(0, '127.0.0.1', () => server.close());
 * ```
 *
 * @see {@link injectChat}, {@link chatResource}
 */
export function provideRxMistral(config: RxMistralConfig): EnvironmentProviders {
  expectConfig(config);
  if ((config.endpoint as unknown) === undefined) fail('endpoint', 'a URL', undefined);
  return makeEnvironmentProviders([{ provide: rxMistralConfig, useValue: config }]);
}

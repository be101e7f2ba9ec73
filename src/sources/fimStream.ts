import type { FIMCompletionStreamRequest } from '@mistralai/mistralai/models/components/fimcompletionstreamrequest.js';
import type { Observable } from 'rxjs';
import type { ChatEvent } from '../events/ChatEvent.js';
import { type MistralClient, streamTransportOf } from '../transport/MistralClient.js';
import { fimStreamOperation } from '../transport/operations/fimStream.js';
import { expectRestartOptions, type RestartOptions } from './CallOptions.js';
import { completionEvents } from './completionEvents.js';
import { expectField, expectPresent, expectStream } from './expectRequest.js';

/**
 * Streams code that fills the middle (between `prompt` and `suffix`) as events.
 *
 * ```
 * fimStream:  --s-t-t-t--(c|)     s: start   t: text-delta   c: complete
 * ```
 *
 * Events, completion, errors, cancelling and retries are those of {@link chatStream}. `onDisconnect` is `'error'` or
 * `'restart'`: the API continues no cut answer here.
 *
 * @throws TypeError at once when the client is none, the request has no model or no prompt, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { fimStream, text } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * fimStream(client, { model: 'codestral-latest', prompt: 'function add(', suffix: 'return a + b;' })
 *   .pipe(text())
 *   .subscribe((piece) => process.stdout.write(piece));
 * ```
 *
 * @see {@link chatStream}
 */
export function fimStream(
  client: MistralClient,
  request: FIMCompletionStreamRequest,
  options: RestartOptions = {},
): Observable<ChatEvent> {
  const transport = streamTransportOf(client);
  expectField(request, 'model');
  expectPresent(request, 'prompt');
  expectStream(request, true);
  expectRestartOptions(options);
  return completionEvents(transport, fimStreamOperation, request, options);
}

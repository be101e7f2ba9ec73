import { filter, map, type OperatorFunction } from 'rxjs';
import type { CompletedToolCall, ToolCallEvent } from '../events/ChatEvent.js';

/**
 * Emits the tool calls that the model makes, each once and whole.
 *
 * ```
 * source:       -s-d-d-(CDc|)    s: start   d: tool-call-delta   C, D: tool-call   c: complete
 * toolCalls():  -------(CD|)
 * ```
 *
 * Each `tool-call` event becomes its `toolCall`, with `arguments` as JSON text (to be parsed with care: a model wrote
 * it); all other events are left out, those of types that this library does not know too. It works on any union of
 * events: `ChatEvent`, `ChatEvent | ErrorEvent`, `AgentEvent`, one of your own. Calls come at the end of an answer
 * that came to its end, so that a restart never shows one twice; `accumulate()` shows them while they grow.
 *
 * Completes and fails as the source does; the error is the source's own. Unsubscribing unsubscribes from the source.
 * Nothing is held.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { chatStream, toolCalls } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * const parameters = { type: 'object', properties: { city: { type: 'string' } } };
 *
 * chatStream(client, {
 *   model: 'mistral-small-latest',
 *   messages: [{ role: 'user', content: 'What is the weather in Paris?' }],
 *   tools: [{ type: 'function', function: { name: 'weather', parameters } }],
 * })
 *   .pipe(toolCalls())
 *   .subscribe(({ name, arguments: json }) => {
 *     console.log(name, JSON.parse(json));
 *   });
 * ```
 *
 * @see {@link accumulate} for the calls so far, cut ones too
 */
export function toolCalls(): OperatorFunction<{ readonly type: string }, CompletedToolCall> {
  return (source) =>
    source.pipe(
      filter(isToolCall),
      map((event) => event.toolCall),
    );
}

function isToolCall(event: { readonly type: string }): event is ToolCallEvent {
  return event.type === 'tool-call';
}

import { defer, type Observable } from 'rxjs';
import type { AgentEvent } from '../events/AgentEvent.js';
import type { Tool } from '../events/Tool.js';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { type AgentTurnRequest, CompletionBackend } from './agents/CompletionBackend.js';
import { stepOptions } from './agents/stepOptions.js';
import { Turn } from './agents/Turn.js';
import { expectTurnOptions, type TurnOptions } from './agents/TurnOptions.js';
import { expectField, expectMessages, expectOneAnswer, expectStream } from './expectRequest.js';

/**
 * Asks a model, or an agent, runs the tools that it calls, and asks again with their results, until it answers without a call.
 *
 * ```
 * step 1:     s-e-c                            s: step-start   e: chat events   c: complete, with two calls
 * tools:           (tt)--r--r                  t: tool-start   r: tool-result, as they come
 * step 2:                   S-s-e-e-c          S: step-complete
 * agentTurn:  s-e-c(tt)--r--rS-s-e-e-c(ST|)    T: turn-complete
 * ```
 *
 * Cold: a subscription is one turn. **Unsubscribing** ends the call, down to the socket, and fires the `signal` of every tool.
 *
 * **Values**: the {@link ChatEvent}s of each step as they come (so `text()` and `accumulate()` work on it), between them what
 * the tools do, and at the end `turn-complete` with all messages, ready to be sent with the next question, and the usage of
 * all steps. Tools run side by side; the model is told their results in the order of its calls.
 *
 * **Completes** after `turn-complete`: answered, stopped by `stopWhen`, at `maxSteps`, or deferred, with calls that wait for a
 * person (`pending`, from which {@link resumeTurn} goes on).
 *
 * **Fails** as {@link chatStream} does where a step fails; what the steps before it did stands in their `step-complete`. With the
 * error of a tool where `onToolError` says so, or where no tool had a result `maxToolErrors` steps in a row.
 *
 * A `toolChoice` that forces a call holds for the first step: in every step, it would keep the turn from ending.
 *
 * @param client A client of the SDK, or a transport.
 * @param request That of {@link chatStream}, or of {@link agentsStream}. Tools in it are told beside those of `options`.
 * @throws TypeError at once when the client is none, the request has no messages, neither `model` nor `agentId`, or asks for several
 * answers, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { agentTurn, tool } from 'rxmistral';
 * import { z } from 'zod';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const weather = tool({
 *   name: 'weather',
 *   description: 'The weather of a city, now.',
 *   parameters: z.object({ city: z.string() }),
 *   execute: ({ city }) => ({ city, celsius: 21 }),
 * });
 *
 * agentTurn(
 *   client,
 *   { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'How warm is it in Nantes?' }] },
 *   { tools: [weather], retry: {} },
 * ).subscribe({
 *   next: (event) => {
 *     if (event.type === 'tool-result') console.log(event.name, event.result.celsius);
 *     else if (event.type === 'text-delta') process.stdout.write(event.text);
 *     else if (event.type === 'turn-complete') console.log(`\n${event.steps} steps`, event.usage?.totalTokens);
 *   },
 *   error: (error: unknown) => console.error(error),
 * });
 * ```
 *
 * @see {@link conversationTurn}, where the server holds the history
 */
export function agentTurn<AnyTool extends Tool = never>(
  client: MistralClient,
  request: AgentTurnRequest,
  options: TurnOptions<AnyTool> = {},
): Observable<AgentEvent<AnyTool>> {
  const transport = transportOf(client);
  expectMessages(request);
  expectField<'agentId' | 'model'>(request, 'agentId' in request ? 'agentId' : 'model');
  expectOneAnswer(request);
  expectStream(request, true);
  expectTurnOptions(options);
  return defer(() => {
    const requestId = options.requestId ?? transport.createRequestId?.() ?? crypto.randomUUID();
    const backend = new CompletionBackend(transport, request, options.tools ?? [], stepOptions(options, requestId), false);
    // Each result is that of the tool which its name names.
    return new Turn(requestId, backend, options).events() as Observable<AgentEvent<AnyTool>>;
  });
}

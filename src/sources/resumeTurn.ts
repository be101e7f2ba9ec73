import { defer, type Observable } from 'rxjs';
import { expectOneOf, fail } from '../errors/expect.js';
import { isRecord } from '../errors/isRecord.js';
import type { AgentEvent } from '../events/AgentEvent.js';
import type { PendingTurn } from '../events/PendingTurn.js';
import type { Tool } from '../events/Tool.js';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { type AgentTurnRequest, CompletionBackend } from './agents/CompletionBackend.js';
import { ConversationBackend } from './agents/ConversationBackend.js';
import { decisionsById, type Decisions } from './agents/decisions.js';
import type { DecidedCall } from './agents/runCalls.js';
import { stepOptions } from './agents/stepOptions.js';
import { Turn } from './agents/Turn.js';
import { expectTurnOptions, type TurnOptions } from './agents/TurnOptions.js';
import { expectId } from './expectRequest.js';

/**
 * Goes on with a turn that was put aside for a person's decision: in this process or another, today or another day.
 *
 * ```
 * agentTurn:   s-e-c-a-(T|)               a: approval-required   T: turn-complete, ending `deferred`, with `pending`
 * resumeTurn:             tr-S-s-e-c(ST|)     the call runs, and the turn goes on
 * ```
 *
 * `state` is what `turn-complete` had in `pending`, also where it went through JSON. A call without a decision, or with
 * `defer`, waits on: the turn ends as `deferred` again, with what was decided done. Calls that had run before are not run again.
 *
 * Everything else is as with the function that had begun the turn; `options` are those of the turn, its tools above all, since
 * functions do not go through JSON.
 *
 * @throws TypeError at once when the client is none, `state` is no such state or of another version, a decision is none or of a
 * call that does not wait, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { filter, map, switchMap } from 'rxjs';
 * import { agentTurn, resumeTurn, tool } from 'rxmistral';
 * import { z } from 'zod';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const refund = tool({
 *   name: 'refund',
 *   parameters: z.object({ order: z.string() }),
 *   needsApproval: true,
 *   execute: ({ order }) => `refunded ${order}`,
 * });
 * const options = { tools: [refund] };
 *
 * agentTurn(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Refund order 7.' }] }, options)
 *   .pipe(
 *     map((event) => (event.type === 'turn-complete' ? event.pending : undefined)),
 *     filter((pending) => pending !== undefined),
 *     // Here it would go into a database, and come back when somebody has decided.
 *     map((pending) => JSON.parse(JSON.stringify(pending)) as typeof pending),
 *     switchMap((pending) => resumeTurn(client, pending, Object.fromEntries(pending.waiting.map((id) => [id, 'allow'])), options)),
 *   )
 *   .subscribe((event) => console.log(event.type));
 * ```
 */
export function resumeTurn<AnyTool extends Tool = never>(
  client: MistralClient,
  state: PendingTurn,
  decisions: Decisions,
  options: TurnOptions<AnyTool> = {},
): Observable<AgentEvent<AnyTool>> {
  const transport = transportOf(client);
  expectPending(state);
  const made = decisionsById(decisions);
  for (const id of Object.keys(decisions)) {
    if (!state.waiting.includes(id)) fail('decisions', `those of calls that wait (${state.waiting.join(', ')})`, id);
  }
  expectTurnOptions(options);

  return defer(() => {
    const { requestId, step, message, toolCalls, usage, messages, waiting, confirming } = state;
    const { tools = [] } = options;
    const given = stepOptions(options, requestId);
    const backend =
      state.kind === 'completion'
        ? new CompletionBackend(transport, { ...state.request, messages: [...messages] } as AgentTurnRequest, tools, given, true)
        : new ConversationBackend(transport, requestId, { settings: state.request, inputs: undefined, conversationId: state.conversationId, messages }, tools, given);
    const decided = (id: string): DecidedCall | undefined => made(id) ?? (waiting.includes(id) ? { decision: 'defer' } : undefined);
    const answered = new Map(state.answered.map(({ toolCallId, text }) => [toolCallId, text]));
    const turn = new Turn(requestId, backend, options);
    // Each result is that of the tool which its name names.
    return turn.events({ step, toolCalls, message, answered, confirming, usage, decided }) as Observable<AgentEvent<AnyTool>>;
  });
}

function expectPending(state: unknown): asserts state is PendingTurn {
  if (!isRecord(state)) fail('state', 'the `pending` of a turn', state);
  if (state['version'] !== 1) fail('state.version', '1: it was written by another version of the library', state['version']);
  expectOneOf('state.kind', state['kind'] ?? null, ['completion', 'conversation']);
  for (const name of ['toolCalls', 'answered', 'waiting', 'confirming', 'messages']) {
    if (!Array.isArray(state[name])) fail(`state.${name}`, 'an array', state[name]);
  }
  for (const name of ['message', 'request']) if (!isRecord(state[name])) fail(`state.${name}`, 'an object', state[name]);
  if (typeof state['requestId'] !== 'string') fail('state.requestId', 'text', state['requestId']);
  if (state['kind'] === 'conversation') expectId('state.conversationId', state['conversationId']);
  if (!Number.isInteger(state['step'])) fail('state.step', 'an integer', state['step']);
}

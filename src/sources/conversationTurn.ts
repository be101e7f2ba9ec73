import type { ConversationInputs } from '@mistralai/mistralai/models/components/conversationinputs.js';
import type { ConversationStreamRequest } from '@mistralai/mistralai/models/components/conversationstreamrequest.js';
import { defer, type Observable } from 'rxjs';
import { expectObject, fail } from '../errors/expect.js';
import type { AgentEvent } from '../events/AgentEvent.js';
import type { Tool } from '../events/Tool.js';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { ConversationBackend } from './agents/ConversationBackend.js';
import { stepOptions } from './agents/stepOptions.js';
import { Turn } from './agents/Turn.js';
import { expectTurnOptions, type TurnOptions } from './agents/TurnOptions.js';
import { expectField, expectId, expectRequest, expectStream } from './expectRequest.js';

/** A turn that begins a conversation, with a model or an agent. */
export type StartConversationRequest = Omit<ConversationStreamRequest, 'stream'>;

/** A turn that goes on with one; from an entry in its middle, a branch of it is begun. */
export interface ContinueConversationRequest
  extends Pick<ConversationStreamRequest, 'inputs' | 'completionArgs' | 'handoffExecution' | 'store'> {
  readonly conversationId: string;
  readonly fromEntryId?: string | undefined;
}

/** A request of a turn on the conversations API. */
export type ConversationTurnRequest = StartConversationRequest | ContinueConversationRequest;

/**
 * One turn of a conversation whose history the server holds: begins or goes on with it, runs the tools that the model calls, and tells
 * their results, until it answers without a call.
 *
 * ```
 * step 1:           s-e-c                  s: step-start   e: chat events   c: complete, with a call
 * tool:                  t--r              t: tool-start   r: tool-result
 * step 2:                    S-s-w-h-e-c   w: server-tool   h: handoff   S: step-complete
 * conversationTurn: s-e-c-t--rS-s-w-h-e-c(ST|)    T: turn-complete, with the conversation's id
 * ```
 *
 * Everything that {@link agentTurn} says of tools, approval, steps and the end holds here; `messages` of `turn-complete` are what the
 * turn has added. Tools that run on the server, and handoffs, are shown by events of their own. A call that the server runs once a
 * person has confirmed it is put to `approve`, and the decision is sent.
 *
 * **Tools** are told at the beginning of a conversation with a model. An agent has those of its definition ({@link functionTools}), and a
 * conversation that goes on those that it was begun with; `tools` are then what runs when they are called.
 *
 * **No turn is sent twice.** Where a step fails and may be repeated (`retry`, before its first token; `onDisconnect`, after), the
 * server may have it all the same. So the history is read first: an answer that is there is taken from it, begun anew like a restart
 * and without its usage, which only the stream tells; one that is not there is asked for behind the inputs, as a branch (the
 * conversation's id is another one then); and what the server has not got is sent again. Where the history does not tell (what was
 * there before the step is not in it), the step stays failed. It costs, with `retry` or `onDisconnect`
 * only: a key in the metadata of a conversation that is begun (`rxmistral_turn`), to be found by, and a reading of the history before
 * what the user says to one that goes on. `resume` is `restart` here.
 *
 * **Fails** with kind `stream` for an error of the conversation's own, with a {@link TruncatedStreamError} where the stream ends without
 * its last event, and with status 404 where the server does not know the conversation any more ({@link conversation} begins it anew
 * from a store).
 *
 * @throws TypeError at once when the client is none, the request has no inputs, neither `conversationId`, `agentId` nor `model`, an id that
 * is none, tools for a conversation that goes on, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { filter, switchMap } from 'rxjs';
 * import { conversationTurn } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * conversationTurn(client, { model: 'mistral-medium-latest', inputs: 'Name a river.' }, { retry: {}, onDisconnect: 'restart' })
 *   .pipe(
 *     filter((event) => event.type === 'turn-complete'),
 *     switchMap(({ conversationId = '' }) => conversationTurn(client, { conversationId, inputs: 'And where does it end?' })),
 *   )
 *   .subscribe((event) => {
 *     if (event.type === 'text-delta') process.stdout.write(event.text);
 *   });
 * ```
 *
 * @see {@link agentTurn}, where the history is held here
 */
export function conversationTurn<AnyTool extends Tool = never>(
  client: MistralClient,
  request: ConversationTurnRequest,
  options: TurnOptions<AnyTool> = {},
): Observable<AgentEvent<AnyTool>> {
  const transport = transportOf(client);
  expectConversationRequest(request);
  expectTurnOptions(options);
  const { inputs, conversationId, fromEntryId, ...settings } = request as StartConversationRequest & Partial<ContinueConversationRequest>;
  return defer(() => {
    const requestId = options.requestId ?? transport.createRequestId?.() ?? crypto.randomUUID();
    const beginning = { settings, inputs, conversationId, fromEntryId };
    const backend = new ConversationBackend(transport, requestId, beginning, options.tools ?? [], stepOptions(options, requestId));
    // Each result is that of the tool which its name names.
    return new Turn(requestId, backend, options).events() as Observable<AgentEvent<AnyTool>>;
  });
}

function expectConversationRequest(request: ConversationTurnRequest): void {
  expectRequest(request);
  const given = request as Partial<StartConversationRequest & ContinueConversationRequest>;
  expectInputs(given.inputs);
  expectStream(given as { readonly stream?: unknown }, true);
  if (given.conversationId !== undefined) {
    expectId('conversationId', given.conversationId);
    if (given.fromEntryId !== undefined) expectId('fromEntryId', given.fromEntryId);
    if (given.tools) fail('tools', 'absent for a conversation that goes on: it has those that it was begun with', given.tools);
  } else {
    expectField<'agentId' | 'model'>(given, given.agentId === undefined ? 'model' : 'agentId');
  }
}

/** Throws unless there is something to say. */
export function expectInputs(inputs: ConversationInputs | undefined): void {
  const given: unknown = inputs;
  const isSomething = (typeof given === 'string' || Array.isArray(given)) && given.length > 0;
  if (!isSomething) fail('inputs', 'text or an array of entries that is not empty', given);
  if (typeof given === 'string') return;
  given.forEach((entry: unknown, index) => {
    expectObject(`inputs[${index}]`, entry ?? null);
  });
}

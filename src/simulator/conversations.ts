import { agentNotFound } from './agents.js';
import { emptyAnswer, jsonAnswer, namedEvent, type Answer } from './answer.js';
import { asksForAnswer, confirmationsComplaints, inputsCheck, inputsComplaints, inputsOf, type Confirmation, type Entry } from './conversationEntry.js';
import { entryHeads, writeOutputs, type WrittenOutputs } from './conversationOutput.js';
import type { Conversation, ConversationChange, ConversationDefinition } from './conversationRegistry.js';
import { decide, refusal } from './conversationRules.js';
import { chatBody, makeTurn, type Turn } from './conversationTurn.js';
import { errorBody, invalidRequest, validationFailed, type ValidationDetail } from './errorBodies.js';
import { exactAnswer, isExact } from './exactReply.js';
import { boolean, digits, either, fieldComplaints, integerFrom, isFields, list, missing, object, oneOf, string, complaint, type FieldChecks, type Fields } from './fieldChecks.js';
import { hasMetadata } from './metadataFilter.js';
import type { Route, RouteRequest } from './route.js';
import type { Simulation } from './simulation.js';

/**
 * `POST` and `GET /v1/conversations`; `POST` (append), `GET` and `DELETE /v1/conversations/:id`; its restart, history and messages.
 * What the three that answer have in common is in {@link answerTurn}.
 *
 * Where Mistral's documentation is silent, the simulator is strict: a turn with calls that wait for their results takes nothing
 * but all of them, and results and decisions that nobody waits for are a 400.
 */
export const conversationRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/conversations', handle: start },
  {
    method: 'GET',
    path: '/v1/conversations',
    handle({ query }, { settings, conversations }) {
      const complaints = fieldComplaints(Object.fromEntries(query), { optional: { page: digits, page_size: digits } }, 'query');
      if (complaints.length > 0) return validationFailed(complaints, settings.validationErrors);
      const pageSize = Number(query.get('page_size') ?? 100);
      const first = Number(query.get('page') ?? 0) * pageSize;
      const sought = conversations.all.filter(({ definition }) => hasMetadata(definition.metadata, query));
      return counted(sought.slice(first, first + pageSize).map(conversationBody));
    },
  },
  { method: 'POST', path: '/v1/conversations/:id', handle: append },
  { method: 'GET', path: '/v1/conversations/:id', handle: (request, simulation) => withConversation(request, simulation, (each) => counted(conversationBody(each))) },
  {
    method: 'DELETE',
    path: '/v1/conversations/:id',
    handle: (request, simulation) =>
      withConversation(request, simulation, ({ id }) => ({
        ...emptyAnswer,
        onAdmitted: () => {
          simulation.conversations.remove(id);
        },
      })),
  },
  { method: 'POST', path: '/v1/conversations/:id/restart', handle: restart },
  {
    method: 'GET',
    path: '/v1/conversations/:id/history',
    handle: (request, simulation) =>
      withConversation(request, simulation, ({ id, entries }) => counted({ object: 'conversation.history', conversation_id: id, entries })),
  },
  {
    method: 'GET',
    path: '/v1/conversations/:id/messages',
    handle: (request, simulation) =>
      withConversation(request, simulation, ({ id, entries }) => {
        const messages = entries.filter(({ type }) => type.startsWith('message.'));
        return counted({ object: 'conversation.messages', conversation_id: id, messages });
      }),
  },
];

const turnChecks: FieldChecks['optional'] = {
  stream: boolean,
  store: boolean,
  handoff_execution: oneOf('client', 'server'),
  completion_args: object,
};

function start({ body, record }: RouteRequest, simulation: Simulation): Answer {
  const optional = {
    ...turnChecks,
    agent_id: string,
    agent_version: either(string, integerFrom(0)),
    model: string,
    instructions: string,
    tools: list,
    guardrails: list,
    name: string,
    description: string,
    metadata: object,
  };
  const wrong = [...fieldComplaints(body, { required: { inputs: inputsCheck }, optional }), ...inputsComplaints(body), ...whoComplaints(body)];
  if (wrong.length > 0) return validationFailed(wrong, simulation.settings.validationErrors);

  const given = body as Fields & ConversationDefinition;
  const { agent_id, agent_version, model, instructions, tools, completion_args, guardrails, name, description, metadata } = given;
  if (typeof agent_id === 'string' && simulation.agents.isDeleted(agent_id)) return agentNotFound(agent_id);
  const definition = { agent_id, agent_version, model, instructions, tools, completion_args, guardrails, name, description, metadata };
  const conversation = simulation.conversations.prepare(definition, inputsOf(given['inputs']));
  return answerTurn({ conversation, isNew: true, request: given, record }, simulation);
}

function append(routed: RouteRequest, simulation: Simulation): Answer {
  const { body, record } = routed;
  const optional = { ...turnChecks, inputs: inputsCheck, tool_confirmations: list };
  const wrong = [...fieldComplaints(body, { optional }), ...inputsComplaints(body), ...confirmationsComplaints(body)];
  if (wrong.length > 0) return validationFailed(wrong, simulation.settings.validationErrors);
  return withConversation(routed, simulation, (conversation) => answerTurn({ conversation, isNew: false, request: body as Fields, record }, simulation));
}

/** A new conversation, which begins with the entries of another up to the one that is named, and goes on with this turn. */
function restart(routed: RouteRequest, simulation: Simulation): Answer {
  const { body, record } = routed;
  const optional = { ...turnChecks, inputs: inputsCheck, guardrails: list, metadata: object, agent_version: either(string, integerFrom(0)) };
  const wrong = [...fieldComplaints(body, { required: { from_entry_id: string }, optional }), ...inputsComplaints(body)];
  if (wrong.length > 0) return validationFailed(wrong, simulation.settings.validationErrors);
  return withConversation(routed, simulation, ({ id, definition, entries }) => {
    const request = body as Fields & ConversationDefinition;
    const last = entries.findIndex((entry) => entry.id === request['from_entry_id']);
    if (last < 0) return jsonAnswer(404, errorBody(`Entry not found: ${String(request['from_entry_id'])}`, 'not_found', null));
    const { agent_version = definition.agent_version, metadata = definition.metadata, guardrails = definition.guardrails } = request;
    const kept = entries.slice(0, last + 1);
    const prepared = simulation.conversations.prepare({ ...definition, agent_version, metadata, guardrails }, [id, request]);
    return answerTurn({ conversation: { ...prepared, entries: kept }, isNew: true, request, record }, simulation);
  });
}

interface TurnRequest {
  readonly conversation: Conversation;
  /** Not yet remembered. */
  readonly isNew: boolean;
  readonly request: Fields;
  readonly record: RouteRequest['record'];
}

function answerTurn({ conversation, isNew, request, record }: TurnRequest, simulation: Simulation): Answer {
  const { settings, agents, answers } = simulation;
  const heads = entryHeads(settings.seed, conversation);
  const given = inputsOf(request['inputs']);
  const confirmations = (request['tool_confirmations'] ?? []) as readonly Confirmation[];
  const refused = refusal(conversation.entries, given, confirmations);
  if (refused !== undefined) return refused;

  const first = simulation.conversations.number(conversation, given.length);
  const inputs = given.map((input, i) => inputEntry(input, heads(first + i, input['type'] as string)));
  const { decided, before } = decide(conversation.entries, confirmations);
  const entries = [...conversation.entries.map((entry) => decided.find(({ id }) => id === entry.id) ?? entry), ...inputs];
  if (!asksForAnswer(entries)) return invalidRequest('There is nothing to answer: the last entry is the assistant\'s own', 'invalid_request_message_order');

  const { definition } = conversation;
  const findAgent = (id: string): ReturnType<typeof agents.get> => agents.get(id, id === definition.agent_id ? definition.agent_version : null);
  const asked = { definition, entries, request, settings, findAgent };
  const reply = answers.replyTo({ ...chatBody(asked), conversation_id: conversation.id }, record);
  const remembering = (outputs: readonly Entry[]): Pick<Answer, 'onAdmitted' | 'onCut'> =>
    request['store'] === false ? {} : keeping(conversation, isNew, { inputs, outputs, decided }, before, simulation);
  if (isExact(reply)) return { ...exactAnswer(reply, 'named'), ...remembering([]) };

  const allowed = decided.filter((entry) => entry['confirmation_status'] === 'allowed');
  const turn = makeTurn({ ...asked, allowed }, typeof reply === 'string' ? { text: reply } : reply);
  const written = writeOutputs(turn.outputs, simulation.conversations.number({ ...conversation, entries }, turn.outputs.length), heads);
  const isBroken = typeof turn.ending === 'object';
  return {
    ...(request['stream'] === true ? streamOf(conversation, turn, written) : wholeOf(conversation, turn, written.entries)),
    // What was said before an error is not kept.
    ...remembering(isBroken ? [] : written.entries),
  };
}

/** What becomes of the conversation when the turn is answered, and where its response is cut. */
function keeping(
  { id, ...conversation }: Conversation,
  isNew: boolean,
  change: ConversationChange,
  before: readonly Entry[],
  { conversations }: Simulation,
): Pick<Answer, 'onAdmitted' | 'onCut'> {
  return {
    onAdmitted: () => {
      if (isNew) conversations.remember({ id, ...conversation });
      conversations.add(id, change);
    },
    onCut: () => {
      const { cutTurn = 'whole' } = conversations.options;
      if (cutTurn === 'inputs') conversations.takeBack(id, change.outputs, []);
      else if (cutTurn === 'nothing' && isNew) conversations.remove(id);
      else if (cutTurn === 'nothing') conversations.takeBack(id, [...change.inputs, ...change.outputs], before);
    },
  };
}

/** An input as the history has it: id and times are the server's. */
function inputEntry(input: Fields, head: Pick<Entry, 'object' | 'type' | 'id' | 'created_at'>): Entry {
  return { ...(input['type'] === 'message.input' && { prefix: false }), ...input, completed_at: head.created_at, ...head };
}

function streamOf({ id, createdAt }: Conversation, { ending, usage, tokens }: Turn, outputs: WrittenOutputs): Answer {
  const created_at = outputs.entries.at(-1)?.created_at ?? new Date(createdAt).toISOString();
  const events = [namedEvent({ type: 'conversation.response.started', created_at, conversation_id: id }), ...outputs.events];
  if (typeof ending === 'object') events.push(namedEvent({ type: 'conversation.response.error', created_at, ...ending }));
  else if (ending === 'done') events.push(namedEvent({ type: 'conversation.response.done', created_at, ...(usage !== null && { usage }) }));
  return { kind: 'events', status: 200, events, tokens };
}

function wholeOf({ id }: Conversation, { ending, usage, tokens }: Turn, outputs: readonly Entry[]): Answer {
  if (typeof ending === 'object') return { ...jsonAnswer(500, errorBody(ending.message, 'internal_server_error', String(ending.code))), tokens };
  return { ...jsonAnswer(200, { object: 'conversation.response', conversation_id: id, outputs, usage }), tokens };
}

function conversationBody({ id, definition, entries, createdAt }: Conversation): object {
  const { agent_id, agent_version = null, model, instructions = null, tools, completion_args, guardrails = null } = definition;
  const { name = null, description = null, metadata = null } = definition;
  const created_at = new Date(createdAt).toISOString();
  const common = { object: 'conversation', id, name, description, metadata, created_at, updated_at: entries.at(-1)?.created_at ?? created_at };
  if (agent_id !== undefined && agent_id !== null) return { ...common, agent_id, agent_version };
  return { ...common, model, instructions, tools: tools ?? [], completion_args: completion_args ?? {}, guardrails };
}

/** Costs no tokens, but is a request. */
function counted(body: unknown): Answer {
  return { ...jsonAnswer(200, body), tokens: 0 };
}

function withConversation({ parameters }: RouteRequest, { conversations }: Simulation, answer: (conversation: Conversation) => Answer): Answer {
  const id = parameters['id'] ?? '';
  const conversation = conversations.get(id);
  return conversation ? answer(conversation) : jsonAnswer(404, errorBody(`Conversation not found: ${id}`, 'not_found', null));
}

/** There is an agent or a model, and not both. */
function whoComplaints(body: unknown): readonly ValidationDetail[] {
  if (!isFields(body)) return [];
  const [agent, model] = [body['agent_id'], body['model']].map((each) => each !== undefined && each !== null);
  if (agent !== model) return [];
  if (!agent) return [complaint(['body', 'model'], body, missing)];
  return [complaint(['body', 'model'], body['model'], { type: 'value_error', msg: 'Value error, Only one of agent_id and model can be given' })];
}

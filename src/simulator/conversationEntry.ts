import { complaint, complaints, either, fieldComplaints, isFields, list, object, oneOf, string, tooShort, type Check, type FieldChecks, type Fields } from './fieldChecks.js';
import type { ValidationDetail } from './errorBodies.js';
import type { Message } from './reply.js';

/** An entry of a conversation as the API writes it. */
export interface Entry {
  readonly object: 'entry';
  readonly type: string;
  readonly id: string;
  readonly created_at: string;
  readonly [field: string]: unknown;
}

/** A decision about a call that waits for one. */
export interface Confirmation {
  readonly tool_call_id: string;
  readonly confirmation: 'allow' | 'deny';
}

/** What an entry of each type must have. */
const checksByType: Readonly<Record<string, FieldChecks>> = {
  'message.input': { required: { role: oneOf('user', 'assistant'), content: either(string, list) } },
  'message.output': { required: { content: either(string, list) } },
  'function.call': { required: { tool_call_id: string, name: string, arguments: either(string, object) } },
  'function.result': { required: { tool_call_id: string, result: string } },
  'tool.execution': { required: { name: string, arguments: string } },
  'agent.handoff': {
    required: { previous_agent_id: string, previous_agent_name: string, next_agent_id: string, next_agent_name: string },
  },
};

/** The entries that a request's `inputs` are, as they came. */
export function inputsOf(inputs: unknown): readonly Fields[] {
  if (typeof inputs === 'string') return [{ type: 'message.input', role: 'user', content: inputs }];
  return ((inputs ?? []) as readonly Fields[]).map((input) => ({ ...input, type: typeOf(input) }));
}

/** Complaints about the entries of `inputs`, where it is a list. */
export function inputsComplaints(body: unknown): readonly ValidationDetail[] {
  const inputs = isFields(body) ? body['inputs'] : undefined;
  if (!Array.isArray(inputs)) return [];
  return inputs.flatMap((input: unknown, i) => entryComplaints(input, ['body', 'inputs', i]));
}

/** Complaints about decisions, where there are any. */
export function confirmationsComplaints(body: unknown): readonly ValidationDetail[] {
  const confirmations = isFields(body) ? body['tool_confirmations'] : undefined;
  if (!Array.isArray(confirmations)) return [];
  const place = ['body', 'tool_confirmations'];
  if (confirmations.length === 0) return [complaint(place, confirmations, tooShort)];
  const checks = { required: { tool_call_id: string, confirmation: oneOf('allow', 'deny') } };
  return confirmations.flatMap((each: unknown, i) => placed(fieldComplaints(each, checks), [...place, i]));
}

export const inputsCheck: Check = either(string, list);

/** What the entries say, as messages of a chat. Handoffs and what a server's tool did without asking are no messages. */
export function messagesOf(entries: readonly Entry[]): readonly Message[] {
  const messages: Message[] = [];
  for (const [i, entry] of entries.entries()) {
    switch (entry.type) {
      case 'message.input':
        messages.push({ role: entry['role'] as string, content: entry['content'] as Message['content'], ...(entry['prefix'] === true && { prefix: true }) });
        break;
      case 'message.output':
        messages.push({ role: 'assistant', content: entry['content'] as Message['content'] });
        break;
      case 'function.call':
        // Calls side by side are one message.
        if (entries[i - 1]?.type !== 'function.call') messages.push(callsMessage(entries.slice(i)));
        break;
      case 'function.result':
        messages.push({ role: 'tool', tool_call_id: entry['tool_call_id'], content: entry['result'] as string });
        break;
    }
    const next = entries[i + 1];
    if (entry.type === 'function.call' && next?.type !== 'function.call') messages.push(...decidedMessages(entries.slice(0, i + 1)));
  }
  return messages;
}

/** The calls that wait for their result, or for a decision. */
export function openCalls(entries: readonly Entry[]): readonly Entry[] {
  const answered = new Set(entries.filter(({ type }) => type === 'function.result').map((entry) => entry['tool_call_id']));
  return entries.filter((entry) => entry.type === 'function.call' && !answered.has(entry['tool_call_id']) && !isDecided(entry));
}

/** Whether the entries end in something that the model is to answer to. */
export function asksForAnswer(entries: readonly Entry[]): boolean {
  const last = messagesOf(entries).at(-1);
  return last !== undefined && (last.role !== 'assistant' || last.prefix === true);
}

function typeOf(input: Fields): string {
  if (typeof input['type'] === 'string') return input['type'];
  return 'result' in input ? 'function.result' : 'message.input';
}

function entryComplaints(input: unknown, place: readonly (string | number)[]): readonly ValidationDetail[] {
  if (!isFields(input)) return [complaint(place, input, object(input))];
  const type = typeOf(input);
  const types = Object.keys(checksByType);
  const wrongType = complaints([...place, 'type'], type, oneOf(...types));
  return wrongType.length > 0 ? wrongType : placed(fieldComplaints(input, checksByType[type] ?? {}), place);
}

/** The same complaints about an object that stands deeper in the body. */
function placed(details: readonly ValidationDetail[], place: readonly (string | number)[]): readonly ValidationDetail[] {
  return details.map((detail) => ({ ...detail, loc: [...place, ...detail.loc.slice(1)] }));
}

function isDecided(entry: Entry): boolean {
  return entry['confirmation_status'] === 'allowed' || entry['confirmation_status'] === 'denied';
}

function callsMessage(entries: readonly Entry[]): Message {
  const end = entries.findIndex(({ type }) => type !== 'function.call');
  const tool_calls = entries.slice(0, end < 0 ? undefined : end).map((entry) => ({
    id: entry['tool_call_id'],
    function: { name: entry['name'], arguments: entry['arguments'] },
  }));
  return { role: 'assistant', content: '', tool_calls };
}

/** What the model learns of the calls at the end that a person has decided about. */
function decidedMessages(entries: readonly Entry[]): readonly Message[] {
  const start = entries.findLastIndex(({ type }) => type !== 'function.call') + 1;
  return entries
    .slice(start)
    .filter(isDecided)
    .map((entry) => ({ role: 'tool', tool_call_id: entry['tool_call_id'], content: `The call was ${String(entry['confirmation_status'])}` }));
}


import type { JsonAnswer } from './answer.js';
import { invalidRequest, type ValidationDetail } from './errorBodies.js';
import {
  boolean,
  complaint,
  complaints,
  either,
  fieldComplaints,
  integerFrom,
  isFields,
  list,
  missing,
  numberWithin,
  object,
  oneOf,
  string,
  tooShort,
  type Check,
  type FieldChecks,
} from './fieldChecks.js';
import type { CompletionBody, Message } from './reply.js';
import { functionTools, namedFunction } from './toolCalls.js';

/** What the optional parameters of all completion endpoints must be. */
const optionalParameters: Readonly<Record<string, Check>> = {
  temperature: numberWithin(0, 1.5),
  top_p: numberWithin(0, 1),
  max_tokens: integerFrom(0),
  stream: boolean,
  stop: either(string, list),
  random_seed: integerFrom(0),
  metadata: object,
  response_format: object,
  tools: list,
  tool_choice: either(oneOf('auto', 'none', 'any', 'required'), object),
  presence_penalty: numberWithin(-2, 2),
  frequency_penalty: numberWithin(-2, 2),
  // The simulator's own bound; the API's is not documented.
  n: integerFrom(1, 128),
  parallel_tool_calls: boolean,
  prompt_mode: oneOf('reasoning'),
};

/** Complaints about the fields of a completion request: its own, and those that all such requests may have. */
export function completionComplaints(body: unknown, own: FieldChecks): readonly ValidationDetail[] {
  const found = fieldComplaints(body, { required: own.required, optional: { ...optionalParameters, ...own.optional } });
  if (!isFields(body) || !('stream_options' in body)) return found;
  const extra = { type: 'extra_forbidden', msg: 'Extra inputs are not permitted' };
  return [...found, complaint(['body', 'stream_options'], body['stream_options'], extra)];
}

/** Complaints about a field that must be a list of messages; none where the body has no fields at all. */
export function messagesComplaints(body: unknown): readonly ValidationDetail[] {
  if (!isFields(body)) return [];
  const place = ['body', 'messages'];
  return body['messages'] === undefined ? [complaint(place, body)] : listedMessagesComplaints(body['messages'], place);
}

/** Complaints about a list of messages, wherever it stands. */
export function listedMessagesComplaints(messages: unknown, place: readonly (string | number)[]): readonly ValidationDetail[] {
  if (!Array.isArray(messages)) return complaints(place, messages, list);
  if (messages.length === 0) return [complaint(place, messages, tooShort)];
  return messages.flatMap((message: unknown, i) => messageComplaints(message, [...place, i]));
}

/** The 400 for a request whose fields are right one by one, but not together; `undefined` where all is well. */
export function contradictionIn(request: CompletionBody): JsonAnswer | undefined {
  const misordered = orderComplaint(request.messages ?? []);
  if (misordered !== undefined) return invalidRequest(misordered, 'invalid_request_message_order');
  const named = namedFunction(request['tool_choice']);
  if (named === undefined || functionTools(request).some(({ name }) => name === named)) return undefined;
  return invalidRequest(`Tool choice '${named}' is not among the tools`, 'invalid_request_tool_choice');
}

function orderComplaint(messages: readonly Message[]): string | undefined {
  const last = messages.at(-1);
  const misplaced = messages.find((message, i) => message.role === 'user' && messages[i - 1]?.role === 'tool');
  if (misplaced) return 'Unexpected role \'user\' after role \'tool\'';
  if (last?.role === 'assistant' && last.prefix !== true) {
    return 'Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant';
  }
  return undefined;
}

function messageComplaints(message: unknown, place: readonly (string | number)[]): readonly ValidationDetail[] {
  if (!isFields(message)) return [complaint(place, message, object(message))];
  const { role, content } = message;
  if (role === undefined) return [complaint([...place, 'role'], message)];
  const roleComplaints = complaints([...place, 'role'], role, oneOf('system', 'user', 'assistant', 'tool'));
  if (roleComplaints.length > 0) return roleComplaints;
  // An assistant's message may hold nothing but tool calls.
  if (content === undefined || content === null) return role === 'user' ? [complaint([...place, role, 'content'], message, missing)] : [];
  return complaints([...place, role as string, 'content'], content, either(string, list));
}

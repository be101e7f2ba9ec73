import type { JsonAnswer } from './answer.js';
import { openCalls, type Confirmation, type Entry } from './conversationEntry.js';
import { invalidRequest } from './errorBodies.js';
import type { Fields } from './fieldChecks.js';

/** The 400 for inputs that do not fit what the conversation waits for. */
export function refusal(entries: readonly Entry[], inputs: readonly Fields[], confirmations: readonly Confirmation[]): JsonAnswer | undefined {
  const waiting = openCalls(entries);
  const ids = new Set(waiting.map((entry) => entry['tool_call_id']));
  const decided = new Set<unknown>();
  for (const { tool_call_id: id } of confirmations) {
    const isPending = waiting.some((entry) => entry['tool_call_id'] === id && entry['confirmation_status'] === 'pending');
    if (!isPending || decided.has(id)) return invalidRequest(`No call ${id} waits for a confirmation`, 'invalid_request_tool_confirmation');
    decided.add(id);
    ids.delete(id);
  }
  for (const input of inputs) {
    const id = input['tool_call_id'];
    if (input['type'] === 'function.call') ids.add(id);
    else if (input['type'] === 'function.result') {
      if (!ids.delete(id)) return invalidRequest(`No call ${String(id)} waits for a result`, 'invalid_request_function_result');
    } else if (input['type'] === 'message.input' && ids.size > 0) return unansweredCalls;
  }
  return ids.size > 0 ? unansweredCalls : undefined;
}

const unansweredCalls = invalidRequest('Not the same number of function calls and responses', 'invalid_request_message_order');

/** The calls that were decided about, after and before that. */
export function decide(entries: readonly Entry[], confirmations: readonly Confirmation[]): { readonly decided: readonly Entry[]; readonly before: readonly Entry[] } {
  const before = confirmations.flatMap(({ tool_call_id }) => entries.findLast((entry) => entry['tool_call_id'] === tool_call_id) ?? []);
  const decided = before.map((entry) => {
    const isAllowed = confirmations.find((each) => each.tool_call_id === entry['tool_call_id'])?.confirmation === 'allow';
    return { ...entry, confirmation_status: isAllowed ? 'allowed' : 'denied' };
  });
  return { decided, before };
}

import type { ConversationEvents } from '@mistralai/mistralai/models/components/conversationevents.js';
import type { Entry } from '@mistralai/mistralai/models/components/conversationhistory.js';
import type { ConversationInputs } from '@mistralai/mistralai/models/components/conversationinputs.js';

/** What the history says of a step whose answer was lost. */
export type StepFate =
  /** The server has nothing of it: it can be sent again. */
  | { readonly kind: 'unknown' }
  /** The inputs are there, and no answer: it can be asked for behind this entry. */
  | { readonly kind: 'unanswered'; readonly lastInputId: string | undefined }
  /** The answer is there, whole. */
  | { readonly kind: 'answered'; readonly entries: readonly Entry[] };

/** Behind what a step stands in the history: an entry, the calls that it answers, or (`undefined`) nothing. */
export type StepPlace = { readonly entryId: string } | { readonly calls: readonly string[] } | undefined;

/**
 * What has become of a step, by the history of its conversation: by its place, and not by its words, for who says "go on" twice
 * says it twice.
 *
 * @param inputs How many entries the step has sent.
 * @returns `undefined` where the history does not tell: what was there before the step is not in it.
 */
export function fateOf(history: readonly Entry[], behind: StepPlace, inputs: number): StepFate | undefined {
  const isBefore = (entry: Entry): boolean => {
    if (behind === undefined) return false;
    return 'entryId' in behind ? entry.id === behind.entryId : entry.type === 'function.call' && behind.calls.includes(entry.toolCallId);
  };
  const place = history.findLastIndex(isBefore);
  if (behind !== undefined && place === -1) return undefined;
  const since = history.slice(place + 1);
  // What only confirms calls adds no entry: it changes those of the calls.
  const last = inputs === 0 ? history[place] : since[inputs - 1];
  if (last === undefined || (inputs === 0 && isPending(last))) return { kind: 'unknown' };
  const answer = since.slice(inputs);
  return isWhole(answer.at(-1)) ? { kind: 'answered', entries: answer } : { kind: 'unanswered', lastInputId: last.id };
}

function isPending(entry: Entry): boolean {
  return entry.type === 'function.call' && entry.confirmationStatus === 'pending';
}

// An answer ends with a message, a call, or (where the client is to go on) a handoff. A time of completion that is null says that
// it is being written still.
function isWhole(last: Entry | undefined): boolean {
  return last !== undefined && last.completedAt !== null && last.type !== 'tool.execution';
}

/** How many entries these inputs are: a text is one. */
export function countInputs(inputs: ConversationInputs): number {
  return typeof inputs === 'string' ? 1 : inputs.length;
}

/** An answer that the history has, as the stream would have brought it. Its usage is not known. */
export function eventsOf(conversationId: string, entries: readonly Entry[]): ConversationEvents[] {
  const events = entries.flatMap((entry, outputIndex): Readonly<Record<string, unknown>>[] => {
    const place = { outputIndex, id: entry.id };
    switch (entry.type) {
      case 'message.output':
        return pieces(entry.content).map((content, contentIndex) => ({ type: 'message.output.delta', ...place, contentIndex, content, model: entry.model, agentId: entry.agentId }));
      case 'function.call':
        return [{ type: 'function.call.delta', ...place, toolCallId: entry.toolCallId, name: entry.name, arguments: entry.arguments, confirmationStatus: entry.confirmationStatus }];
      case 'tool.execution':
        return [
          { type: 'tool.execution.started', ...place, name: entry.name, arguments: entry.arguments },
          { type: 'tool.execution.done', ...place, name: entry.name, info: entry.info },
        ];
      case 'agent.handoff':
        return [
          { type: 'agent.handoff.started', ...place, previousAgentId: entry.previousAgentId, previousAgentName: entry.previousAgentName },
          { type: 'agent.handoff.done', ...place, nextAgentId: entry.nextAgentId, nextAgentName: entry.nextAgentName },
        ];
      default:
        return [];
    }
  });
  const all = [{ type: 'conversation.response.started', conversationId }, ...events, { type: 'conversation.response.done' }];
  // The assembler reads every field as the server's word, which may be anything.
  return all.map((data: Readonly<Record<string, unknown>>) => ({ event: data['type'], data }) as unknown as ConversationEvents);
}

function pieces(content: unknown): readonly unknown[] {
  return Array.isArray(content) ? content : [content];
}

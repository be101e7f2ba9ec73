import { namedEvent, type NamedData, type StreamEvent } from './answer.js';
import { joinContent } from './completion.js';
import type { Entry } from './conversationEntry.js';
import { hexDigits, randomFrom } from './random.js';
import type { ContentChunk, ContentDelta, ToolCallStyle } from './reply.js';
import { tokenise } from './tokens.js';
import { alternate, argumentsObject, type ResolvedStyle, type ToolCall } from './toolCalls.js';

/** Who speaks: an agent with its model, or a model alone. */
export interface Speaker {
  readonly id: string | null;
  readonly name: string;
  readonly model: string;
}

/** How calls are written in a conversation. */
export interface CallStyle extends ResolvedStyle {
  /** Later fragments repeat the id and the name where this is not given. */
  readonly givenLaterId: ToolCallStyle['laterId'];
}

/** A part of an answer. */
export type Output =
  | { readonly kind: 'handoff'; readonly previous: Speaker; readonly next: Speaker }
  | {
      readonly kind: 'tool';
      readonly speaker: Speaker;
      readonly name: string;
      readonly argumentsText: string;
      readonly info: Readonly<Record<string, unknown>> | undefined;
      readonly style: CallStyle;
    }
  | { readonly kind: 'message'; readonly speaker: Speaker; readonly content: readonly ContentDelta[] }
  | { readonly kind: 'call'; readonly speaker: Speaker; readonly call: ToolCall; readonly needsConfirmation: boolean; readonly style: CallStyle };

/** The head of the entry with this number: id and time depend on the conversation and on that alone. */
export type EntryHeads = (number: number, type: string) => Pick<Entry, 'object' | 'type' | 'id' | 'created_at'>;

/** An answer's parts as entries of the history, and as the events of a stream. */
export interface WrittenOutputs {
  readonly entries: readonly Entry[];
  readonly events: readonly StreamEvent[];
}

const prefixes: Readonly<Record<string, string>> = { 'function.call': 'fc', 'function.result': 'fr', 'tool.execution': 'tool_exec', 'agent.handoff': 'handoff' };

/** Heads of entries whose times are a second apart. */
export function entryHeads(seed: number | string, conversation: { readonly id: string; readonly createdAt: number }): EntryHeads {
  return (number, type) => ({
    object: 'entry',
    type,
    id: `${prefixes[type] ?? 'msg'}_${randomFrom(seed, conversation.id, number).text(32, hexDigits)}`,
    created_at: new Date(conversation.createdAt + (number + 1) * 1000).toISOString(),
  });
}

/** Writes the parts of an answer; `first` is the number of its first entry. */
export function writeOutputs(outputs: readonly Output[], first: number, heads: EntryHeads): WrittenOutputs {
  const written = outputs.map((output, i) => write(output, i, (type) => heads(first + i, type)));
  return { entries: written.map(({ entry }) => entry), events: inOrder(outputs, written).map(namedEvent) };
}

interface Written {
  readonly entry: Entry;
  readonly events: readonly NamedData[];
}

/** One after the other; but the fragments of calls side by side may alternate. */
function inOrder(outputs: readonly Output[], written: readonly Written[]): readonly NamedData[] {
  const isMixed = (output: Output | undefined): boolean => output?.kind === 'call' && output.style.shape === 'fragments' && output.style.interleaved;
  const events: NamedData[] = [];
  for (let i = 0; i < outputs.length; i += 1) {
    const start = i;
    while (isMixed(outputs[i]) && isMixed(outputs[i + 1])) i += 1;
    events.push(...alternate(written.slice(start, i + 1).map((each) => each.events)));
  }
  return events;
}

function write(output: Output, output_index: number, headOf: (type: string) => ReturnType<EntryHeads>): Written {
  switch (output.kind) {
    case 'handoff':
      return writeHandoff(output, output_index, headOf('agent.handoff'));
    case 'tool':
      return writeTool(output, output_index, headOf('tool.execution'));
    case 'message':
      return writeMessage(output, output_index, headOf('message.output'));
    case 'call':
      return writeCall(output, output_index, headOf('function.call'));
  }
}

type Head = ReturnType<EntryHeads>;

function writeHandoff({ previous, next }: Extract<Output, { kind: 'handoff' }>, output_index: number, head: Head): Written {
  // A model alone has no id, and the API allows no null here.
  const from = { previous_agent_id: previous.id ?? '', previous_agent_name: previous.name };
  const to = { next_agent_id: next.id ?? '', next_agent_name: next.name };
  const place = { created_at: head.created_at, output_index, id: head.id };
  return {
    entry: { ...head, completed_at: head.created_at, ...from, ...to },
    events: [
      { type: 'agent.handoff.started', ...place, ...from },
      { type: 'agent.handoff.done', ...place, ...to },
    ],
  };
}

function writeTool({ speaker, name, argumentsText, info, style }: Extract<Output, { kind: 'tool' }>, output_index: number, head: Head): Written {
  const place = { created_at: head.created_at, output_index, id: head.id };
  const isWhole = style.shape === 'whole';
  const told = info && { info };
  return {
    entry: { ...head, completed_at: head.created_at, ...spokenBy(speaker), name, arguments: argumentsText, ...told },
    events: [
      { type: 'tool.execution.started', ...place, ...spokenBy(speaker), name, arguments: isWhole ? argumentsText : '' },
      ...(isWhole ? [] : tokenise(argumentsText).map((text) => ({ type: 'tool.execution.delta', ...place, name, arguments: text }))),
      { type: 'tool.execution.done', ...place, name, ...told },
    ],
  };
}

function writeMessage({ speaker, content }: Extract<Output, { kind: 'message' }>, output_index: number, head: Head): Written {
  const place = { created_at: head.created_at, output_index, id: head.id };
  let content_index = 0;
  let kind: string | undefined;
  // In a stream, content is a text or a single chunk, never a list.
  const events = content.flatMap((delta): readonly (string | ContentChunk)[] => (typeof delta === 'string' ? [delta] : delta)).map((piece) => {
    const itsKind = typeof piece === 'string' ? 'text' : piece.type;
    if (kind !== undefined && kind !== itsKind) content_index += 1;
    kind = itsKind;
    return { type: 'message.output.delta', ...place, content_index, ...spokenBy(speaker), role: 'assistant', content: piece };
  });
  const entry = { ...head, completed_at: head.created_at, ...spokenBy(speaker), role: 'assistant', content: joinContent(content) };
  return { entry, events };
}

function writeCall(output: Extract<Output, { kind: 'call' }>, output_index: number, head: Head): Written {
  const { speaker, call, needsConfirmation, style } = output;
  const status = needsConfirmation ? { confirmation_status: 'pending' } : {};
  const told = { ...spokenBy(speaker), name: call.name, tool_call_id: call.id };
  const place = { type: 'function.call.delta', created_at: head.created_at, output_index, id: head.id };
  const written = style.argumentsAs === 'object' ? argumentsObject(call) : call.argumentsText;
  const entry = { ...head, completed_at: head.created_at, ...told, arguments: written, ...status };
  if (style.shape === 'whole') return { entry, events: [{ ...place, ...told, arguments: written, ...status }] };

  const later = { repeated: told, missing: { name: '' }, null: { name: '', tool_call_id: null }, 'null-string': { name: '', tool_call_id: 'null' } };
  const repeated = later[style.givenLaterId ?? 'repeated'];
  const pieces = tokenise(call.argumentsText).map((text) => ({ ...place, ...repeated, arguments: text, ...status }));
  return { entry, events: [{ ...place, ...told, arguments: '', ...status }, ...pieces] };
}

function spokenBy({ id, model }: Speaker): { readonly agent_id: string | null; readonly model: string } {
  return { agent_id: id, model };
}

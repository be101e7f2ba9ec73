import { jsonFromSchema } from './jsonFromSchema.js';
import { lettersAndDigits, type Random } from './random.js';
import type { CompletionBody, Message, ToolCallStyle } from './reply.js';
import { tokenise } from './tokens.js';

/** A call that the answer makes; `argumentsText` is JSON. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly argumentsText: string;
}

interface FunctionTool {
  readonly name: string;
  readonly parameters: unknown;
}

/** A style with nothing left open. */
export type ResolvedStyle = { readonly [Field in keyof Omit<ToolCallStyle, 'parallel'>]-?: NonNullable<ToolCallStyle[Field]> };

/** The calls that a model would make: what `tool_choice` says, and with `auto` those of a first turn only. */
export function chooseToolCalls(body: CompletionBody, messages: readonly Message[], style: ToolCallStyle, random: Random): readonly ToolCall[] {
  const tools = functionTools(body);
  const choice = body['tool_choice'] ?? 'auto';
  if (tools.length === 0 || choice === 'none') return [];
  if (choice === 'auto' && messages.at(-1)?.role === 'tool') return [];

  const named = namedFunction(choice);
  const candidates = named === undefined ? tools : tools.filter(({ name }) => name === named);
  const wanted = body['parallel_tool_calls'] === false ? 1 : (style.parallel ?? (random.chance(0.3) ? 2 : 1));
  const calls: ToolCall[] = [];
  const firstTool = random.integer(0, candidates.length - 1);
  for (let i = 0; i < wanted; i += 1) {
    const tool = candidates[(firstTool + i) % candidates.length];
    if (!tool) break;
    const value = jsonFromSchema(tool.parameters, random);
    calls.push({ id: toolCallId(random), name: tool.name, argumentsText: JSON.stringify(value) });
  }
  return calls;
}

/** The function that a `tool_choice` names, if it names one. */
export function namedFunction(choice: unknown): string | undefined {
  const named = (choice as { readonly function?: { readonly name?: unknown } } | null | undefined)?.function?.name;
  return typeof named === 'string' ? named : undefined;
}

/** The offered tools that are functions; built-in connectors are never called. */
export function functionTools(body: CompletionBody): readonly FunctionTool[] {
  const offered = Array.isArray(body['tools']) ? (body['tools'] as readonly unknown[]) : [];
  return offered.flatMap((tool) => {
    const given = (tool as { readonly function?: { readonly name?: unknown; readonly parameters?: unknown } } | null)?.function;
    if (typeof given?.name !== 'string') return [];
    return [{ name: given.name, parameters: given.parameters ?? { type: 'object', properties: {} } }];
  });
}

/** Nine letters and digits, as Mistral's are. */
export function toolCallId(random: Random): string {
  return random.text(9, lettersAndDigits);
}

/** Draws what a style leaves open. */
export function resolveStyle(style: ToolCallStyle, calls: number, random: Random): ResolvedStyle {
  const shape = style.shape ?? random.pick(['whole', 'fragments']);
  const drawnLaterId = random.pick(['missing', 'null-string'] as const);
  const drawnIndex = random.chance(0.5);
  const drawnType = random.chance(0.5);
  return {
    shape,
    interleaved: style.interleaved ?? true,
    laterId: style.laterId ?? drawnLaterId,
    index: shape === 'fragments' ? calls > 1 || (style.index ?? true) : (style.index ?? drawnIndex),
    type: style.type ?? drawnType,
    argumentsAs: style.argumentsAs ?? 'text',
  };
}

/** A call as it stands whole in a message or a delta. */
export function wholeToolCall(call: ToolCall, index: number, style: ResolvedStyle): object {
  return {
    id: call.id,
    ...(style.type && { type: 'function' }),
    function: { name: call.name, arguments: style.argumentsAs === 'object' ? argumentsObject(call) : call.argumentsText },
    ...(style.index && { index }),
  };
}

/** The calls in pieces, a list of `tool_calls` for each delta. */
export function toolCallFragments(calls: readonly ToolCall[], style: ResolvedStyle): readonly (readonly object[])[] {
  const laterId = { missing: {}, null: { id: null }, 'null-string': { id: 'null' } }[style.laterId];
  const piecesOfCalls = calls.map((call, index) => {
    const place = style.index ? { index } : {};
    const type = style.type ? { type: 'function' } : {};
    const opening = { id: call.id, ...type, function: { name: call.name, arguments: '' }, ...place };
    const pieces = tokenise(call.argumentsText).map((text) => ({ ...laterId, ...type, function: { name: '', arguments: text }, ...place }));
    return [opening, ...pieces];
  });
  const ordered = style.interleaved ? alternate(piecesOfCalls) : piecesOfCalls.flat();
  return ordered.map((piece) => [piece]);
}

/** The first of each list, the second of each, and so on. */
export function alternate<Value>(lists: readonly (readonly Value[])[]): readonly Value[] {
  const [only] = lists;
  if (only && lists.length === 1) return only;
  const longest = Math.max(0, ...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list.slice(i, i + 1))).flat();
}

/** The arguments as a value, where they are JSON. */
export function argumentsObject(call: ToolCall): unknown {
  try {
    return JSON.parse(call.argumentsText);
  } catch {
    // Scripted arguments need not be JSON.
    return call.argumentsText;
  }
}

import type { ToolCall } from '@mistralai/mistralai/models/components/toolcall.js';
import type { CompletedToolCall } from './ChatEvent.js';

/** A call as far as it has come. */
export interface OpenToolCall {
  readonly id: string;
  readonly index: number;
  name: string;
  arguments: string;
}

/**
 * Joins the pieces of a stream's tool calls. Mistral sends a call whole, or as fragments, with or without `id` and
 * `index`; the rule that keeps different calls apart:
 *
 * - a new id starts a call, whatever its index;
 * - no id appends to the latest call at that index (and starts one where there is none);
 * - neither id nor index: the place in the delta's list stands for the index.
 */
export class ToolCallAssembler {
  readonly #calls: OpenToolCall[] = [];
  // By its id, and the latest one at each index: an id is a string, an index a number.
  readonly #known = new Map<string | number, OpenToolCall>();

  /** The calls in the order in which they began. */
  get calls(): readonly OpenToolCall[] {
    return this.#calls;
  }

  /**
   * Takes one entry of a delta's `toolCalls` (its raw `id` and `index`, not the SDK's defaults).
   *
   * @param position Where the entry stands in the list.
   * @param completionId Makes the ids of calls that come without one.
   * @returns the call, and the piece of arguments that was added.
   */
  add(piece: ToolCall, position: number, completionId: string): { readonly call: OpenToolCall; readonly added: string } {
    const id = isGiven(piece.id) ? piece.id : undefined;
    const index = typeof piece.index === 'number' ? piece.index : position;
    const call = this.#known.get(id ?? index) ?? this.#begin(id ?? makeId(completionId, this.#calls.length), index);
    // A proxy may drop `function` or send null in it: read what is there.
    const fragment = (piece.function as Partial<ToolCall['function']> | null | undefined) ?? {};
    if (call.name === '' && typeof fragment.name === 'string') call.name = fragment.name;
    const added = argumentsText(fragment.arguments);
    call.arguments += added;
    return { call, added };
  }

  #begin(id: string, index: number): OpenToolCall {
    const call = { id, index, name: '', arguments: '' };
    this.#calls.push(call);
    this.#known.set(id, call).set(index, call);
    return call;
  }
}

/** The call with its arguments as one JSON text: `{}` where none came. */
export function completeToolCall(call: OpenToolCall): CompletedToolCall {
  return { id: call.id, name: call.name, arguments: call.arguments === '' ? '{}' : call.arguments };
}

function argumentsText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

// The string "null" is what some servers and the SDK put where there is no id.
function isGiven(id: unknown): id is string {
  return typeof id === 'string' && id !== '' && id !== 'null';
}

/**
 * An id in the form that Mistral asks for (nine letters and digits), the same each time for the same completion and
 * place: the end of the completion's id, and the place.
 */
function makeId(completionId: string, position: number): string {
  const completion = completionId.replace(/[^a-z0-9]/gi, '').padStart(6, '0');
  return `${completion}${position.toString(36).padStart(3, '0')}`.slice(-9);
}

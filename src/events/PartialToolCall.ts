import type { DeepPartial } from './DeepPartial.js';

/** The arguments of a tool call as far as they have come (`done: false`), or whole and validated (`done: true`). */
export type PartialToolCall<Input = unknown, Output = Input> =
  | { readonly toolCallId: string; readonly name: string; readonly value: DeepPartial<Input>; readonly done: false }
  | { readonly toolCallId: string; readonly name: string; readonly value: Output; readonly done: true };

/** A piece of text in a message. */
export interface PartialTextChunk {
  type: 'text';
  text: string;
}

/** References in a message, by id. */
export interface PartialReferenceChunk {
  type: 'reference';
  referenceIds: (number | string)[];
}

/** A block of the model's thinking. */
export interface PartialThinkingChunk {
  type: 'thinking';
  thinking: (PartialTextChunk | PartialReferenceChunk)[];
  signature?: string | null | undefined;
  closed?: boolean | undefined;
}

/** A tool call as far as it had come; `arguments` may be cut JSON. */
export interface PartialToolCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
  index: number;
}

/**
 * An answer that did not come to its end. It has the shape of the SDK's `AssistantMessage` and can be sent back as
 * one (this room imports nothing, so the shape is written out; a type test holds the two together).
 */
export interface PartialMessage {
  role: 'assistant';
  content: string | (PartialTextChunk | PartialThinkingChunk | PartialReferenceChunk)[];
  toolCalls?: PartialToolCall[] | undefined;
}

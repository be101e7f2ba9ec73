/** A message of the user's, or another that the conversation was given. */
export interface MessageInput {
  readonly type: 'message.input';
  readonly role: 'user' | 'assistant';
  /** Text, or content chunks as the SDK has them. */
  readonly content: unknown;
}

/** A message of the model's. */
export interface MessageOutput {
  readonly type: 'message.output';
  readonly content: unknown;
  readonly agentId?: string | undefined;
  readonly model?: string | undefined;
}

/** The model has called a tool. */
export interface FunctionCall {
  readonly type: 'function.call';
  readonly toolCallId: string;
  readonly name: string;
  /** The JSON text. */
  readonly arguments: string;
}

/** The answer to a call. */
export interface FunctionResult {
  readonly type: 'function.result';
  readonly toolCallId: string;
  readonly result: string;
}

/** From here on the server knows the conversation under this id. */
export interface ConversationBound {
  readonly type: 'conversation.bound';
  readonly conversationId: string;
}

/** The turn before it is over. What stands behind the last one belongs to a turn that was broken off. */
export interface TurnDone {
  readonly type: 'turn.done';
}

/** What a store keeps of a conversation, one after the other. Plain JSON. */
export type ConversationEntry = MessageInput | MessageOutput | FunctionCall | FunctionResult | ConversationBound | TurnDone;

/** A conversation as a store has it. */
export interface StoredConversation {
  readonly id: string;
  /** The number of its entries: what the next `append` expects. */
  readonly version: number;
  readonly entries: readonly ConversationEntry[];
}

/** A conversation in a list. */
export interface ConversationSummary {
  readonly id: string;
  readonly version: number;
  /** When something was last added, in milliseconds since 1970. */
  readonly updatedAt: number;
}

/** Which conversations to list. */
export interface ListConversationsOptions {
  /**
   * At most so many: an integer of at least 1.
   * @defaultValue 100
   */
  readonly limit?: number | undefined;
  /**
   * Only those behind this id, which need not be there: to go on with a list. They are sorted by id, in the order of code
   * points: that of the UTF-8 bytes, which databases have.
   */
  readonly after?: string | undefined;
}

/**
 * Where conversations are kept, so that they survive the process and the server's memory: in memory
 * (`memoryConversationStore`), or in a database (`rxmistral/stores`). A store of one's own implements these four; each may
 * answer, or fail, at once or with a promise.
 *
 * An id is a text of 1 to 512 characters (UTF-16 code units), with no NUL and no half of a surrogate pair: what every
 * database can tell apart. Another one is a `TypeError` at the call, as entries are that are not plain JSON.
 */
export interface ConversationStore {
  /**
   * The whole conversation, or `undefined` where there is none.
   *
   * @throws RxMistralError of kind `protocol` where what is kept is no conversation: somebody has changed it.
   */
  load(id: string): StoredConversation | undefined | PromiseLike<StoredConversation | undefined>;
  /**
   * Adds entries behind the `expectedVersion` ones that are there (0 makes the conversation), all or none, and returns
   * the new version. It is done when the entries would survive a crash. No entries are none added: the version is
   * checked all the same, and no conversation is made.
   *
   * Where another error ends it, a broken connection for one, the entries may have been added: load the conversation and
   * look.
   *
   * @throws ConversationConflictError where the conversation has another version: somebody else has written.
   */
  append(id: string, entries: readonly ConversationEntry[], expectedVersion: number): number | PromiseLike<number>;
  /** Removes the conversation; whether it was there. */
  delete(id: string): boolean | PromiseLike<boolean>;
  /** The conversations, sorted by id. */
  list(options?: ListConversationsOptions): readonly ConversationSummary[] | PromiseLike<readonly ConversationSummary[]>;
}

/** A store that answers at once: that in memory, and those on a database that is part of the process. */
export interface SynchronousConversationStore extends ConversationStore {
  load(id: string): StoredConversation | undefined;
  append(id: string, entries: readonly ConversationEntry[], expectedVersion: number): number;
  delete(id: string): boolean;
  list(options?: ListConversationsOptions): readonly ConversationSummary[];
}

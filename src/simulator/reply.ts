import type { RecordedRequest } from './recordedRequest.js';

/** A content chunk as Mistral writes it: `{type:"text",text}`, `{type:"thinking",thinking:[…]}`, `{type:"reference",…}`. */
export interface ContentChunk {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** The content of one delta: a string, or a list of content chunks. */
export type ContentDelta = string | readonly ContentChunk[];

/** Token counts as they stand in a response. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly [field: string]: unknown;
}

/** How tool calls are written. What is left out is drawn from the seed. */
export interface ToolCallStyle {
  /** `'whole'`: all calls in one delta, with the finish reason. `'fragments'`: the arguments in pieces. */
  readonly shape?: 'whole' | 'fragments' | undefined;
  /** How many calls at once (the seeded answers only). @defaultValue 1 or 2, by the seed; 1 where the request says so */
  readonly parallel?: number | undefined;
  /** Fragments: whether those of parallel calls alternate. @defaultValue true */
  readonly interleaved?: boolean | undefined;
  /**
   * Fragments: the id of the later ones: none, `null` (which the SDK's own reader refuses) or the string `"null"`. Those of a
   * conversation repeat id and name, unless this is given.
   */
  readonly laterId?: 'missing' | 'null' | 'null-string' | undefined;
  /** Whether calls carry their `index`. Fragments of parallel calls always do, or nobody could join them. */
  readonly index?: boolean | undefined;
  /** Whether calls carry `type: "function"`. */
  readonly type?: boolean | undefined;
  /** Whether the arguments of a whole call are JSON text or an object. @defaultValue 'text' */
  readonly argumentsAs?: 'text' | 'object' | undefined;
}

export interface ReplyToolCall {
  /** @defaultValue nine letters and digits, from the seed */
  readonly id?: string | undefined;
  readonly name: string;
  /** JSON text, or a value to be written as such. */
  readonly arguments: unknown;
  /** Conversations: the server will run it itself, once a person has confirmed it (`tool_confirmations`). @defaultValue false */
  readonly needsConfirmation?: boolean | undefined;
}

/** A tool that runs on the server, in a conversation. */
export interface ReplyServerTool {
  /** Such as `'web_search'`. */
  readonly name: string;
  /** JSON text, or a value to be written as such. @defaultValue {} */
  readonly arguments?: unknown;
  /** What is said of it when it is done. @defaultValue nothing */
  readonly info?: Readonly<Record<string, unknown>> | undefined;
}

/** A scripted answer. It is sent as it stands: `max_tokens`, `stop` and `response_format` do not change it. */
export interface AnswerReply {
  /** A string is cut into tokens; a list gives the deltas themselves. */
  readonly text?: string | readonly string[] | undefined;
  /** Thinking, sent before the text, as content lists. */
  readonly thinking?: string | readonly string[] | undefined;
  /** The content of each delta, in whatever shape; takes the place of `text` and `thinking`. */
  readonly content?: readonly ContentDelta[] | undefined;
  /** Whether text is sent as strings or as `[{type:"text",text}]`. @defaultValue 'string' */
  readonly contentShape?: 'string' | 'list' | undefined;
  readonly toolCalls?: readonly ReplyToolCall[] | undefined;
  readonly toolCallStyle?: ToolCallStyle | undefined;
  /**
   * `null`: none is sent. A conversation has none: there, `null` leaves out `conversation.response.done`, and `'error'` is an `error`.
   *
   * @defaultValue 'tool_calls' where there are any, else 'stop'
   */
  readonly finishReason?: string | null | undefined;
  /** `null`: none is sent. @defaultValue counted */
  readonly usage?: Usage | null | undefined;
  readonly id?: string | undefined;
  readonly model?: string | undefined;
  /** Conversations: what runs on the server before the text. */
  readonly serverTools?: readonly ReplyServerTool[] | undefined;
  /** Conversations: the agents, by id, to whom it is handed over before all else, one after the other. */
  readonly handoffs?: readonly string[] | undefined;
  /** Conversations: ends in `conversation.response.error`, behind all else; a whole answer is a 500. */
  readonly error?: { readonly message?: string | undefined; readonly code?: number | undefined } | undefined;
}

/**
 * Exact events: a string is the event's data as it stands, anything else is written as JSON. `[DONE]` follows. In a stream of
 * audio or of a conversation, an event is named as its `type` says, and nothing follows.
 */
export interface EventsReply {
  readonly events: readonly unknown[];
  /** Whether `[DONE]` follows a completion. @defaultValue true */
  readonly done?: boolean | undefined;
}

/** Exact bytes of the response's body, for tests of the wire. Each piece of a list is one write. */
export interface RawReply {
  readonly raw: string | Uint8Array | readonly (string | Uint8Array)[];
  /** @defaultValue `{ 'content-type': 'text/event-stream; charset=utf-8' }`; a content type given here replaces it */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** @defaultValue 200 */
  readonly status?: number | undefined;
}

export type Reply = string | AnswerReply | EventsReply | RawReply;

/** A request body, as far as it is known. Of a form, its fields: texts, lists of them, and files without their content. */
export interface CompletionBody {
  readonly model?: string | undefined;
  readonly messages?: readonly Message[] | undefined;
  readonly [field: string]: unknown;
}

/** A message of a request. */
export interface Message {
  readonly role: string;
  readonly content?: string | readonly ContentChunk[] | null | undefined;
  readonly prefix?: boolean | undefined;
  readonly [field: string]: unknown;
}

/**
 * What to answer chat, agents, FIM and conversations with, and audio: one reply for all, or a function of the request's body and of `n`, the
 * number (from 0) of such answers asked for since this script was set. Where it returns `undefined`, the answer is the seeded one.
 *
 * The body is that of a chat, with the agent's model, instructions and tools or the prompt as a message, and of a conversation with
 * all its entries as messages and its `conversation_id`; `request.body` is as it came. A transcription takes the reply's `text` and `usage`, and speech only exact events and bytes.
 */
export type ReplyScript = Reply | ((body: CompletionBody, n: number, request: RecordedRequest) => Reply | undefined);

/**
 * A place in a response. `{ events: 2, bytes: 10 }` is ten bytes into the third event; events count `[DONE]`, bytes are
 * those of the body (not of HTTP's chunk framing). A whole answer, in JSON, counts as a single event; of a raw reply each piece
 * does, of a file each line. A place behind the end is the end.
 */
export type Position =
  | 'before-headers'
  | 'after-headers'
  | { readonly events?: number | undefined; readonly bytes?: number | undefined };

/** Ends the response as if all were well (a proper end of the chunked body), but too early. No length is announced then. */
export interface TruncateFault {
  readonly kind: 'truncate';
  /** Where it ends; `'after-headers'` is an empty 200. @defaultValue only what `omit` says */
  readonly at?: Exclude<Position, 'before-headers'> | undefined;
  /**
   * What an otherwise full answer leaves out: `[DONE]`, the chunks with a finish reason, or both. A stream that ends with an
   * event of its own (`transcription.done`, `speech.audio.done`, `conversation.response.done`) is left without that one, whichever is
   * named.
   *
   * @defaultValue `'both'`, or nothing where `at` or `blankLine` is given
   */
  readonly omit?: 'done' | 'finish' | 'both' | undefined;
  /** `false`: the last event that is sent lacks the blank line that would dispatch it. @defaultValue true */
  readonly blankLine?: boolean | undefined;
}

/**
 * Destroys the socket. What the request has changed stays changed: `at: 'before-headers'`, a batch job is made, and whoever
 * asked for it does not hear of it.
 */
export interface ResetFault {
  readonly kind: 'reset';
  /** @defaultValue `{ events: 1 }` */
  readonly at?: Position | undefined;
  /**
   * `'rst'` resets the connection, 20 ms behind the last bytes, so that a Node client sees both (it takes a reset that comes
   * together with data for a plain end); it can overtake bytes that the client has no room for yet (some 100 KB and more);
   * `'fin'` closes it, without the end of the chunked body, behind all that was written.
   *
   * @defaultValue 'rst'
   */
  readonly how?: 'rst' | 'fin' | undefined;
}

/** Sends nothing for a while, with the connection open. */
export interface StallFault {
  readonly kind: 'stall';
  /** @defaultValue `{ events: 1 }` */
  readonly at?: Position | undefined;
  /** How long, in ms, before it goes on. @defaultValue until the client leaves */
  readonly for?: number | undefined;
  /** Sends the comment `: ping` every so many ms meanwhile (only behind the headers). @defaultValue never */
  readonly pingEvery?: number | undefined;
}

/** Puts something unreadable into the stream (or in place of a whole JSON answer). */
export interface MalformedFault {
  readonly kind: 'malformed';
  /**
   * - `'bad-json'`: an event whose JSON breaks off;
   * - `'junk'`: a `data:` line of words;
   * - `'html'`: a proxy's error page, without any `data:`;
   * - `'error'`: the error object `{"object":"error", …}` as an event;
   * - `'wrapped-error'`: `{"error": {…}}` as an event;
   * - `{ text }`: exactly this text, which must bring its own line ends.
   *
   * @defaultValue 'bad-json'
   */
  readonly what?: 'bad-json' | 'junk' | 'html' | 'error' | 'wrapped-error' | { readonly text: string } | undefined;
  /** Before which event it stands, from 0. @defaultValue 1 */
  readonly at?: number | undefined;
  /** Whether the stream goes on or ends (properly) behind it. @defaultValue 'go-on' */
  readonly then?: 'go-on' | 'end' | undefined;
}

/**
 * The finish reason is `"error"`; the stream of a conversation ends in `conversation.response.error`. What has no finish reason
 * (audio, embeddings, …) stays as it is.
 */
export interface FinishErrorFault {
  readonly kind: 'finish-error';
  /** After how many events the answer finishes so. @defaultValue where it would have finished anyway */
  readonly at?: number | undefined;
}

/** Delivers the bytes in pieces, each a write and an HTTP chunk of its own, cutting wherever it falls. */
export interface SplitFault {
  readonly kind: 'split';
  /** Bytes a piece; `'random'` draws 1 to 64 from the seed. @defaultValue 1 */
  readonly size?: number | 'random' | undefined;
}

/** Delivers the whole body in one write. Delays between events do not apply. */
export interface CoalesceFault {
  readonly kind: 'coalesce';
}

/** Uses other line ends; `'mixed'` takes CRLF, LF and CR in turn. */
export interface LineEndsFault {
  readonly kind: 'line-ends';
  readonly ends: 'lf' | 'crlf' | 'cr' | 'mixed';
}

/** Begins the stream with a byte order mark. */
export interface ByteOrderMarkFault {
  readonly kind: 'byte-order-mark';
}

/** Puts a comment before events, as keep-alives do. */
export interface CommentsFault {
  readonly kind: 'comments';
  /** @defaultValue 'ping' */
  readonly text?: string | undefined;
  /** Before every so many events. @defaultValue 1 */
  readonly every?: number | undefined;
}

/** Adds `event:`, `id:` (its number) and `retry:` lines to each event, or spreads its JSON over several `data:` lines. */
export interface FieldsFault {
  readonly kind: 'fields';
  readonly event?: string | undefined;
  readonly id?: boolean | undefined;
  readonly retry?: number | undefined;
  readonly multiLineData?: boolean | undefined;
}

/** Answers with another status, body and headers instead of what was asked for. */
export interface StatusFault {
  readonly kind: 'status';
  /** 200 to 599. */
  readonly status: number;
  /**
   * The body: one of Mistral's shapes by name (`'error'`: `{object:"error",…}`; `'error-detail'`: the same with
   * `message: {detail:[…]}`; `'detail'`: `{detail:[…]}`; `'gateway'`: `{message, request_id}`), a proxy's `'html'` page,
   * `'empty'`, or one's own JSON or text.
   *
   * @defaultValue by status: 401, 403, 404, 405: gateway; 422: detail; 204 and 3xx: empty; else error
   */
  readonly body?:
    | 'error'
    | 'error-detail'
    | 'detail'
    | 'gateway'
    | 'html'
    | 'empty'
    | { readonly json: unknown }
    | { readonly text: string }
    | undefined;
  /** Added to (and replacing) those of the answer, e.g. `{ 'retry-after': '7' }`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Where a redirect points. */
  readonly location?: string | undefined;
  /** Sends half of the body and then nothing more, until the client leaves. @defaultValue false */
  readonly hang?: boolean | undefined;
}

/** Is slow, in ms per event or per byte, on top of the simulator's own delays. */
export interface SlowFault {
  readonly kind: 'slow';
  readonly perEvent?: number | undefined;
  /** Fractions are fine: each piece waits for its bytes. */
  readonly perByte?: number | undefined;
}

/** Sends an event twice, or all of them but the last (`[DONE]`, `transcription.done`, …). */
export interface DuplicateFault {
  readonly kind: 'duplicate';
  /** Which event, from 0, or `'all'`: the whole series a second time. @defaultValue 1 */
  readonly at?: number | 'all' | undefined;
}

/** Sends something newer than the client. */
export interface ExtraFault {
  readonly kind: 'extra';
  /**
   * - `'fields'`: unknown fields (`p`, `logprobs`, …), in completions at every level;
   * - `'finish-reason'`: an unknown finish reason;
   * - `'content-type'`: a content chunk of an unknown type, or such an event in a stream of named events;
   * - `'proto-type'`: a content chunk, or an event, whose type is `"__proto__"`;
   * - `'odd-field'`: a known field with a value of another type: when it was made, in words;
   * - `'proto-key'`: deltas, or named events, with a key `"__proto__"`.
   *
   * A whole answer takes `'fields'` and `'finish-reason'` only.
   *
   * @defaultValue 'fields'
   */
  readonly what?: 'fields' | 'finish-reason' | 'content-type' | 'proto-type' | 'odd-field' | 'proto-key' | undefined;
}

/** Keeps the response open behind its last event (`[DONE]`). */
export interface LateEndFault {
  readonly kind: 'late-end';
  /** How long, in ms. @defaultValue until the client leaves */
  readonly for?: number | undefined;
  /** Text to send behind the last event, before the wait. */
  readonly junk?: string | undefined;
}

/** Sends a whole answer or a file in chunks, without announcing its length. */
export interface NoLengthFault {
  readonly kind: 'no-length';
}

/** Makes one event this large, by filling its text or audio. */
export interface LargeFault {
  readonly kind: 'large';
  /** Size of the event in bytes, from its `data:` to its blank line; at most 256 MiB. */
  readonly bytes: number;
  /** Which event, from 0; one that holds nothing to fill passes it on to the next that does. @defaultValue 1 */
  readonly at?: number | undefined;
}

/** Marks the model as deprecated, by the header `x-model-deprecation-timestamp`. */
export interface DeprecatedFault {
  readonly kind: 'deprecated';
  /** @defaultValue '2026-12-31T00:00:00Z' */
  readonly timestamp?: string | undefined;
}

/** Everything that can go wrong with a response, told apart by `kind`. Faults of an array compose. */
export type Fault =
  | TruncateFault
  | ResetFault
  | StallFault
  | MalformedFault
  | FinishErrorFault
  | SplitFault
  | CoalesceFault
  | LineEndsFault
  | ByteOrderMarkFault
  | CommentsFault
  | FieldsFault
  | StatusFault
  | SlowFault
  | DuplicateFault
  | ExtraFault
  | LateEndFault
  | LargeFault
  | NoLengthFault
  | DeprecatedFault;

export type FaultKind = Fault['kind'];

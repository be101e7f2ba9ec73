/** One event of a stream. */
export interface StreamEvent {
  /** A string is sent as it stands; anything else as JSON. */
  readonly data: unknown;
  /** The name in its `event:` line, where it has one. */
  readonly event?: string | undefined;
}

/** What an endpoint answers, before any fault: an event stream, a JSON document, bytes as they are, or a file. */
export type Answer = EventsAnswer | JsonAnswer | BytesAnswer | FileAnswer;

interface AnswerBase {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What it costs of a token allowance; only answers that have a cost are subject to rate limits. */
  readonly tokens?: number | undefined;
  /** What giving this answer changes; not called where a rate limit takes its place. */
  readonly onAdmitted?: (() => void) | undefined;
  /** Called when the response is over, but not all of the answer was written: the client left, or a fault cut it. */
  readonly onCut?: (() => void) | undefined;
}

export interface EventsAnswer extends AnswerBase {
  readonly kind: 'events';
  readonly events: readonly StreamEvent[];
}

export interface JsonAnswer extends AnswerBase {
  readonly kind: 'json';
  readonly body: unknown;
}

export interface BytesAnswer extends AnswerBase {
  readonly kind: 'bytes';
  /** Each is written on its own. */
  readonly pieces: readonly Uint8Array[];
  /** A whole that is sent with its length, not a stream. */
  readonly isDocument: boolean;
}

/**
 * A file, or a part of it, read while it is sent; with its length, unless a fault says otherwise. Faults strike its bytes only:
 * `truncate`, `reset`, `stall`, `slow` (by bytes), `split`, `late-end` and `no-length`; its lines count as events.
 */
export interface FileAnswer extends AnswerBase {
  readonly kind: 'file';
  readonly size: number;
  /** The bytes from `start` on, `length` of them or as many as there are. */
  readonly read: (start: number, length: number) => Buffer;
}

/** The last event of a stream of completions. */
export const doneEvent: StreamEvent = { data: '[DONE]' };

/** An event whose name is its type, as all streams but those of completions have them. */
export interface NamedData {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** The last events of streams of named events. */
const lastTypes: readonly string[] = ['transcription.done', 'speech.audio.done', 'conversation.response.done'];

export function namedEvent(data: NamedData): StreamEvent {
  return { event: data.type, data };
}

export function isNamedData(data: unknown): data is NamedData {
  return typeof data === 'object' && data !== null && 'type' in data && typeof data.type === 'string';
}

/** Whether an event says that it is the last. */
export function isLastEvent({ data }: StreamEvent): boolean {
  return data === doneEvent.data || (isNamedData(data) && lastTypes.includes(data.type));
}

export function jsonAnswer(status: number, body: unknown, headers?: Readonly<Record<string, string>>): JsonAnswer {
  return { kind: 'json', status, body, headers };
}

/** A 204: it is done, and there is nothing to say. */
export const emptyAnswer: Answer = { kind: 'bytes', status: 204, pieces: [], isDocument: true, tokens: 0 };

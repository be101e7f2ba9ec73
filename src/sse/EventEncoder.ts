import { isRecord } from '../errors/isRecord.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import { toRxMistralError } from '../errors/toRxMistralError.js';
import type { ErrorEvent } from '../events/ChatEvent.js';
import type { ReplayEvent } from '../events/ReplayStore.js';

/** An event that goes out: as a store keeps it, or with an id of the user's, or with none (`''`). */
export interface OutgoingEvent<Id extends number | string = number | string> extends Omit<ReplayEvent, 'id'> {
  readonly id: Id;
}

/** How values become events. */
export interface Encoding<T, Id extends number | string> {
  readonly id: (value: T, index: number) => Id;
  /** The id of the event that tells of an error. */
  readonly errorId: (index: number) => Id;
  readonly event?: ((value: T, index: number) => string) | undefined;
}

/** Makes events of the values of one source, and of its error. */
export class EventEncoder<T, Id extends number | string = number | string> {
  readonly #encoding: Encoding<T, Id>;
  #count = 0;
  #requestId: string | undefined;

  constructor(encoding: Encoding<T, Id>) {
    this.#encoding = encoding;
  }

  /** @throws RxMistralError of kind `validation` for a value, a name or an id that no event can have. */
  encode(value: T): OutgoingEvent<Id> {
    const { id, event } = this.#encoding;
    const index = this.#count;
    // Not JSON of anything: `undefined`, a function.
    const data = JSON.stringify(value) as string | undefined;
    if (data === undefined) throw invalid('A value of the source has no JSON');
    if (isRecord(value) && typeof value['requestId'] === 'string') this.#requestId = value['requestId'];
    const encoded = { id: id(value, index), event: event?.(value, index) ?? '', data };
    if (hasLineEnd(encoded.event) || hasLineEnd(encoded.id)) throw invalid('The id or the name of an event has a line end in it');
    this.#count += 1;
    return encoded;
  }

  /**
   * What the source failed with, as `errorAsEvent()` would have it, but without its cause: what code of this side threw says
   * nothing to the client, and may quote what is none of its business.
   */
  encodeError(thrown: unknown): OutgoingEvent<Id> {
    const error = toRxMistralError(thrown).with({ cause: undefined });
    const event: ErrorEvent = { type: 'error', requestId: this.#requestId ?? error.requestId ?? '', error };
    const index = this.#count;
    this.#count += 1;
    return { id: this.#encoding.errorId(index), event: '', data: JSON.stringify(event) };
  }
}

/** The event as it stands in the stream. JSON has no line ends, so that its data is one line. */
export function eventText({ id, event, data }: OutgoingEvent): string {
  const idLine = id === '' ? '' : `id: ${id}\n`;
  const eventLine = event === '' ? '' : `event: ${event}\n`;
  return `${idLine}${eventLine}data: ${data}\n\n`;
}

function hasLineEnd(text: number | string): boolean {
  return typeof text === 'string' && /[\r\n\0]/.test(text);
}

function invalid(message: string): RxMistralError {
  return new RxMistralError({ kind: 'validation', message });
}

import { asyncScheduler, type Subscriber } from 'rxjs';
import { isRxMistralError, RxMistralError } from '../errors/RxMistralError.js';
import { EventStreamParser } from '../events/EventStreamParser.js';
import { readErrorReport } from './httpError.js';
import { isObject, parseJson } from './json.js';
import type { Redaction } from './redaction.js';
import type { SdkCall } from './SdkCall.js';
import { brokenStreamError, protocolError } from './sdkError.js';

/** The default bound of one event: 8 MiB. */
export const defaultMaxEventBytes = 8_388_608;

const endMarker = '[DONE]';
// After the end marker the rest of the body is read, so that the socket can be used again; a server that sends more
// than this, or takes longer, loses the socket.
const maxRestBytes = 16_384;
const maxRestMs = 1_000;

export interface EventStreamReading<Ev> {
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly decode: (json: unknown, event: string) => Ev | undefined;
  readonly maxEventBytes: number;
  /** The call that the stream belongs to. When the end marker has come, the reader ends it itself. */
  readonly call: Pick<SdkCall, 'abort' | 'release' | 'redaction'>;
}

/**
 * Reads the body of an event stream into `subscriber`. Awaits nothing but the next read of the socket and delivers
 * synchronously, so that all that has arrived is delivered before an end or an error is.
 */
export async function readEventStream<Ev>(subscriber: Subscriber<Ev>, reading: EventStreamReading<Ev>): Promise<void> {
  const { reader, call } = reading;
  const isClosed = (): boolean => subscriber.closed;
  const parser = new EventStreamParser(
    {
      onEvent: (data, event) => {
        if (data === endMarker) return false;
        // Some proxies keep a connection open with events that hold nothing.
        if (data === '') return true;
        subscriber.next(decodeEvent(data, event, reading));
        return !isClosed();
      },
    },
    reading.maxEventBytes,
  );
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (isClosed()) return;
      if (done) break;
      if (parser.push(value)) continue;
      if (!isClosed()) void readRest(reading);
      break;
    }
    subscriber.complete();
  } catch (error) {
    subscriber.error(isRxMistralError(error) ? error : brokenStreamError(error, call.redaction));
  }
}

function decodeEvent<Ev>(data: string, event: string, { decode, call }: EventStreamReading<Ev>): Ev {
  const { redaction } = call;
  const json = withoutSecrets(parseJson(data), data, event, redaction);
  if (event === 'error' || isErrorObject(json)) throw streamError(data, json, redaction);
  if (json === undefined) throw protocolError('An event of the stream is not JSON', data, redaction);
  const decoded = decode(json, event);
  if (decoded === undefined) throw protocolError('An event of the stream makes no sense here', data, redaction);
  return decoded;
}

// The error of a conversation is an event like others, but its words are an error's, which may quote the key.
function withoutSecrets(json: unknown, data: string, event: string, redaction: Redaction): unknown {
  const type = 'conversation.response.error';
  if (event !== type && !(isObject(json) && json['type'] === type)) return json;
  return parseJson(redaction.text(data)) ?? { type };
}

// A field `error` that is empty or false says that there is none.
function isErrorObject(json: unknown): boolean {
  return isObject(json) && (json['object'] === 'error' || Boolean(json['error']));
}

// An event that is named `error` may hold no object but a string, or words that are no JSON.
// Where it is JSON no longer without its secrets (a key of digits stands in numbers too), nothing of it is taken over.
function streamError(data: string, json: unknown, redaction: Redaction): RxMistralError {
  const text = redaction.text(data);
  const clean = json === undefined ? text : parseJson(text);
  const { message, code, type = '', requestId } = readErrorReport(isObject(clean) ? clean : { message: clean });
  return new RxMistralError({
    kind: 'stream',
    message: message ?? 'The server reported an error in the stream',
    code,
    requestId,
    retryable: !isRequestAtFault(code, type),
  });
}

// A code such as 400 or 422, or a type such as `invalid_request_error`, says that it will be so the next time too.
function isRequestAtFault(code = '', type: string): boolean {
  return /^4(?!08|29)\d\d$/.test(code) || type.startsWith('invalid');
}

// Runs on when the subscriber is gone: the answer is whole and delivered, and how its connection ends is nobody's
// concern any more.
async function readRest({ reader, call }: EventStreamReading<unknown>): Promise<void> {
  call.release();
  const abort = (): void => {
    call.abort();
  };
  const deadline = asyncScheduler.schedule(abort, maxRestMs);
  try {
    for (let rest = 0; rest <= maxRestBytes; ) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += value.byteLength;
    }
    abort();
  } catch {
    abort();
  } finally {
    deadline.unsubscribe();
  }
}

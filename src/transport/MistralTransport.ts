import type { MistralCore } from '@mistralai/mistralai/core.js';
import type { RequestOptions } from '@mistralai/mistralai/lib/sdks.js';
import type { Result } from '@mistralai/mistralai/types/fp.js';
import type { Observable } from 'rxjs';
import type { RxMistralError } from '../errors/RxMistralError.js';

/** One of the SDK's standalone functions. */
export type SdkFunction<Req, Res> = (
  client: MistralCore,
  request: Req,
  options?: RequestOptions,
) => PromiseLike<Result<Res>>;

/** An endpoint that answers once. `Name` is the SDK's method path (`'chat.complete'`). */
export interface UnaryOperation<Name extends string, Req, Res> {
  readonly name: Name;
  readonly kind: 'unary';
  /** Checks the request and sends it. */
  readonly send: SdkFunction<Req, Res>;
  /**
   * Reads an answer that the SDK's own check refused (an enum or a field that it does not know yet), from its raw
   * JSON. Returns `undefined` where the answer makes no sense to it either. Without it such an answer is an error.
   */
  readonly decode?: ((json: unknown) => Res | undefined) | undefined;
  /**
   * Makes the body that is really sent, of the form that the SDK has made and the request: for a file that the SDK would hold in
   * memory, and is given an empty one of by `send`. `onError` ends the call, with the error as it is.
   */
  readonly body?: ((form: FormData, request: Req, onError: (error: unknown) => void) => RequestBody) | undefined;
  /**
   * Makes the answer of a body that nobody has read, for one that is left to its reader: `call` stays open until that is done with
   * it. What the SDK makes of the answer is not used then.
   */
  readonly open?: ((response: OpenResponse) => Res) | undefined;
}

/** A body on its way out, which is read as the connection takes it. */
export interface RequestBody {
  readonly contentType: string;
  /** `undefined` where nobody knows it: the body is sent in chunks then. */
  readonly contentLength: number | undefined;
  readonly stream: ReadableStream<Uint8Array>;
  /** The call is over: no more of it is wanted. */
  cancel(): void;
}

/** A response with its body unread. */
export interface OpenResponse extends ResponseMeta {
  /** Cancelled with the call. */
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  /** Whether nobody is subscribed to the call any more. */
  readonly isClosed: () => boolean;
  /** The error of a connection that broke. */
  readonly describe: (error: unknown) => RxMistralError;
  /** To be called when the body was read to its end, or broke: completes the call. */
  readonly onEnd: () => void;
}

/** An endpoint that answers with an event stream. `Name` is the SDK's method path (`'chat.stream'`). */
export interface StreamOperation<Name extends string, Req, Ev> {
  readonly name: Name;
  readonly kind: 'stream';
  /** Checks the request and sends it. The stream is read by this library; what the SDK makes of it is not used. */
  readonly send: SdkFunction<Req, unknown>;
  /**
   * Turns the JSON of one event into the event, in place; `event` is its name in the stream, `''` where it has none.
   * Returns `undefined` where it makes no sense: a `protocol` error follows.
   */
  readonly decode: (json: unknown, event: string) => Ev | undefined;
}

/** What the port takes with a request. */
export interface TransportOptions {
  /** Sent with the request, over the client's own headers. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * The largest event that is read, in bytes. A larger one is an error of kind `limit`.
   * @defaultValue 8,388,608 (8 MiB)
   */
  readonly maxEventBytes?: number | undefined;
  /** Called with status and headers of each response, an error's too, before its body is read. */
  readonly onResponse?: ((response: ResponseMeta) => void) | undefined;
}

/** The head of a response. */
export interface ResponseMeta {
  readonly status: number;
  readonly headers: Headers;
}

/**
 * The one door to Mistral: every source calls one of these two functions and nothing else. It is Observable-shaped,
 * so that a fake of it (`rxmistral/testing`) runs in virtual time.
 *
 * Both are cold: a subscription is one HTTP call, unsubscribing ends it, down to the socket.
 */
export interface MistralTransport {
  /** Emits the one answer and completes; where that is a file to be read, when it was: see `FileDownload`. */
  call<Name extends string, Req, Res>(
    operation: UnaryOperation<Name, Req, Res>,
    request: Req,
    options?: TransportOptions,
  ): Observable<Res>;
  /** Emits the events as they arrive and completes at `[DONE]` or at the end of the body. */
  stream<Name extends string, Req, Ev>(
    operation: StreamOperation<Name, Req, Ev>,
    request: Req,
    options?: TransportOptions,
  ): Observable<Ev>;
  /** Makes the ids of requests where the caller gives none; UUIDs without it. A fake hands out predictable ones. */
  readonly createRequestId?: (() => string) | undefined;
}

/** That part of the door which a source of a stream needs. */
export type StreamTransport = Pick<MistralTransport, 'stream' | 'createRequestId'>;

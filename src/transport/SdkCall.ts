import type { MistralCore } from '@mistralai/mistralai/core.js';
import { env } from '@mistralai/mistralai/lib/env.js';
import { HTTPClient } from '@mistralai/mistralai/lib/http.js';
import type { Logger } from '@mistralai/mistralai/lib/logger.js';
import type { RequestOptions } from '@mistralai/mistralai/lib/sdks.js';
import type { Mistral } from '@mistralai/mistralai/sdk/sdk.js';
import { definedFields } from '../errors/definedFields.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import { maxRedirects, redirectTarget } from './redirect.js';
import { Redaction } from './redaction.js';
import type { ResponseMeta, SdkFunction } from './MistralTransport.js';

/** A client of the SDK, of whichever of its classes. */
export type SdkClient = Mistral | MistralCore;

type SdkOptions = MistralCore['_options'];
type Send = MistralCore['_do'];

/** The end of a call: what the server said, whatever the SDK made of it. */
export interface CapturedResponse extends ResponseMeta {
  readonly contentType: string;
  /** The body of an event stream or of a download, unread. */
  readonly stream?: ReadableStream<Uint8Array> | undefined;
  /** The body of any other response, at most 64 KiB of it where it is no success; missing until it came to its end. */
  readonly text?: string | undefined;
}

export interface SdkCallOptions {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly onResponse?: ((response: ResponseMeta) => void) | undefined;
  /** Leaves the body of a success unread, whatever it is; the SDK is shown an empty answer of this type. */
  readonly leavesBodyAs?: string | undefined;
}

/** Sends what is made of the SDK's request, with the signal of this call, by `send`. */
export type SendRequest = (request: Request, signal: AbortSignal, send: (made: Request) => Promise<Response>) => Promise<Response>;

const maxFailureBytes = 65_536;
// Far above any single answer; it bounds what a server that never ends can make us hold.
const maxAnswerBytes = 2 ** 28;

/**
 * One call of one of the SDK's functions. The SDK checks, authenticates, runs hooks and maps errors; the socket is
 * ours:
 *
 * - The request goes out with a signal that this call owns and holds. The SDK sends a clone of its request, whose link
 *   to the original signal is weak: after a garbage collection an abort does not arrive.
 * - The body of an event stream is taken out behind the user's hooks and the SDK's tracing, which see the real
 *   response; the SDK's reader gets an empty stand-in.
 * - Every other body is read here too, so that a cancel also ends a body that hangs; but for that of a download, which is left
 *   to its reader.
 * - A form with a file is streamed: the SDK has made one with an empty file, and its place is taken here ({@link SendRequest}),
 *   before the user's hooks, which see what is sent. (A hook that reads that body leaves nothing to send; one that clones it holds
 *   all of it.)
 *
 * All of it hangs on a core of the SDK's own class, made for this call from the client's options.
 */
export class SdkCall {
  /** What the server answered; `undefined` until it did. */
  response: CapturedResponse | undefined;

  /** Knows the secrets of this call. */
  readonly redaction = new Redaction();

  readonly #controller = new AbortController();
  readonly #options: SdkCallOptions;
  // Held for as long as the call: a request that the collector takes loses its link to the signal.
  readonly #sent: Request[] = [];
  #released = false;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

  constructor(options: SdkCallOptions) {
    this.#options = options;
  }

  /** Calls the SDK's function; rejects with whatever it fails with. */
  send<Req, Res>(
    client: SdkClient,
    send: SdkFunction<Req, Res>,
    request: Req,
    sendRequest: SendRequest = (made, signal, sendMade) => sendMade(new Request(made, { signal, redirect: 'manual' })),
  ): ReturnType<SdkFunction<Req, Res>> {
    const options: RequestOptions = {
      // A signal of ours also switches the SDK's own timeout off, which could not be combined with it.
      signal: this.#controller.signal,
      retries: { strategy: 'none' },
      ...definedFields({ headers: this.#options.headers }),
    };
    return send(this.#createCore(client, sendRequest), request, options);
  }

  /** The reader of the event stream's body: cancelled with the call. */
  read(stream: ReadableStream<Uint8Array>): ReadableStreamDefaultReader<Uint8Array> {
    this.#reader = stream.getReader();
    return this.#reader;
  }

  /** The call is over and its connection is good: from here on {@link SdkCall.close} leaves it alone. */
  release(): void {
    this.#released = true;
  }

  /** Ends the call unless it was released. */
  close(): void {
    if (!this.#released) this.abort();
  }

  /** Ends the call: the request, or what is left of the response. */
  abort(): void {
    this.#controller.abort();
    // Behind a body that a hook or a custom fetcher has wrapped, the signal alone may not reach the socket.
    (this.#reader ?? this.response?.stream)?.cancel().catch(ignore);
  }

  #createCore(client: SdkClient, sendRequest: SendRequest): MistralCore {
    const Core = coreClassOf(client);
    const { httpClient, debugLogger, ...options } = client._options;
    const { apiKey } = options;
    this.#learnSecrets(options);
    const core = new Core({
      ...options,
      ...definedFields({
        apiKey: typeof apiKey === 'function' ? () => this.#learnKey(apiKey) : apiKey,
        debugLogger: this.#loggerFor(debugLogger),
      }),
      httpClient: this.#httpClient(sendRequest, httpClient),
    });
    const send: Send = core._do.bind(core);
    core._do = (request, context) => this.#sendAndCapture(send, request, context);
    return core;
  }

  // A key that no header can carry is quoted by the error, before any request is there to learn it from.
  #learnSecrets({ apiKey, serverURL = '' }: SdkOptions): void {
    for (const key of [apiKey, env().MISTRAL_API_KEY]) if (typeof key === 'string') this.redaction.learnSecret(key);
    for (const [name, value] of Object.entries(this.#options.headers ?? {})) this.redaction.learnHeader(name, value);
    if (!URL.canParse(serverURL)) return;
    const { username, password } = new URL(serverURL);
    for (const secret of [username, password]) this.redaction.learnSecret(secret);
  }

  async #learnKey(apiKey: () => Promise<string>): Promise<string> {
    const key = await apiKey();
    this.redaction.learnSecret(key);
    return key;
  }

  #httpClient(sendRequest: SendRequest, client: HTTPClient = new HTTPClient()): HTTPClient {
    const inner = this.#holdingClient(client);
    const outer = new HTTPClient();
    const sendMade = (made: Request): Promise<Response> => {
      this.#sent.push(made);
      return inner.request(made);
    };
    outer.request = async (request) => {
      // A fetcher may not look at the signal; nobody waits for the answer.
      const { signal } = this.#controller;
      signal.throwIfAborted();
      this.redaction.learn(request.headers);
      return sendRequest(request, signal, sendMade);
    };
    return outer;
  }

  // A request that a hook of the user's puts in the place of ours follows its signal by a link that is as weak, so it is
  // held too: by a last hook on a copy of the client. A class that does not copy itself is used as it is.
  #holdingClient(client: HTTPClient): HTTPClient {
    const copy = typeof client.clone === 'function' ? client.clone() : client;
    if (copy === client || copy.constructor !== client.constructor) return client;
    return copy.addHook('beforeRequest', (request) => {
      this.#sent.push(request);
    });
  }

  #loggerFor(logger: Logger | undefined): Logger | undefined {
    if (logger !== undefined) return this.redaction.logger(logger);
    // The SDK takes any value of the variable for "on", '0' too, and would log to the console, the key included.
    if (env().MISTRAL_DEBUG !== true) return undefined;
    return isDebugOff() ? silentLogger : this.redaction.logger(console);
  }

  async #sendAndCapture(send: Send, request: Request, context: Parameters<Send>[1]): ReturnType<Send> {
    this.redaction.learn(request.headers);
    let current = request;
    for (let redirects = 0; ; redirects++) {
      const result = await send(current, context);
      if (!result.ok) return result;
      const target = redirects < maxRedirects ? redirectTarget(current, result.value) : undefined;
      if (target === undefined) return { ok: true, value: await this.#capture(result.value) };
      current = new Request(target, current.clone());
      // Not awaited: of a body that a hook has cloned it resolves when both are cancelled, which may be never.
      result.value.body?.cancel().catch(ignore);
    }
  }

  // Keeps what the server sent and returns what the SDK is to see of it.
  async #capture(response: Response): Promise<Response> {
    const { status, headers, body } = response;
    if (this.#controller.signal.aborted) {
      // It came in spite of the signal, or the call ended while a hook was at work.
      body?.cancel().catch(ignore);
      this.#controller.signal.throwIfAborted();
    }
    const contentType = headers.get('content-type') ?? '';
    const head = { status, headers, contentType };
    this.response = head;
    this.#options.onResponse?.({ status, headers });
    const { leavesBodyAs } = this.#options;
    if (response.ok && body !== null && (leavesBodyAs !== undefined || isEventStream(contentType))) {
      this.response = { ...head, stream: body, text: '' };
      return new Response('', leavesBodyAs === undefined ? { status, headers } : { headers: { 'content-type': leavesBodyAs } });
    }
    const maxBytes = response.ok ? maxAnswerBytes : maxFailureBytes;
    const bytes = body === null ? undefined : await readAll(this.read(body), maxBytes);
    if (response.ok && bytes?.byteLength === maxBytes) {
      throw new RxMistralError({ kind: 'limit', message: `The answer is larger than ${maxBytes} bytes`, status });
    }
    this.response = { ...head, text: new TextDecoder().decode(bytes) };
    // A status such as 204 allows no body, not even an empty one.
    return new Response(bytes?.byteLength ? bytes : null, { status, headers });
  }
}

/**
 * The base class of the SDK that `client` was made with, found by the method that every call goes through: in another
 * copy of the SDK than ours, only its own class takes over the client's hooks.
 */
function coreClassOf(client: SdkClient): new (options: SdkOptions) => MistralCore {
  let prototype: object | null = client;
  while (prototype !== null && !Object.hasOwn(prototype, '_createRequest')) {
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  return (prototype ?? client).constructor as new (options: SdkOptions) => MistralCore;
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>, maxBytes: number): Promise<ArrayBuffer> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (let length = 0; length < maxBytes; ) {
    const { done, value } = await reader.read();
    if (done) return new Blob(chunks).arrayBuffer();
    chunks.push(value as Uint8Array<ArrayBuffer>);
    length += value.byteLength;
  }
  // Not awaited: of a body that a hook has cloned it resolves when both are cancelled, which may be never.
  reader.cancel().catch(ignore);
  return new Blob(chunks).slice(0, maxBytes).arrayBuffer();
}

function isEventStream(contentType: string): boolean {
  return /^\s*text\/event-stream\s*(;|$)/i.test(contentType);
}

function isDebugOff(): boolean {
  const { process } = globalThis as { readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> } };
  return /^\s*(0|false|no|off|)\s*$/i.test(process?.env?.['MISTRAL_DEBUG'] ?? '');
}

const silentLogger: Logger = { group: ignore, groupEnd: ignore, log: ignore };

function ignore(): void {
  // On purpose: nothing is to be done.
}

import { Observable, type Subscriber } from 'rxjs';
import { describeCause } from '../errors/describeCause.js';
import { isRxMistralError, RxMistralError, TruncatedStreamError } from '../errors/RxMistralError.js';
import { toRxMistralError } from '../errors/toRxMistralError.js';
import { EventStreamParser } from '../events/EventStreamParser.js';
import { connectionError, contentTypeError, readErrorBody, statusError } from './responseError.js';
import type { ServerSentEvent } from './ServerSentEvent.js';
import type { StreamState } from './StreamState.js';
import type { Accept, StreamSettings } from './StreamSettings.js';
import { Watchdog } from './Watchdog.js';

/**
 * One connection of an event stream, from where `state` stands. Completes where the server says that there is no more (204);
 * every other end is an error, and `retryable` where another connection may go on.
 *
 * Constructed, because it owns the controller that closes the socket. It awaits nothing but the next read, and delivers
 * synchronously: what has arrived is delivered before an end or an error is.
 */
export function connectStream(settings: StreamSettings, state: StreamState, accept: Accept): Observable<ServerSentEvent> {
  return new Observable((subscriber) => {
    const connection = new Connection(settings, state, accept, subscriber);
    subscriber.add(() => {
      connection.close();
    });
    void connection.run();
  });
}

class Connection {
  readonly #settings: StreamSettings;
  readonly #state: StreamState;
  readonly #accept: Accept;
  readonly #subscriber: Subscriber<ServerSentEvent>;
  // Our own, and given to `fetch` itself: the link from a request to the signal that it was made with is weak, and a
  // collection cuts it.
  readonly #controller = new AbortController();
  readonly #watchdog: Watchdog;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

  constructor(settings: StreamSettings, state: StreamState, accept: Accept, subscriber: Subscriber<ServerSentEvent>) {
    this.#settings = settings;
    this.#state = state;
    this.#accept = accept;
    this.#subscriber = subscriber;
    const { idleTimeout, scheduler } = settings;
    this.#watchdog = new Watchdog(idleTimeout, scheduler, () => {
      const message = `The event stream was silent for ${idleTimeout} ms`;
      this.#fail(new RxMistralError({ kind: 'timeout', which: 'idle', message, retryable: true }));
    });
  }

  close(): void {
    this.#watchdog.stop();
    this.#controller.abort();
    // What it ends with is nobody's concern any more.
    this.#reader?.cancel().catch(() => undefined);
  }

  async run(): Promise<void> {
    try {
      const response = await this.#send();
      if (this.#subscriber.closed) {
        response.body?.cancel().catch(() => undefined);
        return;
      }
      this.#reader = response.body?.getReader();
      await this.#receive(response);
    } catch (error) {
      this.#fail(isRxMistralError(error) ? error : connectionError('The connection broke', error));
    }
  }

  async #send(): Promise<Response> {
    let request: Request;
    try {
      request = this.#createRequest();
    } catch (error) {
      throw new RxMistralError({ kind: 'validation', message: 'The request could not be made', cause: describeCause(error, withoutPassword) });
    }
    this.#state.sending(request, !(this.#settings.request.body instanceof ReadableStream));
    this.#watchdog.start();
    try {
      return await this.#settings.fetch(request, { signal: this.#controller.signal });
    } catch (error) {
      throw isRxMistralError(error) ? error : connectionError('No connection to the server', error);
    }
  }

  #createRequest(): Request {
    const { input, request: init } = this.#settings;
    const { lastEventId } = this.#state;
    // The user's signal is heard where the connections are made: it ends the wait between two as well.
    const { signal: _, ...rest } = init;
    // A body can be sent once: that of a request is left for the next time.
    const request = new Request(input instanceof Request ? input.clone() : input, { cache: 'no-store', ...rest });
    if (!request.headers.has('accept')) request.headers.set('accept', 'text/event-stream');
    if (lastEventId !== '') request.headers.set('last-event-id', bytesOf(lastEventId));
    return request;
  }

  async #receive(response: Response): Promise<void> {
    const { status, headers } = response;
    if (status === 204) {
      this.#subscriber.complete();
      return;
    }
    if (status !== 200) {
      const body = this.#reader === undefined ? '' : await readErrorBody(this.#reader);
      throw statusError(response, body, this.#settings.scheduler.now());
    }
    if (!isEventStream(headers.get('content-type'))) throw contentTypeError(response);
    this.#tellOpen();
    if (this.#reader !== undefined) await this.#readEvents(this.#reader);
    if (this.#subscriber.closed) return;
    throw new TruncatedStreamError({ message: 'The server has ended the event stream' });
  }

  // What the user's code throws is no broken connection, which would be made again.
  #tellOpen(): void {
    try {
      this.#settings.onOpen?.();
    } catch (error) {
      throw toRxMistralError(error).with({ retryable: false });
    }
  }

  async #readEvents(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    let retry: number | undefined;
    const parser: EventStreamParser = new EventStreamParser(
      {
        onRetry: (milliseconds) => {
          retry = milliseconds;
          this.#state.asked(milliseconds);
        },
        onEvent: (data, name, id) => {
          const event = { event: name === '' ? 'message' : name, data, id, ...(retry === undefined ? {} : { retry }) };
          retry = undefined;
          if (!this.#accept(event, parser.namesId)) return true;
          // Before it is delivered: who hears of it may look, or unsubscribe and come back.
          this.#state.received(event);
          this.#state.reached(id);
          this.#subscriber.next(event);
          return !this.#subscriber.closed;
        },
      },
      this.#settings.maxEventBytes,
      this.#state.lastEventId,
    );
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.#subscriber.closed) return;
      this.#watchdog.start();
      if (!parser.push(value)) return;
      // An id may stand in a block without data.
      this.#state.reached(parser.lastEventId);
    }
  }

  #fail(error: RxMistralError): void {
    this.#subscriber.error(error);
  }
}

// The essence of the media type; its parameters say nothing here.
function isEventStream(contentType: string | null): boolean {
  return contentType !== null && /^\s*text\/event-stream\s*(?:;|$)/i.test(contentType);
}

// The engine quotes the URL.
function withoutPassword(text: string): string {
  return text.replace(/\/\/[^\s/?#]*@/g, '//');
}

// As UTF-8, in the one form in which `fetch` takes it: a character for each byte.
function bytesOf(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

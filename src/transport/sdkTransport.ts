import { asyncScheduler, Observable, type Subscriber, type Subscription } from 'rxjs';
import { maxTimerMs } from '../errors/expect.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import { isObject } from './json.js';
import type {
  MistralTransport,
  ResponseMeta,
  StreamOperation,
  TransportOptions,
  UnaryOperation,
} from './MistralTransport.js';
import { defaultMaxEventBytes, readEventStream } from './readEventStream.js';
import { Redaction } from './redaction.js';
import { SdkCall, type SdkClient } from './SdkCall.js';
import { sdkError, unexpectedResponse } from './sdkError.js';

/**
 * The transport over a client of the SDK. Sources make it by themselves where they are given the client.
 *
 * The client's server URL, key (a function too), `HTTPClient`, hooks, logger (redacted) and tracing are used as they
 * are; hooks for the SDK's start run for every call. Its `timeoutMs` is the deadline of each call, as in the SDK. Its
 * `retryConfig` is not used: the SDK's retries can be neither seen nor cancelled; the sources' `retry` can.
 *
 * ```ts
 * const transport = sdkTransport(new MistralCore({ apiKey: process.env['MISTRAL_API_KEY'] }));
 * chatStream(transport, { model: 'mistral-small-latest', messages }).subscribe(console.log);
 * ```
 */
export function sdkTransport(client: SdkClient): MistralTransport {
  return {
    call<Name extends string, Req, Res>(
      operation: UnaryOperation<Name, Req, Res>,
      request: Req,
      options: TransportOptions = {},
    ): Observable<Res> {
      return openCall(client, options, async (call, _redaction, subscriber) => {
        const result = await call.send(client, operation.send, request);
        const answer = result.ok ? result.value : readRefusedAnswer(operation, result.error);
        if (answer === undefined) throw result.error;
        subscriber.next(answer);
        subscriber.complete();
      });
    },

    stream<Name extends string, Req, Ev>(
      operation: StreamOperation<Name, Req, Ev>,
      request: Req,
      options: TransportOptions = {},
    ): Observable<Ev> {
      return openCall(client, options, async (call, redaction, subscriber) => {
        const result = await call.send(client, operation.send, request);
        if (!result.ok) throw result.error;
        if (subscriber.closed) return;
        if (call.response?.stream === undefined) throw unexpectedStart(call, redaction);
        await readEventStream<Ev>(subscriber, {
          reader: call.read(call.response.stream),
          decode: operation.decode,
          maxEventBytes: options.maxEventBytes ?? defaultMaxEventBytes,
          redaction,
          abort: () => {
            call.abort();
          },
          onEndMarker: () => {
            call.release();
          },
        });
      });
    },
  };
}

type Run<T> = (call: SdkCall, redaction: Redaction, subscriber: Subscriber<T>) => Promise<void>;

function openCall<T>(client: SdkClient, options: TransportOptions, run: Run<T>): Observable<T> {
  return new Observable<T>((subscriber) => {
    const redaction = new Redaction();
    const call = new SdkCall(redaction, {
      headers: options.headers,
      // A callback that throws ends the call; the SDK never sees its error.
      onResponse: (response: ResponseMeta) => {
        try {
          options.onResponse?.(response);
        } catch (error) {
          subscriber.error(error);
        }
      },
    });
    subscriber.add(failAfter(client._options.timeoutMs, subscriber));
    subscriber.add(() => {
      call.close();
    });
    run(call, redaction, subscriber).catch((error: unknown) => {
      subscriber.error(sdkError(error, call.response, redaction));
    });
  });
}

// The deadline that the client itself was given. The SDK's own is off: it is lost to the garbage collector, and cannot
// be combined with a signal.
function failAfter<T>(timeoutMs: number | undefined, subscriber: Subscriber<T>): Subscription | undefined {
  // More than a timer can wait for is no limit; such a timer would fire at once.
  if (timeoutMs === undefined || !(timeoutMs > 0 && timeoutMs <= maxTimerMs)) return undefined;
  const message = `The call took longer than the client's timeoutMs (${timeoutMs} ms)`;
  return asyncScheduler.schedule(() => {
    subscriber.error(new RxMistralError({ kind: 'timeout', which: 'total', message }));
  }, timeoutMs);
}

// The SDK refuses an answer with a value that it does not know yet; the answer has come and been paid for all the same.
function readRefusedAnswer<Res>(operation: UnaryOperation<string, never, Res>, error: unknown): Res | undefined {
  if (operation.decode === undefined || !(error instanceof Error) || error.name !== 'ResponseValidationError') {
    return undefined;
  }
  const { rawValue } = error as { readonly rawValue?: unknown };
  return isObject(rawValue) ? operation.decode(rawValue) : undefined;
}

function unexpectedStart(call: SdkCall, redaction: Redaction): RxMistralError {
  return call.response === undefined
    ? new RxMistralError({ kind: 'protocol', message: 'The SDK answered without a response' })
    : unexpectedResponse(call.response, redaction);
}

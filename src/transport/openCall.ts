import { asyncScheduler, Observable, type Subscriber, type Subscription } from 'rxjs';
import { maxTimerMs } from '../errors/expect.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import type { ResponseMeta } from './MistralTransport.js';
import { SdkCall, type SdkCallOptions, type SdkClient } from './SdkCall.js';
import { sdkError, unexpectedResponse } from './sdkError.js';

/**
 * One call for each subscription: `run` makes it, and delivers what comes. Unsubscribing ends it; what `run` fails with
 * becomes an error of ours.
 */
export function openCall<T>(
  client: SdkClient,
  options: SdkCallOptions,
  run: (call: SdkCall, subscriber: Subscriber<T>) => Promise<void>,
): Observable<T> {
  return new Observable<T>((subscriber) => {
    const call = new SdkCall({
      ...options,
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
    run(call, subscriber).catch((error: unknown) => {
      subscriber.error(sdkError(error, call.response, call.redaction));
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

/** The SDK reports success, and the server has not answered with what was asked for. */
export function unexpectedStart({ response, redaction }: SdkCall): RxMistralError {
  return response === undefined
    ? new RxMistralError({ kind: 'protocol', message: 'The SDK answered without a response' })
    : unexpectedResponse(response, redaction);
}

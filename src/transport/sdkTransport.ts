import { callThroughSdk } from './callThroughSdk.js';
import type { MistralTransport, StreamTransport } from './MistralTransport.js';
import type { SdkClient } from './SdkCall.js';
import { streamThroughSdk } from './streamThroughSdk.js';

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
    call: (operation, request, options) => callThroughSdk(client, operation, request, options),
    ...sdkStreamTransport(client),
  };
}

/** That part of {@link sdkTransport} which a source of a stream needs: without the way of single answers, uploads and downloads. */
export function sdkStreamTransport(client: SdkClient): StreamTransport {
  return { stream: (operation, request, options) => streamThroughSdk(client, operation, request, options) };
}

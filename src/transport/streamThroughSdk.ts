import type { Observable } from 'rxjs';
import type { StreamOperation, TransportOptions } from './MistralTransport.js';
import { openCall, unexpectedStart } from './openCall.js';
import { defaultMaxEventBytes, readEventStream } from './readEventStream.js';
import type { SdkClient } from './SdkCall.js';

/** The events of one call of a client of the SDK: {@link MistralTransport.stream}. */
export function streamThroughSdk<Name extends string, Req, Ev>(
  client: SdkClient,
  operation: StreamOperation<Name, Req, Ev>,
  request: Req,
  { headers, onResponse, maxEventBytes = defaultMaxEventBytes }: TransportOptions = {},
): Observable<Ev> {
  return openCall(client, { headers, onResponse }, async (call, subscriber) => {
    const result = await call.send(client, operation.send, request);
    if (!result.ok) throw result.error;
    if (subscriber.closed) return;
    if (call.response?.stream === undefined) throw unexpectedStart(call);
    const reader = call.read(call.response.stream);
    await readEventStream<Ev>(subscriber, { reader, decode: operation.decode, maxEventBytes, call });
  });
}

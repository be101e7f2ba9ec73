import { fail } from '../errors/expect.js';
import { isRecord } from '../errors/isRecord.js';
import type { MistralTransport, StreamTransport } from './MistralTransport.js';
import type { SdkClient } from './SdkCall.js';
import { sdkStreamTransport, sdkTransport } from './sdkTransport.js';

/** What every source takes first: a client of the SDK, or a transport (a fake one in tests). */
export type MistralClient = SdkClient | MistralTransport;

/**
 * The transport of a client. Told by shape, never by `instanceof`: `Mistral` does not extend `MistralCore`, and the
 * SDK may be installed twice.
 *
 * @throws TypeError when `client` is neither.
 */
export function transportOf(client: MistralClient): MistralTransport {
  return isTransport(client) ? client : sdkTransport(expectSdkClient(client));
}

/** As {@link transportOf}, for sources of streams, whose bundles then carry nothing of the other calls. */
export function streamTransportOf(client: MistralClient): StreamTransport {
  return isTransport(client) ? client : sdkStreamTransport(expectSdkClient(client));
}

function isTransport(client: unknown): client is MistralTransport {
  return isRecord(client) && typeof client['call'] === 'function' && typeof client['stream'] === 'function';
}

function expectSdkClient(client: unknown): SdkClient {
  const isSdkClient = isRecord(client) && isRecord(client['_options']) && typeof client['_createRequest'] === 'function';
  return isSdkClient ? (client as unknown as SdkClient) : fail('client', 'a Mistral client of the SDK or a MistralTransport', client);
}

import { fail } from '../errors/expect.js';
import { isRecord } from '../events/isRecord.js';
import type { MistralTransport } from './MistralTransport.js';
import type { SdkClient } from './SdkCall.js';
import { sdkTransport } from './sdkTransport.js';

/** What every source takes first: a client of the SDK, or a transport (a fake one in tests). */
export type MistralClient = SdkClient | MistralTransport;

/**
 * The transport of a client. Told by shape, never by `instanceof`: `Mistral` does not extend `MistralCore`, and the
 * SDK may be installed twice.
 *
 * @throws TypeError when `client` is neither.
 */
export function transportOf(client: MistralClient): MistralTransport {
  if (isTransport(client)) return client;
  if (isSdkClient(client)) return sdkTransport(client);
  return fail('client', 'a Mistral client of the SDK or a MistralTransport', client);
}

function isTransport(client: unknown): client is MistralTransport {
  return isRecord(client) && typeof client['call'] === 'function' && typeof client['stream'] === 'function';
}

function isSdkClient(client: unknown): client is SdkClient {
  return isRecord(client) && isRecord(client['_options']) && typeof client['_createRequest'] === 'function';
}

import { InjectionToken } from '@angular/core';
import { expectBoolean, expectFunction, expectHeaders, expectObject, fail } from '../errors/expect.js';
import type { FetchFunction, ReconnectOptions } from '../sse/EventStreamInit.js';
import { readSettings } from '../sse/StreamSettings.js';

/** Where the answers come from, and how. */
export interface RxMistralConfig {
  /** The URL of your server's chat, relative to the page in a browser. It holds the key to Mistral; the page never does. */
  readonly endpoint: string | URL;
  /**
   * Headers of every request; a function is asked anew for each answer (a token that is renewed).
   * @defaultValue none
   */
  readonly headers?: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>) | undefined;
  /**
   * What sends the requests. It must pass the signal on. For cookies of another origin:
   * `(request, init) => fetch(request, { ...init, credentials: 'include' })`.
   * @defaultValue the global `fetch`
   */
  readonly fetch?: FetchFunction | undefined;
  /** Whether and how to reconnect: as `eventStream` of `rxmistral/sse` has it. @defaultValue `{}`: up to five attempts in a row */
  readonly reconnect?: false | ReconnectOptions | undefined;
  /**
   * The longest silence of a connection, in milliseconds, before it counts as broken. For servers that send heartbeats: three
   * times their interval is a good choice.
   * @defaultValue `Infinity`
   */
  readonly idleTimeout?: number | undefined;
  /**
   * The largest event, in bytes; a larger one is an error of kind `limit`.
   * @defaultValue 8,388,608 (8 MiB)
   */
  readonly maxEventBytes?: number | undefined;
  /**
   * Whether an answer that is left before its end is ended on the server too, by a `DELETE` of `endpoint` with the
   * `Idempotency-Key` of its request. Without it the server sees a lost connection, and goes on for its `gracePeriod`.
   * @defaultValue `true`
   */
  readonly endOnStop?: boolean | undefined;
  /**
   * Makes the keys of answers and the ids of messages. Who knows the key of an answer can read it: keys have to be hard to guess.
   * @defaultValue 32 random hexadecimal digits
   */
  readonly createKey?: (() => string) | undefined;
}

/** What `provideRxMistral` provides. */
export const rxMistralConfig = new InjectionToken<RxMistralConfig>('rxmistral.config');

/** @throws TypeError that names the option. */
export function expectConfig(config: Partial<RxMistralConfig>): void {
  expectObject('config', config);
  const { endpoint, headers, fetch, reconnect, idleTimeout, maxEventBytes } = config;
  if (endpoint !== undefined && !(endpoint instanceof URL) && (typeof endpoint !== 'string' || endpoint === '')) {
    fail('endpoint', 'a URL', endpoint);
  }
  if (typeof headers !== 'function') expectHeaders('headers', headers);
  readSettings('/', { fetch, reconnect, idleTimeout, maxEventBytes });
  expectBoolean('endOnStop', config.endOnStop);
  expectFunction('createKey', config.createKey);
}

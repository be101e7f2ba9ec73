import type { SchedulerLike } from 'rxjs';
import {
  expectDuration,
  expectFunction,
  expectInteger,
  expectMethods,
  expectObject,
  expectOneOf,
  expectScheduler,
  expectText,
  fail,
} from '../errors/expect.js';
import { isRecord } from '../errors/isRecord.js';
import type { RxMistralError } from '../errors/RxMistralError.js';
import type { ReplayStore } from '../events/ReplayStore.js';

/** Options of an event stream that goes out, with or without a store. */
export interface CommonServingOptions<T> {
  /**
   * A comment is sent so long after the last event, in milliseconds: it keeps proxies from closing the connection, and tells a
   * client that it stands.
   * @defaultValue 15,000; `false` for none
   */
  readonly heartbeat?: number | false | undefined;
  /** The reconnection time that the client is told, in milliseconds. @defaultValue none: the client's own */
  readonly retry?: number | undefined;
  /** The name of each event. @defaultValue none: the client knows it as `message` */
  readonly event?: ((value: T, index: number) => string) | undefined;
  /**
   * The most that waits for a client, in characters of data. A source that is ahead of its client by more is given up with an
   * error of kind `limit`. Only without `replay`: with it, nothing waits for a client but what the store keeps for all.
   * @defaultValue 1,048,576
   */
  readonly maxBuffered?: number | undefined;
  /**
   * The longest time in which a client takes nothing of what is ready for it, in milliseconds. One that never reads is given up
   * behind it with an error of kind `limit`.
   * @defaultValue 60,000
   */
  readonly stallTimeout?: number | undefined;
  /**
   * Called where the connection is given up, with the reason; the client, which cannot be told, may come back. With `replay` also
   * where the store fails under the source. It must not throw.
   */
  readonly onError?: ((error: RxMistralError) => void) | undefined;
  /** The clock and the timers. @defaultValue asyncScheduler */
  readonly scheduler?: SchedulerLike | undefined;
}

/** A stream of one client: it ends with the connection. */
export interface UnsharedServingOptions<T> extends CommonServingOptions<T> {
  /**
   * The id of each event, without line ends: for a source that can itself go on behind one.
   * @defaultValue none: a client that has no id does not take a new answer for the rest of the old one
   */
  readonly id?: ((value: T, index: number) => string) | undefined;
  readonly replay?: undefined;
  readonly key?: undefined;
  readonly lastEventId?: undefined;
  readonly onDisconnect?: undefined;
}

/** A stream that outlives its connections. */
export interface SharedServingOptions<T> extends CommonServingOptions<T> {
  readonly id?: undefined;
  /** Keeps the events, with ids from 1 on. */
  readonly replay: ReplayStore;
  /**
   * Which stream of the store it is. Who knows it can read the answer: it has to be hard to guess, or to be checked against
   * the user who asks.
   */
  readonly key: string;
  /**
   * Behind which event the client goes on: the request's `Last-Event-ID` as it came. A client that sends one never begins a
   * stream, only goes on with one.
   * @defaultValue none: from the beginning
   */
  readonly lastEventId?: string | null | undefined;
  /**
   * What becomes of the source when no client is left: it is stopped, or goes on for so many milliseconds, in which one may come
   * back. A source that was stopped leaves an error event behind. Counts where the source is subscribed to.
   * @defaultValue `{ gracePeriod: 30_000 }`
   */
  readonly onDisconnect?: 'stop' | { readonly gracePeriod: number } | undefined;
}

/** Options of `toServerSentEvents` and its kin. */
export type ServingOptions<T> = UnsharedServingOptions<T> | SharedServingOptions<T>;

/** @throws TypeError that names the option. */
export function expectServingOptions<T>(options: ServingOptions<T>): void {
  expectObject('options', options);
  const { heartbeat, replay, onDisconnect, lastEventId } = options;
  if (heartbeat !== false) expectDuration('heartbeat', heartbeat, 1);
  expectInteger('retry', options.retry, 0);
  expectFunction('event', options.event);
  expectInteger('maxBuffered', options.maxBuffered, 1, true);
  expectDuration('stallTimeout', options.stallTimeout, 1);
  expectFunction('onError', options.onError);
  expectScheduler('scheduler', options.scheduler);
  expectFunction('id', options.id);
  expectMethods('replay', replay, 'a ReplayStore', ['create', 'append', 'end', 'join', 'read', 'readers']);
  if (replay === undefined) {
    for (const name of ['key', 'lastEventId', 'onDisconnect'] as const) {
      if ((options[name] as unknown) !== undefined) fail(name, 'given with `replay` only', options[name]);
    }
    return;
  }
  if ((options.id as unknown) !== undefined) fail('id', 'left to `replay`', options.id);
  if ((options.key as unknown) === undefined) fail('key', 'a string that is not empty', options.key);
  expectText('key', options.key);
  if (lastEventId !== null && lastEventId !== undefined && typeof lastEventId !== 'string') fail('lastEventId', 'a string', lastEventId);
  if (isRecord(onDisconnect)) expectDuration('onDisconnect.gracePeriod', onDisconnect.gracePeriod);
  else expectOneOf('onDisconnect', onDisconnect, ['stop']);
}

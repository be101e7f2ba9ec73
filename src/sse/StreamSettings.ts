import { asyncScheduler, type SchedulerLike } from 'rxjs';
import {
  expectDuration,
  expectFunction,
  expectHeadersInit,
  expectInteger,
  expectMethods,
  expectObject,
  expectScheduler,
  fail,
} from '../errors/expect.js';
import type { EventStreamInit, FetchFunction, ReconnectOptions } from './EventStreamInit.js';
import type { ServerSentEvent } from './ServerSentEvent.js';

/** What `eventStream` was asked for, checked and with its defaults. */
export interface StreamSettings {
  readonly input: string | URL | Request;
  /** What `fetch` takes. */
  readonly request: RequestInit;
  readonly reconnect: false | ReconnectOptions;
  readonly lastEventId: string;
  readonly fetch: FetchFunction;
  readonly maxEventBytes: number;
  readonly idleTimeout: number;
  readonly onOpen: (() => void) | undefined;
  readonly scheduler: SchedulerLike;
  /** Whether a stream that begins anew would do harm, also where the request is a GET: its events add up to one answer. */
  readonly isAnswer: boolean;
}

/**
 * What a reader of events makes of each before it counts: `false` leaves it out, and what it throws breaks the connection.
 * `namesId` is false where the id is that of an event before it.
 */
export type Accept = (event: ServerSentEvent, namesId: boolean) => boolean;

/** @throws TypeError that names the option. */
export function readSettings(input: string | URL | Request, init: EventStreamInit, isAnswer = false): StreamSettings {
  if (typeof input !== 'string' && !(input instanceof URL) && !(input instanceof Request)) fail('input', 'a URL or a Request', input);
  expectObject('init', init);
  expectHeadersInit('headers', init.headers);
  const {
    reconnect = {},
    lastEventId = '',
    fetch: send = (request: Request, options: RequestInit) => fetch(request, options),
    maxEventBytes = 8_388_608,
    idleTimeout = Infinity,
    onOpen,
    scheduler = asyncScheduler,
    ...rest
  } = init;
  expectReconnect(reconnect);
  if (typeof lastEventId !== 'string' || /[\0\r\n]/.test(lastEventId)) fail('lastEventId', 'an id that an event can have', lastEventId);
  expectFunction('fetch', send);
  expectInteger('maxEventBytes', maxEventBytes, 1, true);
  if (idleTimeout !== Infinity) expectDuration('idleTimeout', idleTimeout, 1);
  expectFunction('onOpen', onOpen);
  expectScheduler('scheduler', scheduler);
  return { input, request: rest, reconnect, lastEventId, fetch: send, maxEventBytes, idleTimeout, onOpen, scheduler, isAnswer };
}

function expectReconnect(reconnect: unknown): void {
  if (reconnect === false) return;
  expectObject('reconnect', reconnect);
  const { maxRetries, backoff, maxRetryAfter, onReconnect, random } = reconnect as ReconnectOptions;
  expectInteger('reconnect.maxRetries', maxRetries, 0, true);
  expectMethods('reconnect.backoff', backoff, 'a Backoff', ['next']);
  expectDuration('reconnect.maxRetryAfter', maxRetryAfter);
  expectFunction('reconnect.onReconnect', onReconnect);
  expectFunction('reconnect.random', random);
}

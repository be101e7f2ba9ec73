import type { SchedulerLike } from 'rxjs';
import { expectRetryConfig, type RetryConfig } from '../control/retryPlan.js';
import { expectDuration, expectHeaders, expectInteger, expectMethods, expectObject, expectOneOf, expectText } from '../errors/expect.js';

/** Limits of time, in milliseconds from 0 to 2,147,483,647; without one there is none. */
export interface Timeouts {
  /** From the start of an attempt to its first event. */
  readonly firstEvent?: number | undefined;
  /**
   * The longest silence between two events of an attempt; before the first one too, where `firstEvent` is not given.
   * Comments that keep a connection open are no events.
   */
  readonly idle?: number | undefined;
  /** From the subscription to the end, over all attempts and the waits between them. */
  readonly total?: number | undefined;
}

/** What every source takes. */
export interface CallOptions {
  /** Sent with the request, over the client's own headers. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** A limit that passes is an error of kind `timeout` whose `which` names it. */
  readonly timeouts?: Timeouts | undefined;
  /**
   * How failed attempts are repeated, before the first token. What to retry is the user's word: `{}` asks for the
   * defaults of {@link RetryConfig}.
   * @defaultValue `false`
   */
  readonly retry?: RetryConfig | false | undefined;
  /**
   * The largest event that is read, in bytes; a larger one is an error of kind `limit`.
   * @defaultValue 8,388,608 (8 MiB)
   */
  readonly maxEventBytes?: number | undefined;
  /**
   * The clock of timeouts and of the waits between attempts.
   * @defaultValue `asyncScheduler`
   */
  readonly scheduler?: SchedulerLike | undefined;
}

/** What sources take whose cut answers can only begin anew: {@link fimStream}. */
export interface RestartOptions extends CallOptions {
  /**
   * The `requestId` of all events.
   * @defaultValue a UUID; a fake transport hands out predictable ones
   */
  readonly requestId?: string | undefined;
  /**
   * What happens when a stream fails after its first token: `error` ends it, with `partial` in the error; `restart`
   * begins the answer anew, and `accumulate()` with it. It implies `retry: {}`, whose limits hold over all attempts.
   * @defaultValue `'error'`
   */
  readonly onDisconnect?: 'error' | 'restart' | undefined;
}

/** What the sources of chats take: {@link chatStream}, {@link agentsStream}. */
export interface ChatStreamOptions extends Omit<RestartOptions, 'onDisconnect'> {
  /**
   * What happens when a stream fails after its first token:
   *
   * - `error` ends it, with `partial` in the error.
   * - `restart` begins the answer anew, and `accumulate()` with it.
   * - `resume` goes on where the answer was cut: the model is given what had come as the beginning of its answer
   *   (`prefix: true`), its echo is taken off, and the usage is added up. Thinking, tool calls, requests with tools and
   *   JSON formats fall back to `restart`. Each attempt may use up the request's `maxTokens`.
   *
   * Both repeat only what `retry` finds retryable, and imply `retry: {}`, whose limits hold over all attempts.
   * @defaultValue `'error'`
   */
  readonly onDisconnect?: 'error' | 'restart' | 'resume' | undefined;
}

/** The retries that `options` ask for (or that another option implies), on the clock of the call; else `undefined`. */
export function retryConfigOf({ retry, scheduler }: CallOptions, implied = false): RetryConfig | undefined {
  if (retry) return { ...retry, scheduler: retry.scheduler ?? scheduler };
  return implied ? { scheduler } : undefined;
}

/** Throws a `TypeError` that names the option which is out of range. */
export function expectCallOptions(options: CallOptions): void {
  expectObject('options', options);
  const { headers, timeouts, retry, maxEventBytes } = options;
  expectHeaders('headers', headers);
  expectObject('timeouts', timeouts);
  expectDuration('timeouts.firstEvent', timeouts?.firstEvent);
  expectDuration('timeouts.idle', timeouts?.idle);
  expectDuration('timeouts.total', timeouts?.total);
  expectInteger('maxEventBytes', maxEventBytes, 1);
  expectMethods('scheduler', options.scheduler, 'a scheduler', ['now', 'schedule']);
  if (retry !== false && retry !== undefined) expectRetryConfig(retry, 'retry');
}

/** As {@link expectCallOptions}, for streams whose cut answers can only begin anew. */
export function expectRestartOptions(options: RestartOptions): void {
  expectCallOptions(options);
  expectText('requestId', options.requestId);
  expectOneOf('onDisconnect', options.onDisconnect, ['error', 'restart']);
}

/** As {@link expectCallOptions}, for streams of chats. */
export function expectChatStreamOptions(options: ChatStreamOptions): void {
  expectCallOptions(options);
  expectText('requestId', options.requestId);
  expectOneOf('onDisconnect', options.onDisconnect, ['error', 'restart', 'resume']);
}

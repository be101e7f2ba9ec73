import type { AssistantMessage } from '@mistralai/mistralai/models/components/assistantmessage.js';
import type { SchedulerLike } from 'rxjs';
import type { RateLimiter } from '../control/RateLimiter.js';
import { expectRetryConfig, type RetryConfig } from '../control/retryPlan.js';
import {
  type Checks,
  expectDuration,
  expectFields,
  expectHeaders,
  expectInteger,
  expectMethods,
  expectObject,
  expectOneOf,
  expectScheduler,
  expectText,
  fail,
} from '../errors/expect.js';

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
   * Each attempt waits for a permit of it, and tells it of the response: one 429 holds back everybody who shares it. The
   * wait counts for `timeouts.total` alone.
   * @defaultValue none
   */
  readonly limiter?: RateLimiter | undefined;
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
  /**
   * The answer as far as it had come elsewhere, in a process that has ended: the `partial` of its error, or the `message`
   * of the last snapshot of what it kept. It counts as attempt 1, which was cut: the first event is a `retry` with
   * `attempt: 1` and `delayMs: 0`, and attempt 2 is the first that is made.
   *
   * - `strategy: 'resume'`: the answer goes on as with `onDisconnect: 'resume'`. Deltas bring what is new, what had come counts
   *   as one for their `index`, and `message` in `complete` is whole.
   * - `strategy: 'restart'`: where `onDisconnect: 'resume'` would fall back to it (thinking, tool calls, requests with tools
   *   or a JSON format), and where there is no text. The answer begins anew.
   *
   * `accumulate()` tells them apart, behind the events that were kept of the attempt that was cut and without them. Until
   * something new has come, failures are as those before the first token, but carry `partial`. The usage is that of the
   * attempts made here.
   * @defaultValue none: the answer begins here
   */
  readonly continueFrom?: AssistantMessage | undefined;
}

/** The retries that `options` ask for (or that another option implies), on the clock of the call; else `undefined`. */
export function retryConfigOf({ retry, scheduler }: CallOptions, implied = false): RetryConfig | undefined {
  if (retry) return { ...retry, scheduler: retry.scheduler ?? scheduler };
  return implied ? { scheduler } : undefined;
}

/** Throws a `TypeError` that names the option which is out of range. */
export function expectCallOptions(options: CallOptions): void {
  expectObject('options', options);
  expectFields(options, checks);
}

const checks: Checks<CallOptions> = {
  headers: expectHeaders,
  timeouts: (name, value) => {
    expectObject(name, value);
    expectFields(value as Timeouts | undefined, timeoutChecks, name);
  },
  limiter: (name, value) => { expectMethods(name, value, 'a RateLimiter', ['acquire', 'observe']); },
  retry: (name, value) => { if (value !== false) expectRetryConfig(value as RetryConfig | undefined, name); },
  maxEventBytes: (name, value) => { expectInteger(name, value, 1); },
  scheduler: expectScheduler,
};

const timeoutChecks: Checks<Timeouts> = { firstEvent: expectDuration, idle: expectDuration, total: expectDuration };

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
  expectAnswer('continueFrom', options.continueFrom);
}

function expectAnswer(name: string, value: AssistantMessage | null | undefined): void {
  const content = value?.content;
  if (value !== undefined && typeof content !== 'string' && !Array.isArray(content)) fail(name, 'a message with content', value);
}

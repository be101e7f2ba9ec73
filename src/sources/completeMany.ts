import type { ChatCompletionRequest } from '@mistralai/mistralai/models/components/chatcompletionrequest.js';
import type { ChatCompletionResponse } from '@mistralai/mistralai/models/components/chatcompletionresponse.js';
import { catchError, concat, defer, EMPTY, from, mergeMap, type Observable, type ObservableInput, of, throwError } from 'rxjs';
import { expectBoolean, expectFunction, expectInteger, expectObject, expectOneOf, fail } from '../errors/expect.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import type { BatchEvent, BatchRequest, BatchResultEvent } from '../events/BatchEvent.js';
import type { Settled } from '../events/Settled.js';
import { settledOf } from '../events/settledOf.js';
import { mapSettled } from '../operators/mapSettled.js';
import { decodeChatResponse, encodeChatRequest } from '../transport/chatCompletionCodec.js';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import type { MistralTransport } from '../transport/MistralTransport.js';
import { invalid } from './batch/PartWriter.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { chatComplete } from './chatComplete.js';
import { expectField, expectMessages, expectRequests, expectStream } from './expectRequest.js';
import { inOrder } from './inOrder.js';
import { isPullable, type Pullable } from './PulledSource.js';
import { pullMap } from './pullMap.js';
import { type BatchOptions, batchRun, expectBatchOptions } from './runBatch.js';

/** What {@link completeMany} takes in both modes. */
export interface CompletionsOptions extends Pick<CallOptions, 'headers' | 'maxEventBytes' | 'scheduler'> {
  /**
   * Results in the order of their requests. Live, none runs more than `concurrency` ahead of the oldest that is open. As a
   * batch, whose results come in any order, those before their turn wait in memory: nearly all, where the first request is
   * the last to be answered.
   * @defaultValue false: as they come
   */
  readonly ordered?: boolean | undefined;
}

/** Each request is a call. `limiter`, `retry` and `timeouts` are those of each. */
export interface LiveCompletionsOptions extends CompletionsOptions, CallOptions {
  readonly mode: 'live';
  /** How many calls are under way at once: an integer of at least 1. */
  readonly concurrency: number;
  /**
   * The most requests of an Observable, which cannot be told to wait, that wait for a place: an integer of at least 0, or
   * `Infinity`. One more is an error of kind `limit`.
   * @defaultValue 100,000
   */
  readonly maxQueued?: number | undefined;
}

/** The requests are batch jobs. All but `concurrentJobs` and `onEvent` are options of {@link runBatch}. */
export interface BatchCompletionsOptions
  extends CompletionsOptions,
    Pick<
      BatchOptions,
      | 'inline'
      | 'maxRequestsPerJob'
      | 'maxFileBytes'
      | 'timeoutHours'
      | 'metadata'
      | 'interval'
      | 'stuckAfter'
      | 'onStuck'
      | 'deadline'
      | 'resubmit'
      | 'onUnsubscribe'
      | 'cleanup'
      | 'spool'
      | 'journal'
      | 'random'
    > {
  readonly mode: 'batch';
  /**
   * How many jobs are under way at once: an integer of at least 1.
   * @defaultValue 4
   */
  readonly concurrentJobs?: number | undefined;
  /** Told of all that happens on the way: files, jobs, their progress, and at the end the sums of what was sent. */
  readonly onEvent?: ((event: Exclude<BatchEvent, BatchResultEvent>) => void) | undefined;
}

/**
 * How {@link completeMany} runs. No option means two things, and those of the other mode are of no effect: one object, with
 * the options of both, serves for both.
 */
export type CompleteManyOptions = LiveCompletionsOptions | BatchCompletionsOptions;

/**
 * Answers many chats, by live calls or as batch jobs at half the price: one option moves a pipeline from one to the other.
 *
 * ```
 * requests:                    (abc|)
 * mode: 'live', concurrency 2: --A--B-C|         in seconds
 * mode: 'batch':               ---------(CAB|)   in hours, half the price, outside of the live limits
 * ```
 *
 * Cold; a subscription asks all of them. Takes the SDK's requests and gives one {@link Settled} for each, with the SDK's
 * response, whatever the mode; `input` is the request itself, so that what stands in it beside the SDK's fields (which is
 * not sent) tells where the answer belongs.
 *
 * **A failure of one request is one `rejected` result**; its `reason` is an {@link RxMistralError}, and the same in both
 * modes: `validation` where the request is refused before it is sent, `http` or `rate-limit` with the status and the
 * message where the server refuses it. A batch has one more, of kind `batch-job`: the request has no result at all, and the
 * message says why. `retryable` tells whether to ask again. (Where a line of a batch has an error without a status, it is
 * of kind `stream`.)
 *
 * **Requests** are pulled where they can be; those of an Observable come when they come. In a batch all of them have one
 * model: another one fails the run before anything is sent, with an error of kind `validation` that names the request by
 * its place.
 *
 * **Completes** when all have ended. **Fails** where the requests do; live, behind the results of what was under way. A batch
 * also fails as a whole where {@link runBatch} does, as for a wrong key: its jobs may go on, so nobody can say of any single
 * request that it has failed.
 *
 * **Unsubscribing** ends all calls, down to the sockets; `onUnsubscribe` says what becomes of the jobs of a batch.
 *
 * What is held in memory: live, the requests that are under way; in a batch, every request until it is answered (`spool` is
 * for what is sent). Where that is too much, {@link runBatch} holds no more than ids.
 *
 * @throws TypeError at once when the client is none, the requests are none, or an option of the mode is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { completeMany } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const requests = ['Loire', 'Rhine', 'Danube'].map((river) => ({
 *   model: 'mistral-small-latest',
 *   messages: [{ role: 'user' as const, content: `Where does the ${river} end?` }],
 *   river,
 * }));
 * const mode = process.argv.includes('--urgent') ? 'live' : 'batch';
 *
 * completeMany(client, requests, { mode, concurrency: 2, retry: {}, interval: 1_000 }).subscribe({
 *   next: (result) => {
 *     if (result.status === 'fulfilled') console.log(result.input.river, result.value.choices[0]?.message?.content);
 *     else console.error(result.input.river, result.reason);
 *   },
 *   error: (error: unknown) => console.error(error),
 * });
 * ```
 *
 * @see {@link pullMap} with {@link chatComplete}, and {@link runBatch}: what it is made of
 */
export function completeMany<T extends ChatCompletionRequest>(
  client: MistralClient,
  requests: ObservableInput<T>,
  options: CompleteManyOptions,
): Observable<Settled<T, ChatCompletionResponse>> {
  const transport = transportOf(client);
  expectRequests(requests);
  const source = isPullable(requests) ? (requests as Pullable<T>) : from(requests);
  expectOptions(options);
  return options.mode === 'live' ? eachLive(transport, source, options) : allInBatch(transport, source, options);
}

function eachLive<T extends ChatCompletionRequest>(
  transport: MistralTransport,
  requests: Pullable<T> | Observable<T>,
  options: LiveCompletionsOptions,
): Observable<Settled<T, ChatCompletionResponse>> {
  const { concurrency, ordered, maxQueued, scheduler } = options;
  const ask = (request: T): Observable<ChatCompletionResponse> => {
    expectWhole(request);
    return chatComplete(transport, request, options);
  };
  return isPullable(requests)
    ? pullMap(requests as Pullable<T>, ask, { concurrency, ordered, scheduler, settle: true })
    : requests.pipe(mapSettled(ask, { concurrency, ordered, maxQueued }));
}

function allInBatch<T extends ChatCompletionRequest>(
  transport: MistralTransport,
  requests: Pullable<T> | Observable<T>,
  options: BatchCompletionsOptions,
): Observable<Settled<T, ChatCompletionResponse>> {
  const { onEvent, ordered = false } = options;

  const settled = defer(() => {
    const open = new Map<string, { readonly input: T; readonly index: number }>();
    const refused: Settled<T, ChatCompletionResponse>[] = [];
    let count = 0;
    let model: string | undefined;

    const make = (request: unknown): Observable<BatchRequest> => {
      const input = request as T;
      const index = count;
      count += 1;
      let body: BatchRequest['body'];
      try {
        expectWhole(input);
        body = encodeChatRequest(input);
      } catch (error) {
        refused.push(settledOf.rejected(error, input, index));
        return EMPTY;
      }
      model ??= input.model;
      if (input.model !== model) return throwError(() => invalid(index + 1, 'has another `model`: a job has one'));
      const customId = `request-${index + 1}`;
      open.set(customId, { input, index });
      return of({ customId, body });
    };
    const settle = (event: BatchResultEvent): Settled<T, ChatCompletionResponse>[] => {
      const request = open.get(event.customId);
      if (request === undefined) return [];
      open.delete(event.customId);
      const { input, index } = request;
      try {
        return [settledOf.fulfilled(responseOf(event), input, index)];
      } catch (error) {
        return [settledOf.rejected(error, input, index)];
      }
    };

    return batchRun(transport, requests, batchOptionsOf(options), make).pipe(
      mergeMap((event) => {
        if (event.type === 'result') return settle(event);
        onEvent?.(event);
        // Known since the requests were read, of which the first event tells.
        return refused.splice(0);
      }),
      catchError((error: unknown) => concat(refused, throwError(() => error))),
    );
  });
  return ordered ? settled.pipe(inOrder()) : settled;
}

function responseOf(event: BatchResultEvent): ChatCompletionResponse {
  switch (event.status) {
    case 'fulfilled':
      return decodeChatResponse(event.body);
    case 'rejected':
      throw event.error;
    case 'missing':
      throw new RxMistralError({ kind: 'batch-job', message: event.reason, retryable: event.retryable });
  }
}

// What can be told before anything is sent: a result too, so of the family that all reasons are of.
function expectWhole(request: ChatCompletionRequest): void {
  try {
    expectMessages(request);
    expectField(request, 'model');
    expectStream(request, false);
  } catch (error) {
    throw new RxMistralError({ kind: 'validation', message: (error as TypeError).message });
  }
}

// Retries and limits of live calls are none for polls and downloads of hours.
function batchOptionsOf(options: BatchCompletionsOptions): BatchOptions {
  return { ...options, concurrency: options.concurrentJobs, limiter: undefined, retry: undefined, timeouts: undefined };
}

function expectOptions(options: CompleteManyOptions): void {
  if ((options as unknown) === undefined) fail('options', 'an object', options);
  expectObject('options', options);
  if ((options.mode as unknown) === undefined) fail('mode', "'live' or 'batch'", options.mode);
  expectOneOf('mode', options.mode, ['live', 'batch']);
  expectBoolean('ordered', options.ordered);
  if (options.mode === 'batch') {
    expectInteger('concurrentJobs', options.concurrentJobs, 1);
    expectFunction('onEvent', options.onEvent);
    expectBatchOptions(batchOptionsOf(options));
  } else {
    if ((options.concurrency as unknown) === undefined) fail('concurrency', 'an integer >= 1', options.concurrency);
    expectInteger('concurrency', options.concurrency, 1);
    expectInteger('maxQueued', options.maxQueued, 0, true);
    expectCallOptions(options);
  }
}

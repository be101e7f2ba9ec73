import type { EmbeddingRequest } from '@mistralai/mistralai/models/components/embeddingrequest.js';
import type { EmbeddingResponse } from '@mistralai/mistralai/models/components/embeddingresponse.js';
import { asyncScheduler, defer, from, map, mergeMap, type Observable, reduce, takeUntil } from 'rxjs';
import { expectInteger } from '../errors/expect.js';
import { addUsage } from '../events/addUsage.js';
import { estimateTokens } from '../policies/estimateTokens.js';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { embeddingsCreateOperation } from '../transport/operations/embeddingsCreate.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { callOnce } from './callOnce.js';
import { expectField, expectPresent } from './expectRequest.js';
import { deadline } from './withTimeouts.js';

/** Options of {@link embeddings}. `timeouts.total` bounds all calls together, `retry` counts for each. */
export interface EmbeddingsOptions extends CallOptions {
  /**
   * The most inputs of one call: an integer of at least 1.
   * @defaultValue 512
   */
  readonly maxInputs?: number | undefined;
  /**
   * The most tokens of one call, as estimated (a token for every three bytes of UTF-8, and for every word at least, which
   * is rather too many): an integer of at least 1. An input that is larger by itself is sent alone, for the server to judge.
   * @defaultValue 16,000
   */
  readonly maxTokens?: number | undefined;
  /**
   * How many calls are under way at once: an integer of at least 1.
   * @defaultValue 4
   */
  readonly concurrency?: number | undefined;
}

/**
 * Embeds any number of texts, in as many calls as the API's limits ask for.
 *
 * ```
 * calls:       ---1---|  (several at once)
 *              -----2-|
 * embeddings:  -----(r|)    r: one response, as if it had been one call
 * ```
 *
 * Cold; unsubscribing ends all calls, down to the sockets. Emits one response: `data` in the order of `inputs`, with
 * `index` counted through, `usage` summed, `id` and `model` of the first call. One call that fails for good fails the
 * whole, and ends the others. No inputs are no call: an empty response with no usage.
 *
 * @throws TypeError at once when the client is none, the request has no model or no `inputs`, or an option is out of
 * range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { embeddings } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const texts = Array.from({ length: 2_000 }, (_, index) => `Paragraph ${index}`);
 *
 * embeddings(client, { model: 'mistral-embed', inputs: texts }, { retry: {} })
 *   .subscribe(({ data, usage }) => console.log(data.length, usage.totalTokens));
 * ```
 *
 * @see {@link chatComplete}
 */
export function embeddings(
  client: MistralClient,
  request: EmbeddingRequest,
  options: EmbeddingsOptions = {},
): Observable<EmbeddingResponse> {
  const transport = transportOf(client);
  expectField(request, 'model');
  expectPresent(request, 'inputs');
  expectCallOptions(options);
  const { maxInputs = 512, maxTokens = 16_000, concurrency = 4, scheduler = asyncScheduler } = options;
  expectInteger('maxInputs', maxInputs, 1);
  expectInteger('maxTokens', maxTokens, 1);
  expectInteger('concurrency', concurrency, 1);
  const { total, ...perAttempt } = options.timeouts ?? {};
  const inputs = typeof request.inputs === 'string' ? [request.inputs] : request.inputs;

  return defer(() =>
    from(chunks(inputs, maxInputs, maxTokens)).pipe(
      mergeMap(
        ({ start, inputs: part }) =>
          callOnce(
            transport,
            embeddingsCreateOperation,
            { ...request, inputs: part },
            { ...options, timeouts: perAttempt },
          ).pipe(map((response) => ({ start, response }))),
        concurrency,
      ),
      reduce((parts: readonly Part[], part) => [...parts, part], []),
      map((parts) => join(parts, request.model)),
      takeUntil(deadline(total, scheduler)),
    ),
  );
}

interface Part {
  /** Where the part's first input stands among all. */
  readonly start: number;
  readonly response: EmbeddingResponse;
}

interface Chunk {
  readonly start: number;
  readonly inputs: string[];
}

function* chunks(inputs: readonly string[], maxInputs: number, maxTokens: number): Generator<Chunk> {
  let chunk: Chunk = { start: 0, inputs: [] };
  let tokens = 0;
  for (const [index, input] of inputs.entries()) {
    const more = estimateTokens(input);
    if (chunk.inputs.length > 0 && (chunk.inputs.length === maxInputs || tokens + more > maxTokens)) {
      yield chunk;
      chunk = { start: index, inputs: [] };
      tokens = 0;
    }
    chunk.inputs.push(input);
    tokens += more;
  }
  if (chunk.inputs.length > 0) yield chunk;
}

function join(parts: readonly Part[], model: string): EmbeddingResponse {
  const ordered = [...parts].sort((a, b) => a.start - b.start);
  const first = ordered[0]?.response;
  return {
    id: first?.id ?? '',
    object: first?.object ?? 'list',
    model: first?.model ?? model,
    usage: ordered.map(({ response }) => response.usage).reduce((sum, usage) => addUsage(sum, usage) ?? {}, {}),
    data: ordered.flatMap(({ start, response }) =>
      // The API counts within a call, and promises no order.
      response.data
        .map((entry, place) => ({ ...entry, index: start + (entry.index ?? place) }))
        .sort((a, b) => a.index - b.index),
    ),
  };
}

import type { ChatCompletionResponse } from '@mistralai/mistralai/models/components/chatcompletionresponse.js';
import { map, type Observable } from 'rxjs';
import { expectTypeOf, test } from 'vitest';
import { type BatchJournal, completeMany, type CompleteManyOptions, type MistralClient, type RateLimiter, type Settled } from '../../src/index.js';

declare const client: MistralClient;
declare const limiter: RateLimiter;
declare const journal: BatchJournal;
declare const mode: 'live' | 'batch';

const request = { model: 'mistral-small-latest', messages: [{ role: 'user' as const, content: 'Hi' }] };
type Results = Observable<Settled<typeof request, ChatCompletionResponse>>;

test('completeMany() gives the same results in both modes', () => {
  expectTypeOf(completeMany(client, [request], { mode: 'live', concurrency: 5 })).toEqualTypeOf<Results>();
  expectTypeOf(completeMany(client, [request], { mode: 'batch' })).toEqualTypeOf<Results>();
});

test('completeMany() hands out the requests as they were given', () => {
  const rivers = completeMany(client, [{ ...request, river: 'Loire' }], { mode: 'batch' }).pipe(map(({ input }) => input.river));
  expectTypeOf(rivers).toEqualTypeOf<Observable<string>>();
});

test('completeMany() moves from one mode to the other by one option', () => {
  void completeMany(client, [request], { mode, concurrency: 5, limiter, retry: {}, journal, interval: 30_000, ordered: true });
  expectTypeOf<CompleteManyOptions['mode']>().toEqualTypeOf<'live' | 'batch'>();
});

test('completeMany() takes what the mode has', () => {
  // @ts-expect-error -- how many at once is the user's word
  void completeMany(client, [request], { mode: 'live' });
  // @ts-expect-error -- there is no journal of live calls
  void completeMany(client, [request], { mode: 'live', concurrency: 5, journal });
  // @ts-expect-error -- the live limits are none of a batch's
  void completeMany(client, [request], { mode: 'batch', limiter });
  // @ts-expect-error -- the requests name it
  void completeMany(client, [request], { mode: 'batch', model: 'mistral-small-latest' });
  // @ts-expect-error -- the SDK's requests, camelCase
  void completeMany(client, [{ model: 'mistral-small-latest', max_tokens: 5 }], { mode });
  void completeMany(client, [request], {
    mode: 'batch',
    onEvent: (event) => {
      expectTypeOf(event.type).toEqualTypeOf<
        'file-prepared' | 'file-uploaded' | 'job-created' | 'job-progress' | 'job-stuck' | 'resubmitted' | 'complete'
      >();
    },
  });
});

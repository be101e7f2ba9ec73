import type { BatchJob } from '@mistralai/mistralai/models/components/batchjob.js';
import type { ChatCompletionRequest } from '@mistralai/mistralai/models/components/chatcompletionrequest.js';
import type { ChatCompletionResponse } from '@mistralai/mistralai/models/components/chatcompletionresponse.js';
import { concat, concatMap, EMPTY, from, map, NEVER, of, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { type BatchJournal, completeMany, type CompleteManyOptions, type JournalRecord, RxMistralError, type Settled } from '../../src/index.js';
import { batchJob, completion, type FakeMistral, fakeMistral, marbles } from '../../src/testing/index.js';

const ask = (content: string, fields: Partial<ChatCompletionRequest> = {}): ChatCompletionRequest => ({
  model: 'mistral-small-latest',
  messages: [{ role: 'user', content }],
  ...fields,
});
const [a, b, c] = [ask('a'), ask('b'), ask('c')];
const textOf = (content: unknown): string => (typeof content === 'string' ? content : JSON.stringify(content));
const questionOf = ({ messages }: ChatCompletionRequest): string => textOf(messages[0]?.content);
const unavailable = new RxMistralError({ kind: 'http', message: 'unavailable', status: 503, retryable: true });

/** A result in a few words, for lists that can be read. */
function brief(result: Settled<ChatCompletionRequest, ChatCompletionResponse>): string {
  const { input, index } = result;
  const place = `${index} ${questionOf(input)}`;
  if (result.status === 'fulfilled') return `${place}: ${textOf(result.value.choices[0]?.message?.content)}`;
  const { kind, message, status, retryable } = result.reason as RxMistralError;
  return `${place} ${[kind, status].filter(Boolean).join(' ')}${retryable ? ', retryable' : ''}: ${message}`;
}

const live = { mode: 'live', concurrency: 2 } as const;
const batch = { mode: 'batch', inline: true, interval: 5, resubmit: { rounds: 0 } } as const;

const answered = (place: number, text: string) => ({
  custom_id: `request-${place}`,
  response: {
    status_code: 200,
    body: {
      id: 'completion-1',
      object: 'chat.completion',
      created: 1_700_000_000,
      model: 'mistral-small-latest',
      usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
      choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
    },
  },
});
const refused = (place: number, status_code: number, message: string) => ({
  custom_id: `request-${place}`,
  response: { status_code, body: { object: 'error', message } },
});
const ended = (outputs: BatchJob['outputs'], fields: Parameters<typeof batchJob>[0] = {}): BatchJob =>
  batchJob({ status: 'SUCCESS', totalRequests: outputs?.length ?? 0, succeededRequests: outputs?.length ?? 0, outputs, ...fields });
const withResults = (outputs: BatchJob['outputs']): FakeMistral =>
  fakeMistral({ 'batch.jobs.create': batchJob(), 'batch.jobs.get': ended(outputs) });

/** What is emitted, with the error or the end last. Sources are synchronous here. */
function resultsOf(client: FakeMistral, requests: readonly unknown[], options: CompleteManyOptions): string[] {
  const seen: string[] = [];
  completeMany(client, requests as ChatCompletionRequest[], options)
    .pipe(map(brief))
    .subscribe({
      next: (result) => seen.push(result),
      error: (error: unknown) => seen.push(String(error)),
      complete: () => seen.push('|'),
    });
  return seen;
}

describe('live', () => {
  test('each request is a call, as many at once as there are places', () => {
    marbles((m) => {
      const answers = {
        a: m.cold('                     --1|', { 1: completion({ text: 'A' }) }),
        b: m.cold<ChatCompletionResponse>('-----#', {}, unavailable),
        c: m.cold('                     -3|', { 3: completion({ text: 'C' }) }),
      };
      const subs = ['                           ^--!', '^----!', '---^-!'];
      const client = m.mistral({ 'chat.complete': (request) => answers[questionOf(request) as 'a' | 'b' | 'c'] });
      const expected = '                        ---A-(BC|)';

      m.expectObservable(completeMany(client, [a, b, c], live).pipe(map(brief))).toBe(expected, {
        A: '0 a: A',
        B: '1 b http 503, retryable: unavailable',
        C: '2 c: C',
      });
      m.expectSubscriptions(answers.a.subscriptions).toBe(subs[0]!);
      m.expectSubscriptions(answers.b.subscriptions).toBe(subs[1]!);
      m.expectSubscriptions(answers.c.subscriptions).toBe(subs[2]!);
    });
  });

  test('results come in the order of the requests where that is asked for', () => {
    marbles((m) => {
      const answers = { a: m.cold('----1|', { 1: completion({ text: 'A' }) }), b: m.cold('-2|', { 2: completion({ text: 'B' }) }) };
      const client = m.mistral({ 'chat.complete': (request) => answers[questionOf(request) as 'a' | 'b'] });
      const expected = '                        -----(AB|)';

      m.expectObservable(completeMany(client, [a, b], { ...live, ordered: true }).pipe(map(brief))).toBe(expected, { A: '0 a: A', B: '1 b: B' });
    });
  });

  test('the requests of an Observable come when they come', () => {
    marbles((m) => {
      const requests = m.cold('  -a--b--|', { a, b });
      const subs = '             ^------!';
      const client = m.mistral({ 'chat.complete': (request) => m.cold('-(1|)', { 1: completion({ text: questionOf(request) }) }) });
      const expected = '         --a--b-|';

      m.expectObservable(completeMany(client, requests, live).pipe(map(brief))).toBe(expected, { a: '0 a: a', b: '1 b: b' });
      m.expectSubscriptions(requests.subscriptions).toBe(subs);
    });
  });

  test('no more requests are pulled than there are places', () => {
    let pulled = 0;
    function* requests() {
      for (;;) {
        pulled += 1;
        yield a;
      }
    }
    const results = completeMany(fakeMistral({ 'chat.complete': NEVER }), requests(), live);

    results.subscribe({ error: (error: unknown) => expect.unreachable(String(error)) }).unsubscribe();

    expect(pulled).toBe(2);
  });

  test('retries are those of each call', () => {
    marbles((m) => {
      const client = m.mistral({ 'chat.complete': (_request, n) => (n === 0 ? throwError(() => unavailable) : of(completion({ text: 'A' }))) });
      const retry = { random: () => 0.5, scheduler: m.scheduler };

      m.expectObservable(completeMany(client, [a], { ...live, retry }).pipe(map(brief))).toBe('250ms (A|)', { A: '0 a: A' });
    });
  });

  test('unsubscribing ends the calls', () => {
    marbles((m) => {
      const answer = m.cold('    -----(1|)', { 1: completion() });
      const client = m.mistral({ 'chat.complete': answer });
      const unsub = '            ---!';

      m.expectObservable(completeMany(client, [a, b, c], live).pipe(map(brief)), unsub).toBe('');
      m.expectSubscriptions(answer.subscriptions).toBe(['^--!', '^--!']);
    });
  });
});

describe('as a batch', () => {
  test('the same requests are lines of a job, and their results what live ones are', () => {
    marbles((m) => {
      const outputs = [answered(3, 'C'), refused(2, 422, 'no'), answered(1, 'A')];
      const created = m.cold<BatchJob>('---(j|)', { j: batchJob() });
      const client = m.mistral({ 'batch.jobs.create': created, 'batch.jobs.get': [batchJob({ status: 'RUNNING' }), ended(outputs)] });
      const expected = '                --------(CBA|)';

      m.expectObservable(completeMany(client, [a, b, c], batch).pipe(map(brief))).toBe(expected, {
        A: '0 a: A',
        B: '1 b http 422: no',
        C: '2 c: C',
      });
      m.expectSubscriptions(created.subscriptions).toBe('^--!');
      m.flush();
      expect(client.calls[0]?.request).toMatchObject({
        endpoint: '/v1/chat/completions',
        model: 'mistral-small-latest',
        requests: [
          { customId: 'request-1', body: { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'a' }] } },
          { customId: 'request-2' },
          { customId: 'request-3' },
        ],
      });
    });
  });

  test('requests are written as the SDK writes them', () => {
    const client = withResults([answered(1, 'A')]);
    const request = ask('a', { maxTokens: 5, n: 2, responseFormat: { type: 'json_object' }, stream: false });

    resultsOf(client, [{ ...request, mine: 'not sent' }], batch);

    expect(client.calls[0]?.request).toMatchObject({ requests: [{ body: { max_tokens: 5, n: 2, response_format: { type: 'json_object' } } }] });
    expect(JSON.stringify(client.calls[0]?.request)).not.toContain('mine');
  });

  test('answers are the SDK’s, with what it does not know yet', () => {
    const answer = answered(1, 'A');
    const strange = { ...answer.response.body, choices: [{ index: 0, message: { role: 'assistant', content: [{ type: 'hologram', tool_calls: 1 }] }, finish_reason: 'tired' }] };
    const values: unknown[] = [];

    completeMany(withResults([{ ...answer, response: { status_code: 200, body: strange } }]), [a], batch).subscribe({
      next: (result) => values.push(result.status === 'fulfilled' ? result.value : result.reason),
      error: (error: unknown) => expect.unreachable(String(error)),
    });

    expect(values).toMatchObject([{ usage: { totalTokens: 0 }, choices: [{ finishReason: 'tired' }] }]);
  });

  test('an answer that is none is rejected, as live', () => {
    const result = { custom_id: 'request-1', response: { status_code: 200, body: { object: 'error', message: 'out of memory' } } };

    expect(resultsOf(withResults([result]), [a], batch)).toEqual(['0 a protocol 200: The server answered 200 with an error: out of memory', '|']);
  });

  test('a request without a result is rejected, and the reason says why', () => {
    expect(resultsOf(withResults([answered(2, 'B')]), [a, b], batch)).toEqual([
      '1 b: B',
      '0 a batch-job, retryable: The batch job job-1 has ended, and none of its files names the request',
      '|',
    ]);
    const failed = batchJob({ status: 'FAILED', totalRequests: 1, errors: [{ message: 'no such model', count: 1 }] });
    expect(resultsOf(fakeMistral({ 'batch.jobs.create': batchJob(), 'batch.jobs.get': failed }), [a], batch)).toEqual([
      '0 a batch-job: The batch job job-1 has ended as FAILED, with 0 of 1 requests done (1 × no such model)',
      '|',
    ]);
  });

  test('results wait for their turn where that is asked for', () => {
    const outputs = [answered(3, 'C'), answered(1, 'A'), answered(2, 'B')];

    expect(resultsOf(withResults(outputs), [a, b, c], { ...batch, ordered: true })).toEqual(['0 a: A', '1 b: B', '2 c: C', '|']);
  });

  test('what waits for its turn is not lost where the run fails', () => {
    marbles((m) => {
      const refusal = new RxMistralError({ kind: 'http', status: 402, message: 'no money' });
      const creations = [of(batchJob({ id: 'job-1' })), of(batchJob({ id: 'job-2' })), m.cold<BatchJob>('-----#', {}, refusal)];
      const client = m.mistral({
        'batch.jobs.create': (_request, n) => creations[n % 3] ?? EMPTY,
        'batch.jobs.get': ({ jobId }) => (jobId === 'job-1' ? NEVER : of(ended([answered(2, 'B')], { id: jobId }))),
      });
      const options = { ...batch, maxRequestsPerJob: 1, concurrentJobs: 3 };

      m.expectObservable(completeMany(client, [a, b, c], options).pipe(map(brief))).toBe('                   B----#', { B: '1 b: B' }, refusal);
      m.expectObservable(completeMany(client, [a, b, c], { ...options, ordered: true }).pipe(map(brief))).toBe('-----(B#)', { B: '1 b: B' }, refusal);
    });
  });

  test('all that happens on the way is told to `onEvent`', () => {
    const events: string[] = [];
    const onEvent = ({ type }: { readonly type: string }) => events.push(type);

    resultsOf(withResults([answered(1, 'A')]), [a], { ...batch, onEvent });

    expect(events).toEqual(['file-prepared', 'job-created', 'job-progress', 'complete']);
  });

  test('requests are pulled, one at a time', () => {
    const seen: string[] = [];
    function* requests() {
      for (const request of [a, b]) {
        seen.push(questionOf(request));
        yield request;
      }
    }

    completeMany(withResults([answered(1, 'A'), answered(2, 'B')]), requests(), batch).subscribe({
      next: (result) => seen.push(brief(result)),
      error: (error: unknown) => expect.unreachable(String(error)),
    });

    expect(seen).toEqual(['a', 'b', '0 a: A', '1 b: B']);
  });

  test('a run goes on by its journal', () => {
    const records: JournalRecord[] = [];
    const journal: BatchJournal = { read: () => [...records], append: (record) => void records.push(record) };
    const first = fakeMistral({ 'batch.jobs.create': batchJob(), 'batch.jobs.get': NEVER });
    completeMany(first, [a, b], { ...batch, journal })
      .subscribe({ error: (error: unknown) => expect.unreachable(String(error)) })
      .unsubscribe();

    const second = fakeMistral({ 'batch.jobs.get': ended([answered(2, 'B'), answered(1, 'A')]) });
    expect(resultsOf(second, [a, b], { ...batch, journal })).toEqual(['1 b: B', '0 a: A', '|']);
  });

  test('unsubscribing cancels the jobs where that is asked for', () => {
    marbles((m) => {
      const cancelled = m.cold<BatchJob>('-(c|)', { c: batchJob() });
      const client = m.mistral({ 'batch.jobs.create': batchJob(), 'batch.jobs.get': NEVER, 'batch.jobs.cancel': cancelled });
      const unsub = '                  ---!';

      m.expectObservable(completeMany(client, [a], { ...batch, onUnsubscribe: 'cancel' }).pipe(map(brief)), unsub).toBe('');
      m.expectSubscriptions(cancelled.subscriptions).toBe('---^!');
    });
  });

  test('the calls are not those that `retry`, `timeouts` and `limiter` of the other mode are for', () => {
    marbles((m) => {
      const client = m.mistral({
        'batch.jobs.create': (_request, n) => (n === 0 ? m.cold('10ms #', {}, unavailable) : of(batchJob())),
        'batch.jobs.list': { data: [], object: 'list', total: 0 },
        'batch.jobs.get': ended([answered(1, 'A')]),
      });
      const both = { ...live, ...batch, retry: false, timeouts: { total: 1 }, limiter: undefined, scheduler: m.scheduler } as const;
      let results: string[] = [];

      completeMany(client, [a], both).subscribe({
        next: (result) => (results = [...results, brief(result)]),
        error: (error: unknown) => expect.unreachable(String(error)),
      });
      m.flush();
      expect(results).toEqual(['0 a: A']);
    });
  });
});

describe.each([
  ['live', live],
  ['batch', batch],
] as const)('in the mode %s', (mode, options) => {
  const clientFor = (): FakeMistral =>
    mode === 'live' ? fakeMistral({ 'chat.complete': (request) => of(completion({ text: questionOf(request).toUpperCase() })) }) : withResults([answered(2, 'B')]);

  test('of no requests comes nothing, and nothing is called', () => {
    const client = fakeMistral({});

    expect(resultsOf(client, [], options)).toEqual(['|']);
    expect(client.calls).toEqual([]);
  });

  test.each([
    ['no messages', { model: 'mistral-small-latest', messages: [] }, 'Expected `messages` to be an array that is not empty, got an empty array'],
    ['no model', { messages: a.messages }, 'Expected `model` to be a string that is not empty, got undefined'],
    ['a stream', { ...a, stream: true }, 'Expected `stream` to be false or absent, got true'],
    ['null', null, 'Expected `request` to be an object, got null'],
  ])('a request that can be told to be wrong is one result: %s', (_name, request, message) => {
    const client = clientFor();
    const seen: unknown[] = [];
    completeMany(client, [request as ChatCompletionRequest, b], options).subscribe({
      next: (result) => seen.push(result.status === 'fulfilled' ? brief(result) : result),
      error: (error: unknown) => expect.unreachable(String(error)),
    });

    const reason = expect.objectContaining({ kind: 'validation', message, retryable: false });
    expect(seen).toEqual([{ status: 'rejected', reason, input: request, index: 0 }, '1 b: B']);
  });

  test('an error of the requests is the end, behind what was under way', () => {
    const fault = new Error('fault');
    const seen: unknown[] = [];
    completeMany(clientFor(), concat(of({ ...a, stream: true }), throwError(() => fault)), options).subscribe({
      next: (result) => seen.push(brief(result)),
      error: (error: unknown) => seen.push(error),
    });

    expect(seen).toEqual(['0 a validation: Expected `stream` to be false or absent, got true', fault]);
  });

  test('is each subscriber’s own', () => {
    const results = completeMany(clientFor(), [a, b], options);
    const seen: string[][] = [[], []];

    for (const list of seen) {
      results.subscribe({ next: (result) => list.push(`${result.index} ${result.status}`), error: (error: unknown) => expect.unreachable(String(error)) });
    }

    expect(seen[0]).toHaveLength(2);
    expect(seen[1]).toEqual(seen[0]);
  });

  test('takes what an Observable, an iterable or an array gives', () => {
    for (const requests of [from([a, b]), new Set([a, b]), [a, b]]) {
      const seen: number[] = [];
      completeMany(clientFor(), requests, options).subscribe({ next: ({ index }) => seen.push(index), error: (error: unknown) => expect.unreachable(String(error)) });
      expect(seen.sort()).toEqual([0, 1]);
    }
  });
});

test('a batch has one model: another is told by its place, before anything is sent', () => {
  const client = fakeMistral({});
  const wrong = { ...b, stream: true };

  expect(resultsOf(client, [a, wrong, ask('c', { model: 'mistral-large-latest' })], batch)).toEqual([
    '1 b validation: Expected `stream` to be false or absent, got true',
    'RxMistralError: Request 3 of the batch has another `model`: a job has one',
  ]);
  expect(client.calls).toEqual([]);
});

test('what is wrong with a line of a batch is told by its place, behind requests that were refused', () => {
  const client = fakeMistral({});
  const wrong = { ...b, stream: true };

  expect(resultsOf(client, [a, wrong, wrong, ask('c'.repeat(2_000))], { ...batch, maxFileBytes: 1_000 })).toEqual([
    '1 b validation: Expected `stream` to be false or absent, got true',
    '2 b validation: Expected `stream` to be false or absent, got true',
    expect.stringMatching(/^RxMistralError: Request 4 of the batch is 2\d\d\d bytes long; a file holds 1000$/),
  ]);
  expect(client.calls).toEqual([]);
});

test('the chain is not broken: a result is there before the next request is pulled', () => {
  const order: string[] = [];
  function* requests() {
    for (const request of [a, b, c]) {
      order.push(`ask ${questionOf(request)}`);
      yield request;
    }
  }
  completeMany(fakeMistral({ 'chat.complete': completion() }), requests(), { mode: 'live', concurrency: 1 })
    .pipe(concatMap((result) => (order.push(`got ${questionOf(result.input)}`), EMPTY)))
    .subscribe({ error: (error: unknown) => expect.unreachable(String(error)) });

  expect(order).toEqual(['ask a', 'got a', 'ask b', 'got b', 'ask c', 'got c']);
});

describe('throws at once, where', () => {
  const client = fakeMistral({});
  test.each<[string, unknown, unknown]>([
    ['Expected `requests` to be an array, iterable, stream or Observable, got "a prompt"', 'a prompt', live],
    ['Expected `requests` to be an array, iterable, stream or Observable, got an object', { messages: [] }, batch],
    ['Expected `options` to be an object, got undefined', [], undefined],
    ["Expected `mode` to be 'live' or 'batch', got undefined", [], { concurrency: 2 }],
    ["Expected `mode` to be 'live' or 'batch', got \"cheap\"", [], { mode: 'cheap' }],
    ['Expected `concurrency` to be an integer >= 1, got undefined', [], { mode: 'live' }],
    ['Expected `concurrency` to be an integer >= 1, got 0', [], { mode: 'live', concurrency: 0 }],
    ['Expected `maxQueued` to be an integer >= 0 or Infinity, got -1', [], { ...live, maxQueued: -1 }],
    ['Expected `ordered` to be true or false, got "yes"', [], { ...batch, ordered: 'yes' }],
    ['Expected `concurrentJobs` to be an integer >= 1, got 0', [], { ...batch, concurrentJobs: 0 }],
    ['Expected `timeoutHours` to be an integer from 1 to 168, got 0', [], { ...batch, timeoutHours: 0 }],
    ['Expected `onEvent` to be a function, got true', [], { ...batch, onEvent: true }],
  ])('%s', (message, requests, options) => {
    expect(() => completeMany(client, requests as [], options as CompleteManyOptions)).toThrow(new TypeError(message));
  });

  test('the client is none', () => {
    expect(() => completeMany({} as FakeMistral, [], live)).toThrow(TypeError);
  });
});

import type { BatchJob } from '@mistralai/mistralai/models/components/batchjob.js';
import type { CreateFileResponse } from '@mistralai/mistralai/models/components/createfileresponse.js';
import { map, NEVER, type Observable, of, takeWhile, tap, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  type BatchEvent,
  type BatchJournal,
  type BatchOptions,
  type BatchRequest,
  createRateLimiter,
  type JournalRecord,
  type RateLimiter,
  runBatch,
  RxMistralError,
} from '../../src/index.js';
import { batchJob, type FakeMistral, fakeMistral, fileDownload, marbles } from '../../src/testing/index.js';

const body = { messages: [{ role: 'user', content: 'Hi' }] };
const request = (customId: string): BatchRequest => ({ customId, body });
const answered = (custom_id: string, text = custom_id) => ({
  custom_id,
  response: { status_code: 200, body: { choices: [{ index: 0, message: { role: 'assistant', content: text } }] } },
});
const refused = (custom_id: string, status_code: number) => ({
  custom_id,
  response: { status_code, body: { object: 'error', message: `status ${status_code}` } },
});
const ended = (outputs: BatchJob['outputs'], fields: Parameters<typeof batchJob>[0] = {}): BatchJob =>
  batchJob({ status: 'SUCCESS', totalRequests: outputs?.length ?? 0, succeededRequests: outputs?.length ?? 0, outputs, ...fields });

const unavailable = new RxMistralError({ kind: 'http', message: 'unavailable', status: 503, retryable: true });
const dropped = new RxMistralError({ kind: 'connection', message: 'The connection broke', retryable: true });
const options = { model: 'mistral-small-latest', inline: true, interval: 5, resubmit: { rounds: 0 } } as const;

/** An event in a word or two, for lists that can be read. */
function brief(event: BatchEvent): string {
  switch (event.type) {
    case 'file-prepared':
      return `prepared ${event.part}: ${event.requests}`;
    case 'job-created':
      return `${event.found ? 'found' : 'created'} ${event.part}/${event.round}: ${event.jobId}`;
    case 'job-progress':
      return `progress ${event.jobId}: ${event.job.status} ${event.done}/${event.total}`;
    case 'job-stuck':
      return `stuck ${event.jobId}`;
    case 'result':
      return `${event.customId} ${event.status}${event.status === 'rejected' ? `: ${event.error.message}` : event.status === 'missing' ? `: ${event.reason}` : ''}`;
    case 'resubmitted':
      return `again ${event.part}/${event.round}: ${event.requests}`;
    case 'file-uploaded':
      return `uploaded ${event.part}: ${event.fileId}`;
    case 'complete':
      return `complete: ${event.requests} = ${event.fulfilled} + ${event.rejected} + ${event.missing}`;
  }
}

/** What a run emits, with its error last. Sources are synchronous here; time is virtual. */
function run(client: FakeMistral, requests: readonly BatchRequest[], more: BatchOptions = {}): string[] {
  const seen: string[] = [];
  marbles((m) => {
    runBatch(client, requests, { ...options, ...more, scheduler: m.scheduler }).subscribe({
      next: (event) => seen.push(brief(event)),
      error: (error: unknown) => seen.push(String(error)),
    });
  });
  return seen;
}

const journalOf = (records: JournalRecord[]): BatchJournal => ({
  read: () => [...records],
  append: (record) => {
    records.push(record);
  },
});

const operations = (client: FakeMistral): string[] => client.calls.map(({ operation }) => operation);

describe('a run', () => {
  test('goes from requests to results, each joined by its id', () => {
    const outputs = [answered('b'), answered('a')];

    marbles((m) => {
      const created = m.cold<BatchJob>('          ---(j|)', { j: batchJob({ id: 'job-1' }) });
      const client = m.mistral({
        'batch.jobs.create': created,
        'batch.jobs.get': [batchJob({ status: 'RUNNING', totalRequests: 2 }), ended(outputs)],
      });
      const expected = '                                p--(jr)-(sbaC|)';

      m.expectObservable(runBatch(client, [request('a'), request('b')], options).pipe(map(brief))).toBe(expected, {
        p: 'prepared 0: 2',
        j: 'created 0/0: job-1',
        r: 'progress job-1: RUNNING 0/2',
        s: 'progress job-1: SUCCESS 2/2',
        b: 'b fulfilled',
        a: 'a fulfilled',
        C: 'complete: 2 = 2 + 0 + 0',
      });
      m.expectSubscriptions(created.subscriptions).toBe('     ^--!');
      m.flush();
      expect(client.calls[0]?.request).toMatchObject({
        endpoint: '/v1/chat/completions',
        model: 'mistral-small-latest',
        requests: [{ customId: 'a', body }, { customId: 'b', body }],
        metadata: { rxmistral: expect.stringMatching(/:0:0$/) as string },
      });
    });
  });

  test('asks the limiter before each call, from the upload to the download', () => {
    const limiter = createRateLimiter();
    let permits = 0;
    const counting: RateLimiter = { ...limiter, acquire: (asked) => limiter.acquire(asked).pipe(tap(() => (permits += 1))) };
    const client = fakeMistral({
      'files.upload': { id: 'file-1' } as CreateFileResponse,
      'batch.jobs.create': batchJob(),
      'batch.jobs.get': batchJob({ status: 'SUCCESS', totalRequests: 1, succeededRequests: 1, outputFile: 'file-2' }),
      'files.download': fileDownload(`${JSON.stringify(answered('a'))}\n`),
    });

    expect(run(client, [request('a')], { inline: false, limiter: counting }).slice(-2)).toEqual(['a fulfilled', 'complete: 1 = 1 + 0 + 0']);
    expect(permits).toBe(client.calls.length);
  });

  test('of no requests makes no job', () => {
    const client = fakeMistral({});

    expect(run(client, [])).toEqual(['complete: 0 = 0 + 0 + 0']);
    expect(client.calls).toEqual([]);
  });

  test('makes the ids that are missing', () => {
    const client = fakeMistral({ 'batch.jobs.create': batchJob(), 'batch.jobs.get': ended([answered('request-1'), answered('mine')]) });

    expect(run(client, [{ body }, request('mine')]).slice(-3)).toEqual([
      'request-1 fulfilled',
      'mine fulfilled',
      'complete: 2 = 2 + 0 + 0',
    ]);
  });

  test('makes a job for each part, several at once under a cap', () => {
    const client = fakeMistral({
      'batch.jobs.create': (_request, n) => batchJob({ id: `job-${n}` }),
      'batch.jobs.get': ({ jobId }, n) => (n < 2 ? batchJob({ id: jobId }) : ended([answered(`request-${Number(jobId.slice(4)) + 1}`)], { id: jobId })),
    });

    expect(run(client, [{ body }, { body }, { body }], { maxRequestsPerJob: 1, concurrency: 2 })).toEqual([
      'prepared 0: 1',
      'prepared 1: 1',
      'prepared 2: 1',
      'created 0/0: job-0',
      'progress job-0: QUEUED 0/10',
      'created 1/0: job-1',
      'progress job-1: QUEUED 0/10',
      'progress job-0: SUCCESS 1/1',
      'request-1 fulfilled',
      'created 2/0: job-2',
      'progress job-2: SUCCESS 1/1',
      'request-3 fulfilled',
      'progress job-1: SUCCESS 1/1',
      'request-2 fulfilled',
      'complete: 3 = 3 + 0 + 0',
    ]);
  });

  test('is each subscriber’s own', () => {
    const client = fakeMistral({ 'batch.jobs.create': batchJob(), 'batch.jobs.get': ended([answered('a')]) });
    const result = runBatch(client, [request('a')], options);
    const types: string[][] = [[], []];

    for (const list of types) result.subscribe({ next: ({ type }) => list.push(type), error: (error: unknown) => expect.unreachable(String(error)) });

    expect(types[0]).toEqual(['file-prepared', 'job-created', 'job-progress', 'result', 'complete']);
    expect(types[1]).toEqual(types[0]);
  });

  test('holds back what `onResult` is not done with', () => {
    marbles((m) => {
      const client = m.mistral({ 'batch.jobs.create': batchJob(), 'batch.jobs.get': ended([answered('a'), answered('b')]) });
      const saved = m.cold('    ------|');
      const expected = '        (pjs)-a-----(bC|)';
      const results = runBatch(client, [request('a'), request('b')], { ...options, onResult: () => saved });

      m.expectObservable(results.pipe(map(brief))).toBe(expected, {
        p: 'prepared 0: 2',
        j: 'created 0/0: job-1',
        s: 'progress job-1: SUCCESS 2/2',
        a: 'a fulfilled',
        b: 'b fulfilled',
        C: 'complete: 2 = 2 + 0 + 0',
      });
      m.expectSubscriptions(saved.subscriptions).toBe(['^-----!', '------^-----!']);
    });
  });
});

describe('how a request ends', () => {
  const ends = (outputs: BatchJob['outputs'], more?: BatchOptions): string[] => {
    const client = fakeMistral({ 'batch.jobs.create': batchJob(), 'batch.jobs.get': ended(outputs) });
    return run(client, [request('a'), request('b')], more).slice(3);
  };

  test('rejected, with the error of a live call', () => {
    expect(ends([answered('a'), refused('b', 422)])).toEqual(['a fulfilled', 'b rejected: status 422', 'complete: 2 = 1 + 1 + 0']);
  });

  test('rejected, with an error that is bare text', () => {
    expect(ends([answered('a'), { custom_id: 'b', response: null, error: 'out of memory' }])).toEqual([
      'a fulfilled',
      'b rejected: out of memory',
      'complete: 2 = 1 + 1 + 0',
    ]);
  });

  test('missing, with the reason', () => {
    expect(ends([answered('a')])).toEqual([
      'a fulfilled',
      'b missing: The batch job job-1 has ended, and none of its files names the request',
      'complete: 2 = 1 + 0 + 1',
    ]);
  });

  test('once, however often the files name it', () => {
    const client = fakeMistral({
      'batch.jobs.create': batchJob(),
      'batch.jobs.get': ended([answered('a'), answered('a', 'other'), refused('a', 500), answered('b'), answered('c')]),
    });
    let last: BatchEvent | undefined;
    const seen: string[] = [];

    runBatch(client, [request('a'), request('b')], options).subscribe({
      next: (event) => {
        last = event;
        seen.push(brief(event));
      },
      error: (error: unknown) => expect.unreachable(String(error)),
    });

    expect(seen.slice(3)).toEqual(['a fulfilled', 'b fulfilled', 'complete: 2 = 2 + 0 + 0']);
    expect(last).toMatchObject({ surplus: 3, jobs: ['job-1'], undeleted: [] });
  });

  for (const status of ['FAILED', 'TIMEOUT_EXCEEDED', 'CANCELLED']) {
    test(`with what a job that is ${status} has done, and missing behind it`, () => {
      const client = fakeMistral({
        'batch.jobs.create': batchJob(),
        'batch.jobs.get': batchJob({ status, totalRequests: 2, succeededRequests: 1, outputs: [answered('a')] }),
      });

      expect(run(client, [request('a'), request('b')]).slice(2)).toEqual([
        `progress job-1: ${status} 1/2`,
        'a fulfilled',
        `b missing: The batch job job-1 has ended as ${status}, with 1 of 2 requests done`,
        'complete: 2 = 1 + 0 + 1',
      ]);
    });
  }

  test('missing, where its job is not done within the deadline', () => {
    const client = fakeMistral({ 'batch.jobs.create': batchJob(), 'batch.jobs.get': batchJob({ status: 'RUNNING' }) });

    expect(run(client, [request('a')], { deadline: 60_000, resubmit: { rounds: 2 } }).slice(2)).toEqual([
      'progress job-1: RUNNING 0/10',
      'a missing: The batch job job-1 was not done within its deadline of 60000 ms, with 0 of 10 requests done',
      'complete: 1 = 0 + 0 + 1',
    ]);
  });
});

describe('what is sent again', () => {
  const rounds = (more: BatchOptions, ...outputs: readonly NonNullable<BatchJob['outputs']>[]): readonly [string[], FakeMistral] => {
    const client = fakeMistral({
      'batch.jobs.create': (_request, n) => batchJob({ id: `job-${n}` }),
      'batch.jobs.get': ({ jobId }) => ended(outputs[Number(jobId.slice(4))], { id: jobId }),
    });
    const seen = run(client, ['a', 'b', 'c', 'd'].map(request), { resubmit: {}, ...more });
    return [seen.filter((line) => !line.startsWith('progress')), client];
  };

  test('is what failed in a way that may pass, and what is missing', () => {
    const [seen, client] = rounds({}, [answered('a'), refused('b', 503), refused('c', 400)], [answered('d'), answered('b')]);

    expect(seen).toEqual([
      'prepared 0: 4',
      'created 0/0: job-0',
      'a fulfilled',
      'c rejected: status 400',
      'again 0/1: 2',
      'created 0/1: job-1',
      'd fulfilled',
      'b fulfilled',
      'complete: 4 = 3 + 1 + 0',
    ]);
    expect(client.calls.filter(({ operation }) => operation === 'batch.jobs.create').map((call) => call.request)).toMatchObject([
      { requests: ['a', 'b', 'c', 'd'].map(request) },
      { requests: [request('b'), request('d')] },
    ]);
  });

  test('ends after so many rounds, with the failure that came last', () => {
    const [seen] = rounds({ resubmit: { rounds: 2 } }, [refused('a', 503), answered('c'), answered('d')], [refused('a', 429)], [
      refused('b', 500),
    ]);

    expect(seen.slice(2)).toEqual([
      'c fulfilled',
      'd fulfilled',
      'again 0/1: 2',
      'created 0/1: job-1',
      'again 0/2: 2',
      'created 0/2: job-2',
      'b rejected: status 500',
      'a rejected: status 429',
      'complete: 4 = 2 + 2 + 0',
    ]);
  });

  test('is what the user says', () => {
    const when = ({ customId }: { readonly customId: string | undefined }): boolean => customId === 'c';
    const [seen] = rounds({ resubmit: { rounds: 1, when } }, [refused('a', 503), refused('b', 503), refused('c', 400)], [answered('c')]);

    expect(seen.slice(2)).toEqual([
      'a rejected: status 503',
      'b rejected: status 503',
      'd missing: The batch job job-0 has ended, and none of its files names the request',
      'again 0/1: 1',
      'created 0/1: job-1',
      'c fulfilled',
      'complete: 4 = 1 + 2 + 1',
    ]);
  });

  test('is not a job that failed before its first request', () => {
    const client = fakeMistral({ 'batch.jobs.create': batchJob(), 'batch.jobs.get': batchJob({ status: 'FAILED' }) });

    expect(run(client, [request('a')], { resubmit: {} }).at(-1)).toBe('complete: 1 = 0 + 0 + 1');
    expect(operations(client)).toEqual(['batch.jobs.create', 'batch.jobs.get']);
  });

  test('is told with its failure where no further job can be made', () => {
    const client = fakeMistral({
      'batch.jobs.create': (_request, n) => (n === 0 ? batchJob() : throwError(() => new RxMistralError({ kind: 'http', message: 'no credit', status: 402 }))),
      'batch.jobs.get': ended([refused('a', 503)]),
    });

    expect(run(client, [request('a'), request('b')], { resubmit: {} }).slice(3)).toEqual([
      'again 0/1: 2',
      'a rejected: status 503',
      'b missing: It could not be sent again: no credit',
      'complete: 2 = 0 + 1 + 1',
    ]);
  });
});

describe('creating a job', () => {
  test('that loses its answer makes no second job: it is looked for first', () => {
    let key: unknown;
    const client = fakeMistral({
      'batch.jobs.create': ({ metadata }) => {
        key = metadata?.['rxmistral'];
        return throwError(() => dropped);
      },
      'batch.jobs.list': () => ({ object: 'list', total: 2, data: [batchJob({ id: 'other' }), batchJob({ id: 'job-7', metadata: { rxmistral: key } })] }),
      'batch.jobs.get': ended([answered('a')], { id: 'job-7' }),
    });

    expect(run(client, [request('a')]).slice(1, 2)).toEqual(['found 0/0: job-7']);
    expect(operations(client)).toEqual(['batch.jobs.create', 'batch.jobs.list', 'batch.jobs.get']);
  });

  test('is repeated where the job is not there', () => {
    const client = fakeMistral({
      'batch.jobs.create': [throwError(() => dropped), batchJob()],
      'batch.jobs.list': { object: 'list', total: 0, data: [] },
      'batch.jobs.get': ended([answered('a')]),
    });

    expect(run(client, [request('a')]).slice(1, 2)).toEqual(['created 0/0: job-1']);
    expect(operations(client)).toEqual(['batch.jobs.create', 'batch.jobs.list', 'batch.jobs.create', 'batch.jobs.get']);
  });

  test('that is refused is the end of the run', () => {
    const refusal = new RxMistralError({ kind: 'http', message: 'unauthorized', status: 401 });
    const client = fakeMistral({ 'batch.jobs.create': throwError(() => refusal) });

    expect(run(client, [request('a')])).toEqual(['prepared 0: 1', 'RxMistralError: unauthorized']);
  });
});

describe('attach', () => {
  const client = (): FakeMistral =>
    fakeMistral({
      'batch.jobs.create': batchJob({ id: 'job-9' }),
      'batch.jobs.get': ({ jobId }) =>
        ended(jobId === 'job-1' ? [answered('a')] : jobId === 'job-2' ? [answered('c')] : [answered('b')], { id: jobId }),
    });

  test('follows jobs that are there, and sends again what they leave', () => {
    expect(run(client(), ['a', 'b', 'c'].map(request), { attach: ['job-1', 'job-2'], resubmit: {}, maxRequestsPerJob: 2 })).toEqual([
      'prepared 0: 2',
      'prepared 1: 1',
      'progress job-1: SUCCESS 1/1',
      'a fulfilled',
      'progress job-2: SUCCESS 1/1',
      'c fulfilled',
      'again 0/1: 1',
      'created 0/1: job-9',
      'progress job-9: SUCCESS 1/1',
      'b fulfilled',
      'complete: 3 = 3 + 0 + 0',
    ]);
  });

  test('without requests tells what the jobs have', () => {
    expect(run(client(), [], { attach: ['job-1', 'job-2'] })).toEqual([
      'progress job-1: SUCCESS 1/1',
      'a fulfilled',
      'progress job-2: SUCCESS 1/1',
      'c fulfilled',
      'complete: 2 = 2 + 0 + 0',
    ]);
  });

  test('tells a job once that is named twice', () => {
    expect(run(client(), [], { attach: ['job-1', 'job-1'] })).toEqual([
      'progress job-1: SUCCESS 1/1',
      'a fulfilled',
      'complete: 1 = 1 + 0 + 0',
    ]);
  });

  test('follows what is in the journal too, before it sends anything again', () => {
    const records: JournalRecord[] = [];
    const parts = { maxRequestsPerJob: 1, concurrency: 1, journal: journalOf(records) };
    const killed = fakeMistral({ 'batch.jobs.create': batchJob({ id: 'job-1' }), 'batch.jobs.get': NEVER });
    runBatch(killed, [request('a'), request('c')], { ...options, ...parts }).subscribe({ error: () => undefined }).unsubscribe();
    expect(records.map(({ type }) => type)).toEqual(['run', 'part', 'part', 'creating', 'created']);

    expect(run(client(), [request('a'), request('c')], { ...parts, attach: ['job-2'], resubmit: {} })).toEqual([
      'prepared 0: 1',
      'prepared 1: 1',
      'progress job-2: SUCCESS 1/1',
      'c fulfilled',
      'found 0/0: job-1',
      'progress job-1: SUCCESS 1/1',
      'a fulfilled',
      'complete: 2 = 2 + 0 + 0',
    ]);
  });

  test('sends nothing again while one of the jobs may be at work', () => {
    const lost = fakeMistral({ 'batch.jobs.get': throwError(() => new RxMistralError({ kind: 'http', message: 'not found', status: 404 })) });

    expect(run(lost, [request('a')], { attach: ['job-1'], resubmit: {} })).toEqual([
      'prepared 0: 1',
      'a missing: not found',
      'complete: 1 = 0 + 0 + 1',
    ]);
  });
});

describe('a journal', () => {
  test('lets a run go on with the jobs that are there', () => {
    const records: JournalRecord[] = [];
    const first = fakeMistral({ 'batch.jobs.create': batchJob(), 'batch.jobs.get': throwError(() => new Error('killed')) });
    run(first, [request('a')], { journal: journalOf(records), retry: false });
    expect(records.map(({ type }) => type)).toEqual(['run', 'part', 'creating', 'created', 'complete']);
    records.pop();

    const second = fakeMistral({ 'batch.jobs.get': ended([answered('a')]) });
    expect(run(second, [request('a')], { journal: journalOf(records) })).toEqual([
      'prepared 0: 1',
      'found 0/0: job-1',
      'progress job-1: SUCCESS 1/1',
      'a fulfilled',
      'complete: 1 = 1 + 0 + 0',
    ]);
  });

  test('that was broken off while a job was created has it looked for', () => {
    const records: JournalRecord[] = [];
    const killed = fakeMistral({ 'batch.jobs.create': () => throwError(() => dropped) });
    run(killed, [request('a')], { journal: journalOf(records), retry: false });
    expect(records.map(({ type }) => type)).toEqual(['run', 'part', 'creating']);
    const key = records.flatMap((record) => (record.type === 'creating' ? [record.key] : []))[0];

    const second = fakeMistral({
      'batch.jobs.list': { object: 'list', total: 1, data: [batchJob({ metadata: { rxmistral: key } })] },
      'batch.jobs.get': ended([answered('a')]),
    });
    expect(run(second, [request('a')], { journal: journalOf(records) }).slice(1)).toEqual([
      'found 0/0: job-1',
      'progress job-1: SUCCESS 1/1',
      'a fulfilled',
      'complete: 1 = 1 + 0 + 0',
    ]);
  });

  test('refuses other requests, and another endpoint', () => {
    const records: JournalRecord[] = [];
    const first = fakeMistral({ 'batch.jobs.create': () => throwError(() => dropped) });
    run(first, [request('a')], { journal: journalOf(records), retry: false });

    expect(run(fakeMistral({}), [request('b')], { journal: journalOf(records) })).toEqual([
      'RxMistralError: The journal does not belong to this run: part 0 of the requests is another one',
    ]);
    expect(run(fakeMistral({}), [request('a')], { journal: journalOf(records), endpoint: '/v1/embeddings' as never })).toEqual([
      'RxMistralError: The journal does not belong to this run: it is of the endpoint /v1/chat/completions',
    ]);
  });
});

describe('unsubscribing', () => {
  const running = batchJob({ status: 'RUNNING' });
  const client = (): FakeMistral => fakeMistral({ 'batch.jobs.create': running, 'batch.jobs.get': running, 'batch.jobs.cancel': running });

  test('leaves the job running', () => {
    const detached = client();
    runBatch(detached, [request('a')], options).subscribe({ error: () => undefined }).unsubscribe();
    expect(operations(detached)).toEqual(['batch.jobs.create', 'batch.jobs.get']);
  });

  test('cancels the job where the user says so', () => {
    const cancelled = client();
    runBatch(cancelled, [request('a')], { ...options, onUnsubscribe: 'cancel' }).subscribe({ error: () => undefined }).unsubscribe();
    expect(operations(cancelled)).toEqual(['batch.jobs.create', 'batch.jobs.get', 'batch.jobs.cancel']);
  });

  test('leaves the file of a job that a run with the journal would still make', () => {
    const records: JournalRecord[] = [];
    const going = { ...options, inline: false, onUnsubscribe: 'cancel', cleanup: 'input', journal: journalOf(records) } as const;
    const client = fakeMistral({
      'files.upload': { id: 'file-1' } as CreateFileResponse,
      'batch.jobs.create': batchJob(),
      'batch.jobs.get': ended([answered('a')]),
      'files.delete': { id: 'file-1', object: 'file', deleted: true },
    });

    runBatch(client, [request('a')], going).pipe(takeWhile(({ type }) => type !== 'file-uploaded')).subscribe({ error: () => undefined });
    expect(operations(client)).toEqual(['files.upload']);
    runBatch(client, [request('a')], going).subscribe({ error: () => undefined });
    expect(operations(client)).toEqual(['files.upload', 'batch.jobs.create', 'batch.jobs.get', 'files.delete']);
  });

  test('while a job is being created looks for it, and cancels it', () => {
    marbles((m) => {
      let key: unknown;
      const late = m.mistral({
        'batch.jobs.create': ({ metadata }) => {
          key = metadata?.['rxmistral'];
          return m.cold<BatchJob>('-');
        },
        'batch.jobs.list': (_request, n) => ({ object: 'list', total: 1, data: n === 0 ? [] : [batchJob({ metadata: { rxmistral: key } })] }),
        'batch.jobs.cancel': running,
      });
      const all: Observable<BatchEvent> = runBatch(late, [request('a')], { ...options, onUnsubscribe: 'cancel', scheduler: m.scheduler });

      m.expectObservable(all.pipe(map(brief)), '-!').toBe('p-', { p: 'prepared 0: 1' });
      m.flush();
      expect(operations(late)).toEqual(['batch.jobs.create', 'batch.jobs.list', 'batch.jobs.list', 'batch.jobs.cancel']);
    });
  });
});

describe('a request that cannot be sent ends the run before anything is sent', () => {
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  const cases: readonly (readonly [string, readonly unknown[]])[] = [
    ['Request 2 of the batch has the `customId` of an earlier one', [request('a'), request('a')]],
    ['Request 3 of the batch has the `customId` of an earlier one', [{ body }, request('b'), request('request-1')]],
    ['Request 1 of the batch has no `body`', [{ customId: 'a' }]],
    ['Request 1 of the batch has no `body`', [{ customId: 'a', body: [] }]],
    ['Request 2 of the batch is no object', [request('a'), 'b']],
    ['Request 1 of the batch has a `customId` that is no text', [{ customId: 4, body }]],
    ['Request 1 of the batch has a `body` that is no JSON', [{ body: circular }]],
    ['Request 2 of the batch has another `model`: a job has one', [{ body: { model: options.model } }, { body: { model: 'other' } }]],
    ['Request 1 of the batch is 55 bytes long; a file holds 50', [{ body: { text: 'x'.repeat(10) } }]],
  ];
  for (const [message, requests] of cases) {
    test(message, () => {
      const client = fakeMistral({});
      const maxFileBytes = message.includes('bytes') ? 50 : undefined;

      expect(run(client, requests as readonly BatchRequest[], { maxFileBytes })).toEqual([`RxMistralError: ${message}`]);
      expect(client.calls).toEqual([]);
    });
  }
});

describe('bad options are a TypeError at the call', () => {
  const cases: readonly (readonly [RegExp, Record<string, unknown>])[] = [
    [/^Expected `endpoint` to be '\/v1\/chat\/completions' or .*, got "\/v1\/chats"$/, { endpoint: '/v1/chats' }],
    [/^Expected `maxRequestsPerJob` to be an integer >= 1, got 0$/, { maxRequestsPerJob: 0 }],
    [/^Expected `timeoutHours` to be an integer from 1 to 168, got 169$/, { timeoutHours: 169 }],
    [/^Expected `metadata` to be with keys of at most 32 characters/, { metadata: { ['k'.repeat(33)]: 'v' } }],
    [/^Expected `metadata.k` to be text of at most 512 characters, got 513$/, { metadata: { k: 'v'.repeat(513) } }],
    [/^Expected `metadata` to be without the key `rxmistral`/, { metadata: { rxmistral: 'v' } }],
    [/^Expected `attach\[1\]` to be an id/, { attach: ['job-1', '..'] }],
    [/^Expected `resubmit.rounds` to be an integer >= 0, got -1$/, { resubmit: { rounds: -1 } }],
    [/^Expected `onUnsubscribe` to be 'detach' or 'cancel', got "stop"$/, { onUnsubscribe: 'stop' }],
    [/^Expected `cleanup` to be 'none' or 'input' or 'all', got true$/, { cleanup: true }],
    [/^Expected `journal` to be a BatchJournal, got a string$|got "x"$/, { journal: 'x' }],
    [/^Expected `spool` to be a BatchSpool, got an object$/, { spool: {} }],
    [/^Expected `inline` to be true or false, got 1$/, { inline: 1 }],
  ];
  for (const [message, bad] of cases) {
    test(message.source.slice(0, 60), () => {
      expect(() => runBatch(fakeMistral({}), [], bad as BatchOptions)).toThrow(message);
      expect(() => runBatch(fakeMistral({}), [], bad as BatchOptions)).toThrow(TypeError);
    });
  }

  test('requests that are none', () => {
    for (const requests of ['requests', request('a')]) {
      expect(() => runBatch(fakeMistral({}), requests as never)).toThrow(/^Expected `requests` to be an array, iterable, stream or Observable/);
    }
  });
});

test('a failed poll or download is retried by default', () => {
  const client = fakeMistral({ 'batch.jobs.create': batchJob(), 'batch.jobs.get': [throwError(() => unavailable), of(ended([answered('a')]))] });
  expect(run(client, [request('a')]).at(-1)).toBe('complete: 1 = 1 + 0 + 0');
});

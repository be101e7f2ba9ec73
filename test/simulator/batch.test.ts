import { Mistral } from '@mistralai/mistralai';
import type { BatchJob } from '@mistralai/mistralai/models/components/batchjob.js';
import type { CreateBatchJobRequest } from '@mistralai/mistralai/models/components/createbatchjobrequest.js';
import { describe, expect, test } from 'vitest';

import { startSimulator, type BatchFault, type BatchOptions, type Simulator, type SimulatorOptions } from '../../src/simulator/index.js';
import { waitFor } from '../fixtures/waitFor.js';
import { withSimulator } from './rawClient.js';
import { form, request } from './standaloneSdk.js';
import { stopClock } from './stopClock.js';

interface Line {
  readonly id: string;
  readonly custom_id?: string | null;
  readonly response: { readonly status_code: number; readonly body: Record<string, unknown> } | null;
  readonly error: unknown;
}

/** A job as it is on the wire, where the SDK would be in the way. */
type RawJob = Readonly<Record<string, unknown>> & { readonly id: string; readonly status: string; readonly output_file: string | null; readonly error_file: string | null };

const chat = '/v1/chat/completions';
const model = 'mistral-small-latest';
const terminal = ['SUCCESS', 'FAILED', 'TIMEOUT_EXCEEDED', 'CANCELLED'];

function question(i: number): { readonly customId: string; readonly body: { readonly messages: readonly object[] } } {
  return { customId: `r${i}`, body: { messages: [{ role: 'user', content: `Question ${i}?` }] } };
}

function questions(count: number): ReturnType<typeof question>[] {
  return Array.from({ length: count }, (_, i) => question(i));
}

function clientOf(simulator: Simulator): Mistral {
  return new Mistral({ serverURL: simulator.url, apiKey: 'any' });
}

function withClient(options: SimulatorOptions, run: (client: Mistral, simulator: Simulator) => Promise<void>): Promise<void> {
  return withSimulator(options, (simulator) => run(clientOf(simulator), simulator));
}

async function uploaded(client: Mistral, lines: readonly unknown[]): Promise<string> {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  return (await client.files.upload({ purpose: 'batch', file: { fileName: 'in.jsonl', content: new Blob([text]) } })).id;
}

/** Polls until the job is over. */
async function ended(client: Mistral, jobId: string): Promise<BatchJob> {
  for (;; await new Promise((resolve) => setTimeout(resolve, 2))) {
    const job = await client.batch.jobs.get({ jobId });
    if (terminal.includes(job.status)) return job;
  }
}

/** Polls until the job is so. */
async function becomes(client: Mistral, jobId: string, expected: Partial<BatchJob>): Promise<void> {
  await waitFor(async () => {
    expect(await client.batch.jobs.get({ jobId })).toMatchObject(expected);
  });
}

async function textOf(client: Mistral, fileId: string | null | undefined): Promise<string> {
  return typeof fileId === 'string' ? new Response(await client.files.download({ fileId })).text() : '';
}

function parsed(text: string): readonly Line[] {
  return text.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Line);
}

/** The whole trip with inline requests: the job at its end, and the text of its files. */
async function trip(client: Mistral, count: number, create: Partial<CreateBatchJobRequest> = {}): Promise<{ readonly job: BatchJob; readonly output: string; readonly error: string }> {
  const { id } = await client.batch.jobs.create({ endpoint: chat, model, requests: questions(count), ...create });
  const job = await ended(client, id);
  return { job, output: await textOf(client, job.outputFile), error: await textOf(client, job.errorFile) };
}

async function rawJob(simulator: Simulator, id: string, query = ''): Promise<RawJob> {
  return (await (await request(simulator, `/v1/batch/jobs/${id}${query}`)).json()) as RawJob;
}

/** Makes a job of inline requests, and returns it when it is over. */
async function settledJob(simulator: Simulator, count: number): Promise<RawJob> {
  const body = { endpoint: chat, model, requests: questions(count).map(({ customId, body }) => ({ custom_id: customId, body })) };
  const { id } = (await (await request(simulator, '/v1/batch/jobs', body)).json()) as RawJob;
  for (;; await new Promise((resolve) => setTimeout(resolve, 2))) {
    const job = await rawJob(simulator, id);
    // Its last status may be called anything.
    if (!/^(queued|running)$/i.test(job.status)) return job;
  }
}

describe('a batch job', () => {
  test('takes the whole trip by the SDK: upload, create, poll, download', async () => {
    await withClient({}, async (client) => {
      const inputFile = await uploaded(client, questions(50).map(({ customId, body }) => ({ custom_id: customId, body })));
      const created = await client.batch.jobs.create({ inputFiles: [inputFile], endpoint: chat, model, metadata: { run: '7' } });
      expect(created).toMatchObject({ object: 'batch', status: 'QUEUED', inputFiles: [inputFile], endpoint: chat, model, agentId: null, metadata: { run: '7' } });
      expect(created).toMatchObject({ totalRequests: 50, completedRequests: 0, errors: [], outputs: null, outputFile: null, errorFile: null, startedAt: null });

      const job = await ended(client, created.id);
      expect(job).toMatchObject({ id: created.id, status: 'SUCCESS', totalRequests: 50, completedRequests: 50, succeededRequests: 50, failedRequests: 0, errorFile: null });
      expect(job.completedAt).toBeGreaterThanOrEqual(job.startedAt!);
      expect(job.startedAt).toBeGreaterThanOrEqual(job.createdAt);

      const lines = parsed(await textOf(client, job.outputFile));
      expect(lines.map((line) => line.custom_id).toSorted()).toEqual(questions(50).map(({ customId }) => customId).toSorted());
      expect(lines[0]).toMatchObject({ id: expect.stringContaining(created.id) as string, response: { status_code: 200, body: { object: 'chat.completion', model } }, error: null });
      expect(await client.files.retrieve({ fileId: job.outputFile! })).toMatchObject({ purpose: 'batch', sampleType: 'batch_result', source: 'mistral', numLines: 50 });
    });
  });

  test('writes its lines in another order than that of the input, the same for the same seed', async () => {
    const order = async (seed: number): Promise<readonly (string | null | undefined)[]> => {
      const orders: (string | null | undefined)[] = [];
      await withClient({ seed }, async (client) => {
        orders.push(...parsed((await trip(client, 30)).output).map((line) => line.custom_id));
      });
      return orders;
    };
    const first = await order(1);
    expect(first).not.toEqual(questions(30).map(({ customId }) => customId));
    expect(await order(1)).toEqual(first);
    expect(await order(2)).not.toEqual(first);
  });

  const texts = { input: ['One text', 'and another'] };
  const conversation = { input: [{ role: 'user', content: 'Hello!' }] };
  test.each<[endpoint: string, body: object, live?: string, create?: object]>([
    ['/v1/chat/completions', { messages: [{ role: 'user', content: 'Hello!' }], max_tokens: 30 }],
    ['/v1/chat/completions', { messages: [{ role: 'user', content: 'Hello!' }], stream: true }],
    ['/v1/fim/completions', { prompt: 'const a =', suffix: ';' }],
    ['/v1/embeddings', { ...texts, output_dimension: 8 }],
    ['/v1/moderations', texts],
    ['/v1/chat/moderations', conversation],
    ['/v1/classifications', texts],
    ['/v1/ocr', { document: { type: 'document_url', document_url: 'https://example.com/a.pdf' } }],
    ['/v1/audio/transcriptions', { file_url: 'https://example.com/a.mp3', diarize: true }],
    ['/v1/chat/completions', { messages: [{ role: 'user', content: 'Hello!' }] }, '/v1/agents/completions', { agent_id: 'ag_1', model: null }],
  ])('of %s answers as the live endpoint does', async (endpoint, body, live = endpoint, create = {}) => {
    await withClient({}, async (client, simulator) => {
      const asked = { ...body, ...('agent_id' in create ? { agent_id: create.agent_id } : { model: 'm' }), ...('stream' in body && { stream: false }) };
      const fields = Object.entries(asked).map(([name, value]) => [name, String(value)] as const);
      const response = await request(simulator, live, live.includes('audio') ? form(Object.fromEntries(fields)) : asked);
      expect(response.status).toBe(200);

      const id = await uploaded(client, [{ custom_id: 'a', body }]);
      const made = (await (await request(simulator, '/v1/batch/jobs', { input_files: [id], endpoint, model: 'm', ...create })).json()) as RawJob;
      const [line] = parsed(await textOf(client, (await ended(client, made.id)).outputFile));
      expect(line).toEqual({ id: `batch-${made.id}-0`, custom_id: 'a', response: { status_code: 200, body: await response.json() }, error: null });
    });
  });

  test('follows the script of replies, live or not', async () => {
    await withClient({ reply: (body, n, { path }) => `${path} ${JSON.stringify(body.messages?.[0]?.content)} ${n}` }, async (client) => {
      const { output } = await trip(client, 2);
      const contents = parsed(output).map((line) => (line.response!.body['choices'] as { message: { content: string } }[])[0]!.message.content);
      expect(contents.map((text) => text.replace(/ \d$/, '')).toSorted()).toEqual([`${chat} "Question 0?"`, `${chat} "Question 1?"`]);
    });
  });

  test('lets requests fail that the endpoint refuses, in the error file', async () => {
    await withClient({}, async (client) => {
      const requests = [...questions(3), { customId: 'bad', body: { messages: [] } }, { customId: 'worse', body: { messages: 'none' } }];
      const { job, output, error } = await trip(client, 0, { requests });
      expect(job).toMatchObject({ status: 'SUCCESS', totalRequests: 5, completedRequests: 5, succeededRequests: 3, failedRequests: 2 });
      expect(parsed(output)).toHaveLength(3);
      expect(parsed(error).map((line) => [line.custom_id, line.response?.status_code, line.error]).toSorted()).toEqual([['bad', 422, null], ['worse', 422, null]]);
      expect(job.errors.map(({ count }) => count)).toEqual([1, 1]);
      expect(await client.files.retrieve({ fileId: job.errorFile! })).toMatchObject({ sampleType: 'batch_error', numLines: 2 });
    });
  });

  test('reads several files, blank lines, a missing line end, and requests without an id', async () => {
    await withClient({}, async (client) => {
      const { body } = question(0);
      const inputFiles = [await uploaded(client, ['', { custom_id: 'a', body }, '', '', { body }, '']), await uploaded(client, [{ custom_id: null, body }])];
      const { job, output } = await trip(client, 0, { requests: undefined, inputFiles });
      expect(job).toMatchObject({ totalRequests: 3, succeededRequests: 3 });
      expect(parsed(output).map((line) => line.custom_id).toSorted()).toEqual(['a', null, null]);
    });
  });

  test('whose input has lines that are no requests fails as a whole', async () => {
    await withClient({}, async (client) => {
      const inputFiles = [await uploaded(client, [{ custom_id: 'a', body: {} }, 'no JSON', '[]', { custom_id: 7, body: {} }, { custom_id: 'b' }])];
      const { job } = await trip(client, 0, { requests: undefined, inputFiles });
      expect(job).toMatchObject({ status: 'FAILED', totalRequests: 5, completedRequests: 0, outputFile: null, errorFile: null, startedAt: null });
      expect(job.errors).toEqual([{ message: expect.any(String) as string, count: 4 }]);
    });
  });

  test('whose input is deleted before it has begun fails', async () => {
    await withClient({ batch: { queueTime: 100 } }, async (client) => {
      const clock = stopClock();
      const inputFile = await uploaded(client, [{ body: question(0).body }]);
      const { id } = await client.batch.jobs.create({ inputFiles: [inputFile], endpoint: chat, model });
      await client.files.delete({ fileId: inputFile });
      clock.advance(100);
      expect(await ended(client, id)).toMatchObject({ status: 'FAILED', errors: [{ message: expect.stringContaining('deleted') as string }] });
    });
  });

  test('shows a reply function that throws as its own error', async () => {
    const reply = (): never => {
      throw new Error('Not today');
    };
    await withClient({ reply }, async (client) => {
      expect((await trip(client, 3)).job).toMatchObject({ status: 'FAILED', errors: [{ message: 'Not today', count: 1 }] });
    });
  });

  test('gives its results inline, of both files, when it is over', async () => {
    await withClient({ batch: { faults: { kind: 'fail-requests', which: (id) => id === 'r1' } } }, async (client) => {
      const { job, output, error } = await trip(client, 4);
      expect(job.outputs).toBeNull();
      const { outputs } = await client.batch.jobs.get({ jobId: job.id, inline: true });
      expect(outputs).toEqual([...parsed(output), ...parsed(error)]);
      await client.files.delete({ fileId: job.errorFile! });
      expect((await client.batch.jobs.get({ jobId: job.id, inline: true })).outputs).toBeNull();
    });
  });

  test('has short answers where it is told so, that tell which request they are of', async () => {
    await withClient({ batch: { answer: 'short' } }, async (client) => {
      const requests = [...questions(2), { customId: 'bad', body: { messages: [] } }];
      const { job, output, error } = await trip(client, 0, { requests });
      const contents = parsed(output).map((line) => [line.custom_id, (line.response!.body['choices'] as { message: { content: string } }[])[0]!.message.content]);
      expect(contents.toSorted()).toEqual([['r0', 'Question 0?'], ['r1', 'Question 1?']]);
      expect([job.failedRequests, parsed(error)[0]?.response?.status_code]).toEqual([1, 422]);
    });
    await withClient({ batch: { answer: 'short' } }, async (client) => {
      const { output } = await trip(client, 0, { endpoint: '/v1/embeddings', requests: [{ customId: 'e', body: { input: 'text' } }] });
      expect(parsed(output)[0]?.response).toMatchObject({ status_code: 200, body: { object: 'list' } });
    });
  });

  test('does not count against the rate limit', async () => {
    await withClient({ rateLimit: { requests: { limit: 1 } } }, async (client) => {
      expect((await trip(client, 5)).job.succeededRequests).toBe(5);
    });
  });
});

describe('the time of a job', () => {
  test.each<[string, BatchOptions]>([
    ['a time for each request', { queueTime: 30, requestTime: 2 }],
    ['a time for all of them', { queueTime: 30, duration: 80 }],
  ])('goes by from state to state, with counters that rise: %s', async (_what, batch) => {
    await withClient({ batch }, async (client) => {
      const clock = stopClock();
      const { id } = await client.batch.jobs.create({ endpoint: chat, model, requests: questions(40) });
      for (const [milliseconds, status, completedRequests] of [[29, 'QUEUED', 0], [1, 'RUNNING', 0], [40, 'RUNNING', 20], [39, 'RUNNING', 39]] as const) {
        clock.advance(milliseconds);
        await becomes(client, id, { status, completedRequests, outputFile: null });
      }
      clock.advance(1);
      await becomes(client, id, { status: 'SUCCESS', completedRequests: 40, outputFile: expect.any(String) as string });
    });
  });

  test('is over where its hours are, and what was done is there', async () => {
    await withClient({ batch: { requestTime: 5, hour: 50 } }, async (client) => {
      const clock = stopClock();
      const { id } = await client.batch.jobs.create({ endpoint: chat, model, requests: questions(1_000), timeoutHours: 2 });
      await becomes(client, id, { status: 'RUNNING' });
      clock.advance(99);
      await becomes(client, id, { status: 'RUNNING', completedRequests: 19 });
      clock.advance(1);
      const job = await ended(client, id);
      expect(job).toMatchObject({ status: 'TIMEOUT_EXCEEDED', completedRequests: 19, succeededRequests: 19 });
      expect(parsed(await textOf(client, job.outputFile))).toHaveLength(19);
    });
  });

  test('is over when it is cancelled, after a while', async () => {
    const requestTime = 2;
    await withClient({ batch: { requestTime, cancelTime: 600_000 } }, async (client, simulator) => {
      const cancelRunning = async (): Promise<string> => {
        const { id } = await client.batch.jobs.create({ endpoint: chat, model, requests: questions(10_000) });
        while ((await client.batch.jobs.get({ jobId: id })).completedRequests < 3);
        expect(await client.batch.jobs.cancel({ jobId: id })).toMatchObject({ id, status: 'CANCELLATION_REQUESTED', completedAt: null });
        return id;
      };
      const slow = await cancelRunning();
      // Twice is once.
      expect((await client.batch.jobs.cancel({ jobId: slow })).status).toBe('CANCELLATION_REQUESTED');
      expect((await client.batch.jobs.get({ jobId: slow })).status).toBe('CANCELLATION_REQUESTED');

      simulator.setBatch({ requestTime, cancelTime: 40 });
      const id = await cancelRunning();
      const job = await ended(client, id);
      expect(job.status).toBe('CANCELLED');
      expect(parsed(await textOf(client, job.outputFile))).toHaveLength(job.completedRequests);
      expect((await client.batch.jobs.cancel({ jobId: id })).status).toBe('CANCELLED');
    });
  });

  test('ends with the job, or the simulator', async () => {
    const simulator = await startSimulator({ batch: { requestTime: 60_000 } });
    const client = clientOf(simulator);
    const jobs = await Promise.all([1, 2].map(() => client.batch.jobs.create({ endpoint: chat, model, requests: questions(1_000) })));
    const { id } = jobs[0]!;
    // From here on a timer runs.
    await becomes(client, jobs[1]!.id, { status: 'RUNNING' });
    expect(await client.batch.jobs.delete({ jobId: id })).toEqual({ id, object: 'batch', deleted: true });
    await expect(client.batch.jobs.get({ jobId: id })).rejects.toMatchObject({ statusCode: 404 });
    await expect(client.batch.jobs.cancel({ jobId: id })).rejects.toMatchObject({ statusCode: 404 });
    await expect(client.batch.jobs.delete({ jobId: id })).rejects.toMatchObject({ statusCode: 404 });
    const timers = process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    await simulator.close();
    expect(process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length).toBeLessThan(timers);
  });
});

describe('the list of jobs', () => {
  test('has them newest first, or oldest, by page, and by what they are', async () => {
    await withClient({ batch: { queueTime: 60_000 } }, async (client, simulator) => {
      const ids: string[] = [];
      for (const create of [{ model: 'a', metadata: { run: '1', kind: 'x' } }, { model: 'b', metadata: { run: '2', kind: 'x' } }, { agentId: 'ag' }]) {
        ids.push((await client.batch.jobs.create({ endpoint: chat, requests: questions(1), ...create })).id);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await client.batch.jobs.cancel({ jobId: ids[1]! });
      const places = async (options: Parameters<typeof client.batch.jobs.list>[0]): Promise<readonly number[]> => {
        const { data = [], total } = await client.batch.jobs.list(options);
        if (options?.pageSize === undefined) expect(total).toBe(data.length);
        return data.map(({ id }) => ids.indexOf(id));
      };
      expect(await places({})).toEqual([2, 1, 0]);
      expect(await places({ orderBy: 'created' })).toEqual([0, 1, 2]);
      expect(await places({ page: 1, pageSize: 2 })).toEqual([0]);
      expect(await places({ model: 'a' })).toEqual([0]);
      expect(await places({ agentId: 'ag' })).toEqual([2]);
      expect(await places({ createdByMe: true })).toEqual([2, 1, 0]);
      expect(await places({ metadata: { kind: 'x' } })).toEqual([1, 0]);
      expect(await places({ metadata: { kind: 'x', run: '2' } })).toEqual([1]);
      expect(await places({ metadata: { run: '3' } })).toEqual([]);
      expect(await places({ status: ['QUEUED'] })).toEqual([2, 0]);
      expect(await places({ status: ['CANCELLED', 'CANCELLATION_REQUESTED'] })).toEqual([1]);
      expect(await places({ createdAfter: new Date(Date.now() + 60_000) })).toEqual([]);
      expect(await places({ createdAfter: new Date(0) })).toEqual([2, 1, 0]);

      simulator.setBatch({ metadataFilter: false });
      expect(await places({ metadata: { run: '3' } })).toEqual([2, 1, 0]);
    });
  });

  test('is refused with a 422 for a query that makes no sense', async () => {
    await withSimulator({}, async (simulator) => {
      for (const [query, name] of [['page=x', 'page'], ['created_after=soon', 'created_after'], ['order_by=size', 'order_by']] as const) {
        const response = await request(simulator, `/v1/batch/jobs?${query}`);
        expect([response.status, await response.json()]).toMatchObject([422, { detail: [{ loc: ['query', name] }] }]);
      }
    });
  });
});

describe('a job is refused', () => {
  const requests = [{ custom_id: 'a', body: {} }];
  test.each<[string, object, readonly (string | number)[], string]>([
    ['no endpoint', { requests }, ['body', 'endpoint'], 'missing'],
    ['an unknown endpoint', { requests, endpoint: '/v1/poems' }, ['body', 'endpoint'], 'literal_error'],
    ['an endpoint that is no text', { requests, endpoint: 1 }, ['body', 'endpoint'], 'literal_error'],
    ['no input', { endpoint: chat }, ['body'], 'value_error'],
    ['two inputs', { endpoint: chat, requests, input_files: ['a'] }, ['body'], 'value_error'],
    ['no files', { endpoint: chat, input_files: [] }, ['body', 'input_files'], 'too_short'],
    ['a file that is no id', { endpoint: chat, input_files: [1] }, ['body', 'input_files', 0], 'string_type'],
    ['too many requests', { endpoint: chat, requests: Array.from({ length: 10_001 }, () => requests[0]) }, ['body', 'requests'], 'too_long'],
    ['a request without a body', { endpoint: chat, requests: [{ custom_id: 'a' }] }, ['body', 'requests', 0], 'dict_type'],
    ['a custom id that is a number', { endpoint: chat, requests: [...requests, { custom_id: 1, body: {} }] }, ['body', 'requests', 1], 'string_type'],
    ['0 hours', { endpoint: chat, requests, timeout_hours: 0 }, ['body', 'timeout_hours'], 'greater_than_equal'],
    ['169 hours', { endpoint: chat, requests, timeout_hours: 169 }, ['body', 'timeout_hours'], 'less_than_equal'],
    ['a key of 33 characters', { endpoint: chat, requests, metadata: { ['k'.repeat(33)]: '' } }, ['body', 'metadata', 'k'.repeat(33)], 'string_too_long'],
    ['a value of 513 characters', { endpoint: chat, requests, metadata: { k: 'v'.repeat(513) } }, ['body', 'metadata', 'k'], 'string_too_long'],
    ['a value that is a number', { endpoint: chat, requests, metadata: { k: 1 } }, ['body', 'metadata', 'k'], 'string_type'],
  ])('with a 422 for %s', async (_what, body, loc, type) => {
    await withSimulator({}, async (simulator) => {
      const response = await request(simulator, '/v1/batch/jobs', body);
      expect([response.status, await response.json()]).toMatchObject([422, { detail: [{ loc, type }] }]);
      expect(await (await request(simulator, '/v1/batch/jobs')).json()).toMatchObject({ total: 0 });
    });
  });

  test('and is not for what is just within the bounds', async () => {
    await withSimulator({ batch: { queueTime: 60_000 } }, async (simulator) => {
      const body = { endpoint: chat, requests: Array.from({ length: 10_000 }, () => requests[0]), timeout_hours: 168, metadata: { ['k'.repeat(32)]: 'v'.repeat(512) } };
      expect((await request(simulator, '/v1/batch/jobs', body)).status).toBe(200);
    });
  });

  test('with a 404 or a 400 for files that do not fit', async () => {
    await withClient({ batch: { maxRequests: 2 } }, async (client, simulator) => {
      const create = async (...ids: string[]): Promise<readonly unknown[]> => {
        const response = await request(simulator, '/v1/batch/jobs', { endpoint: chat, model, input_files: ids });
        return [response.status, ((await response.json()) as { type: string }).type];
      };
      const other = await client.files.upload({ purpose: 'ocr', file: { fileName: 'a.pdf', content: new Blob(['x']) } });
      const empty = await uploaded(client, ['', '']);
      const [one, two] = [await uploaded(client, questions(1)), await uploaded(client, questions(2))];
      expect(await create('none')).toEqual([404, 'not_found']);
      expect(await create(other.id)).toEqual([400, 'invalid_file']);
      expect(await create(empty)).toEqual([400, 'invalid_file']);
      expect(await create(one, two)).toEqual([400, 'invalid_request_error']);
      expect((await create(two))[0]).toBe(200);
    });
  });
});

describe('a fault of batch jobs', () => {
  const odd = (_customId: string | null, index: number): boolean => index % 2 === 1;

  /** The whole trip of 10 requests under faults. */
  async function under(faults: BatchFault | readonly BatchFault[], run: (found: Awaited<ReturnType<typeof trip>>, client: Mistral, simulator: Simulator) => void | Promise<void>): Promise<void> {
    await withClient({ batch: { faults: { fault: faults } } }, async (client, simulator) => {
      await run(await trip(client, 10), client, simulator);
    });
  }

  const ids = (text: string): readonly unknown[] => parsed(text).map((line) => line.custom_id).toSorted();
  const even = ['r0', 'r2', 'r4', 'r6', 'r8'];
  const odds = ['r1', 'r3', 'r5', 'r7', 'r9'];

  test.each<[BatchFault, Partial<Line>]>([
    [{ kind: 'fail-requests', which: odd }, { response: { status_code: 500, body: expect.objectContaining({ object: 'error' }) as never }, error: null }],
    [{ kind: 'fail-requests', which: odd, status: 429 }, { response: { status_code: 429, body: expect.anything() as never }, error: null }],
    [{ kind: 'fail-requests', which: odd, as: 'object' }, { response: null, error: { message: expect.any(String) as string, type: expect.any(String) as string } }],
    [{ kind: 'fail-requests', which: odd, as: 'string' }, { response: null, error: expect.any(String) as string }],
    [{ kind: 'fail-requests', which: odd, as: 'null' }, { response: null, error: null }],
  ])('%o lets requests fail in the error file', async (fault, line) => {
    await under(fault, ({ job, output, error }) => {
      expect(job).toMatchObject({ status: 'SUCCESS', succeededRequests: 5, failedRequests: 5, errors: [{ count: 5 }] });
      expect([ids(output), ids(error)]).toEqual([even, odds]);
      for (const each of parsed(error)) expect(each).toEqual({ id: each.id, custom_id: each.custom_id, ...line });
    });
  });

  test('fail-requests puts them into the output file where it is told to, all of them without a choice', async () => {
    await under({ kind: 'fail-requests', file: 'output' }, ({ job, output }) => {
      expect(job).toMatchObject({ succeededRequests: 0, failedRequests: 10, errorFile: null });
      expect(parsed(output).map((line) => line.response?.status_code)).toEqual(Array.from({ length: 10 }, () => 500));
    });
  });

  test('a share is drawn from the seed', async () => {
    const failures = async (seed: number): Promise<readonly unknown[]> => {
      const found: unknown[] = [];
      await withClient({ seed, batch: { faults: { kind: 'fail-requests', which: 0.2 } } }, async (client) => {
        found.push(...ids((await trip(client, 200)).error));
      });
      return found;
    };
    const first = await failures(1);
    expect(first.length).toBeGreaterThan(15);
    expect(first.length).toBeLessThan(80);
    expect(await failures(1)).toEqual(first);
    expect(await failures(2)).not.toEqual(first);
  });

  test('lose-lines leaves requests in neither file, and counts them all the same', async () => {
    await under({ kind: 'lose-lines', which: odd }, ({ job, output, error }) => {
      expect([job.succeededRequests, job.failedRequests, ids(output), error]).toEqual([10, 0, even, '']);
    });
  });

  test('repeat-lines writes lines twice', async () => {
    await under({ kind: 'repeat-lines', which: odd }, ({ job, output }) => {
      expect([job.succeededRequests, ids(output)]).toEqual([10, [...even, ...odds, ...odds].toSorted()]);
    });
  });

  test.each([
    ['bad-json', /^\{"id":"batch-[^}]*$/],
    ['junk', /^upstream went away$/],
    ['list', /^\[\{.*\}\]$/],
    ['blank', /^$/],
  ] as const)('malformed-lines (%s) makes lines unreadable', async (what, pattern) => {
    await under({ kind: 'malformed-lines', which: (id) => id === 'r3', what }, ({ job, output }) => {
      const lines = output.split('\n').slice(0, -1);
      expect([job.status, lines.length, lines.filter((line) => pattern.test(line)).length]).toEqual(['SUCCESS', 10, 1]);
    });
  });

  test.each([['null', null], ['missing', undefined]] as const)('no-custom-id (%s) takes it away', async (as, id) => {
    await under({ kind: 'no-custom-id', which: odd, as }, ({ output }) => {
      const lines = parsed(output);
      expect(lines.filter((line) => line.custom_id === id)).toHaveLength(5);
      expect(lines.filter((line) => 'custom_id' in line)).toHaveLength(as === 'null' ? 10 : 5);
    });
  });

  test('no-output-file ends well without one', async () => {
    await under({ kind: 'no-output-file' }, async ({ job }, client) => {
      expect(job).toMatchObject({ status: 'SUCCESS', succeededRequests: 10, outputFile: null });
      expect((await client.batch.jobs.get({ jobId: job.id, inline: true })).outputs).toHaveLength(10);
    });
  });

  test('expire takes the results away', async () => {
    await withClient({ batch: { faults: { kind: 'expire' } } }, async (client) => {
      await expect(trip(client, 3)).rejects.toMatchObject({ statusCode: 404 });
      const [job] = (await client.batch.jobs.list()).data!;
      expect(job).toMatchObject({ status: 'SUCCESS', outputFile: expect.any(String) as string });
      expect((await client.batch.jobs.get({ jobId: job!.id, inline: true })).outputs).toBeNull();
    });
    await withClient({ batch: { faults: { kind: 'expire', after: 60_000 } } }, async (client) => {
      const { job, output } = await trip(client, 3);
      expect(ids(output)).toHaveLength(3);
      expect((await client.files.retrieve({ fileId: job.outputFile! })).expiresAt! * 1_000).toBeGreaterThan(Date.now());
    });
  });

  test('stuck makes no progress, until its hours are over or it is cancelled', async () => {
    await withClient({ batch: { faults: { kind: 'stuck', after: 4 }, hour: 200 } }, async (client) => {
      const clock = stopClock();
      const jobs = await Promise.all([1, 168].map((timeoutHours) => client.batch.jobs.create({ endpoint: chat, model, requests: questions(10), timeoutHours })));
      const [first, second] = jobs.map(({ id }) => id) as [string, string];
      for (const id of [first, second]) await becomes(client, id, { status: 'RUNNING', completedRequests: 4 });
      clock.advance(200);
      expect(await ended(client, first)).toMatchObject({ status: 'TIMEOUT_EXCEEDED', completedRequests: 4 });
      expect(await client.batch.jobs.get({ jobId: second })).toMatchObject({ status: 'RUNNING', completedRequests: 4, outputFile: null });
      await client.batch.jobs.cancel({ jobId: second });
      expect(await ended(client, second)).toMatchObject({ status: 'CANCELLED', completedRequests: 4 });
    });
  });

  test.each<[BatchFault, object, number]>([
    [{ kind: 'end', status: 'FAILED' }, { status: 'FAILED', errors: [{ message: 'Internal error', count: 1 }], completedRequests: 0, outputFile: null }, 0],
    [{ kind: 'end', status: 'FAILED', after: 4, errors: [{ message: 'a', count: 3 }, { message: 'b' }] }, { status: 'FAILED', errors: [{ message: 'a', count: 3 }, { message: 'b', count: 1 }], outputFile: null }, 0],
    [{ kind: 'end', status: 'TIMEOUT_EXCEEDED', after: 4 }, { status: 'TIMEOUT_EXCEEDED', errors: [], completedRequests: 4 }, 4],
    [{ kind: 'end', status: 'CANCELLED', after: 99 }, { status: 'CANCELLED', completedRequests: 10 }, 10],
  ])('%j ends it so', async (fault, expected, results) => {
    await under(fault, ({ job, output }) => {
      expect(job).toMatchObject(expected);
      expect(parsed(output)).toHaveLength(results);
    });
  });

  test.each<[BatchFault, readonly string[], string]>([
    [{ kind: 'status-text' }, ['queued', 'running', 'success'], 'success'],
    [{ kind: 'status-text', text: 'PAUSED', of: 'SUCCESS' }, ['QUEUED', 'RUNNING', 'PAUSED'], 'PAUSED'],
    [{ kind: 'status-text', of: 'RUNNING' }, ['QUEUED', 'running', 'SUCCESS'], 'SUCCESS'],
  ])('%j shows statuses by other names', async (fault, allowed, last) => {
    await withSimulator({ batch: { faults: fault } }, async (simulator) => {
      const job = await settledJob(simulator, 3);
      expect(allowed).toContain(job.status);
      expect(job.status).toBe(last);
    });
  });

  test.each([['null', null], ['missing', undefined]] as const)('bare-job (%s) shows nothing but id, status and files', async (as, empty) => {
    await withSimulator({ batch: { faults: { kind: 'bare-job', as } } }, async (simulator) => {
      const job = await settledJob(simulator, 3);
      expect(job).toMatchObject({ id: expect.any(String) as string, status: 'SUCCESS', output_file: expect.any(String) as string });
      for (const name of ['errors', 'total_requests', 'completed_requests', 'created_at', 'metadata', 'input_files', 'endpoint']) expect(job[name]).toBe(empty);
      await expect(clientOf(simulator).batch.jobs.get({ jobId: job.id })).rejects.toMatchObject({ name: 'ResponseValidationError' });
    });
  });

  test('strikes on jobs by number, by what they are, and so often', async () => {
    const endOf = async (simulator: Simulator): Promise<string> => (await settledJob(simulator, 2)).status;
    await withSimulator({ batch: { faults: { kind: 'end', status: 'FAILED', on: 1 } } }, async (simulator) => {
      expect([await endOf(simulator), await endOf(simulator), await endOf(simulator)]).toEqual(['SUCCESS', 'FAILED', 'SUCCESS']);
      simulator.setBatch({ faults: [{ kind: 'end', status: 'CANCELLED', times: 1, on: ({ totalRequests, model: of }) => totalRequests === 2 && of === model }] });
      expect([await endOf(simulator), await endOf(simulator)]).toEqual(['CANCELLED', 'SUCCESS']);
      simulator.setBatch({ faults: (_job, n) => (n === 1 ? { kind: 'end', status: 'FAILED' } : undefined) });
      expect([await endOf(simulator), await endOf(simulator)]).toEqual(['SUCCESS', 'FAILED']);
      simulator.setBatch();
      expect(await endOf(simulator)).toBe('SUCCESS');
    });
  });
});

describe('the faults of requests strike here too', () => {
  test('a create whose connection breaks has made its job: repeated, there are two', async () => {
    await withClient({ faults: { kind: 'reset', at: 'before-headers', times: 1, on: ({ path }) => path === '/v1/batch/jobs' } }, async (client) => {
      const create = (): Promise<BatchJob> => client.batch.jobs.create({ endpoint: chat, model, requests: questions(2), metadata: { key: 'mine' } });
      await expect(create()).rejects.toThrow();
      expect((await client.batch.jobs.list({ metadata: { key: 'mine' } })).total).toBe(1);
      await create();
      expect((await client.batch.jobs.list({ metadata: { key: 'mine' } })).total).toBe(2);
    });
  });

  test('a create that is answered with a 503 has made none; a poll can fail, and succeed the next time', async () => {
    await withClient({ faults: { kind: 'status', status: 503, times: 2, on: ({ path }) => path.startsWith('/v1/batch') } }, async (client) => {
      await expect(trip(client, 1)).rejects.toMatchObject({ statusCode: 503 });
      await expect(client.batch.jobs.list()).rejects.toMatchObject({ statusCode: 503 });
      expect((await client.batch.jobs.list()).total).toBe(0);
    });
  });
});

describe('an option is checked when it is given', () => {
  test.each<[object, string]>([
    [{ batch: 5 }, 'Expected `batch` to be an object, got 5'],
    [{ batch: { queueTime: -1 } }, 'Expected `batch.queueTime` to be a number >= 0, got -1'],
    [{ batch: { requestTime: 1, duration: 1 } }, 'Expected `batch.duration` to be left out where `batch.requestTime` is given, got 1'],
    [{ batch: { cancelTime: Infinity } }, 'Expected `batch.cancelTime` to be a number <= 2147483647, got Infinity'],
    [{ batch: { hour: 0 } }, 'Expected `batch.hour` to be a number > 0, got 0'],
    [{ batch: { answer: 'long' } }, "Expected `batch.answer` to be one of 'engine', 'short', got 'long'"],
    [{ batch: { maxRequests: 0 } }, 'Expected `batch.maxRequests` to be an integer >= 1, got 0'],
    [{ batch: { metadataFilter: 1 } }, 'Expected `batch.metadataFilter` to be a boolean, got 1'],
    [{ batch: { faults: { kind: 'explode' } } }, 'Expected `batch.faults[0].kind` to be one of fail-requests,'],
    [{ batch: { faults: { kind: 'fail-requests', which: 2 } } }, 'Expected `batch.faults[0].which` to be a number from 0 to 1, got 2'],
    [{ batch: { faults: [{ kind: 'stuck' }, { kind: 'end' }] } }, 'Expected `batch.faults[1].status` to be given, got undefined'],
    [{ batch: { faults: { kind: 'status-text', of: 'DONE' } } }, 'Expected `batch.faults[0].of` to be one of'],
    [{ batch: { faults: { kind: 'stuck', times: -1 } } }, 'Expected `batch.faults[0].times` to be an integer >= 0, got -1'],
    [{ maxFileBytes: -1 }, 'Expected `maxFileBytes` to be an integer >= 0, got -1'],
    [{ fileRanges: 'yes' }, "Expected `fileRanges` to be a boolean, got 'yes'"],
  ])('%j is refused', async (options, message) => {
    await expect(startSimulator(options as SimulatorOptions)).rejects.toThrow(TypeError);
    await expect(startSimulator(options as SimulatorOptions)).rejects.toThrow(message);
  });

  test('by setBatch too', async () => {
    await withSimulator({}, (simulator) => {
      expect(() => {
        simulator.setBatch({ queueTime: -1 });
      }).toThrow(TypeError);
      return Promise.resolve();
    });
  });
});

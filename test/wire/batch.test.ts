import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { from, type ObservableInput, throwError } from 'rxjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type BatchCompleteEvent, type BatchOptions, type BatchRequest, type BatchResultEvent, type BatchSpool, constantBackoff, runBatch, sdkTransport, watchBatch } from '../../src/index.js';
import { fileJournal, fileSpool } from '../../src/node/index.js';
import { type BatchFaultScript, type FaultScript, type RecordedRequest, startSimulator, type Simulator, type SimulatorOptions } from '../../src/simulator/index.js';
import { batchJobsCancelOperation } from '../../src/transport/operations/batchJobsCancel.js';
import {
  cuttingProxy,
  isCancel,
  isCreate,
  isDelete,
  isDownload,
  isList,
  isPoll,
  isUpload,
  jobsOf,
  question,
  questions,
  quick,
  type Run,
  runOf,
} from './fixtures/batchFixtures.js';
import { cancelAll, clientOf, collectGarbage, eventually, lastOf, median, settle, warmUp, watch } from './fixtures/cancellationFixtures.js';
import { failureOf, outcomeOf } from './fixtures/outcomeOf.js';

// SDK-FAULTS.md, rows 1 and 12 to 15: the whole trip of a batch, with files. Each run ends with sums that equal its requests.

let simulator: Simulator;
let directory: string;

beforeAll(warmUp);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'batch-'));
  simulator = await startSimulator({ batch: { answer: 'short' } });
});

afterEach(async () => {
  await simulator.close();
  await rm(directory, { recursive: true, force: true });
});

async function restart(options: SimulatorOptions): Promise<void> {
  await simulator.close();
  simulator = await startSimulator({ ...options, batch: { answer: 'short', ...options.batch } });
}

async function* slowly(count: number): AsyncGenerator<BatchRequest> {
  for (const request of questions(count)) {
    await settle(1);
    yield request;
  }
}

const idsOf = (count: number): string[] => questions(count).map(({ customId }) => customId!);

/** Runs so many questions to the end. */
function run(count: number, options: BatchOptions = {}, serverURL = simulator.url): Promise<Run> {
  return runOf(clientOf(simulator, { serverURL }), questions(count), idsOf(count), options);
}

const ended = ({ results }: Run, status: BatchResultEvent['status']): string[] =>
  [...results.values()].filter((result) => result.status === status).map(({ customId }) => customId).toSorted();

/** What somebody else may do: the first job ends with what it has done. */
async function cancelJob(): Promise<void> {
  const [job] = await jobsOf(simulator);
  await lastOf(sdkTransport(clientOf(simulator)).call(batchJobsCancelOperation, { jobId: job!.id }));
}

const requestsOf = (which: (request: RecordedRequest) => boolean): readonly RecordedRequest[] => simulator.requests.filter(which);

const isOdd = (customId: string | null): boolean => Number(customId?.slice(1)) % 2 === 1;
const odd = ['r1', 'r3', 'r5', 'r7', 'r9'];
const even = ['r0', 'r2', 'r4', 'r6', 'r8'];

describe('a run with files', () => {
  it('uploads each part, creates its job, polls, downloads, and joins lines in any order', async () => {
    const { events, summary } = await run(25, { maxRequestsPerJob: 10 });

    expect(summary).toMatchObject({ requests: 25, fulfilled: 25, resubmitted: 0, surplus: 0, undeleted: [] });
    expect(events.slice(0, 3)).toMatchObject([10, 10, 5].map((requests, part) => ({ type: 'file-prepared', part, requests })));
    const jobs = await jobsOf(simulator);
    expect(jobs.map(({ totalRequests }) => totalRequests).toSorted((a, b) => a - b)).toEqual([5, 10, 10]);
    expect(jobs.map(({ id }) => id).toSorted()).toEqual(summary.jobs.toSorted());
    expect(jobs.every(({ inputFiles }) => inputFiles.length === 1)).toBe(true);
    expect(requestsOf(isUpload)).toHaveLength(3);
    // Announced, so that no server has to take it in chunks.
    expect(requestsOf(isUpload).every(({ headers, bodyBytes }) => headers['content-length'] === String(bodyBytes))).toBe(true);
  });

  it('splits by bytes: no file is larger than `maxFileBytes`', async () => {
    const { events, summary } = await run(20, { maxFileBytes: 500 });
    const sizes = events.flatMap((event) => (event.type === 'file-uploaded' ? [event.bytes] : []));
    expect(summary.fulfilled).toBe(20);
    expect(sizes.length).toBeGreaterThan(3);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(500);
  });

  it.each<[string, () => ObservableInput<BatchRequest>]>([
    ['an iterable', () => new Set(questions(5))],
    ['a generator', () => slowly(5)],
    ['a web stream', () => Readable.toWeb(Readable.from(slowly(5)))],
    ['a Node stream', () => Readable.from(slowly(5))],
    ['an Observable', () => from(slowly(5))],
  ])('takes its requests from %s', async (_what, make) => {
    expect((await runOf(clientOf(simulator), make(), idsOf(5))).summary.fulfilled).toBe(5);
  });

  it('makes the ids that are missing', async () => {
    const { results } = await runOf(clientOf(simulator), [{ body: question(1).body }, question(0)], ['request-1', 'r0']);
    expect(results.get('request-1')).toMatchObject({ status: 'fulfilled', body: { choices: [{ message: { content: 'Question 1?' } }] } });
  });

  it('leaves nothing in the directory of its spool', async () => {
    expect((await run(30, { spool: fileSpool(directory), maxRequestsPerJob: 7 })).summary.fulfilled).toBe(30);
    expect(await readdir(directory)).toEqual([]);
  });

  it('of no requests makes no request', async () => {
    const { summary, events } = await run(0);
    expect(summary).toMatchObject({ requests: 0, fulfilled: 0, rejected: 0, missing: 0, jobs: [] });
    expect(events).toHaveLength(1);
    expect(simulator.requestCount).toBe(0);
  });

  it('has bodies checked by a schema, those of requests and those of results', async () => {
    const schema = z.object({ messages: z.array(z.unknown()).transform((messages) => messages.slice(0, 1)) });
    const resultSchema = z.object({ choices: z.array(z.object({ message: z.object({ content: z.string().regex(/[02468]\?$/) }) })) });
    const made = await run(10, { schema, resultSchema: resultSchema as never });
    expect([ended(made, 'fulfilled'), ended(made, 'rejected')]).toEqual([even, odd]);
    expect(made.results.get('r1')).toMatchObject({ error: { kind: 'validation' } });
    expect(made.results.get('r0')).toMatchObject({ body: { choices: [{ message: { content: 'Question 0?' } }] } });
  });

  it('takes the agent, the hours and the metadata to the job', async () => {
    await run(2, { model: undefined, agentId: 'ag_1', timeoutHours: 7, metadata: { project: 'rivers' } });
    const [job] = await jobsOf(simulator);
    expect(job).toMatchObject({ agentId: 'ag_1', metadata: { project: 'rivers', rxmistral: expect.stringMatching(/:0:0$/) as string } });
    expect(requestsOf(isCreate)[0]!.body).toMatchObject({ timeout_hours: 7 });
  });
});

interface Expected {
  readonly fulfilled?: number;
  readonly rejected?: number;
  readonly missing?: number;
  readonly resubmitted?: number;
  readonly surplus?: number;
  readonly jobs?: number;
}

async function expectSums(batch: BatchFaultScript, expected: Expected, options: BatchOptions = {}): Promise<Run> {
  simulator.setBatch({ answer: 'short', faults: batch });
  const made = await run(10, options);
  const { fulfilled, rejected, missing, resubmitted, surplus } = made.summary;
  const jobs = (await jobsOf(simulator)).length;
  expect({ fulfilled, rejected, missing, resubmitted, surplus, jobs }).toEqual({ fulfilled: 0, rejected: 0, missing: 0, resubmitted: 0, surplus: 0, jobs: 1, ...expected });
  return made;
}

describe('row 12: whatever a job ends with, each request is a result, an error or missing, and the sums are right', () => {
  it.each<[string, BatchFaultScript, Expected]>([
    ['requests that are refused', { kind: 'fail-requests', which: isOdd, status: 400 }, { fulfilled: 5, rejected: 5 }],
    ['failures in the output file', { kind: 'fail-requests', which: isOdd, status: 400, file: 'output' }, { fulfilled: 5, rejected: 5 }],
    ['failures that pass', { kind: 'fail-requests', which: isOdd, status: 503, on: 0 }, { fulfilled: 10, resubmitted: 5, jobs: 2 }],
    ['bare-string errors that pass', { kind: 'fail-requests', which: isOdd, as: 'string', on: 0 }, { fulfilled: 10, resubmitted: 5, jobs: 2 }],
    ['failures that stay, after two more rounds', { kind: 'fail-requests', which: isOdd, as: 'object' }, { fulfilled: 5, rejected: 5, resubmitted: 10, jobs: 3 }],
    ['failures that say nothing', { kind: 'fail-requests', which: isOdd, as: 'null' }, { fulfilled: 5, rejected: 5 }],
    ['failures of all', { kind: 'fail-requests', status: 400 }, { rejected: 10 }],
    ['lines that are lost once', { kind: 'lose-lines', which: isOdd, on: 0 }, { fulfilled: 10, resubmitted: 5, jobs: 2 }],
    ['lines that are lost always', { kind: 'lose-lines', which: isOdd }, { fulfilled: 5, missing: 5, resubmitted: 10, jobs: 3 }],
    ['lines that come twice', { kind: 'repeat-lines', which: isOdd }, { fulfilled: 10, surplus: 5 }],
    ['lines that break off', { kind: 'malformed-lines', which: isOdd, on: 0 }, { fulfilled: 10, resubmitted: 5, surplus: 5, jobs: 2 }],
    ['lines of words', { kind: 'malformed-lines', which: isOdd, what: 'junk' }, { fulfilled: 5, missing: 5, resubmitted: 10, surplus: 15, jobs: 3 }],
    ['lines that are lists', { kind: 'malformed-lines', which: isOdd, what: 'list', on: 0 }, { fulfilled: 10, resubmitted: 5, surplus: 5, jobs: 2 }],
    ['lines that are blank', { kind: 'malformed-lines', which: isOdd, what: 'blank', on: 0 }, { fulfilled: 10, resubmitted: 5, jobs: 2 }],
    ['lines whose id is null', { kind: 'no-custom-id', which: isOdd, on: 0 }, { fulfilled: 10, resubmitted: 5, surplus: 5, jobs: 2 }],
    ['lines that have no id', { kind: 'no-custom-id', which: isOdd, as: 'missing', on: 0 }, { fulfilled: 10, resubmitted: 5, surplus: 5, jobs: 2 }],
    ['SUCCESS with no output file', { kind: 'no-output-file' }, { fulfilled: 10 }],
    ['SUCCESS in lower case', { kind: 'status-text' }, { fulfilled: 10 }],
    ['an unknown status on the way', { kind: 'status-text', of: 'RUNNING', text: 'WARMING_UP' }, { fulfilled: 10 }],
    ['a job of which nothing but its files is shown (null)', { kind: 'bare-job' }, { fulfilled: 10 }],
    ['a job of which nothing but its files is shown', { kind: 'bare-job', as: 'missing' }, { fulfilled: 10 }],
    ['TIMEOUT_EXCEEDED half-way', { kind: 'end', status: 'TIMEOUT_EXCEEDED', after: 4, on: 0 }, { fulfilled: 10, resubmitted: 6, jobs: 2 }],
    ['TIMEOUT_EXCEEDED half-way, always', { kind: 'end', status: 'TIMEOUT_EXCEEDED', after: 3 }, { fulfilled: 9, missing: 1, resubmitted: 11, jobs: 3 }],
    ['CANCELLED by somebody', { kind: 'end', status: 'CANCELLED', after: 4, on: 0 }, { fulfilled: 10, resubmitted: 6, jobs: 2 }],
    ['FAILED half-way, with its results gone', { kind: 'end', status: 'FAILED', after: 4, on: 0 }, { fulfilled: 10, resubmitted: 10, jobs: 2 }],
    ['FAILED before its first request', { kind: 'end', status: 'FAILED', errors: [{ message: 'no such model', count: 10 }] }, { missing: 10 }],
    ['results that have expired', { kind: 'expire', on: 0 }, { fulfilled: 10, resubmitted: 10, jobs: 2 }],
    ['results that expire always', { kind: 'expire' }, { missing: 10, resubmitted: 20, jobs: 3 }],
    [
      'a job that was cut short and of which nothing but its files is shown',
      { fault: [{ kind: 'bare-job' }, { kind: 'end', status: 'TIMEOUT_EXCEEDED', after: 4 }], on: 0 },
      { fulfilled: 10, resubmitted: 6, jobs: 2 },
    ],
  ])('%s', async (_what, faults, expected) => {
    await expectSums(faults, expected);
  });

  it('says why a request failed, as a live call would', async () => {
    const { results } = await expectSums({ kind: 'fail-requests', which: isOdd, status: 429 }, { fulfilled: 5, rejected: 5, resubmitted: 10, jobs: 3 });
    expect(results.get('r1')).toMatchObject({ round: 2, error: { kind: 'rate-limit', status: 429, message: 'Internal server error', retryable: true } });
  });

  it('says why a request is missing', async () => {
    const { results } = await expectSums({ kind: 'end', status: 'FAILED', errors: [{ message: 'no such model', count: 10 }] }, { missing: 10 });
    expect(results.get('r1')).toMatchObject({ reason: expect.stringMatching(/has ended as FAILED, .* \(10 × no such model\)$/) as string, retryable: false });
  });

  it('sends nothing again where no rounds are wanted', async () => {
    await expectSums({ kind: 'lose-lines', which: isOdd }, { fulfilled: 5, missing: 5 }, { resubmit: { rounds: 0 } });
  });

  it('waits for an unknown status until the deadline, shows it, and sends nothing again', async () => {
    const { events, results } = await expectSums({ kind: 'status-text', of: 'SUCCESS', text: 'PAUSED' }, { missing: 10 }, { deadline: 2_000 });
    expect(events).toContainEqual(expect.objectContaining({ type: 'job-progress', done: 10, job: expect.objectContaining({ status: 'PAUSED' }) as object }));
    expect(results.get('r0')).toMatchObject({ reason: expect.stringContaining('was not done within its deadline of 2000 ms') as string });
  });

  it('cancels a job that is stuck, and sends again what it has not done', async () => {
    simulator.setBatch({ answer: 'short', cancelTime: 20, faults: { kind: 'stuck', after: 4, on: 0 } });
    const { events, summary } = await run(10, { stuckAfter: 1_000, onStuck: 'cancel' });
    expect(summary).toMatchObject({ fulfilled: 10, resubmitted: 6 });
    const statuses = events.flatMap((event) => (event.type === 'job-progress' || event.type === 'job-stuck' ? [`${event.type} ${event.job.status}`] : []));
    expect(statuses).toEqual(expect.arrayContaining(['job-stuck RUNNING', 'job-progress CANCELLATION_REQUESTED', 'job-progress CANCELLED']) as string[]);
    expect(requestsOf(isCancel)).toHaveLength(1);
  });
});

const many = 3_000;

describe('row 12: a download that is cut costs no result, and no other job', () => {
  const cut = (fault: FaultScript & object, times = 1): FaultScript => ({ fault: fault as never, times, on: isDownload });

  async function expectWhole(downloads: number): Promise<void> {
    const { summary } = await run(many);
    expect(summary).toMatchObject({ fulfilled: many, resubmitted: 0, surplus: 0 });
    expect(await jobsOf(simulator)).toHaveLength(1);
    expect(requestsOf(isDownload)).toHaveLength(downloads);
  }

  it.each<[string, SimulatorOptions]>([
    ['from the last whole line, where the server knows ranges', { fileRanges: true }],
    ['past what is known, where the server sends the whole file again', { fileRanges: false }],
  ])('continued %s', async (_how, options) => {
    await restart({ ...options, faults: cut({ kind: 'reset', at: { bytes: 300_000 }, how: 'fin' }) });
    await expectWhole(2);
    const [first, second] = requestsOf(isDownload);
    const known = Number(/^bytes=(\d+)-$/.exec(second!.headers['range'] ?? '')?.[1]);
    expect(first!.headers['range']).toBeUndefined();
    expect(known).toBeGreaterThan(299_000);
    expect(known).toBeLessThanOrEqual(300_000);
    expect(second!.status).toBe(options.fileRanges === true ? 206 : 200);
  });

  it.each<[string, Parameters<typeof cut>[0], number]>([
    ['by a reset at its first bytes', { kind: 'reset', at: { bytes: 10 } }, 2],
    ['by a reset at the headers', { kind: 'reset', at: 'after-headers' }, 2],
    ['by a connection that never stood', { kind: 'reset', at: 'before-headers' }, 2],
    ['by a 503', { kind: 'status', status: 503 }, 2],
    ['in chunks, in the middle of a line', [{ kind: 'no-length' }, { kind: 'truncate', at: { events: 1_000, bytes: 20 } }] as never, 2],
    ['in chunks, at the end of a line', [{ kind: 'no-length' }, { kind: 'truncate', at: { events: 1_000 } }] as never, 2],
    ['in chunks, before its first line', [{ kind: 'no-length' }, { kind: 'truncate', at: 'after-headers' }] as never, 2],
    ['in chunks, by a broken connection', [{ kind: 'no-length' }, { kind: 'reset', at: { events: 1_000 }, how: 'fin' }] as never, 2],
  ])('%s', async (_what, fault, downloads) => {
    simulator.setFaults(cut(fault));
    await expectWhole(downloads);
  });

  it('five times', async () => {
    await restart({ fileRanges: true, faults: cut({ kind: 'reset', at: { bytes: 100_000 }, how: 'fin' }, 5) });
    await expectWhole(6);
  });

  it('behind its last byte, where its length was not announced', async () => {
    await restart({ fileRanges: true, faults: cut([{ kind: 'no-length' }, { kind: 'reset', at: { events: many }, how: 'fin' }] as never) });
    await expectWhole(2);
    expect(requestsOf(isDownload)[1]!.status).toBe(416);
  });

  it('and pieces that are cut anywhere make the same lines', async () => {
    simulator.setFaults({ kind: 'split', size: 7, on: isDownload });
    expect((await run(50)).summary.fulfilled).toBe(50);
  });

  it('which falls silent is asked for anew', async () => {
    await restart({ fileRanges: true, faults: cut({ kind: 'stall', at: { bytes: 300_000 } }) });
    const { summary } = await run(many, { timeouts: { idle: 100 } });
    expect(summary).toMatchObject({ fulfilled: many, surplus: 0 });
    await simulator.until(({ openRequests }) => openRequests === 0);
  });

  it('a length that is short of the job’s count is believed where all announced bytes came', async () => {
    simulator.setBatch({ answer: 'short', faults: { kind: 'lose-lines', which: isOdd, on: 0 } });
    expect((await run(10)).summary).toMatchObject({ fulfilled: 10, resubmitted: 5 });
    // One for each job.
    expect(requestsOf(isDownload)).toHaveLength(2);
  });
});

describe('an upload that is cut', () => {
  it.each([
    ['in the middle of its content', 60_000],
    ['at its first bytes', 100],
  ])('%s is made again, whole', async (_where, bytes) => {
    const proxy = await cuttingProxy(simulator, 2, bytes);
    const { summary } = await run(many, {}, proxy.url);
    proxy.close();
    expect(proxy.cuts()).toBe(2);
    expect(summary).toMatchObject({ fulfilled: many, resubmitted: 0 });
    expect(await jobsOf(simulator)).toHaveLength(1);
  });

  it.each([
    ['a 503', { kind: 'status', status: 503, times: 2, on: isUpload }],
    ['a lost answer', { kind: 'reset', at: 'before-headers', times: 2, on: isUpload }],
    ['a 429 that says when', { kind: 'status', status: 429, headers: { 'retry-after-ms': '20' }, times: 1, on: isUpload }],
  ] as const)('by %s is made again', async (_what, faults) => {
    simulator.setFaults(faults);
    expect((await run(10)).summary.fulfilled).toBe(10);
    expect(await jobsOf(simulator)).toHaveLength(1);
  });
});

describe('an upload takes its time', () => {
  it('however slow the disk or the line is: what is bounded is its silence', async () => {
    const real = fileSpool(directory);
    const spool: BatchSpool = {
      async create() {
        const file = await real.create();
        return {
          ...file,
          async *read(start, end) {
            for (let place = start; place < end; place += 4_096) {
              await sleep(120);
              yield* file.read(place, Math.min(end, place + 4_096));
            }
          },
        };
      },
    };
    const { events } = await run(2_000, { spool, timeouts: { firstEvent: 3_000 } });
    expect(events.flatMap((event) => (event.type === 'file-uploaded' ? [event.bytes] : []))[0]).toBeGreaterThan(100_000);
    expect(requestsOf(isUpload)).toHaveLength(1);
    expect(requestsOf(isUpload)[0]!.finishedAt! - requestsOf(isUpload)[0]!.receivedAt).toBeGreaterThan(3_000);
  });

  it('and is made again where nothing is taken, or answered, any more', async () => {
    simulator.setFaults({ kind: 'stall', at: 'before-headers', times: 1, on: isUpload });
    expect((await run(10, { timeouts: { firstEvent: 1_000 } })).summary.fulfilled).toBe(10);
    // A machine that stands still may let another one run out of time.
    const outcomes = requestsOf(isUpload).map(({ outcome }) => outcome);
    expect([outcomes[0], outcomes.at(-1)]).toEqual(['client-closed', 'completed']);
  });
});

describe('row 13: a create whose answer is lost makes no second job', () => {
  it.each<[string, FaultScript, SimulatorOptions]>([
    ['reset behind its request', { kind: 'reset', at: 'before-headers', times: 1, on: isCreate }, {}],
    ['reset behind its headers', { kind: 'reset', at: 'after-headers', times: 1, on: isCreate }, {}],
    ['cut in the middle of its answer', { kind: 'reset', at: { bytes: 40 }, times: 1, on: isCreate }, {}],
    ['answered by a page of a proxy', { kind: 'malformed', what: 'html', at: 0, times: 1, on: isCreate }, {}],
    ['on a server whose list knows no metadata', { kind: 'reset', at: 'before-headers', times: 1, on: isCreate }, { batch: { metadataFilter: false } }],
    ['and a list that fails first', [{ kind: 'reset', at: 'before-headers', times: 1, on: isCreate }, { kind: 'status', status: 503, times: 2, on: isList }], {}],
  ])('%s', async (_what, faults, options) => {
    await restart({ ...options, faults });
    const { events, summary } = await run(30, { maxRequestsPerJob: 10, concurrency: 1 });
    expect(summary).toMatchObject({ fulfilled: 30, resubmitted: 0 });
    expect(await jobsOf(simulator)).toHaveLength(3);
    expect(events.flatMap((event) => (event.type === 'job-created' ? [event.found] : []))).toEqual([true, false, false]);
    expect(requestsOf(isCreate)).toHaveLength(3);
  });

  it('lost for every part', async () => {
    simulator.setFaults({ kind: 'reset', at: 'before-headers', on: isCreate });
    const { summary } = await run(40, { maxRequestsPerJob: 10 });
    expect(summary).toMatchObject({ fulfilled: 40 });
    expect(await jobsOf(simulator)).toHaveLength(4);
  });

  it('lost in a later round', async () => {
    await restart({ batch: { faults: { kind: 'lose-lines', which: isOdd, on: 0 } }, faults: { kind: 'reset', at: 'before-headers', on: isCreate } });
    expect((await run(10)).summary).toMatchObject({ fulfilled: 10, resubmitted: 5 });
    expect(await jobsOf(simulator)).toHaveLength(2);
  });

  it('of a job that stands on another page of the list', async () => {
    // Others make jobs too: 150 behind ours, while our answer is lost and the list cannot be had.
    let isReady = false;
    simulator.setFaults([
      { kind: 'reset', at: 'before-headers', times: 1, on: isCreate },
      { kind: 'status', status: 503, on: (request) => isList(request) && !isReady },
    ]);
    const running = run(10, { retry: { maxRetries: 10_000, backoff: constantBackoff(10) } });
    await simulator.until(({ requests }) => requests.some(isList));
    const body = JSON.stringify({ endpoint: '/v1/chat/completions', model: 'm', requests: [{ body: { messages: [] } }] });
    const headers = { authorization: 'Bearer any', 'content-type': 'application/json' };
    for (let other = 0; other < 150; other++) await fetch(`${simulator.url}/v1/batch/jobs`, { method: 'POST', headers, body });
    isReady = true;

    const { events } = await running;
    expect(events).toContainEqual(expect.objectContaining({ type: 'job-created', found: true }));
    const pages = requestsOf((request) => isList(request) && request.status === 200).map(({ query }) => new URLSearchParams(query).get('page'));
    expect(pages).toEqual(['0', '1']);
  });

  it('a refusal is no lost answer: the run fails, and says why', async () => {
    simulator.setFaults({ kind: 'status', status: 422, on: isCreate });
    expect(await failureOf(runBatch(clientOf(simulator), questions(3), quick))).toMatchObject({ kind: 'http', status: 422 });
    expect(requestsOf(isCreate)).toHaveLength(1);
    expect(await jobsOf(simulator)).toHaveLength(0);
  });

  it('a wrong key is wrong for all: the run fails at once', async () => {
    await restart({ apiKey: 'another' });
    expect(await failureOf(runBatch(clientOf(simulator), questions(3), quick))).toMatchObject({ kind: 'http', status: 401 });
    expect(simulator.requestCount).toBe(1);
  });
});

describe('polls', () => {
  it('that fail are made again', async () => {
    simulator.setFaults([
      { kind: 'status', status: 503, times: 3, on: isPoll },
      { kind: 'reset', at: 'before-headers', times: 3, on: isPoll },
    ]);
    expect((await run(10)).summary.fulfilled).toBe(10);
  });

  it('never overlap, and end with the job', async () => {
    await restart({ batch: { faults: { kind: 'stuck' } }, latency: 20 });
    const running = run(10, { interval: 1, resubmit: { rounds: 0 } });
    await simulator.until(() => requestsOf(isPoll).length > 5);
    await cancelJob();
    await running;
    const polls = requestsOf(isPoll);
    for (const [index, { receivedAt }] of polls.slice(1).entries()) expect(receivedAt).toBeGreaterThanOrEqual(polls[index]!.finishedAt!);
  });
});

describe('attach', () => {
  it('goes on with the jobs of another run, and sends again what they have not done', async () => {
    simulator.setBatch({ answer: 'short', faults: { kind: 'lose-lines', which: isOdd, on: [0, 1] } });
    const first = await run(20, { maxRequestsPerJob: 10, resubmit: { rounds: 0 } });
    expect(first.summary).toMatchObject({ fulfilled: 10, missing: 10 });

    const second = await run(20, { maxRequestsPerJob: 10, attach: first.summary.jobs });
    expect(second.summary).toMatchObject({ fulfilled: 20, resubmitted: 10 });
    expect(second.summary.jobs.slice(0, 2).toSorted()).toEqual(first.summary.jobs.toSorted());
    expect(await jobsOf(simulator)).toHaveLength(4);
  });

  it('without requests tells what the jobs have', async () => {
    const { summary } = await run(20, { maxRequestsPerJob: 10 });
    const attached = await runOf(clientOf(simulator), [], idsOf(20), { attach: summary.jobs });
    expect(attached.summary).toMatchObject({ requests: 20, fulfilled: 20 });
    expect(await jobsOf(simulator)).toHaveLength(2);
  });

  it('follows a job that is still running', async () => {
    await restart({ batch: { faults: { kind: 'stuck', after: 4, on: 0 } } });
    const going = watch(runBatch(clientOf(simulator), questions(10), quick));
    await simulator.until(({ requests }) => requests.some(isPoll));
    going.subscription.unsubscribe();
    const [job] = await jobsOf(simulator);
    simulator.forgetRequests();
    const attached = run(10, { attach: [job!.id] });
    await simulator.until(() => requestsOf(isPoll).length > 1);
    await cancelJob();
    const { summary } = await attached;
    expect(summary).toMatchObject({ fulfilled: 10, jobs: [job!.id, expect.any(String)] });
    expect(requestsOf(isCreate)).toHaveLength(1);
  });
});

describe('unsubscribing', () => {
  it('detaches: the job goes on', async () => {
    await restart({ batch: { duration: 100 } });
    const going = watch(runBatch(clientOf(simulator), questions(10), { ...quick, spool: fileSpool(directory) }));
    await simulator.until(({ requests }) => requests.some(isPoll));
    going.subscription.unsubscribe();
    await simulator.until(({ openRequests }) => openRequests === 0);
    let status = '';
    await expect.poll(async () => (status = (await jobsOf(simulator))[0]!.status)).toBe('SUCCESS');
    expect([status, going.errors, going.completed]).toEqual(['SUCCESS', [], false]);
    expect(requestsOf(isCancel)).toEqual([]);
    expect(await readdir(directory)).toEqual([]);
  });

  it('cancels each job on the server, where the user says so', async () => {
    await restart({ batch: { faults: { kind: 'stuck', after: 2 } } });
    const going = watch(runBatch(clientOf(simulator), questions(30), { ...quick, maxRequestsPerJob: 10, onUnsubscribe: 'cancel', cleanup: 'input' }));
    await simulator.until(({ requests }) => new Set(requests.filter(isPoll).map(({ path }) => path)).size === 3);
    going.subscription.unsubscribe();
    await expect.poll(async () => (await jobsOf(simulator)).map(({ status }) => status)).toEqual(['CANCELLED', 'CANCELLED', 'CANCELLED']);
    await simulator.until(({ requests }) => requests.filter(isDelete).length === 3);
  });

  it('cancels the other jobs where one of them cannot be cancelled', async () => {
    await restart({ batch: { faults: { kind: 'stuck' } } });
    const going = watch(runBatch(clientOf(simulator), questions(30), { ...quick, maxRequestsPerJob: 10, onUnsubscribe: 'cancel', retry: false }));
    await simulator.until(({ requests }) => new Set(requests.filter(isPoll).map(({ path }) => path)).size === 3);
    // The first is refused while the others are on their way.
    let cancels = 0;
    simulator.setFaults((request) => {
      if (!isCancel(request)) return undefined;
      cancels += 1;
      return cancels === 1 ? { kind: 'status', status: 409 } : { kind: 'stall', at: 'before-headers', for: 50 };
    });
    going.subscription.unsubscribe();
    await simulator.until(({ requests, openRequests }) => requests.filter(isCancel).length === 3 && openRequests === 0);
    expect(requestsOf(isCancel).map(({ outcome }) => outcome)).toEqual(['completed', 'completed', 'completed']);
  });

  it('cancels a job whose creation was under way', async () => {
    await restart({ batch: { faults: { kind: 'stuck' } }, faults: { kind: 'stall', at: 'before-headers', on: isCreate } });
    const going = watch(runBatch(clientOf(simulator), questions(10), { ...quick, onUnsubscribe: 'cancel' }));
    await simulator.until(({ requests }) => requests.some((request) => isCreate(request) && request.body !== undefined));
    going.subscription.unsubscribe();
    await expect.poll(async () => (await jobsOf(simulator)).map(({ status }) => status)).toEqual(['CANCELLED']);
  });

  it('leaves nothing of its spool, whenever it comes', async () => {
    const real = fileSpool(directory);
    let open = 0;
    let opened = 0;
    const spool: BatchSpool = {
      async create() {
        open += 1;
        opened += 1;
        const file = await real.create();
        return {
          ...file,
          async remove() {
            open -= 1;
            await file.remove();
          },
        };
      },
    };
    // Each a little later than the one before: in every step of the way.
    for (let step = 0; step < 60; step++) {
      const going = watch(runBatch(clientOf(simulator), questions(1_500), { ...quick, spool, maxRequestsPerJob: 500 }));
      await settle(step >> 1);
      for (let task = 0; task < step % 8; task++) await Promise.resolve();
      going.subscription.unsubscribe();
      expect(going.errors).toEqual([]);
    }
    await expect.poll(() => open).toBe(0);
    expect(opened).toBeGreaterThan(0);
    expect(await readdir(directory)).toEqual([]);
  });
});

describe('row 1: unsubscribed from, a run closes its socket within 50 ms, whatever was collected', () => {
  const count = 20;

  it.each<[string, (request: RecordedRequest) => boolean, FaultScript]>([
    ['while it uploads', isUpload, { kind: 'stall', at: 'before-headers', on: isUpload }],
    ['while it creates a job', isCreate, { kind: 'stall', at: 'before-headers', on: isCreate }],
    ['while it polls', isPoll, { kind: 'stall', at: 'before-headers', on: isPoll }],
    ['while it downloads', isDownload, { kind: 'stall', at: { bytes: 1_000 }, on: isDownload }],
  ])('%s', async (_when, isStalled, faults) => {
    await restart({ faults });
    const runs = Array.from({ length: count }, (_, call) =>
      watch(runBatch(clientOf(simulator), questions(20), { ...quick, headers: { 'x-call': String(call) } })),
    );
    await eventually(() => requestsOf(isStalled).length === count && simulator.openRequests === count, 'the runs have come so far');
    await settle();
    await collectGarbage();
    expect(simulator.openRequests).toBe(count);

    const latencies = await cancelAll(simulator, runs);
    expect(requestsOf(isStalled).map(({ outcome }) => outcome)).toEqual(Array.from({ length: count }, () => 'client-closed'));
    expect(latencies).toHaveLength(count);
    expect(median(latencies)).toBeLessThan(50);
    expect(runs.flatMap(({ errors }) => errors)).toEqual([]);
    expect(runs.some(({ completed }) => completed)).toBe(false);
  });
});

describe('cleanup', () => {
  const filesLeft = async (): Promise<readonly string[]> => {
    const { data } = (await (await fetch(`${simulator.url}/v1/files`, { headers: { authorization: 'Bearer any' } })).json()) as { data: { sample_type: string }[] };
    return data.map((file) => file.sample_type).toSorted();
  };

  beforeEach(() => {
    simulator.setBatch({ answer: 'short', faults: { kind: 'fail-requests', which: isOdd, status: 400 } });
  });

  it.each<[NonNullable<BatchOptions['cleanup']> | undefined, readonly string[]]>([
    [undefined, ['batch_error', 'batch_request', 'batch_result']],
    ['input', ['batch_error', 'batch_result']],
    ['all', []],
  ])('%s leaves %j', async (cleanup, left) => {
    expect((await run(10, { cleanup })).summary).toMatchObject({ fulfilled: 5, rejected: 5, undeleted: [] });
    expect(await filesLeft()).toEqual(left);
  });

  it('names the files that it could not delete, and the run is done all the same', async () => {
    simulator.setFaults({ kind: 'status', status: 403, times: 1, on: isDelete });
    const { summary } = await run(10, { cleanup: 'all' });
    expect(summary.undeleted).toHaveLength(1);
    expect(await filesLeft()).toHaveLength(1);
  });
});

describe('a journal', () => {
  it('of a run that was complete tells it again as it was, and makes no job', async () => {
    simulator.setBatch({ answer: 'short', faults: [{ kind: 'fail-requests', which: isOdd, status: 503, on: 0 }, { kind: 'lose-lines', which: (id) => id === 'r9', on: 1 }] });
    const path = join(directory, 'run.journal');
    const options = { resubmit: { rounds: 1 }, cleanup: 'none' } as const;
    const first = await run(10, { ...options, journal: fileJournal(path) });
    expect(first.summary).toMatchObject({ fulfilled: 9, rejected: 1, resubmitted: 5 });

    const second = await run(10, { ...options, journal: fileJournal(path) });
    expect(second.summary).toEqual(first.summary);
    expect(await jobsOf(simulator)).toHaveLength(2);
    expect(requestsOf(isUpload)).toHaveLength(2);
  });

  it('has the files deleted that the run before uploaded', async () => {
    const path = join(directory, 'run.journal');
    await restart({ batch: { duration: 200 } });
    const going = watch(runBatch(clientOf(simulator), questions(10), { ...quick, journal: fileJournal(path) }));
    await simulator.until(({ requests }) => requests.some(isPoll));
    going.subscription.unsubscribe();

    expect((await run(10, { journal: fileJournal(path), cleanup: 'input' })).summary).toMatchObject({ fulfilled: 10, undeleted: [] });
    expect(requestsOf(isUpload)).toHaveLength(1);
    expect(requestsOf(isDelete)).toHaveLength(1);
  });

  it('with fewer requests than it knows is refused', async () => {
    const path = join(directory, 'run.journal');
    await run(20, { journal: fileJournal(path), maxRequestsPerJob: 10 });
    expect(await failureOf(runBatch(clientOf(simulator), questions(10), { ...quick, journal: fileJournal(path), maxRequestsPerJob: 10 }))).toMatchObject({
      kind: 'validation',
      message: 'The journal does not belong to this run: it has 2 parts, and the requests make 1',
    });
  });
});

describe('row 14: an id such as `..` reaches no other endpoint', () => {
  it.each(['..', '.', ''])('%j is a TypeError at the call, and nothing is sent', (id) => {
    expect(() => watchBatch(clientOf(simulator), id)).toThrow(/^Expected `jobId` to be an id/);
    expect(() => runBatch(clientOf(simulator), [], { attach: [id] })).toThrow(/^Expected `attach\[0\]` to be an id/);
    expect(simulator.requestCount).toBe(0);
  });
});

describe('what cannot be sent is refused before anything is', () => {
  // Of the file that holds question 0.
  const lineBytes = JSON.stringify({ custom_id: 'r0', body: question(0).body }).length + 1;

  it.each<[string, readonly unknown[], BatchOptions, string]>([
    ['two requests of one id', [question(0), question(1), question(0)], {}, 'Request 3 of the batch has the `customId` of an earlier one'],
    ['a request without a body', [question(0), { customId: 'x' }], {}, 'Request 2 of the batch has no `body`'],
    ['two models', [{ body: { model: 'a' } }, { body: { model: 'b' } }], { model: undefined }, 'Request 2 of the batch has another `model`: a job has one'],
    ['a request that is larger than a file', [question(0), { ...question(1), customId: 'a-longer-one' }], { maxFileBytes: lineBytes }, `Request 2 of the batch is ${lineBytes + 10} bytes long; a file holds ${lineBytes}`],
    ['a body that the schema refuses', [question(0), { body: {} }], { schema: z.object({ messages: z.array(z.unknown()) }) }, 'Request 2 of the batch has a `body` that was refused'],
  ])('%s', async (_what, requests, options, message) => {
    const spool = fileSpool(directory);
    const error = await failureOf(runBatch(clientOf(simulator), requests as BatchRequest[], { ...quick, spool, maxRequestsPerJob: 1, ...options }));
    expect(error).toMatchObject({ kind: 'validation', message: expect.stringContaining(message) as string });
    expect(simulator.requestCount).toBe(0);
    expect(await readdir(directory)).toEqual([]);
  });

  it.each<[string, object]>([
    ['an endpoint that Mistral does not know', { endpoint: '/v1/poems' }],
    ['a key of 33 characters', { metadata: { ['k'.repeat(33)]: 'v' } }],
    ['a value of 513 characters', { metadata: { k: 'v'.repeat(513) } }],
    ['169 hours', { timeoutHours: 169 }],
  ])('%s is a TypeError at the call', (_what, options) => {
    expect(() => runBatch(clientOf(simulator), questions(1), options as BatchOptions)).toThrow(TypeError);
  });

  it('and just what is within the bounds is sent', async () => {
    const metadata = { ['k'.repeat(32)]: 'v'.repeat(512) };
    expect((await run(1, { metadata, timeoutHours: 168, maxFileBytes: lineBytes })).summary.fulfilled).toBe(1);
  });
});

describe('what a run fails with', () => {
  it('is the error of its source, and the spool is empty', async () => {
    const broken = new Error('The database is down');
    async function* breaking(): AsyncGenerator<BatchRequest> {
      yield* questions(100);
      await settle(1);
      throw broken;
    }
    const { error } = await outcomeOf(runBatch(clientOf(simulator), breaking(), { ...quick, spool: fileSpool(directory), maxRequestsPerJob: 10 }));
    expect(error).toBe(broken);
    expect(simulator.requestCount).toBe(0);
    expect(await readdir(directory)).toEqual([]);
  });

  it('is the error of its own `onResult`, or `when`: what was not told is no fault of Mistral', async () => {
    const broken = new Error('The database is down');
    const fail = (): never => {
      throw broken;
    };
    const saving = await outcomeOf(runBatch(clientOf(simulator), questions(10), { ...quick, onResult: () => throwError(() => broken) }));
    expect([saving.error, saving.events.some(({ type }) => type === 'result')]).toEqual([broken, false]);
    simulator.setBatch({ answer: 'short', faults: { kind: 'fail-requests', status: 503 } });
    expect((await outcomeOf(runBatch(clientOf(simulator), questions(10), { ...quick, resubmit: { when: fail } }))).error).toBe(broken);
  });
});

describe('row 15: the memory of a run', () => {
  const program = fileURLToPath(new URL('fixtures/batchMemory.ts', import.meta.url));
  // What an engine leaves lying before it collects is 20 to 120 MiB, for 480 MiB too.
  const mebibytes = 240;

  it(`grows by less than two thirds of the ${mebibytes} MiB that it uploads`, { timeout: 900_000 }, async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--import', 'tsx', program, simulator.url, directory, String(mebibytes)]);
    const { summary, grownMebibytes } = JSON.parse(stdout) as { summary: BatchCompleteEvent; grownMebibytes: number };
    const requests = mebibytes * 16;
    expect(summary).toMatchObject({ requests, fulfilled: requests, undeleted: [] });
    expect(requestsOf(isUpload).at(-1)!.bodyBytes).toBeGreaterThan(mebibytes * 2 ** 20 * 0.99);
    expect(grownMebibytes).toBeLessThan((mebibytes * 2) / 3);
    expect(await readdir(directory)).toEqual([]);
  });
});

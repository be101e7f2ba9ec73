import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BatchFaultScript, startSimulator, type Simulator } from '../../src/simulator/index.js';
import { isCreate, isDownload, isUpload, jobsOf } from './fixtures/batchFixtures.js';
import type { RunOrder, RunReport } from './fixtures/journalledRun.js';
import { seed, seededRandom } from './fixtures/outcomeOf.js';

// Killed at any moment and begun anew with its journal, a run loses nothing, tells nothing twice, and makes no job twice.

// Inside the package, so that it imports it by its name; translated once, because a loader would translate all of the SDK each time.
const generated = join(import.meta.dirname, '.generated/batches');
const program = join(generated, 'journalledRun.mjs');
const kills = 20;
const count = 1_000;
const perJob = 250;
const random = seededRandom(seed);

const roundOf = (metadata: Readonly<Record<string, string>> | null): number => Number(metadata?.['rxmistral']?.split(':')[2]);
const numberOf = (customId: string | null): number => Number(customId?.slice(1));

// What goes wrong with a request hangs on the request and the round alone, so that every run comes to the same results.
const faults: BatchFaultScript = [
  { kind: 'fail-requests', which: (id) => numberOf(id) % 50 === 1, status: 400 },
  { kind: 'fail-requests', which: (id) => numberOf(id) % 50 === 2, status: 503, on: ({ metadata }) => roundOf(metadata) === 0 },
  { kind: 'lose-lines', which: (id) => numberOf(id) % 200 === 3, on: ({ metadata }) => roundOf(metadata) <= 1 },
];

let simulator: Simulator;
let directory: string;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  const source = await readFile(join(import.meta.dirname, 'fixtures/journalledRun.ts'), 'utf8');
  await mkdir(generated, { recursive: true });
  await writeFile(program, transpileModule(source, { compilerOptions: { target: ScriptTarget.ES2022, module: ModuleKind.ES2022 } }).outputText);
  directory = await mkdtemp(join(tmpdir(), 'crash-'));
  simulator = await startSimulator({
    latency: 4,
    fileRanges: true,
    maxRecordedRequests: 100_000,
    batch: { answer: 'short', duration: 80, faults },
    // Answers are lost on the way now and then, and downloads cut.
    faults: [
      { kind: 'reset', at: 'before-headers', probability: 0.1, on: isCreate },
      { kind: 'reset', at: 'before-headers', probability: 0.1, on: isUpload },
      { kind: 'reset', at: { bytes: 10_000 }, how: 'fin', probability: 0.3, on: isDownload },
    ],
  });
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await simulator.close();
  for (const made of [directory, generated]) await rm(made, { recursive: true, force: true });
});

/** A run in a process of its own. */
interface Run {
  readonly child: ChildProcess;
  /** What it has come to; `undefined` where it was killed. */
  readonly report: Promise<RunReport | undefined>;
}

async function start(scenario: number): Promise<Run> {
  const child = fork(program, { execArgv: [] });
  children.add(child);
  const failed = once(child, 'close').then(() => {
    throw new Error('It ended before it was ready');
  });
  // All is loaded: what is killed is the run, from its first step on.
  await Promise.race([once(child, 'message'), failed]);
  failed.catch(() => undefined);
  const report = new Promise<RunReport | undefined>((resolve) => {
    child.once('message', (message) => {
      resolve(message as RunReport);
    });
    child.once('close', () => {
      children.delete(child);
      resolve(undefined);
    });
  });
  const order: RunOrder = { serverURL: simulator.url, scenario, journal: journalOf(scenario), directory: join(directory, 'spool'), count, perJob };
  child.send(order);
  return { child, report };
}

const journalOf = (scenario: number): string => join(directory, `${scenario}.journal`);
const isOver = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

interface Pace {
  readonly milliseconds: number;
  readonly requests: number;
}

/** Kills a run at a moment by chance: a time, or behind a request that the server has seen, and a moment more. */
async function killAtRandom({ child, report }: Run, pace: Pace): Promise<string> {
  const before = simulator.requestCount;
  const isByTime = random() < 0.5;
  const request = 1 + Math.floor(random() * pace.requests);
  const wait = random() * (isByTime ? pace.milliseconds : 8);
  const come = isByTime ? Promise.resolve() : simulator.until(() => simulator.requestCount >= before + request || isOver(child), { timeout: 180_000 });
  await Promise.race([come.then(() => sleep(wait)), report]);
  child.kill('SIGKILL');
  return isByTime ? `${wait.toFixed(1)} ms behind its start` : `${wait.toFixed(1)} ms behind request ${request}`;
}

const idOf = ([customId]: readonly [string, string]): string => customId;

async function expectOnce(scenario: number, report: RunReport): Promise<void> {
  expect(report.error).toBeUndefined();
  expect(report.results.map(idOf).toSorted()).toEqual(Array.from({ length: count }, (_, i) => `r${i}`).toSorted());
  for (const [customId, outcome] of report.results) {
    expect(outcome).toBe(numberOf(customId) % 50 === 1 ? 'rejected' : `Question ${numberOf(customId)}?`);
  }
  expect(report.summary).toMatchObject({ requests: count, fulfilled: count * 0.98, rejected: count * 0.02, missing: 0 });
  // Of all parts and rounds of this run, in all its lives, each has one job.
  const jobs = (await jobsOf(simulator)).filter(({ metadata }) => metadata?.['scenario'] === String(scenario));
  const places = jobs.map(({ metadata }) => String(metadata?.['rxmistral']).split(':').slice(1).join(':'));
  expect(places.toSorted()).toEqual([...new Set(places)].toSorted());
  expect(jobs.map(({ id }) => id).toSorted()).toEqual(report.summary?.jobs.toSorted());
}

describe(`a run that is killed (seed ${seed})`, () => {
  it(`at ${kills} random moments, and begun anew with its journal, has each request once and no job twice`, { timeout: 900_000 }, async () => {
    // How long it takes when nobody kills it.
    const first = await start(0);
    const startedAt = performance.now();
    const whole = await first.report;
    if (whole === undefined) throw new Error('The first run was killed');
    const pace: Pace = { milliseconds: performance.now() - startedAt, requests: simulator.requestCount };
    await expectOnce(0, whole);

    const moments: string[] = [];
    for (let scenario = 1; moments.length < kills; scenario++) {
      let report: RunReport | undefined;
      // Some are killed once, some several times: also while they find out what the one before has done.
      for (let left = 1 + Math.floor(random() * 6); ; left--) {
        const run = await start(scenario);
        const moment = left > 0 ? await killAtRandom(run, pace) : undefined;
        report = await run.report;
        if (report !== undefined) break;
        if (moment === undefined) throw new Error(`Seed ${seed}: run ${scenario} ended by itself, without a report`);
        moments.push(moment);
      }
      await expectOnce(scenario, report).catch((error: unknown) => {
        return readFile(journalOf(scenario), 'utf8').then((journal) => {
          throw new Error(`Seed ${seed}, run ${scenario}, killed: ${moments.join('; ')}\n${journal}`, { cause: error });
        });
      });
    }
    expect(moments.length).toBeGreaterThanOrEqual(kills);
    // The system takes nameless files away with the process; one whose process was killed before it lost its name is empty.
    const spool = join(directory, 'spool');
    const left = await Promise.all((await readdir(spool)).map((name) => stat(join(spool, name))));
    expect(left.filter(({ size }) => size > 0)).toEqual([]);
  });
});

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MistralCore } from '@mistralai/mistralai/core.js';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { defer, from, lastValueFrom, repeat, retry, take, takeWhile, tap, timer, toArray } from 'rxjs';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enqueue, type JobEvent, jobEvents, jobValues } from '../../src/bullmq/index.js';
import { accumulate, type ChatEvent, chatStream, isRxMistralError, pullMap } from '../../src/index.js';
import { startSimulator, type Simulator } from '../../src/simulator/index.js';
import { type OwnRedis, startRedis, withServer } from '../redis/fixtures/startRedis.js';
import { seed, seededRandom } from './fixtures/outcomeOf.js';
import type { Question, WorkerOrder, WorkerReport } from './fixtures/queueWorker.js';

// Workers in processes of their own that are killed, or sleep until others have their jobs; a Redis that is killed; watchers who come
// and go.

// 2,000 are what docs/scaling.md has its figures from.
const count = Number(process.env['QUEUE_JOBS'] ?? 800);
const workers = 4;
const jobsPerFault = 50;
const lockDuration = 4_000;
const stalledInterval = 1_000;
const name = 'soak';
const random = seededRandom(seed);

// Inside the package, so that it imports it by its name; translated once, because a loader would translate all of the SDK each time.
const generated = join(import.meta.dirname, '.generated/queue');
const program = join(generated, 'queueWorker.mjs');

let redis: OwnRedis;
let simulator: Simulator;
const connections: Redis[] = [];
const children = new Set<ChildProcess>();

beforeAll(async () => {
  if (!withServer) return;
  const source = await readFile(join(import.meta.dirname, 'fixtures/queueWorker.ts'), 'utf8');
  await mkdir(generated, { recursive: true });
  await writeFile(program, transpileModule(source, { compilerOptions: { target: ScriptTarget.ES2022, module: ModuleKind.ES2022 } }).outputText);
  // `always`: what Redis has acknowledged is in its file, so that a kill loses nothing. With `everysec` it may write as late as two
  // seconds after its answer, while the disk is busy.
  redis = await startRedis({ appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' });
  // About a second for a job.
  simulator = await startSimulator({ seed, answerTokens: 30, tokensPerSecond: 30, maxRecordedRequests: 1 });
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const connection of connections) connection.disconnect();
  await (simulator as Simulator | undefined)?.close();
  await (redis as OwnRedis | undefined)?.remove();
  await rm(generated, { recursive: true, force: true });
});

/** A worker in a process of its own. */
interface WorkerProcess {
  readonly child: ChildProcess;
  /** The jobs that it has begun and not ended. */
  readonly running: Set<string>;
  /** It sleeps, or was killed. */
  isAway: boolean;
}

async function startWorker(order: WorkerOrder, onReport: (report: WorkerReport) => void): Promise<WorkerProcess> {
  const child = fork(program, { execArgv: [] });
  children.add(child);
  const running = new Set<string>();
  child.once('close', () => children.delete(child));
  await once(child, 'message');
  child.on('message', (message) => {
    const report = message as WorkerReport;
    if (report.type === 'job-start') running.add(report.jobId);
    else running.delete(report.jobId);
    onReport(report);
  });
  child.send(order);
  return { child, running, isAway: false };
}

/** A queue over a connection of its own, as on another machine. */
function openQueue(): Queue<Question, { readonly text: string }> {
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
  connection.on('error', () => undefined);
  connections.push(connection);
  const queue = new Queue<Question, { readonly text: string }>(name, {
    connection,
    // All of what happened is wanted at the end.
    streams: { events: { maxLen: 1_000_000 } },
  });
  queue.on('error', () => undefined);
  return queue;
}

const idOf = (n: number): string => `question-${n}`;
const isLast = ({ type }: { readonly type: string }): boolean => type === 'job-complete' || type === 'job-failed';
const questions = Array.from({ length: count }, (_, n): Question => ({ content: `Question ${n}?`, goesOn: n % 2 === 0 }));

describe.skipIf(!withServer)(`a queue of ${count} jobs with ${workers} workers (needs redis-server; seed ${seed})`, () => {
  it('ends every job once, and shows every token once to watchers who come and go, over killed workers and a killed Redis', { timeout: 900_000 }, async () => {
    const startedAt = performance.now();
    const machines = [openQueue(), openQueue(), openQueue()] as const;
    const [queue] = machines;

    const enqueueAll = () => lastValueFrom(from(questions.map((question, n) => ({ ...question, n }))).pipe(enqueue(queue, { jobId: ({ n }) => idOf(n), attempts: 10 }), toArray()));
    expect((await enqueueAll()).map(({ jobId }) => jobId)).toEqual(questions.map((_, n) => idOf(n)));
    // A repeat is harmless.
    await enqueueAll();
    expect(await queue.getJobCounts('waiting', 'active', 'completed', 'prioritized')).toMatchObject({ waiting: count });

    // Each is watched from the machines in turn, and left behind some events, for a while.
    let connects = 0;
    let broken = 0;
    const watch = (jobId: string): Promise<readonly JobEvent<ChatEvent>[]> => {
      const seen: JobEvent<ChatEvent>[] = [];
      const connection = defer(() => {
        connects += 1;
        const machine = machines[Math.floor(random() * machines.length)] ?? queue;
        return jobEvents<ChatEvent>(machine, jobId, { since: seen.at(-1)?.id }).pipe(take(1 + Math.floor(random() * 20)));
      });
      return lastValueFrom(
        connection.pipe(
          repeat({ delay: () => timer(random() * 400) }),
          // A connection that Redis takes with it.
          retry({
            delay: (error: unknown) => {
              if (!isRxMistralError(error) || error.kind !== 'connection') throw error;
              broken += 1;
              return timer(200);
            },
          }),
          tap((event) => seen.push(event)),
          takeWhile((event) => !isLast(event)),
          toArray(),
        ),
      ).then(() => seen);
    };
    const watching = Promise.all(questions.map((_, n) => watch(idOf(n))));
    // Is waited for at the end.
    watching.catch(() => undefined);

    const completions = new Map<string, number>();
    const failures: WorkerReport[] = [];
    let starts = 0;
    const onReport = (report: WorkerReport): void => {
      if (report.type === 'job-start') starts += 1;
      if (report.type === 'job-complete') completions.set(report.jobId, (completions.get(report.jobId) ?? 0) + 1);
      if (report.type === 'job-failed') failures.push(report);
    };
    const { hostname: host, port } = new URL(redis.url);
    const order: WorkerOrder = { serverURL: simulator.url, redis: { host, port: Number(port) }, queue: name, concurrency: 8, lockDuration, stalledInterval };
    const pool = await Promise.all(Array.from({ length: workers }, () => startWorker(order, onReport)));

    // With every few jobs that are done something happens to a worker amid its work; with half of them, to Redis.
    let kills = 0;
    let sleeps = 0;
    let interrupted = 0;
    let hasRestarted = false;
    for (let done = 0; done < count; done = await queue.getCompletedCount()) {
      if (done >= count / 2 && !hasRestarted) {
        hasRestarted = true;
        await redis.kill();
        await redis.restart();
      }
      const place = Math.floor(random() * workers);
      const victim = pool[place]!;
      const { child, running } = victim;
      if (Math.floor(done / jobsPerFault) > kills + sleeps && running.size > 0 && !victim.isAway) {
        interrupted += running.size;
        if (random() < 0.25) {
          // As a process that is swapped out, or a machine that is suspended: when it wakes, its jobs are others'.
          sleeps += 1;
          victim.isAway = true;
          child.kill('SIGSTOP');
          void sleep(lockDuration + 3 * stalledInterval).then(() => {
            victim.isAway = false;
            child.kill('SIGCONT');
          });
        } else {
          kills += 1;
          victim.isAway = true;
          child.kill('SIGKILL');
          // Not waited for: where a process takes long to begin, the others might be done before anything else happens.
          void startWorker(order, onReport).then((worker) => {
            pool[place] = worker;
          });
        }
      }
      expect(failures).toEqual([]);
      await sleep(100);
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    for (const { child } of pool) child.kill('SIGKILL');
    expect(hasRestarted).toBe(true);
    expect(kills).toBeGreaterThan(0);
    // Not with all of them, where this process stood still.
    expect(kills + sleeps).toBeGreaterThanOrEqual(count / jobsPerFault / 2);

    // Each has ended once: by what BullMQ keeps, by what it told, and by what its workers did.
    expect(await queue.getJobCounts()).toMatchObject({ completed: count, failed: 0, active: 0, waiting: 0, delayed: 0 });
    const told = await connections[0]!.xrange(queue.toKey('events'), '-', '+');
    const completed = told.filter(([, fields]) => fields.includes('completed')).map(([, fields]) => fields[fields.indexOf('jobId') + 1]);
    expect(completed.toSorted()).toEqual(questions.map((_, n) => idOf(n)).toSorted());
    expect([...completions.values()].filter((times) => times > 1)).toEqual([]);

    // No token lost or repeated: what a watcher has seen piece by piece is what the log has, and the text is the model's.
    const seen = await watching;
    const witness = await startSimulator({ seed, answerTokens: 30, maxRecordedRequests: 1 });
    const client = new MistralCore({ serverURL: witness.url, apiKey: 'any' });
    const ask = ({ content }: Question) => chatStream(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content }] }).pipe(accumulate());
    const answers = new Map<string, string>();
    await lastValueFrom(pullMap(questions, (question) => ask(question).pipe(tap(({ text }) => answers.set(question.content, text))), { concurrency: 20 }));
    let events = 0;
    for (const [n, { content }] of questions.entries()) {
      const replayed = await lastValueFrom(jobEvents<ChatEvent>(machines[1], idOf(n)).pipe(toArray()));
      expect(seen[n]).toEqual(replayed);
      expect(replayed.filter(isLast)).toHaveLength(1);
      const { text, done } = await lastValueFrom(from(replayed).pipe(jobValues(), accumulate()));
      const { returnvalue } = (await queue.getJob(idOf(n)))!;
      expect([n, done, text, returnvalue.text]).toEqual([n, true, answers.get(content), answers.get(content)]);
      events += replayed.length;
    }
    await witness.close();
    await Promise.all(machines.map((machine) => machine.close()));
    console.log(
      `${count} jobs in ${seconds.toFixed(1)} s; ${kills} times a worker was killed and ${sleeps} times one slept, amid ${interrupted} jobs; ${starts} attempts, ${simulator.requestCount} calls; ` +
        `${events} events, read over ${connects} connections, ${broken} of them broken`,
    );
  });
});

/**
 * Chats over a queue, on several processes, by one command: `npm run example:distributed`.
 *
 * Redis where there is none, an API that takes questions and serves their answers as event streams, three workers under one
 * limit, and a watcher who loses its connections all the time. One worker is killed on the way (`k` kills another); what
 * it had begun is finished by the others. At the end every answer is checked: it ended once, and was seen whole, each
 * token once.
 *
 * Without a key the answers are the embedded simulator's; with MISTRAL_API_KEY they are Mistral's (MISTRAL_MODEL names the model).
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { lastValueFrom, toArray } from 'rxjs';
import { jobEvents } from 'rxmistral/bullmq';
import { startSimulator } from 'rxmistral/simulator';
import { findRedis } from './findRedis.js';
import { type Answer, type Message, type Place, type Question, queueName } from './messages.js';
import { type Frame, View, type WorkerView } from './view.js';

const total = 60;
const workerCount = 3;
// It takes some fifteen seconds, or a minute on a busy machine.
const patience = 300_000;
const frameMs = 150;

interface WorkerProcess {
  readonly child: ChildProcess;
  view: WorkerView;
}

const view = new View(process.stdout);
const children = new Set<ChildProcess>();
const workers: WorkerProcess[] = [];
const seen = new Map<string, Extract<Message, { type: 'seen' }>>();
let watched = { tokens: 0, connections: 0 };
let begunAgain = 0;
let isStopping = false;

const found = await findRedis();
view.note(found.isOurs ? `Redis started at ${found.url}` : `Redis at ${found.url}`);
const simulator = (process.env['MISTRAL_API_KEY'] ?? '') === '' ? await startSimulator({ answerTokens: 40, tokensPerSecond: 40, latency: 100 }) : undefined;
view.note(simulator === undefined ? 'Mistral' : `Simulator at ${simulator.url} (set MISTRAL_API_KEY for the real one)`);

const prefix = `rxmistral-example-${process.pid}`;
const place: Place = { redisUrl: found.url, prefix, serverURL: simulator?.url };
const redis = new Redis(found.url, { maxRetriesPerRequest: null });
const queue = new Queue<Question, Answer>(queueName, { connection: redis, prefix });

const end = new AbortController();
const stop = (): void => {
  end.abort();
};
process.once('SIGINT', stop);
process.once('SIGTERM', stop);
readKeys();

let problems: readonly string[];
try {
  problems = await Promise.race([run(), givenUp()]);
} finally {
  await cleanUp();
}
for (const problem of problems) console.log(problem);
if (problems.length === 0) {
  console.log(`${total} of ${total} jobs ended, each once, ${begunAgain} of them taken over from a killed worker; every token was seen once, over ${watched.connections} connections.`);
}
process.exit(problems.length === 0 ? 0 : 1);

async function run(): Promise<readonly string[]> {
  const [, api] = await Promise.all([Promise.all(Array.from({ length: workerCount }, startWorker)), startApi()]);
  view.note(`API at ${api.url}`);
  const watcher = start('watcher.ts', { ...place, apiUrl: api.url }, String(total));
  watcher.on('message', (message: Message) => {
    if (message.type === 'watching') watched = message;
    if (message.type === 'seen') seen.set(message.jobId, message);
  });

  // Behind its last message.
  const watcherEnd = once(watcher, 'disconnect');
  const history: { readonly at: number; readonly done: number; readonly tokens: number }[] = [];
  let hasKilled = false;
  const look = async (): Promise<number> => {
    const { waiting = 0, prioritized = 0, active = 0, completed = 0, failed = 0 } = await queue.getJobCounts();
    history.push({ at: performance.now(), done: completed, tokens: watched.tokens });
    // Speeds are those of the last two seconds.
    while (history.length > 2 && performance.now() - (history[0]?.at ?? 0) > 2_000) history.shift();
    const [first, last] = [history[0], history.at(-1)];
    const seconds = first && last && last.at > first.at ? (last.at - first.at) / 1_000 : Infinity;
    view.show({
      waiting: waiting + prioritized,
      active,
      done: completed,
      failed,
      total,
      jobsPerSecond: ((last?.done ?? 0) - (first?.done ?? 0)) / seconds,
      tokensPerSecond: ((last?.tokens ?? 0) - (first?.tokens ?? 0)) / seconds,
      connections: watched.connections,
      workers: workers.map((worker) => worker.view),
    } satisfies Frame);
    return completed;
  };
  while (watcher.connected) {
    const completed = await look();
    if (!hasKilled && completed > total / 3) hasKilled = killOne();
    await Promise.race([sleep(frameMs), watcherEnd]);
  }
  await look();
  return check();
}

/** Kills the busiest worker as a crash does: no handler runs. Another is started in its place, as a supervisor would. */
function killOne(): boolean {
  const [worker] = workers.filter((each) => each.view.state === 'working' && each.view.running > 0).toSorted((a, b) => b.view.running - a.view.running);
  if (worker === undefined) return false;
  worker.child.kill('SIGKILL');
  worker.view = { ...worker.view, state: 'killed' };
  view.note(`worker ${worker.view.pid} killed amid ${worker.view.running} jobs; another takes its place`);
  void startWorker();
  return true;
}

/** What is wrong; nothing where every job ended once, and was seen as its log has it. */
async function check(): Promise<readonly string[]> {
  const { completed = 0, failed = 0, active = 0, waiting = 0, delayed = 0 } = await queue.getJobCounts();
  const wrong: string[] = [];
  if (completed !== total || failed + active + waiting + delayed > 0) wrong.push(`${completed} completed, ${failed} failed, ${active + waiting + delayed} left`);
  if (seen.size !== total) wrong.push(`${seen.size} answers were seen`);
  for (const { jobId, ids, text } of seen.values()) {
    const log = await lastValueFrom(jobEvents(queue, jobId).pipe(toArray()));
    const ends = log.filter(({ type }) => type === 'job-complete' || type === 'job-failed').length;
    if (log.filter(({ type }) => type === 'job-start').length > 1) begunAgain += 1;
    const job = await queue.getJob(jobId);
    if (ends !== 1) wrong.push(`job ${jobId} ended ${ends} times`);
    if (log.map(({ id }) => id).join() !== ids.join()) wrong.push(`job ${jobId} was seen otherwise than it was`);
    if (text === '' || job?.returnvalue.text !== text) wrong.push(`job ${jobId} has another answer than was seen`);
  }
  if (workers.every((worker) => worker.view.state !== 'killed')) wrong.push('no worker was killed');
  return wrong;
}

async function startApi(): Promise<{ readonly url: string }> {
  const api = start('api.ts', place);
  const [{ url = '' }] = (await once(api, 'message')) as [Extract<Message, { type: 'ready' }>];
  return { url };
}

async function startWorker(): Promise<void> {
  const child = start('worker.ts', place);
  const worker: WorkerProcess = { child, view: { pid: child.pid ?? 0, state: 'starting', running: 0, done: 0 } };
  workers.push(worker);
  child.on('message', (message: Message) => {
    if (message.type === 'ready') worker.view = { ...worker.view, state: 'working' };
    if (message.type === 'working') worker.view = { ...worker.view, running: message.running, done: message.done };
  });
  await once(child, 'message');
}

function start(file: string, where: Place, ...words: readonly string[]): ChildProcess {
  const child = fork(join(import.meta.dirname, file), [JSON.stringify(where), ...words]);
  children.add(child);
  child.once('exit', (code) => {
    children.delete(child);
    if (code !== null && code !== 0 && !isStopping) {
      view.note(`${file} has failed`);
      end.abort();
    }
  });
  return child;
}

async function givenUp(): Promise<readonly string[]> {
  const late = AbortSignal.timeout(patience);
  const signal = AbortSignal.any([late, end.signal]);
  if (!signal.aborted) await once(signal, 'abort');
  return [late.aborted ? `not done after ${patience / 1_000} s` : 'ended before all was done'];
}

async function cleanUp(): Promise<void> {
  isStopping = true;
  const ended = [...children].map((child) => once(child, 'exit'));
  for (const child of children) child.kill('SIGTERM');
  const isOver = await Promise.race([Promise.all(ended).then(() => true), sleep(5_000, false)]);
  if (!isOver) for (const child of children) child.kill('SIGKILL');
  // On a Redis that stays nothing is left.
  if (!found.isOurs) for await (const keys of redis.scanStream({ match: `*${prefix}*`, count: 1_000 }) as AsyncIterable<string[]>) if (keys.length > 0) await redis.del(keys);
  await queue.close();
  redis.disconnect();
  await found.stop();
  await simulator?.close();
  if (process.stdin.isTTY) process.stdin.setRawMode(false);
}

function readKeys(): void {
  if (!process.stdin.isTTY) return;
  process.stdin.setRawMode(true).on('data', (keys) => {
    for (const key of keys.toString()) {
      if (key === 'k') killOne();
      // In raw mode Ctrl-C is a key.
      if (key === 'q' || key === '\u0003') end.abort();
    }
  });
}

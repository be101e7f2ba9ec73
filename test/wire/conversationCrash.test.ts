import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'libsql';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AgentEvent, ConversationEntry } from '../../src/index.js';
import { type AnswerReply, type CompletionBody, type Position, type RecordedRequest, startSimulator, type Simulator } from '../../src/simulator/index.js';
import { sqliteConversationStore } from '../../src/stores/index.js';
import { seed, seededRandom } from './fixtures/outcomeOf.js';
import type { ConversationOrder, ConversationReport } from './fixtures/storedConversation.js';

// Inside the package, so that it imports it by its name; translated once, because a loader would translate all of the SDK each time.
const generated = join(import.meta.dirname, '.generated/conversations');
const program = join(generated, 'storedConversation.mjs');
const question = 'Are these two files fine?';
const answer = 'Both are fine; merge them.';
const calls = ['call-a.ts', 'call-b.ts'];
const random = seededRandom(seed);

let simulator: Simulator;
let directory: string;
let conversations = 0;
const children = new Set<ChildProcess>();

// Calls twice at once when it is asked, and answers in text when it is told both results.
function callsThenAnswers({ messages = [] }: CompletionBody): AnswerReply {
  if (messages.at(-1)?.role === 'tool') return { text: answer };
  return { toolCalls: ['a.ts', 'b.ts'].map((path) => ({ id: `call-${path}`, name: 'read_file', arguments: { path } })) };
}

beforeAll(async () => {
  const source = await readFile(join(import.meta.dirname, 'fixtures/storedConversation.ts'), 'utf8');
  await mkdir(generated, { recursive: true });
  await writeFile(program, transpileModule(source, { compilerOptions: { target: ScriptTarget.ES2022, module: ModuleKind.ES2022 } }).outputText);
  directory = await mkdtemp(join(tmpdir(), 'conversations-'));
});

beforeEach(async () => {
  simulator = await startSimulator({ reply: callsThenAnswers });
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await simulator.close();
});

afterAll(async () => {
  for (const made of [directory, generated]) await rm(made, { recursive: true, force: true });
});

/** One life of a conversation. */
interface Life {
  readonly child: ChildProcess;
  readonly events: AgentEvent[];
  /** Whether it has come to its end; fails with what it failed with. */
  readonly end: Promise<boolean>;
}

function orderOf(number: number): ConversationOrder {
  const name = String(number);
  return { serverURL: simulator.url, database: join(directory, 'conversations.sqlite'), ran: join(directory, `${name}.txt`), id: name, question };
}

async function start(order: ConversationOrder): Promise<Life> {
  const child = fork(program, { execArgv: [] });
  children.add(child);
  const failed = once(child, 'close').then(() => {
    throw new Error('It ended before it was ready');
  });
  await Promise.race([once(child, 'message'), failed]);
  failed.catch(() => undefined);
  const events: AgentEvent[] = [];
  const end = new Promise<boolean>((resolve, reject) => {
    child.on('message', (message) => {
      const report = message as ConversationReport;
      if (report.event !== undefined) events.push(report.event);
      else if (report.error === undefined) resolve(true);
      else reject(new Error(report.error));
    });
    child.once('close', () => {
      children.delete(child);
      resolve(false);
    });
  });
  child.send(order);
  return { child, events, end };
}

function stored({ database: path, id }: ConversationOrder): readonly ConversationEntry[] {
  const database = new Database(path);
  database.exec('pragma busy_timeout = 5000');
  try {
    return sqliteConversationStore(database).load(id)?.entries ?? [];
  } finally {
    database.close();
  }
}

async function runsOf({ ran }: ConversationOrder): Promise<readonly string[]> {
  const text = await readFile(ran, 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

const resultsIn = (entries: readonly ConversationEntry[]): readonly string[] =>
  entries.flatMap((entry) => (entry.type === 'function.result' ? [entry.toolCallId] : []));

// The whole turn, once, however many lives it took; the results in the order in which the tools were done.
function expectWholeTurn(entries: readonly ConversationEntry[]): void {
  const said = entries.filter(({ type }) => type !== 'conversation.bound');
  expect(said.filter(({ type }) => type !== 'function.result')).toEqual([
    { type: 'message.input', role: 'user', content: question },
    ...calls.map((toolCallId) => ({ type: 'function.call', toolCallId, name: 'read_file', arguments: JSON.stringify({ path: toolCallId.slice(5) }) })),
    { type: 'message.output', content: answer },
    { type: 'turn.done' },
  ]);
  const results = said.slice(3, 5).map((entry) => (entry.type === 'function.result' ? `${entry.toolCallId}: ${entry.result}` : entry.type));
  expect(results.toSorted()).toEqual(calls.map((id) => `${id}: content of ${id.slice(5)}`));
}

describe('a process that is killed', () => {
  const isAppend = ({ method, path }: RecordedRequest): boolean => method === 'POST' && /^\/v1\/conversations\/[^/]+$/.test(path);
  const places: readonly (readonly [name: string, at: Position, reached: (append: RecordedRequest) => boolean])[] = [
    ['before the answer begins', 'before-headers', ({ body }) => body !== undefined],
    ['in the silence before its first event', 'after-headers', ({ status }) => status === 200],
    ['in the middle of the answer', { events: 4 }, ({ eventsWritten }) => eventsWritten === 4],
  ];

  describe.each(['whole', 'inputs', 'nothing'] as const)("between the tools' results and the model's answer, of which the server keeps: %s,", (cutTurn) => {
    it.each(places)('%s, is followed by one that goes on: no tool is run again, and the answer comes', { timeout: 600_000 }, async (_name, at, reached) => {
      simulator.setConversations({ cutTurn });
      simulator.setFaults({ kind: 'stall', at, on: isAppend, times: 1 });
      const order = orderOf(conversations++);
      const first = await start(order);
      await simulator.until(({ requests }) => requests.some((each) => isAppend(each) && reached(each)), { timeout: 20_000 });
      first.child.kill('SIGKILL');
      expect(await first.end).toBe(false);
      await simulator.until(({ openRequests }) => openRequests === 0);
      expect(first.events.map(({ type }) => type)).not.toContain('turn-complete');
      expect(resultsIn(stored(order)).toSorted()).toEqual(calls);

      const second = await start(order);
      expect(await second.end).toBe(true);
      expect((await runsOf(order)).toSorted()).toEqual(calls);
      expect(second.events.map(({ type }) => type)).not.toContain('tool-start');
      expect(second.events.at(-1)).toMatchObject({ type: 'turn-complete', ending: 'answered', message: { content: answer } });
      expectWholeTurn(stored(order));

      const third = await start(order);
      expect(await third.end).toBe(true);
      expect(third.events).toEqual([]);
    });
  });

  it(`at 20 random moments, and the next one too, loses nothing, and runs no tool again whose result is kept (seed ${seed})`, { timeout: 900_000 }, async () => {
    await simulator.close();
    simulator = await startSimulator({ reply: callsThenAnswers, latency: 4, chunkDelay: 1, maxRecordedRequests: 100_000 });
    let kills = 0;
    while (kills < 20) {
      simulator.setConversations({ cutTurn: (['whole', 'inputs', 'nothing'] as const)[Math.floor(random() * 3)] });
      const order = orderOf(conversations++);
      const moments: string[] = [];
      try {
        for (;;) {
          const [before, kept] = [await runsOf(order), resultsIn(stored(order))];
          const life = await start(order);
          const wait = random() * 120;
          const isOver = await Promise.race([life.end, moments.length < 4 ? sleep(wait).then(() => false) : life.end]);
          if (!isOver) life.child.kill('SIGKILL');
          const isDone = await life.end;
          const again = (await runsOf(order)).slice(before.length);
          expect(again.filter((id) => kept.includes(id))).toEqual([]);
          if (isDone) break;
          kills += 1;
          moments.push(wait.toFixed(1));
        }
        expectWholeTurn(stored(order));
      } catch (error) {
        throw new Error(`Seed ${seed}, conversation ${order.id}, killed after: ${moments.join(', ')} ms\n${JSON.stringify(stored(order))}`, { cause: error });
      }
    }
  });
});

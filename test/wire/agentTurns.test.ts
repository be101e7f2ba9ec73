import { betaConversationsGetHistory } from '@mistralai/mistralai/funcs/betaConversationsGetHistory.js';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  accumulate,
  type AgentEvent,
  agentTurn,
  chatStream,
  constantBackoff,
  conversation,
  conversationTurn,
  memoryConversationStore,
  type Tool,
  tool,
  type TurnCompleteEvent,
  type TurnOptions,
} from '../../src/index.js';
import {
  type AnswerReply,
  type CompletionBody,
  type Fault,
  type RecordedRequest,
  startSimulator,
  type Simulator,
  type ToolCallStyle,
} from '../../src/simulator/index.js';
import { activeTimers, clientOf, collectGarbage, eventually, request, settle, warmUp, watch } from './fixtures/cancellationFixtures.js';
import { outcomeOf } from './fixtures/outcomeOf.js';

const model = 'mistral-medium-latest';
const question = 'Are these two files fine?';
const answer = 'Both are fine; merge them.';

let simulator: Simulator;
/** The calls that a tool ran for, in order. */
let ran: string[];

const readFile: Tool = tool({
  name: 'read_file',
  parameters: { type: 'object', properties: { path: { type: 'string' } } },
  execute: ({ path }, { toolCallId }) => {
    ran.push(toolCallId);
    return `content of ${String(path)}`;
  },
});

/** Calls twice at once when it is asked, and answers in text when it is told the results. Each turn's calls have ids of their own. */
function callsThenAnswers({ messages = [] }: CompletionBody): AnswerReply {
  if (messages.at(-1)?.role === 'tool') return { text: answer };
  const callOf = (path: string) => ({ id: `call-${path}-${messages.length}`, name: 'read_file', arguments: { path } });
  return { text: 'I read both of them.', toolCalls: [callOf('a.ts'), callOf('b.ts')] };
}

const firstCalls = ['call-a.ts-1', 'call-b.ts-1'];

const isStart = ({ method, path }: RecordedRequest): boolean => method === 'POST' && path === '/v1/conversations';
const isAppend = ({ method, path }: RecordedRequest): boolean => method === 'POST' && /^\/v1\/conversations\/[^/]+$/.test(path);
const isHistory = ({ path }: RecordedRequest): boolean => path.endsWith('/history');

beforeAll(warmUp);

beforeEach(async () => {
  ran = [];
  simulator = await startSimulator({ reply: callsThenAnswers, toolCallStyle: { shape: 'fragments' } });
});

afterEach(async () => {
  await simulator.close();
});

/** What the server remembers of a conversation: what was said and called, without the ids and times of entries. */
async function remembered(conversationId: string): Promise<readonly unknown[]> {
  const result = await betaConversationsGetHistory(clientOf(simulator), { conversationId });
  if (!result.ok) throw result.error;
  return result.value.entries.map((entry) => {
    if (entry.type === 'function.call') return ['calls', entry.toolCallId, entry.name, entry.arguments];
    if (entry.type === 'function.result') return ['is told', entry.toolCallId, entry.result];
    return [entry.type, 'content' in entry ? entry.content : entry];
  });
}

interface TurnOutcome {
  readonly end: TurnCompleteEvent;
  readonly events: readonly AgentEvent[];
  /** Of the last snapshot. */
  readonly text: string | undefined;
  readonly ran: readonly string[];
}

async function turnOf(source: Observable<AgentEvent>): Promise<TurnOutcome> {
  ran = [];
  const { events, error } = await outcomeOf(source);
  expect(error).toBeUndefined();
  const end = events.at(-1);
  if (end?.type !== 'turn-complete') throw new Error('The turn has no end');
  return { end, events, text: (await lastValueFrom(from(events).pipe(accumulate()))).text, ran };
}

const repeating = { tools: [readFile], onDisconnect: 'restart', retry: { maxRetries: 3, backoff: constantBackoff(1) } } as const satisfies TurnOptions;
const asked = (options: TurnOptions = repeating): Observable<AgentEvent> => conversationTurn(clientOf(simulator), { model, inputs: question }, options);

describe.each(['whole', 'inputs', 'nothing'] as const)('a turn that is cut, of which the server keeps: %s', (cutTurn) => {
  beforeEach(() => {
    simulator.setConversations({ cutTurn });
  });

  /** Runs it with a fault, and expects that nothing tells it from one without. */
  async function expectAsUncut(uncut: TurnOutcome, history: readonly unknown[], fault: Fault, isStep: (record: RecordedRequest) => boolean, source = asked()): Promise<void> {
    simulator.forgetRequests();
    simulator.setFaults({ fault, on: isStep, times: 1 });
    const turn = await turnOf(source);
    expect(simulator.requests.filter(isStep).length, 'a step was sent').toBeGreaterThan(0);
    expect(turn.text).toBe(uncut.text);
    expect(turn.end.messages).toEqual(uncut.end.messages);
    expect(turn.ran.toSorted()).toEqual(uncut.ran.toSorted());
    expect(await remembered(turn.end.conversationId ?? '')).toEqual(history);
  }

  it.each([
    ['first', isStart],
    ['second', isAppend],
  ] as const)('at every event of its %s step, ends as one that is not: each said once, each tool run once', { timeout: 600_000 }, async (_step, isStep) => {
    const uncut = await turnOf(asked());
    const history = await remembered(uncut.end.conversationId ?? '');
    expect(history).toHaveLength(7);
    expect(uncut.text).toBe(answer);
    const { eventsWritten } = simulator.requests.find(isStep)!;
    expect(eventsWritten).toBeGreaterThan(6);
    const places: Fault[] = [{ kind: 'reset', at: 'before-headers' }];
    for (let events = 0; events <= eventsWritten; events++) {
      places.push({ kind: 'reset', at: { events } }, { kind: 'reset', at: { events, bytes: 12 }, how: 'fin' }, { kind: 'truncate', at: { events } });
    }
    for (const place of places) {
      await expectAsUncut(uncut, history, place, isStep).catch((error: unknown) => {
        throw new Error(`Cut by ${JSON.stringify(place)}`, { cause: error });
      });
    }
  });

  it('at every event of a step that goes on with a conversation, likewise', { timeout: 600_000 }, async () => {
    const before = async (): Promise<string> => {
      simulator.setFaults();
      return (await turnOf(asked())).end.conversationId ?? '';
    };
    const goingOn = (conversationId: string): Observable<AgentEvent> => conversationTurn(clientOf(simulator), { conversationId, inputs: question }, repeating);
    const uncut = await turnOf(goingOn(await before()));
    const history = await remembered(uncut.end.conversationId ?? '');
    expect(history).toHaveLength(14);
    const isFirstStep = (record: RecordedRequest): boolean => isAppend(record) && JSON.stringify(record.body).includes(question);
    const { eventsWritten } = simulator.requests.find(isFirstStep)!;
    for (let events = 0; events <= eventsWritten; events++) {
      for (const place of [{ kind: 'reset', at: { events } }, { kind: 'truncate', at: { events } }] as const) {
        await expectAsUncut(uncut, history, place, isFirstStep, goingOn(await before())).catch((error: unknown) => {
          throw new Error(`Cut by ${JSON.stringify(place)}`, { cause: error });
        });
      }
    }
  });

  it('at every event of a branch, likewise', { timeout: 600_000 }, async () => {
    const { end } = await turnOf(asked());
    const conversationId = end.conversationId ?? '';
    const trunk = await betaConversationsGetHistory(clientOf(simulator), { conversationId });
    const fromEntryId = trunk.ok ? trunk.value.entries.at(-1)?.id : undefined;
    const branch = (): Observable<AgentEvent> => conversationTurn(clientOf(simulator), { conversationId, fromEntryId, inputs: question }, repeating);
    const uncut = await turnOf(branch());
    const history = await remembered(uncut.end.conversationId ?? '');
    expect(history).toHaveLength(14);
    const isRestart = ({ path }: RecordedRequest): boolean => path.endsWith('/restart');
    const { eventsWritten } = simulator.requests.find(isRestart)!;
    for (let events = 0; events <= eventsWritten; events++) {
      for (const place of [{ kind: 'reset', at: { events } }, { kind: 'truncate', at: { events } }] as const) {
        await expectAsUncut(uncut, history, place, isRestart, branch()).catch((error: unknown) => {
          throw new Error(`Cut by ${JSON.stringify(place)}`, { cause: error });
        });
      }
    }
  });

  it('and is not repeated, is finished by `resume` of a conversation with a store: no tool is run again', async () => {
    const uncut = await turnOf(asked());
    const { eventsWritten } = simulator.requests.find(isAppend)!;
    // One more is no cut: the end has come.
    for (let events = 0; events < eventsWritten; events++) {
      simulator.setFaults({ kind: 'truncate', at: { events }, on: isAppend, times: 1 });
      const support = conversation(clientOf(simulator), { model, tools: [readFile], store: memoryConversationStore() });
      ran = [];
      const broken = await outcomeOf<AgentEvent>(support.send(question));
      expect(broken.error).toMatchObject({ kind: 'truncated' });
      const before = ran;
      const turn = await turnOf(support.resume());
      expect([before.toSorted(), turn.ran]).toEqual([firstCalls, []]);
      expect(turn.text).toBe(uncut.text);
      const entries = await lastValueFrom(support.history());
      expect(entries.filter(({ type }) => type !== 'conversation.bound').map(({ type }) => type)).toEqual([
        'message.input', 'message.output', 'function.call', 'function.call', 'function.result', 'function.result', 'message.output', 'turn.done',
      ]);
      expect(await remembered(turn.end.conversationId ?? '')).toEqual(await remembered(uncut.end.conversationId ?? ''));
      support.close();
    }
  });

  it('and cut again where it begins anew, ends all the same', async () => {
    const uncut = await turnOf(asked());
    const history = await remembered(uncut.end.conversationId ?? '');
    const isStep = ({ method, path }: RecordedRequest): boolean => method === 'POST' && path.startsWith('/v1/conversations');
    simulator.setFaults([
      { kind: 'reset', at: { events: 4 }, on: isStep, times: 2 },
      { kind: 'status', status: 503, on: isHistory, times: 1 },
    ]);
    const turn = await turnOf(asked());
    expect(turn).toMatchObject({ text: uncut.text, end: { messages: uncut.end.messages } });
    expect(turn.ran.toSorted()).toEqual(uncut.ran.toSorted());
    expect(await remembered(turn.end.conversationId ?? '')).toEqual(history);
  });
});

describe('the reading of the history', () => {
  it('is repeated as the stream is, where `onDisconnect` alone asks for it', async () => {
    simulator.setFaults([{ kind: 'reset', at: { events: 3 }, on: isAppend, times: 1 }, { kind: 'status', status: 503, on: isHistory, times: 1 }]);
    const { text } = await turnOf(asked({ tools: [readFile], onDisconnect: 'restart' }));
    expect(text).toBe(answer);
  });
});

describe('an unsubscribe, behind a forced collection,', () => {
  // Limits that are far away, so that their timers are seen if they are left.
  const limits = { toolTimeout: 60_000, timeouts: { total: 60_000 } };
  const sources: readonly (readonly [name: string, source: (tools: readonly Tool[], options?: TurnOptions) => Observable<AgentEvent>])[] = [
    ['agentTurn', (tools, options) => agentTurn(clientOf(simulator), { model, messages: [{ role: 'user', content: question }] }, { ...limits, ...options, tools })],
    ['conversationTurn', (tools, options) => asked({ ...limits, ...options, tools })],
    ['conversation', (tools, options) => conversation(clientOf(simulator), { model, ...limits, ...options, tools }).send(question)],
  ];

  const whenAborted = (signal: AbortSignal): Promise<never> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => { reject(new Error('aborted')); });
    });
  const fetched = async (signal: AbortSignal): Promise<unknown> => {
    const response = await fetch(`${simulator.url}/v1/models`, { headers: { authorization: 'Bearer any' }, signal });
    return response.json();
  };
  /** How many of the generators have run their `finally`. */
  let closed: number;
  beforeEach(() => { closed = 0; });
  async function* iterated(wait: () => Promise<unknown>): AsyncGenerator {
    try {
      yield 'begun';
      yield await wait();
    } finally {
      closed += 1;
    }
  }
  const silent = 'before-headers';
  const begun = { events: 0, bytes: 5 };
  /** What three tools do, how many calls to the server each of them has open and how far those have come, and whether it is a generator. */
  const kinds: readonly (readonly [name: string, execute: (signal: AbortSignal) => unknown, calls: number, at: typeof silent | typeof begun, generators: number])[] = [
    ['promises', whenAborted, 0, begun, 0],
    ['fetches', fetched, 1, begun, 0],
    ['Observables', () => chatStream(clientOf(simulator), request), 1, begun, 0],
    ['Observables of calls without an answer', () => chatStream(clientOf(simulator), request), 1, silent, 0],
    ['async iterables', (signal) => iterated(() => whenAborted(signal)), 0, begun, 1],
    ['async iterables that fetch', (signal) => iterated(() => fetched(signal)), 1, silent, 1],
  ];

  // The sockets that wait for another request are let go by the client's own pool, after four seconds.
  const expectNothingOpen = async (): Promise<void> => {
    await simulator.until(({ openRequests }) => openRequests === 0, { timeout: 20_000 });
    await simulator.until(({ openConnections }) => openConnections === 0, { timeout: 30_000 });
  };

  it.each(kinds)('in the middle of three tools that are %s, fires their signals and closes their calls', async (_name, execute, calls, at, generators) => {
    simulator.setReply(({ tools }) => {
      const toolCalls = ['a', 'b', 'c'].map((path) => ({ id: `call-${path}`, name: 'read_file', arguments: { path } }));
      return tools === undefined ? 'word '.repeat(20) : { toolCalls };
    });
    const isOfTool = ({ path, body }: RecordedRequest): boolean => path === '/v1/models' || !JSON.stringify(body).includes('tools');
    simulator.setFaults({ kind: 'stall', at, on: isOfTool });
    const turns = sources.map(([, source]) => {
      const signals: AbortSignal[] = [];
      const slow = tool({
        name: 'read_file',
        parameters: { type: 'object' },
        execute: (_args, { signal }) => {
          signals.push(signal);
          return execute(signal);
        },
      });
      return { ...watch(source([slow])), signals };
    });
    await eventually(() => turns.every(({ signals }) => signals.length === 3), 'all three of each run');
    await simulator.until(({ requestCount, openRequests }) => requestCount === 3 + 9 * calls && openRequests === 9 * calls);
    await settle();
    await collectGarbage();
    expect(turns.flatMap(({ signals }) => signals).filter(({ aborted }) => aborted)).toEqual([]);
    const seen = turns.map(({ values }) => values.length);

    for (const { subscription, signals } of turns) {
      subscription.unsubscribe();
      expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
    }
    await expectNothingOpen();
    expect(simulator.requests.filter(({ outcome }) => outcome === 'client-closed')).toHaveLength(9 * calls);
    expect(simulator.requestCount).toBe(3 + 9 * calls);
    await eventually(() => closed === 9 * generators, 'the generators are closed');
    await eventually(() => activeTimers() === 0, 'no timer is left');
    expect(turns.map(({ values }) => values.length)).toEqual(seen);
    for (const { errors, values } of turns) {
      expect(errors).toEqual([]);
      expect(values.map((value) => (value as AgentEvent).type)).not.toContain('tool-result');
    }
  });

  it('while the model answers in the second step, closes its call and fires the signals of the tools that are done', async () => {
    const isSecondStep = ({ body }: RecordedRequest): boolean => JSON.stringify(body).includes('content of b.ts');
    simulator.setFaults({ kind: 'stall', at: { events: 3 }, on: isSecondStep });
    const turns = sources.map(([, source]) => {
      const signals: AbortSignal[] = [];
      const watched = tool({
        name: 'read_file',
        parameters: { type: 'object' },
        execute: (args, context) => {
          signals.push(context.signal);
          return readFile.execute(args, context);
        },
      });
      return { ...watch(source([watched])), signals };
    });
    await eventually(() => turns.every(({ values }) => (values.at(-1) as AgentEvent | undefined)?.type === 'text-delta' && values.length > 10), 'each second answer has begun');
    await simulator.until(({ openRequests }) => openRequests === 3);
    await settle();
    await collectGarbage();
    expect(simulator.openRequests).toBe(3);

    expect(turns.map(({ signals }) => signals.map(({ aborted }) => aborted))).toEqual([[false, false], [false, false], [false, false]]);
    const asked = simulator.requestCount;

    for (const { subscription } of turns) subscription.unsubscribe();
    expect(turns.map(({ signals }) => signals.map(({ aborted }) => aborted))).toEqual([[true, true], [true, true], [true, true]]);
    await expectNothingOpen();
    expect(simulator.requestCount).toBe(asked);
    expect(simulator.requests.filter(isSecondStep).map(({ outcome }) => outcome)).toEqual(['client-closed', 'client-closed', 'client-closed']);
    expect(turns.flatMap(({ errors }) => errors)).toEqual([]);
  });

  it('is not needed by tools beside one that fails: they end with the turn', async () => {
    simulator.setReply(({ tools }) =>
      tools === undefined ? 'word '.repeat(20) : { toolCalls: ['a', 'b', 'fails'].map((path) => ({ id: `call-${path}`, name: 'read_file', arguments: { path } })) },
    );
    const isOfTool = ({ path }: RecordedRequest): boolean => path === '/v1/models';
    simulator.setFaults({ kind: 'stall', at: silent, on: isOfTool });
    for (const [, source] of sources) {
      const signals: AbortSignal[] = [];
      const slow = tool({
        name: 'read_file',
        parameters: { type: 'object' },
        execute: async ({ path }, { signal }) => {
          if (path === 'fails') {
            await simulator.until(({ openRequests }) => openRequests === 2);
            throw new Error('no');
          }
          signals.push(signal);
          return fetched(signal);
        },
      });
      const { errors } = watch(source([slow], { onToolError: 'error' }));
      await eventually(() => errors.length === 1, 'the turn has failed');
      expect(errors[0]).toMatchObject({ kind: 'tool', message: 'The tool read_file failed' });
      await simulator.until(({ openRequests }) => openRequests === 0);
      expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    }
  });

  it('while the history is read behind a cut, closes that call', async () => {
    simulator.setFaults([{ kind: 'reset', at: { events: 3 }, on: isStart, times: 1 }, { kind: 'stall', at: 'before-headers', on: isHistory }]);
    const { subscription, errors } = watch(asked());
    await simulator.until(({ requests }) => requests.some(isHistory));
    await collectGarbage();
    subscription.unsubscribe();
    await expectNothingOpen();
    expect(simulator.requests.map(({ outcome }) => outcome)).toEqual(['server-cut', 'client-closed']);
    expect(errors).toEqual([]);
  });
});

describe('the shape in which calls come', () => {
  const styles: readonly ToolCallStyle[] = [
    { shape: 'whole' },
    { shape: 'whole', index: false, type: false },
    { shape: 'whole', argumentsAs: 'object' },
    { shape: 'fragments' },
    { shape: 'fragments', interleaved: false },
    { shape: 'fragments', laterId: 'null' },
    { shape: 'fragments', laterId: 'null-string' },
  ];

  it('makes no difference to the messages of a turn', async () => {
    const turns: unknown[] = [];
    for (const toolCallStyle of styles) {
      simulator.setReply((body) => ({ ...callsThenAnswers(body), toolCallStyle }));
      const { end } = await turnOf(agentTurn(clientOf(simulator), { model, messages: [{ role: 'user', content: question }] }, { tools: [readFile] }));
      expect(ran.toSorted()).toEqual(firstCalls);
      turns.push(end.messages);
    }
    expect(turns[0]).toMatchObject([
      { role: 'user' },
      { role: 'assistant', toolCalls: [{ id: firstCalls[0], function: { arguments: '{"path":"a.ts"}' } }, { id: firstCalls[1] }] },
      { role: 'tool', toolCallId: firstCalls[0], content: 'content of a.ts' },
      { role: 'tool', toolCallId: firstCalls[1], content: 'content of b.ts' },
      { role: 'assistant', content: answer },
    ]);
    for (const messages of turns) expect(messages).toEqual(turns[0]);
  });
});

describe('a conversation that the server has forgotten', () => {
  it('between two turns is told again, and goes on', async () => {
    const support = conversation(clientOf(simulator), { model, tools: [readFile], store: memoryConversationStore(), id: 'support-17' });
    const first = await turnOf(support.send(question));
    const uncut = await remembered(first.end.conversationId ?? '');
    simulator.forgetConversations();
    const second = await turnOf(support.send('Sure?'));
    expect(second.events[1]).toEqual({ type: 'conversation-rebuilt', requestId: expect.any(String), previousConversationId: first.end.conversationId, entries: 8 });
    expect(second.end.conversationId).not.toBe(first.end.conversationId);
    const third = await turnOf(support.send('Certainly?'));
    expect(third.events.some(({ type }) => type === 'conversation-rebuilt')).toBe(false);
    expect(third.end.conversationId).toBe(second.end.conversationId);
    const history = await remembered(third.end.conversationId ?? '');
    expect(history.slice(0, 7)).toEqual(uncut);
    expect(history.filter((entry) => (entry as readonly unknown[])[0] === 'message.input')).toEqual([question, 'Sure?', 'Certainly?'].map((content) => ['message.input', content]));
    expect((await lastValueFrom(support.history())).filter(({ type }) => type === 'turn.done')).toHaveLength(3);
    support.close();
  });

  it('in the middle of a turn is told again with the results, and no tool is run twice', async () => {
    const forgetful = tool({
      name: 'read_file',
      parameters: { type: 'object' },
      execute: ({ path }, { toolCallId }) => {
        simulator.forgetConversations();
        ran.push(toolCallId);
        return `content of ${String(path)}`;
      },
    });
    const support = conversation(clientOf(simulator), { model, tools: [forgetful], store: memoryConversationStore() });
    const { end, text, events } = await turnOf(support.send(question));
    expect(text).toBe(answer);
    expect(ran.toSorted()).toEqual(firstCalls);
    expect(events.filter(({ type }) => type === 'conversation-rebuilt')).toHaveLength(1);
    expect(await remembered(end.conversationId ?? '')).toHaveLength(7);
    support.close();
  });
});

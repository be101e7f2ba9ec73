import fc from 'fast-check';
import { concat, delay, EMPTY, firstValueFrom, lastValueFrom, type MonoTypeOperatorFunction, NEVER, of, tap, throwError, timer, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  accumulate,
  type AgentEvent,
  agentTurn,
  constantBackoff,
  createUsageMeter,
  errorAsEvent,
  text,
  type Tool,
  tool,
  toolCalls,
  trackUsage,
  TruncatedStreamError,
  type TurnCompleteEvent,
  type TurnOptions,
} from '../../src/index.js';
import { chunk, type FakeMistral, fakeMistral, marbles, usage } from '../../src/testing/index.js';
import { story } from './agents/turnLabels.js';

const question = { role: 'user' as const, content: 'How warm is it?' };
const request = { model: 'mistral-small-latest', messages: [question] };
const used = usage({ promptTokens: 10, completionTokens: 5 });

/** Answers without a call. */
const says = (words: string) => of(chunk.text(words), chunk.finish('stop', used));

type Call = readonly [id: string, name: string, args?: string];

/** Calls tools. */
const calling = (...made: readonly Call[]) =>
  of(...made.map(([id, name, args = '{}']) => chunk.toolCall({ id, name, arguments: args })), chunk.finish('tool_calls', used));

const cutError = new TruncatedStreamError({ message: 'cut' });

function fail(error: unknown): never {
  throw error;
}

/** Notes what passes. */
function noteIn(seen: string[]): MonoTypeOperatorFunction<string> {
  return tap((value) => seen.push(value));
}

/** What code may throw. */
const thrown: Readonly<Record<string, unknown>> = {
  object: { message: 'no such order' },
  nothing: Object.create(null),
  odd: Object.assign(new Error('x'), { message: { detail: [] } }),
};

interface Context {
  readonly signal: AbortSignal;
  readonly toolCallId: string;
}

const plain = (name: string, execute: (args: Readonly<Record<string, unknown>>, context: Context) => unknown, needsApproval = false): Tool =>
  tool({ name, parameters: { type: 'object' }, execute, needsApproval });

interface Told {
  readonly events: readonly AgentEvent[];
  readonly end: TurnCompleteEvent;
  readonly said: readonly string[];
}

async function run(mistral: FakeMistral, options: TurnOptions, asked: object = request): Promise<Told> {
  const events = await lastValueFrom(agentTurn(mistral, asked as typeof request, options).pipe(toArray()));
  const end = events.at(-1);
  if (end?.type !== 'turn-complete') throw new Error('no end');
  return { events, end, said: await lastValueFrom(of(...events).pipe(story(), toArray())) };
}

/** What the model was told in the call with this index. */
const told = (mistral: FakeMistral, index: number): readonly unknown[] =>
  (mistral.calls[index]?.request as unknown as { messages: readonly unknown[] }).messages;

const answers = (mistral: FakeMistral, index: number): readonly unknown[] =>
  told(mistral, index).flatMap((message) => ((message as { role: string }).role === 'tool' ? [(message as { content: unknown }).content] : []));

describe('a turn', () => {
  it('asks, runs what is called side by side, and asks again, until it is answered', () => {
    marbles((m) => {
      const answer = { a: chunk.toolCall({ id: '1', name: 'slow' }), b: chunk.toolCall({ id: '2', name: 'quick' }), c: chunk.finish('tool_calls', used) };
      const first = m.cold('  --a-b-(c|)', answer);
      const quick = m.cold('           ----(q|)', { q: 'soon' });
      const slow = m.cold('            ---------(s|)', { s: 'late' });
      const second = m.cold('                   ------w---(f|)', { w: chunk.text('warm'), f: chunk.finish('stop', used) });
      const subFirst = '      ^-----!';
      const subQuick = '      ------^---!';
      const subSlow = '       ------^--------!';
      const subSecond = '     ---------------^---------!';
      const expected = '      s-----(rR)(qQ)-(lLdS)w---(DA|)';
      const mistral = m.mistral({ 'chat.stream': [first, second] });
      const tools = [plain('slow', () => slow), plain('quick', () => quick)];

      m.expectObservable(agentTurn(mistral, request, { tools }).pipe(story())).toBe(expected, {
        s: 'step 1', r: 'runs slow', R: 'runs quick', q: 'quick… soon', Q: 'quick: soon', l: 'slow… late', L: 'slow: late',
        d: 'step 1 done', S: 'step 2', w: 'warm', D: 'step 2 done', A: 'answered',
      });
      m.expectSubscriptions(first.subscriptions).toBe(subFirst);
      m.expectSubscriptions(quick.subscriptions).toBe(subQuick);
      m.expectSubscriptions(slow.subscriptions).toBe(subSlow);
      m.expectSubscriptions(second.subscriptions).toBe(subSecond);
    });
  });

  it('has no more tools at once than it may', () => {
    marbles((m) => {
      const first = m.cold('     (abcf|)', {
        a: chunk.toolCall({ id: '1', name: 'work' }), b: chunk.toolCall({ id: '2', name: 'work' }), c: chunk.toolCall({ id: '3', name: 'work' }), f: chunk.finish('tool_calls', used),
      });
      const work = m.cold('      ----|');
      const subs = [
        '                        ^---!',
        '                        ^---!',
        '                        ----^---!',
      ];
      const mistral = m.mistral({ 'chat.stream': [first, says('done')] });

      agentTurn(mistral, request, { tools: [plain('work', () => work)], toolConcurrency: 2 }).subscribe({ error: fail });
      m.expectSubscriptions(work.subscriptions).toBe(subs);
    });
  });

  it('ends with all messages, in the calls’ order, and the usage of all steps', async () => {
    const mistral = fakeMistral({ 'chat.stream': [calling(['1', 'a'], ['2', 'b', '{"x":1}']), says('warm')] });
    const tools = [plain('a', () => firstValueFrom(timer(5))), plain('b', ({ x }) => ({ x }))];
    const { end } = await run(mistral, { tools });
    expect(end).toMatchObject({ ending: 'answered', steps: 2, finishReason: 'stop', message: { content: 'warm' }, pending: undefined });
    expect(end.usage).toMatchObject({ promptTokens: 20, completionTokens: 10, totalTokens: 30 });
    expect(end.messages).toEqual([
      question,
      expect.objectContaining({ role: 'assistant', toolCalls: [expect.objectContaining({ id: '1' }), expect.objectContaining({ id: '2' })] }),
      { role: 'tool', toolCallId: '1', name: 'a', content: '0' },
      { role: 'tool', toolCallId: '2', name: 'b', content: '{"x":1}' },
      { role: 'assistant', content: 'warm' },
    ]);
    expect(told(mistral, 1)).toEqual(end.messages.slice(0, 4));
  });

  it('without tools is one step', async () => {
    const { said, end } = await run(fakeMistral({ 'chat.stream': [says('warm')] }), {});
    expect(said).toEqual(['step 1', 'warm', 'step 1 done', 'answered']);
    expect(end.messages).toEqual([question, { role: 'assistant', content: 'warm' }]);
  });

  it('asks an agent by its id', async () => {
    const mistral = fakeMistral({ 'agents.stream': [calling(['1', 'a']), says('warm')] });
    const { end } = await run(mistral, { tools: [plain('a', () => 'x')] }, { agentId: 'ag_1', messages: [question] });
    expect([end.ending, mistral.calls.length]).toEqual(['answered', 2]);
  });

  it('tells the tools of the options beside those of the request, and forces a call in the first step only', async () => {
    const mistral = fakeMistral({ 'chat.stream': [calling(['1', 'a']), says('warm')] });
    const asked = { ...request, toolChoice: 'any', tools: [{ type: 'web_search' }] };
    await run(mistral, { tools: [tool({ name: 'a', description: 'does', parameters: z.object({ x: z.string().optional() }), execute: () => 'x' })] }, asked);
    const [first, second] = mistral.calls.map(({ request: sent }) => sent as unknown as Record<string, unknown>);
    expect(first).toMatchObject({
      toolChoice: 'any',
      tools: [{ type: 'web_search' }, { type: 'function', function: { name: 'a', description: 'does', parameters: { type: 'object', properties: { x: { type: 'string' } } } } }],
    });
    expect(first?.['tools']).not.toHaveProperty('1.function.parameters.$schema');
    expect(second).not.toHaveProperty('toolChoice');
  });

  it('stops where it is told to, and after so many steps', async () => {
    const always = () => fakeMistral({ 'chat.stream': () => calling(['1', 'a']) });
    const tools = [plain('a', () => 'x')];
    expect((await run(always(), { tools, maxSteps: 3 })).end).toMatchObject({ ending: 'max-steps', steps: 3, finishReason: 'tool_calls' });
    expect((await run(always(), { tools })).end).toMatchObject({ ending: 'max-steps', steps: 10 });
    expect((await run(always(), { tools, stopWhen: ({ step }) => step === 2 })).end).toMatchObject({ ending: 'stopped', steps: 2 });
  });

  it('is begun anew by each subscriber', async () => {
    const mistral = fakeMistral({ 'chat.stream': (_request, n) => (n % 2 === 0 ? calling(['1', 'a']) : says('warm')) });
    const turn = agentTurn(mistral, request, { tools: [plain('a', () => 'x')] }).pipe(story(), toArray());
    expect(await lastValueFrom(turn)).toEqual(await lastValueFrom(turn));
    expect(mistral.calls).toHaveLength(4);
  });

  it('of a thousand steps keeps the stack flat', async () => {
    const mistral = fakeMistral({ 'chat.stream': (_request, n) => (n < 1_000 ? calling(['1', 'a']) : says('warm')) });
    const { end } = await run(mistral, { tools: [plain('a', () => 'x')], maxSteps: 5_000 });
    expect([end.ending, end.steps]).toEqual(['answered', 1_001]);
  });

  it('fails as its step does, behind what the steps before it did', async () => {
    const mistral = fakeMistral({ 'chat.stream': [calling(['1', 'a']), { status: 401 }] });
    const seen: string[] = [];
    const failing = agentTurn(mistral, request, { tools: [plain('a', () => 'x')] }).pipe(story());
    await expect(lastValueFrom(failing.pipe(noteIn(seen)))).rejects.toMatchObject({ kind: 'http', status: 401 });
    expect(seen).toEqual(['step 1', 'runs a', 'a: x', 'step 1 done', 'step 2']);
  });

  it('restarts a step that was cut, and runs no tool of the cut one', () => {
    marbles((m) => {
      const cut = m.cold('  (a#)', { a: chunk.toolCall({ id: '1', name: 'a' }) }, cutError);
      const mistral = m.mistral({ 'chat.stream': [cut, calling(['2', 'a']), says('warm')] });
      const ran: string[] = [];
      const tools = [plain('a', (_args, { toolCallId }) => ran.push(toolCallId))];
      const options: TurnOptions = { tools, onDisconnect: 'restart', retry: { backoff: constantBackoff(10) } };
      agentTurn(mistral, request, options).subscribe({ error: fail });
      m.flush();
      expect(ran).toEqual(['2']);
    });
  });

  it('out of time within an answer, or behind it, tells how far the answer had come', () => {
    marbles((m) => {
      const partial = (content: string, toolCalls?: readonly unknown[]) => expect.objectContaining({ which: 'total', partial: { role: 'assistant', content, ...(toolCalls && { toolCalls }) } }) as unknown;
      const options: TurnOptions = { tools: [plain('a', () => NEVER)], timeouts: { total: 5 } };
      const within = m.mistral({ 'chat.stream': [m.cold('a-b-', { a: chunk.text('Hel'), b: chunk.toolCall({ id: '1', name: 'a', arguments: '{"x"' }) })] });
      const behind = m.mistral({ 'chat.stream': [concat(of(chunk.text('Hel')), calling(['1', 'a']))] });
      const waiting = m.mistral({ 'chat.stream': [m.cold('a---#', { a: chunk.text('Hel') }, cutError)] });
      const call = (text: string) => ({ id: '1', type: 'function', function: { name: 'a', arguments: text }, index: 0 });
      const end = { s: 'step 1', h: 'Hel', r: 'runs a', R: 'retry' };
      m.expectObservable(agentTurn(within, request, options).pipe(story())).toBe('(sh)-#', end, partial('Hel', [call('{"x"')]));
      m.expectObservable(agentTurn(behind, request, options).pipe(story())).toBe('(shr)#', end, partial('Hel', [call('{}')]));
      const restarting: TurnOptions = { ...options, onDisconnect: 'restart', retry: { backoff: constantBackoff(10) } };
      m.expectObservable(agentTurn(waiting, request, restarting).pipe(story())).toBe('(sh)R#', end, partial('Hel'));
    });
  });

  it('has one total for all, tools included', () => {
    marbles((m) => {
      const endless = m.cold('        -------');
      const subs = '                  ^----!';
      const mistral = m.mistral({ 'chat.stream': [calling(['1', 'a'])] });
      const turn = agentTurn(mistral, request, { tools: [plain('a', () => endless)], timeouts: { total: 5 } });
      m.expectObservable(turn.pipe(story())).toBe('(sr)-#', { s: 'step 1', r: 'runs a' }, expect.objectContaining({ kind: 'timeout', which: 'total' }));
      m.expectSubscriptions(endless.subscriptions).toBe(subs);
    });
  });
});

describe('a tool', () => {
  const result = async (execute: (args: Readonly<Record<string, unknown>>, context: Context) => unknown): Promise<readonly unknown[]> => {
    const mistral = fakeMistral({ 'chat.stream': [calling(['1', 'a']), says('warm')] });
    await run(mistral, { tools: [plain('a', execute)] });
    return answers(mistral, 1);
  };

  it.each<[string, () => unknown, string]>([
    ['a value', () => ({ a: [1, null] }), '{"a":[1,null]}'],
    ['text', () => 'text', 'text'],
    ['an array', () => [1, 2], '[1,2]'],
    ['a plain iterable', () => new Set([1, 2]), '[1,2]'],
    ['nothing', () => undefined, 'null'],
    ['a Promise', () => Promise.resolve('later'), 'later'],
    ['an Observable', () => of(1, 2, 3), '3'],
    ['an Observable of nothing', () => EMPTY, 'null'],
    ['an async iterable', async function* () { await Promise.resolve(); yield 'a'; yield 'b'; }, 'b'],
    ['a big integer', () => ({ n: 10n }), '{"n":"10"}'],
    ['a Map', () => new Map([['a', 1]]), '{"a":1}'],
    ['an error', () => new TypeError('odd'), '{"name":"TypeError","message":"odd"}'],
    ['bytes', () => ({ file: new Uint8Array(7) }), '{"file":"[7 bytes]"}'],
    ['bytes of Node', () => ({ file: Buffer.from('abc') }), '{"file":"[3 bytes]"}'],
    ['a date', () => ({ at: new Date(0) }), '{"at":"1970-01-01T00:00:00.000Z"}'],
    ['a cycle', () => { const a: Record<string, unknown> = { twice: [{}] }; a['self'] = a; return a; }, '{"twice":[{}],"self":"[circular]"}'],
    ['the same object twice, which is no cycle', () => { const b = { x: 1 }; return [b, b]; }, '[{"x":1},{"x":1}]'],
    ['what throws when it is written', () => ({ toJSON: () => { throw new Error('no'); } }), '[a result that cannot be written as JSON]'],
  ])('may give %s', async (_what, execute, expected) => {
    expect(await result(execute)).toEqual([expected]);
  });

  it('streams its values as progress, and the last is the result', async () => {
    const { said } = await run(fakeMistral({ 'chat.stream': [calling(['1', 'a']), says('warm')] }), { tools: [plain('a', () => of(1, 2))] });
    expect(said.slice(1, 5)).toEqual(['runs a', 'a… 1', 'a… 2', 'a: 2']);
  });

  it('gets the arguments that the schema makes, and its call’s id', async () => {
    const seen: unknown[] = [];
    const mistral = fakeMistral({ 'chat.stream': [calling(['id-1', 'a', '{"n":"5"}'], ['id-2', 'b', '  ']), says('warm')] });
    const tools = [
      tool({ name: 'a', parameters: z.object({ n: z.coerce.number() }), execute: ({ n }, { toolCallId }) => seen.push([n, toolCallId]) }),
      tool({ name: 'b', parameters: z.object({}), execute: (args, { toolCallId }) => seen.push([args, toolCallId]) }),
    ];
    await run(mistral, { tools });
    expect(seen).toEqual([[5, 'id-1'], [{}, 'id-2']]);
  });

  it.each(['constructor', '__proto__', 'toString'])('named %s is a tool like any other', async (name) => {
    const mistral = fakeMistral({ 'chat.stream': [calling(['1', name], ['2', 'valueOf']), says('warm')] });
    const { said } = await run(mistral, { tools: [plain(name, () => 'mine')] });
    expect(said).toContain(`${name}: mine`);
    expect(answers(mistral, 1)).toEqual(['mine', `There is no tool named "valueOf". There are: ${name}.`]);
  });

  it('whose result is long is cut, and the model is told so', async () => {
    const mistral = fakeMistral({ 'chat.stream': [calling(['1', 'a'], ['2', 'b']), says('warm')] });
    await run(mistral, { tools: [plain('a', () => 'x'.repeat(100)), plain('b', () => `${'x'.repeat(9)}👍`)], maxResultLength: 10 });
    expect(answers(mistral, 1)).toEqual([`${'x'.repeat(10)}\n[cut: 10 of 100 characters]`, `${'x'.repeat(9)}\n[cut: 9 of 11 characters]`]);
  });

  it.each<[string, Call, RegExp]>([
    ['is unknown', ['1', 'other'], /^There is no tool named "other". There are: a, deep.$/],
    ['gets arguments that are no JSON', ['1', 'a', '{"n":'], /^The arguments are no JSON.$/],
    ['gets arguments that are no object', ['1', 'a', '[1]'], /no object/],
    ['gets arguments that do not fit', ['1', 'deep', '{"n":"SECRET"}'], /^The value does not match the schema: n: /],
    ['throws', ['1', 'a', '{"throw":true}'], /^The tool failed: it threw$/],
    ['throws what has a message, and is no error', ['1', 'a', '{"throw":"object"}'], /^The tool failed: no such order$/],
    ['throws what has no text', ['1', 'a', '{"throw":"nothing"}'], /^The tool failed: $/],
    ['throws an error whose message is no text', ['1', 'a', '{"throw":"odd"}'], /^The tool failed: $/],
  ])('that %s is told to the model, which goes on', async (_what, call, expected) => {
    const mistral = fakeMistral({ 'chat.stream': [calling(call), says('sorry')] });
    const tools = [
      plain('a', (args) => {
        if (args['throw'] === true) throw new Error('it threw');
        return throwError(() => thrown[String(args['throw'])]);
      }),
      tool({ name: 'deep', parameters: z.object({ n: z.number() }), execute: () => 'x' }),
    ];
    const { events, end } = await run(mistral, { tools });
    const event = events.find(({ type }) => type === 'tool-error');
    expect(event).toMatchObject({ toolCallId: '1', name: call[1], error: { kind: 'tool', retryable: false } });
    expect(answers(mistral, 1)).toEqual([expect.stringMatching(expected)]);
    expect(JSON.stringify(event)).not.toContain('SECRET');
    expect(end.ending).toBe('answered');
  });

  it('that fails ends the turn where the user says so, behind its event', async () => {
    const mistral = fakeMistral({ 'chat.stream': [calling(['1', 'a'])] });
    const seen: string[] = [];
    const turn = agentTurn(mistral, request, { tools: [plain('a', () => { throw new Error('it threw'); })], onToolError: 'error' });
    await expect(lastValueFrom(turn.pipe(story(), noteIn(seen)))).rejects.toMatchObject({ kind: 'tool', message: 'The tool a failed', cause: { message: 'it threw' } });
    expect(seen.at(-1)).toBe('a! The tool failed: it threw');
  });

  it('that fails over and over ends the turn, and one that does not in between begins the count anew', async () => {
    const failing = plain('a', () => { throw new Error('it threw'); });
    const ever = fakeMistral({ 'chat.stream': () => calling(['1', 'a']) });
    await expect(lastValueFrom(agentTurn(ever, request, { tools: [failing], maxToolErrors: 2 }))).rejects.toMatchObject({ kind: 'tool' });
    expect(ever.calls).toHaveLength(2);
    let count = 0;
    const now = plain('a', () => { count += 1; if (count % 2 === 1) throw new Error('it threw'); });
    const { end } = await run(fakeMistral({ 'chat.stream': (_request, n) => (n < 6 ? calling(['1', 'a']) : says('warm')) }), { tools: [now], maxToolErrors: 2 });
    expect(end.ending).toBe('answered');
  });

  it('whose call was cut, because the answer ran out of length, is not run, and the model told', async () => {
    const cut = of(chunk.toolCall({ id: '1', name: 'a' }), chunk.toolCall({ id: '2', name: 'a', arguments: '' }), chunk.finish('length', used));
    const mistral = fakeMistral({ 'chat.stream': [cut, says('warm')] });
    const ran: string[] = [];
    const { end } = await run(mistral, { tools: [plain('a', (_args, { toolCallId }) => { ran.push(toolCallId); return 'x'; })] });
    expect(ran).toEqual(['1']);
    expect(told(mistral, 1)).toMatchObject([
      question,
      { role: 'assistant', toolCalls: [{ id: '1' }, { id: '2' }] },
      { role: 'tool', toolCallId: '1', content: 'x' },
      { role: 'tool', toolCallId: '2', content: expect.stringMatching(/cut/) as string },
    ]);
    expect(end.ending).toBe('answered');
  });

  it('that streams by an async iterable has it closed on unsubscribe', () => {
    let returned = 0;
    const endless = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined), return: () => Promise.resolve({ done: true, value: (returned += 1) }) }) };
    agentTurn(fakeMistral({ 'chat.stream': [calling(['1', 'a'])] }), request, { tools: [plain('a', () => endless)] }).subscribe({ error: fail }).unsubscribe();
    expect(returned).toBe(1);
  });

  it('that takes too long is ended, its signal fired, and the model told', () => {
    marbles((m) => {
      let signal: AbortSignal | undefined;
      const endless = m.cold('        --------------');
      const subs = '                  ^----!';
      const mistral = m.mistral({ 'chat.stream': [calling(['1', 'a']), says('sorry')] });
      const tools = [plain('a', (_args, context) => { signal = context.signal; return endless; })];
      const turn = agentTurn(mistral, request, { tools, toolTimeout: 5 }).pipe(story());
      m.expectObservable(turn).toBe('(sr)-(edSwDA|)', {
        s: 'step 1', r: 'runs a', e: 'a! The tool failed: The tool a was not done within 5 ms', d: 'step 1 done', S: 'step 2', w: 'sorry', D: 'step 2 done', A: 'answered',
      });
      m.expectSubscriptions(endless.subscriptions).toBe(subs);
      m.flush();
      expect(signal?.aborted).toBe(true);
    });
  });

  it('hears of an unsubscribe, with all that run beside it', () => {
    marbles((m) => {
      const heard: string[] = [];
      const endless = m.cold('        --------------');
      const subs = '                  ^----!';
      const mistral = m.mistral({ 'chat.stream': [calling(['1', 'a'], ['2', 'a'], ['3', 'a'])] });
      const tools = [plain('a', (_args, { signal, toolCallId }) => { signal.addEventListener('abort', () => heard.push(toolCallId)); return endless; })];
      m.expectObservable(agentTurn(mistral, request, { tools }).pipe(story()), '^----!').toBe('(srrr)', { s: 'step 1', r: 'runs a' });
      m.expectSubscriptions(endless.subscriptions).toBe([subs, subs, subs]);
      m.flush();
      expect(heard).toEqual(['1', '2', '3']);
    });
  });

  it('that has left work behind hears of the turn’s end, not of its own', async () => {
    let signal: AbortSignal | undefined;
    let whileRunning: boolean | undefined;
    const mistral = fakeMistral({ 'chat.stream': (_request, n) => { whileRunning = signal?.aborted; return n === 0 ? calling(['1', 'a']) : says('warm'); } });
    await run(mistral, { tools: [plain('a', (_args, context) => { signal = context.signal; return 'x'; })] });
    expect([whileRunning, signal?.aborted]).toEqual([false, true]);
  });

  it('order of completion changes nothing of what the model is told', async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), async (s, count, toolConcurrency) => {
        const made = Array.from({ length: count }, (_, index): Call => [`id-${index}`, 'a', JSON.stringify({ index })]);
        const mistral = fakeMistral({ 'chat.stream': [calling(...made), says('warm')] });
        const tools = [plain('a', ({ index }) => s.schedule(Promise.resolve(`result ${String(index)}`)))];
        const turn = run(mistral, { tools, toolConcurrency });
        await s.waitFor(turn);
        expect(told(mistral, 1).slice(2)).toEqual(made.map(([id], index) => ({ role: 'tool', toolCallId: id, name: 'a', content: `result ${index}` })));
      }),
      { seed },
    );
  });
});

describe('an approval', () => {
  const guarded = (execute: () => unknown = () => 'done') => [plain('a', execute, true), plain('free', () => 'free')];

  it('is asked for before the tool runs, however long it takes, while others run', () => {
    marbles((m) => {
      const decision = m.cold('       ----------(y|)', { y: 'allow' as const });
      const free = m.cold('           -----(f|)', { f: 'free' });
      const mistral = m.mistral({ 'chat.stream': [calling(['1', 'free'], ['2', 'a'], ['3', 'free']), says('warm')] });
      const tools = [plain('a', () => 'done', true), plain('free', () => free)];
      m.expectObservable(agentTurn(mistral, request, { tools, approve: () => decision, toolConcurrency: 1 }).pipe(story())).toBe('(sr?)(pfR)(PFxXdSwDA|)', {
        s: 'step 1', r: 'runs free', '?': 'may a?', p: 'free… free', f: 'free: free', R: 'runs free', P: 'free… free', F: 'free: free', x: 'runs a', X: 'a: done', d: 'step 1 done', S: 'step 2', w: 'warm', D: 'step 2 done', A: 'answered',
      });
    });
  });

  it.each<[string, unknown]>([
    ['a word', 'allow'],
    ['a Promise', Promise.resolve('allow')],
    ['an Observable', timer(1).pipe(delay(1), () => of('allow'))],
  ])('may be %s', async (_what, decision) => {
    const { said } = await run(fakeMistral({ 'chat.stream': [calling(['1', 'a']), says('warm')] }), { tools: guarded(), approve: () => decision as 'allow' });
    expect(said.slice(1, 4)).toEqual(['may a?', 'runs a', 'a: done']);
  });

  it('that is denied is told to the model, also where tools that fail end the turn', async () => {
    let ran = 0;
    const mistral = fakeMistral({ 'chat.stream': [calling(['1', 'a']), says('as you wish')] });
    await run(mistral, { tools: guarded(() => (ran += 1)), approve: () => 'deny', onToolError: 'error' });
    expect([ran, answers(mistral, 1)]).toEqual([0, ['The user did not allow this call.']]);
  });

  it('is asked for with the call, and only where the arguments need it', async () => {
    const asked: unknown[] = [];
    const mistral = fakeMistral({ 'chat.stream': [calling(['1', 'pay', '{"euros":5}'], ['2', 'pay', '{"euros":500}'], ['3', 'pay', '{"euros":"x"}']), says('warm')] });
    const pay = tool({ name: 'pay', parameters: z.object({ euros: z.number() }), needsApproval: ({ euros }) => euros > 100, execute: () => 'paid' });
    await run(mistral, { tools: [pay], approve: (call) => { asked.push(call); return 'allow'; } });
    expect(asked).toEqual([{ id: '2', name: 'pay', arguments: '{"euros":500}' }]);
    expect(answers(mistral, 1)).toEqual(['paid', 'paid', expect.stringMatching(/euros/)]);
  });

  it('that fails, or decides nothing that is known, ends the turn', async () => {
    const mistral = () => fakeMistral({ 'chat.stream': [calling(['1', 'a'])] });
    await expect(run(mistral(), { tools: guarded(), approve: () => throwError(() => new Error('no person')) })).rejects.toThrow('no person');
    for (const [word, got] of [['yes', '"yes"'], [undefined, 'undefined'], [null, 'null'], [true, 'true']]) {
      const approve = () => word as 'allow';
      await expect(run(mistral(), { tools: guarded(), approve })).rejects.toThrow(`Expected \`approve\` to be a function that gives 'allow', 'deny' or 'defer', got ${String(got)}`);
    }
  });

  it('that ends without a word is deferred', async () => {
    const { end } = await run(fakeMistral({ 'chat.stream': [calling(['1', 'a'])] }), { tools: guarded(), approve: () => EMPTY });
    expect([end.ending, end.pending?.waiting]).toEqual(['deferred', ['1']]);
  });

  it('that is deferred ends the turn, with what else was called done', async () => {
    const mistral = fakeMistral({ 'chat.stream': [calling(['1', 'a', '{"x":1}'], ['2', 'free'])] });
    const { end, said } = await run(mistral, { tools: guarded() });
    expect(said).toEqual(['step 1', 'may a?', 'runs free', 'free: free', 'deferred']);
    expect(end.pending).toMatchObject({ version: 1, kind: 'completion', step: 1, waiting: ['1'], answered: [{ toolCallId: '2', text: 'free' }], messages: [question] });
    expect(JSON.parse(JSON.stringify(end.pending))).toEqual(end.pending);
  });
});

describe('over several steps', () => {
  const twoSteps = () => fakeMistral({ 'chat.stream': [concat(of(chunk.text('let me see')), calling(['1', 'a'])), says('warm')] });
  const tools = [plain('a', () => 'x')];

  it('accumulate begins anew with each answer', async () => {
    const snapshots = await lastValueFrom(agentTurn(twoSteps(), request, { tools }).pipe(accumulate(), toArray()));
    expect(snapshots.at(-1)).toMatchObject({ text: 'warm', toolCalls: [], done: true });
    expect(snapshots.filter(({ done }) => done)).toHaveLength(2);
  });

  it('text and toolCalls are those of all answers', async () => {
    expect(await lastValueFrom(agentTurn(twoSteps(), request, { tools }).pipe(text(), toArray()))).toEqual(['let me see', 'warm']);
    expect(await lastValueFrom(agentTurn(twoSteps(), request, { tools }).pipe(toolCalls(), toArray()))).toMatchObject([{ id: '1', name: 'a' }]);
  });

  it('trackUsage counts each answer', async () => {
    const meter = createUsageMeter({ prices: { 'mistral-small-latest': { input: 1, output: 1 } } });
    await lastValueFrom(agentTurn(twoSteps(), request, { tools }).pipe(trackUsage(meter)));
    expect(await firstValueFrom(meter.state$)).toMatchObject({ inputTokens: 20, outputTokens: 10 });
  });

  it('errorAsEvent tells an error', async () => {
    const mistral = fakeMistral({ 'chat.stream': [calling(['1', 'a']), { status: 401 }] });
    const events = await lastValueFrom(agentTurn(mistral, request, { tools }).pipe(errorAsEvent(), toArray()));
    expect(events.at(-1)).toMatchObject({ type: 'error', requestId: 'request-1', error: { status: 401 } });
  });

  it('every event survives JSON', async () => {
    const { events } = await run(twoSteps(), { tools });
    for (const event of events) expect(JSON.parse(JSON.stringify(event))).toEqual(JSON.parse(JSON.stringify(structuredClone({ ...event }))));
  });
});

describe('an event', () => {
  const self: unknown[] = [];
  self.push(self);

  it.each<[string, unknown, unknown]>([
    ['a big integer', { n: 10n }, { n: '10' }],
    ['a cycle', self, ['[circular]']],
    ['what JSON knows nothing of', () => 1, undefined],
    ['what cannot be written', { toJSON: () => { throw new Error('no'); } }, '[a result that cannot be written as JSON]'],
    ['what JSON holds', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
  ])('of a tool that gave %s survives JSON', async (_what, given, written) => {
    const { events } = await run(fakeMistral({ 'chat.stream': [calling(['1', 'a']), says('warm')] }), { tools: [plain('a', () => of(given))] });
    expect(events.find(({ type }) => type === 'tool-result')).toMatchObject({ result: given });
    const [progress, result] = (JSON.parse(JSON.stringify(events)) as readonly { type: string; value?: unknown; result?: unknown }[]).filter(({ type }) => /^tool-(progress|result)/.test(type));
    expect([progress?.value, result?.result]).toEqual([written, written]);
  });
});

describe('bad input', () => {
  const mistral = fakeMistral({ 'chat.stream': NEVER });
  const a = plain('a', () => 'x');

  it.each<[string, object, TurnOptions]>([
    ['messages', { model: 'm', messages: [] }, {}],
    ['model', { messages: [question] }, {}],
    ['agentId', { agentId: '', messages: [question] }, {}],
    ['n', { ...request, n: 2 }, {}],
    ['stream', { ...request, stream: false }, {}],
    ['tools', request, { tools: [a, plain('a', () => 'y')] }],
    ['tools', request, { tools: Array.from({ length: 129 }, (_, index) => plain(`a${index}`, () => 'y')) }],
    ['tools', request, { tools: {} as [] }],
    ['tools[1]', request, { tools: [a, { name: 'b' } as Tool] }],
    ['maxSteps', request, { maxSteps: 0 }],
    ['toolConcurrency', request, { toolConcurrency: 0 }],
    ['toolTimeout', request, { toolTimeout: -1 }],
    ['maxToolErrors', request, { maxToolErrors: 0 }],
    ['maxResultLength', request, { maxResultLength: 0 }],
    ['stopWhen', request, { stopWhen: 5 as unknown as () => boolean }],
    ['approve', request, { approve: 'allow' as unknown as () => 'allow' }],
    ['onToolError', request, { onToolError: 'ignore' as 'error' }],
    ['timeouts.idle', request, { timeouts: { idle: -1 } }],
  ])('is a TypeError that names `%s`', (name, asked, options) => {
    const act = () => agentTurn(mistral, asked as typeof request, options);
    expect(act).toThrow(TypeError);
    expect(act).toThrow(`Expected \`${name}\``);
  });

  it.each<[string, object]>([
    ['name', { name: 'a b', parameters: {}, execute: () => 1 }],
    ['name', { name: '', parameters: {}, execute: () => 1 }],
    ['execute', { name: 'a', parameters: {} }],
    ['parameters', { name: 'a', parameters: null, execute: () => 1 }],
    ['parameters', { name: 'a', parameters: [], execute: () => 1 }],
    ['parameters', { name: 'a', parameters: z.object({ at: z.date() }), execute: () => 1 }],
    ['definition', undefined as unknown as object],
    ['needsApproval', { name: 'a', parameters: {}, execute: () => 1, needsApproval: 'yes' }],
    ['jsonSchema', { name: 'a', parameters: { '~standard': { version: 1, vendor: 'x', validate: () => ({ value: 1 }) } }, execute: () => 1 }],
  ])('of a tool is a TypeError that names `%s`', (name, definition) => {
    const act = () => tool(definition as Parameters<typeof tool>[0]);
    expect(act).toThrow(TypeError);
    expect(act).toThrow(`Expected \`${name}\``);
  });

  it('takes a Standard Schema with a JSON schema beside it', () => {
    const schema = { '~standard': { version: 1 as const, vendor: 'x', validate: (value: unknown) => ({ value }) } };
    expect(tool({ name: 'a', parameters: schema, jsonSchema: { type: 'object' }, execute: () => 1 }).parameters).toEqual({ type: 'object' });
  });
});

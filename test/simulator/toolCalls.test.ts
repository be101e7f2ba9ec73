import { Mistral } from '@mistralai/mistralai';
import { describe, expect, test } from 'vitest';

import type { ToolCallStyle } from '../../src/simulator/index.js';
import { hello, postTo, streamChunks, textOf, withSimulator, type Chunk, type WireToolCall } from './rawClient.js';

function functionTool(name: string, property: string): { type: 'function'; function: { name: string; parameters: Record<string, unknown> } } {
  return { type: 'function', function: { name, parameters: { type: 'object', properties: { [property]: { type: 'string' } }, required: [property] } } };
}

const tools = [functionTool('get_weather', 'city'), functionTool('get_time', 'zone')];
const asking = { ...hello, tools };

function toolCallDeltas(chunks: readonly Chunk[]): readonly WireToolCall[] {
  return chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
}

function finishReason(chunks: readonly Chunk[]): string | null | undefined {
  return chunks.at(-1)?.choices[0]?.finish_reason;
}

/** Joins fragments as the rule says: a new id starts a call, no id goes on with the call at that index. */
function joined(deltas: readonly WireToolCall[]): readonly { id: string; name: string; arguments: unknown }[] {
  const calls: { id: string; name: string; arguments: string; index: number | undefined }[] = [];
  for (const delta of deltas) {
    const isNew = typeof delta.id === 'string' && delta.id !== 'null';
    if (isNew) calls.push({ id: delta.id, name: delta.function.name, arguments: '', index: delta.index });
    const call = isNew || delta.index === undefined ? calls.at(-1)! : calls.find(({ index }) => index === delta.index)!;
    call.arguments += delta.function.arguments as string;
  }
  return calls.map(({ id, name, arguments: text }) => ({ id, name, arguments: JSON.parse(text) as unknown }));
}

describe('tool calls', () => {
  test('come whole: one delta, together with the finish reason', async () => {
    await withSimulator({ toolCallStyle: { shape: 'whole', index: false, type: false, parallel: 2 } }, async (simulator) => {
      const chunks = await streamChunks(simulator, asking);
      expect(chunks).toHaveLength(2);
      expect(finishReason(chunks)).toBe('tool_calls');
      const calls = toolCallDeltas(chunks);
      expect(calls.map((call) => Object.keys(call))).toEqual([['id', 'function'], ['id', 'function']]);
      expect(calls.map((call) => call.function.name).sort()).toEqual(['get_time', 'get_weather']);
      expect(calls.every((call) => /^[A-Za-z0-9]{9}$/.test(call.id ?? ''))).toBe(true);
    });
  });

  test.each([
    ['missing', undefined],
    ['null', null],
    ['null-string', 'null'],
  ] as const)('come in fragments whose later ids are %s', async (laterId, id) => {
    await withSimulator({ toolCallStyle: { shape: 'fragments', laterId, parallel: 1 } }, async (simulator) => {
      const chunks = await streamChunks(simulator, asking);
      const [opening, ...later] = toolCallDeltas(chunks);
      expect(opening).toMatchObject({ function: { arguments: '' }, index: 0 });
      expect(opening?.function.name).not.toBe('');
      expect(later.length).toBeGreaterThan(1);
      for (const fragment of later) {
        expect(fragment).toMatchObject({ function: { name: '' }, index: 0 });
        expect(fragment.id).toBe(id);
        expect('id' in fragment).toBe(laterId !== 'missing');
      }
      expect(finishReason(chunks)).toBe('tool_calls');
      expect(joined([opening!, ...later])).toHaveLength(1);
    });
  });

  test('of parallel fragments alternate, and join to the calls of the whole answer', async () => {
    const style: ToolCallStyle = { shape: 'fragments', parallel: 2, laterId: 'missing' };
    await withSimulator({ toolCallStyle: style }, async (simulator) => {
      const deltas = toolCallDeltas(await streamChunks(simulator, asking));
      expect(deltas.slice(0, 4).map((delta) => delta.index)).toEqual([0, 1, 0, 1]);
      const response = await postTo(simulator, asking);
      const body = (await response.json()) as { choices: [{ message: { tool_calls: WireToolCall[] } }] };
      const whole = body.choices[0].message.tool_calls.map((call) => ({
        id: call.id,
        name: call.function.name,
        arguments: JSON.parse(call.function.arguments as string) as unknown,
      }));
      expect(joined(deltas)).toEqual(whole);
    });
    await withSimulator({ toolCallStyle: { ...style, interleaved: false } }, async (simulator) => {
      const indices = toolCallDeltas(await streamChunks(simulator, asking)).map((delta) => delta.index);
      expect(indices).toEqual([...indices].sort());
    });
  });

  test('take arguments as an object where that is the style', async () => {
    await withSimulator({ toolCallStyle: { shape: 'whole', argumentsAs: 'object' } }, async (simulator) => {
      expect(toolCallDeltas(await streamChunks(simulator, asking))[0]?.function.arguments).toBeTypeOf('object');
    });
  });

  test('vary with the seed in both shapes', async () => {
    const shapes = new Set<boolean>();
    for (let seed = 0; seed < 12; seed += 1) {
      await withSimulator({ seed }, async (simulator) => shapes.add((await streamChunks(simulator, asking)).length === 2));
    }
    expect(shapes).toEqual(new Set([true, false]));
  });

  test('are scripted by a reply', async () => {
    const reply = { text: 'Let me see.', toolCalls: [{ id: 'call12345', name: 'get_weather', arguments: { city: 'Paris' } }] };
    await withSimulator({ reply, toolCallStyle: { shape: 'whole' } }, async (simulator) => {
      const chunks = await streamChunks(simulator);
      expect(textOf(chunks)).toBe('Let me see.');
      expect(joined(toolCallDeltas(chunks))).toEqual([{ id: 'call12345', name: 'get_weather', arguments: { city: 'Paris' } }]);
      expect(finishReason(chunks)).toBe('tool_calls');
    });
  });
});

describe('tool_choice', () => {
  const answered = {
    ...asking,
    messages: [
      ...hello.messages,
      { role: 'assistant', content: '', tool_calls: [{ id: 'call12345', function: { name: 'get_time', arguments: '{}' } }] },
      { role: 'tool', tool_call_id: 'call12345', name: 'get_time', content: '12:00' },
    ],
  };

  test.each([
    ['auto calls at the first turn', { ...asking, tool_choice: 'auto' }, 'tool_calls'],
    ['auto is the default', asking, 'tool_calls'],
    ['auto answers in text after the results', answered, 'stop'],
    ['none never calls', { ...asking, tool_choice: 'none' }, 'stop'],
    ['any always calls', { ...answered, tool_choice: 'any' }, 'tool_calls'],
    ['required always calls', { ...answered, tool_choice: 'required' }, 'tool_calls'],
  ])('%s', async (_promise, body, reason) => {
    await withSimulator({}, async (simulator) => {
      expect(finishReason(await streamChunks(simulator, body))).toBe(reason);
    });
  });

  test('of a function calls that function, and an unknown one is a 400', async () => {
    await withSimulator({ toolCallStyle: { shape: 'whole', parallel: 3 } }, async (simulator) => {
      const chunks = await streamChunks(simulator, { ...asking, tool_choice: { type: 'function', function: { name: 'get_time' } } });
      expect(new Set(toolCallDeltas(chunks).map((call) => call.function.name))).toEqual(new Set(['get_time']));
      const unknown = await postTo(simulator, { ...asking, tool_choice: { type: 'function', function: { name: 'nothing' } } });
      expect(unknown.status).toBe(400);
    });
  });

  test('with parallel_tool_calls: false makes one call', async () => {
    await withSimulator({ toolCallStyle: { shape: 'whole', parallel: 3 } }, async (simulator) => {
      expect(toolCallDeltas(await streamChunks(simulator, { ...asking, parallel_tool_calls: false }))).toHaveLength(1);
    });
  });
});

describe('the SDK accepts', () => {
  const request = { model: 'mistral-small-latest', messages: [{ role: 'user' as const, content: 'Hello!' }], tools };

  test.each<ToolCallStyle>([
    { shape: 'whole', index: false, type: false },
    { shape: 'whole', argumentsAs: 'object', parallel: 2 },
    { shape: 'fragments', laterId: 'missing', parallel: 2 },
    { shape: 'fragments', laterId: 'null-string', type: true },
  ])('tool calls in the style %j', async (toolCallStyle) => {
    await withSimulator({ toolCallStyle }, async (simulator) => {
      const client = new Mistral({ serverURL: simulator.url, apiKey: 'any' });
      const whole = await client.chat.complete(request);
      expect(whole.choices[0]).toMatchObject({ finishReason: 'tool_calls' });
      expect(whole.choices[0]?.message?.toolCalls?.length).toBeGreaterThan(0);
      let calls = 0;
      for await (const { data } of await client.chat.stream(request)) calls += data.choices[0]?.delta.toolCalls?.length ?? 0;
      expect(calls).toBeGreaterThan(0);
    });
  });
});

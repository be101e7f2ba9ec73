import { Mistral } from '@mistralai/mistralai';
import { describe, expect, test } from 'vitest';

import type { Simulator } from '../../src/simulator/index.js';
import { chunksOf, eventData, hello, postTo, streamChunks, streamText, textOf, withSimulator } from './rawClient.js';

const question = { model: 'mistral-small-latest', messages: [{ role: 'user' as const, content: 'Hello!' }] };

function sdk(simulator: Simulator): Mistral {
  return new Mistral({ serverURL: simulator.url, apiKey: 'any' });
}

async function wholeAnswer(simulator: Simulator, body: object): Promise<{ choices: { message: { content: string }; finish_reason: string }[]; usage: { completion_tokens: number } }> {
  const response = await postTo(simulator, body);
  return (await response.json()) as Awaited<ReturnType<typeof wholeAnswer>>;
}

describe('a streamed answer', () => {
  test('begins with the role and an empty content, ends with a finish reason, the usage and [DONE]', async () => {
    await withSimulator({}, async (simulator) => {
      const response = await postTo(simulator, { ...hello, stream: true });
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      expect(response.headers.get('mistral-correlation-id')).toMatch(/^[0-9a-f-]{36}$/);

      const text = await response.text();
      const chunks = chunksOf(text);
      expect(eventData(text).at(-1)).toBe('[DONE]');
      expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
      expect(chunks[0]?.choices).toEqual([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]);
      expect(chunks.at(-1)?.choices).toEqual([{ index: 0, delta: { content: '' }, finish_reason: 'stop' }]);
      expect(chunks.slice(0, -1).every((chunk) => chunk.choices[0]?.finish_reason === null && !('usage' in chunk))).toBe(true);
      expect(new Set(chunks.map(({ id, object, created, model }) => JSON.stringify({ id, object, created, model }))).size).toBe(1);
      expect(chunks[0]).toMatchObject({ object: 'chat.completion.chunk', model: 'mistral-small-latest' });

      const usage = chunks.at(-1)!.usage!;
      expect(usage.completion_tokens).toBe(chunks.length - 2);
      expect(usage.total_tokens).toBe(usage.prompt_tokens + usage.completion_tokens);
    });
  });

  test('says what the whole answer says', async () => {
    await withSimulator({}, async (simulator) => {
      const whole = await wholeAnswer(simulator, hello);
      expect(textOf(await streamChunks(simulator))).toBe(whole.choices[0]!.message.content);
    });
  });

  test('depends on the seed and on the request alone', async () => {
    const requests = [hello, { ...hello, messages: [{ role: 'user', content: 'Goodbye!' }] }];
    const run = (seed: number | string, order: readonly number[]): Promise<readonly string[]> =>
      withSimulator({ seed }, async (simulator) => {
        const texts: string[] = [];
        for (const i of order) texts[i] = await streamText(simulator, requests[i]);
        return texts;
      });

    const [first, second] = await run(7, [0, 1]);
    expect(await run(7, [1, 0])).toEqual([first, second]);
    expect(first).not.toBe(second);
    expect(await run('seven', [0, 1])).not.toEqual([first, second]);
  });

  test('stops at max_tokens, with the finish reason "length"', async () => {
    await withSimulator({}, async (simulator) => {
      const uncut = await streamChunks(simulator);
      const cut = await streamChunks(simulator, { ...hello, max_tokens: 5 });
      expect(cut.at(-1)?.choices[0]?.finish_reason).toBe('length');
      expect(cut.at(-1)?.usage?.completion_tokens).toBe(5);
      expect(textOf(uncut).startsWith(textOf(cut))).toBe(true);
      expect(cut[0]?.id).toBe(uncut[0]?.id);
    });
  });

  test('ends before a stop sequence', async () => {
    await withSimulator({ reply: undefined, answerTokens: 100 }, async (simulator) => {
      const uncut = textOf(await streamChunks(simulator));
      const stopped = textOf(await streamChunks(simulator, { ...hello, stop: ['.'] }));
      expect(stopped).toBe(uncut.slice(0, uncut.indexOf('.')));
    });
  });

  test('holds n choices, whose chunks alternate', async () => {
    await withSimulator({}, async (simulator) => {
      const chunks = await streamChunks(simulator, { ...hello, n: 3 });
      expect(chunks.slice(0, 3).map((chunk) => chunk.choices[0]?.index)).toEqual([0, 1, 2]);
      expect(new Set([0, 1, 2].map((index) => textOf(chunks, index))).size).toBe(3);
      const finishes = chunks.flatMap((chunk) => chunk.choices).filter((choice) => choice.finish_reason !== null);
      expect(finishes.map((choice) => choice.index).sort()).toEqual([0, 1, 2]);
      expect(chunks.filter((chunk) => chunk.usage !== undefined)).toEqual([chunks.at(-1)]);

      const whole = await wholeAnswer(simulator, { ...hello, n: 3 });
      expect(whole.choices.map((choice) => choice.message.content)).toEqual([0, 1, 2].map((index) => textOf(chunks, index)));
    });
  });

  test('is as long as asked for', async () => {
    await withSimulator({ answerTokens: 5_000 }, async (simulator) => {
      const chunks = await streamChunks(simulator);
      expect(chunks.length).toBeGreaterThan(5_000);
      expect(chunks.length).toBeLessThan(5_100);
    });
  });

  test('is the same in one write, in a write an event, in a burst and at a rate', async () => {
    const texts = await Promise.all(
      [{ writes: 'burst' }, { writes: 'one-per-event' }, { writes: 'coalesced' }, { tokensPerSecond: 5_000 }, { chunkDelay: 1 }].map((options) =>
        withSimulator(options as object, (simulator) => streamText(simulator)),
      ),
    );
    expect(new Set(texts).size).toBe(1);
  });

  test('of 20,000 events arrives whole at a client that reads late', async () => {
    const words = Array.from({ length: 20_000 }, (_, i) => ` word${i}`);
    await withSimulator({ reply: { text: words } }, async (simulator) => {
      const response = await postTo(simulator, { ...hello, stream: true });
      // Not read for a while: the simulator must wait for the socket to drain.
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(textOf(chunksOf(await response.text()))).toBe(words.join(''));
      expect(simulator.requests[0]).toMatchObject({ eventsWritten: 20_003, outcome: 'completed' });
    });
  });
});

describe('thinking', () => {
  test.each([{ model: 'magistral-medium-latest' }, { prompt_mode: 'reasoning' }])('comes first with %j: lists, a list of both, then strings', async (asked) => {
    await withSimulator({}, async (simulator) => {
      const chunks = await streamChunks(simulator, { ...hello, ...asked });
      const shapes = chunks.slice(1, -1).map((chunk) => {
        const content = chunk.choices[0]?.delta.content;
        return typeof content === 'string' ? 'string' : (content ?? []).map((part) => part.type).join('+');
      });
      expect(shapes.filter((shape, i) => shape !== shapes[i - 1])).toEqual(['thinking', 'thinking+text', 'string']);

      const whole = await wholeAnswer(simulator, { ...hello, ...asked });
      expect(whole.choices[0]?.message.content).toEqual([
        { type: 'thinking', thinking: [{ type: 'text', text: expect.any(String) as string }], closed: true },
        { type: 'text', text: textOf(chunks) },
      ]);
    });
  });

  test('counts towards max_tokens, and can use them up', async () => {
    await withSimulator({}, async (simulator) => {
      const chunks = await streamChunks(simulator, { ...hello, prompt_mode: 'reasoning', max_tokens: 3 });
      expect(textOf(chunks)).toBe('');
      expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('length');
    });
  });
});

describe('a prefix', () => {
  const continued = (prefix: string): object => ({ ...hello, messages: [...hello.messages, { role: 'assistant', content: prefix, prefix: true }] });

  test.each([
    ['trimmed', (prefix: string) => prefix.trimEnd()],
    ['exact', (prefix: string) => prefix],
    ['none', () => ''],
  ] as const)('is echoed %s, and the answer goes on to be the one that was cut', async (prefixEcho, echoOf) => {
    await withSimulator({ prefixEcho, answerTokens: 60 }, async (simulator) => {
      const chunks = await streamChunks(simulator);
      const uncut = textOf(chunks);
      // Cut behind a space, within a word, at the end, and where a paragraph begins.
      for (const prefix of [uncut.slice(0, uncut.indexOf(' ') + 1), uncut.slice(0, 7), uncut, uncut.slice(0, uncut.indexOf('.') + 1)]) {
        const text = textOf(await streamChunks(simulator, continued(prefix)));
        const echo = echoOf(prefix);
        expect(text.startsWith(echo)).toBe(true);
        expect(text).toBe(echo + uncut.slice(prefixEcho === 'trimmed' ? echo.length : prefix.length));
      }
    });
  });

  test('that was never said is continued too, and its whitespace said once', async () => {
    await withSimulator({}, async (simulator) => {
      const text = textOf(await streamChunks(simulator, continued('Once upon a time, ')));
      expect(text).toMatch(/^Once upon a time, \S/);
    });
  });

  test('of a scripted answer is continued as scripted', async () => {
    await withSimulator({ reply: 'One two  three.' }, async (simulator) => {
      expect(textOf(await streamChunks(simulator, continued('One two  ')))).toBe('One two  three.');
    });
  });

  test('costs no completion tokens', async () => {
    await withSimulator({ reply: { text: ['a', 'b', 'c'] } }, async (simulator) => {
      const chunks = await streamChunks(simulator, continued('ab'));
      expect(chunks.at(-1)?.usage?.completion_tokens).toBe(1);
    });
  });
});

describe('a scripted reply', () => {
  test('is a text, cut into tokens, or the deltas themselves', async () => {
    await withSimulator({ reply: 'Bonjour le monde' }, async (simulator) => {
      expect(textOf(await streamChunks(simulator, { ...hello, max_tokens: 1 }))).toBe('Bonjour le monde');
      simulator.setReply({ text: ['Bon', 'jour'], finishReason: 'model_length', id: 'an-id', usage: null });
      const chunks = await streamChunks(simulator);
      expect(chunks.slice(1, -1).map((chunk) => chunk.choices[0]?.delta.content)).toEqual(['Bon', 'jour']);
      expect(chunks.at(-1)).toMatchObject({ id: 'an-id', choices: [{ finish_reason: 'model_length' }] });
      expect(chunks.at(-1)).not.toHaveProperty('usage');
    });
  });

  test('is a function of the body, the number and the request, and of the seed where that says nothing', async () => {
    await withSimulator({ reply: (body, n, request) => (n === 1 ? undefined : `${body.model ?? ''} ${n} ${request.index}`) }, async (simulator) => {
      expect(textOf(await streamChunks(simulator))).toBe('mistral-small-latest 0 0');
      const seeded = textOf(await streamChunks(simulator));
      expect(textOf(await streamChunks(simulator))).toBe('mistral-small-latest 2 2');
      simulator.setReply();
      expect(textOf(await streamChunks(simulator))).toBe(seeded);
    });
  });

  test('takes content of any shape, and no finish reason at all', async () => {
    const content = [[{ type: 'text', text: 'a' }], 'b', [{ type: 'reference', reference_ids: [1] }]];
    await withSimulator({ reply: { content, finishReason: null } }, async (simulator) => {
      const chunks = await streamChunks(simulator);
      expect(chunks.slice(1).map((chunk) => chunk.choices[0]?.delta.content)).toEqual(content);
      expect(chunks.every((chunk) => chunk.choices[0]?.finish_reason === null)).toBe(true);
    });
  });

  test('gives exact events, and exact bytes', async () => {
    await withSimulator({ reply: { events: [{ any: 'thing' }, 'not json'], done: false } }, async (simulator) => {
      expect(await streamText(simulator)).toBe('data: {"any":"thing"}\n\ndata: not json\n\n');
      simulator.setReply({ raw: ['data: 1\r\n', Buffer.from([0xc3]), Buffer.from([0xa9, 0x0a])], status: 201, headers: { 'X-Own': 'yes' } });
      const response = await postTo(simulator, hello);
      expect([response.status, response.headers.get('x-own'), await response.text()]).toEqual([201, 'yes', 'data: 1\r\né\n']);
    });
  });

  test('that throws is answered with a 500 that says why', async () => {
    const reply = (): string => {
      throw new Error('scripted badly');
    };
    await withSimulator({ reply }, async (simulator) => {
      const response = await postTo(simulator, hello);
      expect(response.status).toBe(500);
      expect(await response.text()).toContain('scripted badly');
    });
  });
});

describe('the SDK accepts', () => {
  test('a whole answer, a streamed one and the models', async () => {
    await withSimulator({}, async (simulator) => {
      const client = sdk(simulator);
      const whole = await client.chat.complete(question);
      let text = '';
      let usage: unknown;
      for await (const { data } of await client.chat.stream(question)) {
        text += data.choices[0]!.delta.content as string;
        usage = data.usage ?? usage;
      }
      expect(text).toBe(whole.choices[0]?.message?.content);
      expect(usage).toEqual(whole.usage);
      const models = await client.models.list();
      expect(models.data).toContainEqual(expect.objectContaining({ id: 'mistral-small-latest', type: 'base' }));
      expect(await client.models.retrieve({ modelId: 'mistral-small-latest' })).toMatchObject({ capabilities: { completionChat: true } });
    });
  });

  test('thinking, whole and streamed', async () => {
    await withSimulator({}, async (simulator) => {
      const client = sdk(simulator);
      const request = { ...question, model: 'magistral-medium-latest' };
      const whole = await client.chat.complete(request);
      expect(whole.choices[0]?.message?.content).toMatchObject([{ type: 'thinking', closed: true }, { type: 'text' }]);
      const shapes = new Set<string>();
      for await (const { data } of await client.chat.stream(request)) shapes.add(typeof data.choices[0]?.delta.content);
      expect(shapes).toEqual(new Set(['string', 'object']));
    });
  });

  test('JSON that fits its schema, and JSON for json_object', async () => {
    const schemaDefinition = {
      type: 'object',
      properties: { city: { type: 'string' }, population: { type: 'integer', minimum: 1 } },
      required: ['city', 'population'],
      additionalProperties: false,
    };
    await withSimulator({}, async (simulator) => {
      const client = sdk(simulator);
      const answer = await client.chat.complete({ ...question, responseFormat: { type: 'json_schema', jsonSchema: { name: 'city', schemaDefinition } } });
      const value: unknown = JSON.parse(answer.choices[0]!.message!.content as string);
      expect(value).toEqual({ city: expect.any(String) as string, population: expect.any(Number) as number });
      const free = await client.chat.complete({ ...question, responseFormat: { type: 'json_object' } });
      expect(JSON.parse(free.choices[0]!.message!.content as string)).toBeTypeOf('object');
    });
  });
});

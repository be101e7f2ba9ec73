import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import { describe, expect, it } from 'vitest';
import { ChatAssembler } from '../../src/events/ChatAssembler.js';
import type { ChatEvent, CompleteEvent } from '../../src/index.js';
import { isRxMistralError, TruncatedStreamError } from '../../src/index.js';
import { decodeCompletionChunk } from '../../src/transport/decodeCompletionChunk.js';

/** A chunk from what the API sends. */
function chunk(delta: unknown, finishReason: string | null = null, rest: object = {}): CompletionChunk {
  return decodeCompletionChunk({
    id: 'cmpl',
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: finishReason }],
    ...structuredClone(rest),
  })!;
}

function assemble(...chunks: readonly CompletionChunk[]): { events: ChatEvent[]; assembler: ChatAssembler } {
  const events: ChatEvent[] = [];
  const assembler = new ChatAssembler('request', 1, (event) => events.push(event));
  for (const each of chunks) assembler.push(each);
  return { events, assembler };
}

function complete(...chunks: readonly CompletionChunk[]): CompleteEvent {
  const { events, assembler } = assemble(...chunks);
  assembler.end();
  const last = events.at(-1);
  if (last?.type !== 'complete') throw new Error('The last event is not complete');
  return last;
}

const thrownBy = (run: () => void): unknown => {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('Nothing was thrown');
};

describe('ChatAssembler', () => {
  it('makes events of chunks', () => {
    const { events, assembler } = assemble(
      chunk({ role: 'assistant', content: '' }),
      chunk({ content: 'Hel' }),
      chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }] }),
      chunk({ content: 'lo' }),
      chunk({ content: '' }, 'stop', { usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } }),
    );
    assembler.end();
    const requestId = 'request';
    expect(events).toEqual([
      { type: 'start', requestId, id: 'cmpl', model: 'm', attempt: 1 },
      { type: 'text-delta', requestId, index: 0, text: 'Hel' },
      { type: 'thinking-delta', requestId, index: 0, text: 'hm' },
      { type: 'text-delta', requestId, index: 1, text: 'lo' },
      {
        type: 'complete',
        requestId,
        id: 'cmpl',
        model: 'm',
        message: {
          role: 'assistant',
          content: [
            { type: 'text', text: 'Hel' },
            { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
            { type: 'text', text: 'lo' },
          ],
        },
        finishReason: 'stop',
        usage: { promptTokens: 1, completionTokens: 2, totalTokens: 3 },
      },
    ]);
  });

  it('refuses to end without a finish reason', () => {
    const { assembler } = assemble(chunk({ content: 'Hel' }));
    const error = thrownBy(() => {
      assembler.end();
    });
    expect(error).toBeInstanceOf(TruncatedStreamError);
    expect(error).toMatchObject({ kind: 'truncated', retryable: true, partial: { role: 'assistant', content: 'Hel' } });
  });

  it('ends an answer of which nothing came in the same way', () => {
    const { assembler } = assemble();
    expect(
      thrownBy(() => {
        assembler.end();
      }),
    ).toMatchObject({ kind: 'truncated', partial: { role: 'assistant', content: '' } });
  });

  it('throws at the finish reason "error", behind the text of its chunk', () => {
    const { events, assembler } = assemble(chunk({ content: 'Hel' }));
    const error = thrownBy(() => {
      assembler.push(chunk({ content: 'lo' }, 'error'));
    });
    expect(isRxMistralError(error) && [error.kind, error.retryable]).toEqual(['stream', true]);
    expect(events.at(-1)).toMatchObject({ text: 'lo' });
    expect(assembler.isFinished).toBe(false);
  });

  it.each(['length', 'model_length', 'tool_calls', 'content_filter', '__proto__', ''])(
    'passes the finish reason "%s" on',
    (reason) => {
      expect(complete(chunk({ content: 'a' }, reason)).finishReason).toBe(reason);
    },
  );

  it('takes the usage from a chunk of its own, before or behind the finish reason', () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    const alone = decodeCompletionChunk({ id: 'cmpl', model: 'm', choices: [], usage: { ...usage } })!;
    expect(complete(chunk({ content: 'a' }, 'stop'), alone).usage).toMatchObject({ totalTokens: 3 });
    expect(complete(chunk({ content: 'a' }, null, { usage }), chunk({}, 'stop', { usage: null })).usage).toMatchObject({
      totalTokens: 3,
    });
    expect(complete(chunk({ content: 'a' }, 'stop')).usage).toBeUndefined();
  });

  it('makes a string of a message that is all text, in whatever shape it came', () => {
    expect(complete(chunk({ content: [{ type: 'text', text: 'a' }] }), chunk({ content: 'b' }, 'stop')).message.content).toBe('ab');
  });

  it('joins thinking over chunks up to its end, with its signature', () => {
    const thinking = (text: string, rest: object = {}): CompletionChunk =>
      chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text }], ...rest }] });
    expect(
      complete(thinking('a', { signature: null }), thinking('b', { signature: 's', closed: true }), thinking('c'), chunk({ content: 'd' }, 'stop'))
        .message.content,
    ).toEqual([
      { type: 'thinking', thinking: [{ type: 'text', text: 'ab' }], signature: 's', closed: true },
      { type: 'thinking', thinking: [{ type: 'text', text: 'c' }] },
      { type: 'text', text: 'd' },
    ]);
  });

  it('keeps references, in the text and in thinking', () => {
    expect(
      complete(
        chunk({
          content: [
            { type: 'thinking', thinking: [{ type: 'reference', reference_ids: ['r'] }] },
            { type: 'text', text: 'a' },
            { type: 'reference', reference_ids: [1, 2] },
          ],
        }),
        chunk({}, 'stop'),
      ).message.content,
    ).toEqual([
      { type: 'thinking', thinking: [{ type: 'reference', referenceIds: ['r'] }] },
      { type: 'text', text: 'a' },
      { type: 'reference', referenceIds: [1, 2] },
    ]);
  });

  it('keeps chunks of unknown types as they came', () => {
    const hologram = { type: 'hologram', file_id: 'f', text: 'not text', nested: { tool_calls: 1 } };
    expect(complete(chunk({ content: [structuredClone(hologram)] }), chunk({ content: 'a' }, 'stop')).message.content).toEqual([
      hologram,
      { type: 'text', text: 'a' },
    ]);
  });

  it('passes over what makes no sense', () => {
    const { events, assembler } = assemble(
      chunk(null),
      chunk({ content: null, tool_calls: null }),
      chunk({ content: 7, tool_calls: {} }),
      chunk({ content: [null, 1], tool_calls: [null, 2] }),
      chunk({ content: [{ type: 'text' }] }),
      decodeCompletionChunk({ choices: [null, 'x'] })!,
      decodeCompletionChunk({ choices: {} })!,
      chunk({ content: 'a' }, 'stop'),
    );
    assembler.end();
    expect(events.filter(({ type }) => type === 'text-delta')).toHaveLength(1);
  });

  it('loses no text that stands bare in a content list', () => {
    expect(complete(chunk({ content: ['a', { type: 'text', text: 'b' }] }, 'stop')).message.content).toBe('ab');
  });

  it('reads the first answer and passes over the others', () => {
    const other = (delta: object, finishReason: string | null = null): CompletionChunk =>
      decodeCompletionChunk({ id: 'cmpl', model: 'm', choices: [{ index: 1, delta, finish_reason: finishReason }] })!;
    const { events, assembler } = assemble(chunk({ content: 'a' }), other({ content: 'b' }), other({}, 'stop'));
    expect(assembler.isFinished).toBe(false);
    assembler.push(other({}, 'error'));
    assembler.push(chunk({}, 'stop'));
    assembler.end();
    expect(events.at(-1)).toMatchObject({ message: { content: 'a' } });
  });

  it('takes id and model from the first chunk that has them', () => {
    const { events, assembler } = assemble(decodeCompletionChunk({ choices: [] })!, chunk({ content: 'a' }, 'stop'));
    assembler.end();
    expect(events.at(-1)).toMatchObject({ id: 'cmpl', model: 'm' });
  });

  it('emits the deltas of tool calls as they come, and the calls at the end', () => {
    const { events, assembler } = assemble(
      chunk({ tool_calls: [{ id: 'a', index: 0, function: { name: 'f', arguments: '' } }] }),
      chunk({ tool_calls: [{ index: 0, function: { name: '', arguments: '{"x":' } }] }),
      chunk({ tool_calls: [{ id: 'b', index: 1, function: { name: '__proto__', arguments: { y: 2 } } }] }),
      chunk({ tool_calls: [{ index: 0, function: { name: '', arguments: '1}' } }] }, 'tool_calls'),
    );
    expect(events.filter(({ type }) => type === 'tool-call')).toEqual([]);
    assembler.end();
    const requestId = 'request';
    expect(events.slice(1, -1)).toEqual([
      { type: 'tool-call-delta', requestId, toolCallId: 'a', name: 'f', argumentsText: '' },
      { type: 'tool-call-delta', requestId, toolCallId: 'a', name: 'f', argumentsText: '{"x":' },
      { type: 'tool-call-delta', requestId, toolCallId: 'b', name: '__proto__', argumentsText: '{"y":2}' },
      { type: 'tool-call-delta', requestId, toolCallId: 'a', name: 'f', argumentsText: '1}' },
      { type: 'tool-call', requestId, toolCall: { id: 'a', name: 'f', arguments: '{"x":1}' } },
      { type: 'tool-call', requestId, toolCall: { id: 'b', name: '__proto__', arguments: '{"y":2}' } },
    ]);
    expect(events.at(-1)).toMatchObject({
      message: { toolCalls: [{ id: 'a', index: 0 }, { id: 'b', index: 1, function: { name: '__proto__' } }] },
    });
  });

  it('shows cut arguments in partial', () => {
    const { assembler } = assemble(chunk({ tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{"x' } }] }));
    expect(assembler.hasTokens).toBe(true);
    expect(assembler.partial()).toEqual({
      role: 'assistant',
      content: '',
      toolCalls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{"x' }, index: 0 }],
    });
  });

  it('has no tokens until text, thinking or a piece of a call has come', () => {
    const { assembler } = assemble(
      chunk({ role: 'assistant', content: '' }),
      chunk({ content: [] }),
      chunk({ content: [{ type: 'text', text: '' }] }),
      chunk({ content: [{ type: 'thinking', thinking: [], signature: null }] }),
    );
    expect(assembler.hasTokens).toBe(false);
    assembler.push(chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'a' }] }] }));
    expect(assembler.hasTokens).toBe(true);
  });

  it('bounds the answer', () => {
    const piece = 'x'.repeat(2 ** 24);
    const { assembler } = assemble(...Array.from({ length: 4 }, () => chunk({ content: piece })));
    expect(
      thrownBy(() => {
        assembler.push(chunk({ content: 'x' }));
      }),
    ).toMatchObject({ kind: 'limit' });
  });

  it('bounds what is no text, too', () => {
    const piece = 'x'.repeat(2 ** 24);
    const endless = [
      () => chunk({ content: [{ type: 'hologram', data: piece }] }),
      () => chunk({ content: [{ type: 'thinking', thinking: [{ type: 'hologram', data: piece }] }] }),
      (n: number) => chunk({ tool_calls: [{ id: `${n}${piece}`, function: { name: 'f', arguments: '' } }] }),
    ];
    for (const next of endless) {
      const { assembler } = assemble();
      expect(
        thrownBy(() => {
          for (let n = 0; n < 5; n++) assembler.push(next(n));
        }),
      ).toMatchObject({ kind: 'limit' });
    }
  });

  it('pollutes no prototype', () => {
    const hostile = JSON.parse(
      '{"id":"x","model":"m","__proto__":{"polluted":1},"choices":[{"index":0,"__proto__":{"polluted":1},"finish_reason":"stop","delta":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"content":[{"type":"__proto__","__proto__":{"polluted":1}}],"tool_calls":[{"id":"__proto__","index":0,"function":{"name":"constructor","arguments":{"__proto__":{"polluted":1}}}}]}}],"usage":{"prompt_tokens":1,"__proto__":{"polluted":1}}}',
    ) as unknown;
    const { message, usage } = complete(decodeCompletionChunk(hostile)!);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    expect(JSON.stringify(message)).toContain('"type":"__proto__"');
    for (const value of [message, usage, ...(message.content as object[])]) {
      expect((value as { polluted?: unknown }).polluted).toBeUndefined();
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    }
  });

  it('makes events that survive JSON', () => {
    const { events, assembler } = assemble(
      chunk({ content: 'a' }),
      chunk({ tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{}' } }] }, 'stop', { usage: { total_tokens: 1 } }),
    );
    assembler.end();
    expect(JSON.parse(JSON.stringify(events))).toEqual(events);
  });

  it('announces no call as whole that ran out of length, and keeps it in the message', () => {
    const events: ChatEvent[] = [];
    const assembler = new ChatAssembler('request-1', 1, (event) => events.push(event));
    const call = (id: string, text: string) => ({ id, function: { name: 'weather', arguments: text } });
    const delta = { toolCalls: [call('aaaaaaaaa', '{"city":"Rome"}'), { ...call('bbbbbbbbb', '{"ci'), index: 1 }] };
    assembler.push({ id: 'c', model: 'm', choices: [{ index: 0, delta, finishReason: 'length' }] });
    assembler.end();
    expect(events.filter(({ type }) => type === 'tool-call')).toMatchObject([{ toolCall: { id: 'aaaaaaaaa' } }]);
    expect(events.at(-1)).toMatchObject({ type: 'complete', message: { toolCalls: [{ id: 'aaaaaaaaa' }, { id: 'bbbbbbbbb' }] } });
  });
});

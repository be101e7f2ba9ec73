import { describe, expect, it } from 'vitest';
import { MessageBuilder } from '../../src/events/MessageBuilder.js';

const text = (value: string) => ({ type: 'text', text: value });
const reference = { type: 'reference', referenceIds: [1] };

function build(add: (builder: MessageBuilder) => void): MessageBuilder {
  const builder = new MessageBuilder();
  add(builder);
  return builder;
}
const contentOf = (add: (builder: MessageBuilder) => void): unknown => build(add).message().content;

describe('MessageBuilder', () => {
  it('makes an empty string of nothing', () => {
    const builder = new MessageBuilder();
    expect(builder.isEmpty).toBe(true);
    expect(builder.message()).toEqual({ role: 'assistant', content: '' });
  });

  it('makes a string where all of it is text', () => {
    expect(
      contentOf((builder) => {
        builder.addText('Hel');
        builder.addText('lo');
      }),
    ).toBe('Hello');
  });

  it('makes a list where there is anything else, in the order of arrival, with text joined', () => {
    const builder = build((it) => {
      it.addText('a');
      it.addThinking('b');
      it.addThinking('c');
      it.addText('d');
      it.addText('e');
      it.addChunk(reference);
      it.addText('f');
    });
    expect(builder.message().content).toEqual([
      text('a'),
      { type: 'thinking', thinking: [text('bc')] },
      text('de'),
      reference,
      text('f'),
    ]);
    expect([builder.text, builder.thinking, builder.isEmpty]).toEqual(['adef', 'bc', false]);
  });

  it('keeps what stands between the text of a thinking block', () => {
    expect(
      contentOf((builder) => {
        builder.addThinking('a');
        builder.addToThinking(reference);
        builder.addThinking('b');
        builder.addThinking('c');
      }),
    ).toEqual([{ type: 'thinking', thinking: [text('a'), reference, text('bc')] }]);
  });

  it('signs the open thinking block, and begins another behind one that is closed', () => {
    expect(
      contentOf((builder) => {
        builder.addThinking('a');
        builder.signThinking('s', true);
        builder.addThinking('b');
        builder.signThinking(undefined, false);
      }),
    ).toEqual([
      { type: 'thinking', thinking: [text('a')], signature: 's', closed: true },
      { type: 'thinking', thinking: [text('b')], closed: false },
    ]);
  });

  it('leaves a signature of null out', () => {
    expect(
      contentOf((builder) => {
        builder.addThinking('a');
        builder.signThinking(null, null);
      }),
    ).toEqual([{ type: 'thinking', thinking: [text('a')] }]);
  });

  it('adds no block for a signature of null behind the text', () => {
    expect(
      contentOf((builder) => {
        builder.addText('a');
        builder.signThinking(null, undefined);
      }),
    ).toBe('a');
  });

  it('makes messages that later pieces do not change', () => {
    const builder = build((it) => {
      it.addThinking('a');
      it.addText('b');
    });
    const before = builder.message();
    const copy = structuredClone(before);
    builder.addText('c');
    builder.addChunk(reference);
    builder.addThinking('d');
    builder.signThinking('s', true);
    expect(before).toEqual(copy);
  });

  it('makes messages whose list is their own', () => {
    const builder = build((it) => {
      it.addThinking('a');
      it.addText('b');
    });
    (builder.message().content as unknown[]).push({});
    expect(builder.message().content).toHaveLength(2);
  });

  it('adds tool calls in the shape of the SDK', () => {
    expect(new MessageBuilder().message([{ id: 'a', name: 'f', arguments: '{}' }])).toEqual({
      role: 'assistant',
      content: '',
      toolCalls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' }, index: 0 }],
    });
  });
});

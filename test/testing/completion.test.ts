import { ChatCompletionResponse$inboundSchema } from '@mistralai/mistralai/models/components/chatcompletionresponse.js';
import { expect, test } from 'vitest';
import { completion, usage } from '../../src/testing/index.js';

test('a completion is what the SDK parses from the wire', () => {
  const parsed = ChatCompletionResponse$inboundSchema.parse({
    id: 'completion-1',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'mistral-small-latest',
    usage: { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 },
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: 'Hi',
          tool_calls: [{ id: 'abc123def', type: 'function', function: { name: 'f', arguments: '{}' }, index: 0 }],
        },
        finish_reason: 'tool_calls',
      },
    ],
  });
  const made = completion({
    text: 'Hi',
    toolCalls: [{ id: 'abc123def', name: 'f', index: 0 }],
    usage: usage({ promptTokens: 4, completionTokens: 2 }),
  });
  // The SDK writes its own defaults into the message (`prefix: false`).
  expect(parsed).toMatchObject(made);
});

test('everything can be left out', () => {
  expect(completion()).toMatchObject({
    usage: { totalTokens: 0 },
    choices: [{ index: 0, message: { role: 'assistant', content: '' }, finishReason: 'stop' }],
  });
  expect(completion().choices[0]?.message).not.toHaveProperty('toolCalls');
});

test('everything can be given', () => {
  const content = [{ type: 'text' as const, text: 'a' }];
  expect(completion({ content, finishReason: 'length', id: 'x', model: 'm', created: 5 })).toMatchObject({
    id: 'x',
    model: 'm',
    created: 5,
    choices: [{ message: { content }, finishReason: 'length' }],
  });
});

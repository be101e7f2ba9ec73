import { MistralCore } from '@mistralai/mistralai/core.js';
import { HTTPClient } from '@mistralai/mistralai/lib/http.js';
import type { ChatCompletionRequest } from '@mistralai/mistralai/models/components/chatcompletionrequest.js';
import { lastValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { RxMistralError } from '../../src/index.js';
import { decodeChatResponse, encodeChatRequest } from '../../src/transport/chatCompletionCodec.js';
import { chatCompleteOperation } from '../../src/transport/operations/chatComplete.js';
import { sdkTransport } from '../../src/transport/sdkTransport.js';

const request: ChatCompletionRequest = { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Hi' }] };

/** What a live call sends, and what it makes of the answer: the value, or the error. */
async function liveCall(input: ChatCompletionRequest, answer: unknown): Promise<{ readonly sent: unknown; readonly outcome: unknown }> {
  let sent: unknown;
  const httpClient = new HTTPClient({
    fetcher: async (given) => {
      sent = await new Request(given).json();
      return Response.json(answer);
    },
  });
  const transport = sdkTransport(new MistralCore({ apiKey: 'any', httpClient }));
  const outcome = await lastValueFrom(transport.call(chatCompleteOperation, input)).catch((error: unknown) => error);
  return { sent, outcome };
}

function outcomeOf(make: () => unknown): unknown {
  try {
    return make();
  } catch (error) {
    return error;
  }
}

const choice = { index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' };
const answer = {
  id: 'cmpl-1',
  object: 'chat.completion',
  created: 1_700_000_000,
  model: 'mistral-small-latest',
  usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  choices: [choice],
};

describe('a request is written as the SDK sends it', () => {
  test.each<[string, ChatCompletionRequest]>([
    ['the least', request],
    ['with limits', { ...request, maxTokens: 5, topP: 0.5, randomSeed: 7, stop: ['a', 'b'], presencePenalty: 1, frequencyPenalty: null, n: 2 }],
    ['with tools', { ...request, tools: [{ type: 'function', function: { name: 'f', parameters: { maxItems: 1 } } }], toolChoice: { function: { name: 'f' } }, parallelToolCalls: true }],
    ['with a schema', { ...request, responseFormat: { type: 'json_schema', jsonSchema: { name: 's', schemaDefinition: { additionalProperties: false }, strict: true } } }],
    ['with an image', { ...request, messages: [{ role: 'user', content: [{ type: 'image_url', imageUrl: { url: 'https://example.com/a.png', detail: 'low' } }] }] }],
    ['with the results of tools', { ...request, messages: [{ role: 'assistant', toolCalls: [{ id: 'x', function: { name: 'f', arguments: { someName: 1 } } }] }, { role: 'tool', toolCallId: 'x', content: '1' }] }],
    ['with metadata', { ...request, metadata: { someName: { otherName: 1 } }, promptMode: 'reasoning', safePrompt: true }],
    ['with what the SDK does not know', { ...request, myField: 1 } as ChatCompletionRequest],
  ])('%s', async (_name, input) => {
    const { sent } = await liveCall(input, answer);

    expect(sent).toHaveProperty('model');
    expect(JSON.parse(JSON.stringify(encodeChatRequest(input)))).toEqual(sent);
  });
});

describe('a request that the SDK refuses is the error of a live call', () => {
  test.each<[string, object]>([
    ['a number that is none', { maxTokens: 'many' }],
    ['a fraction', { maxTokens: 1.5 }],
    ['messages that are none', { messages: [{ role: 'user', content: 7 }] }],
  ])('%s', async (_name, fields) => {
    const input = { ...request, ...fields };
    const { outcome, sent } = await liveCall(input, answer);

    expect(sent).toBeUndefined();
    expect(outcome).toBeInstanceOf(RxMistralError);
    expect(outcomeOf(() => encodeChatRequest(input))).toEqual(outcome);
    expect(outcome).toMatchObject({ kind: 'validation', retryable: false });
  });
});

describe('an answer is read as a live one is', () => {
  test.each<[string, unknown]>([
    ['whole', answer],
    ['with thinking', { ...answer, choices: [{ ...choice, message: { role: 'assistant', content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] }, { type: 'text', text: 'Hello' }] } }] }],
    ['with tool calls', { ...answer, choices: [{ ...choice, message: { role: 'assistant', content: '', tool_calls: [{ id: 'x', function: { name: 'f', arguments: '{}' } }] }, finish_reason: 'tool_calls' }] }],
    ['with a finish reason that is new', { ...answer, choices: [{ ...choice, finish_reason: 'tired' }] }],
    ['with content of a new type', { ...answer, choices: [{ ...choice, message: { role: 'assistant', content: [{ type: 'hologram', some_field: 1 }] } }] }],
    ['without a usage', { ...answer, usage: undefined }],
    ['without an id', { ...answer, id: null }],
  ])('%s', async (_name, body) => {
    const { outcome } = await liveCall(request, body);

    expect(outcome).toHaveProperty('choices');
    expect(decodeChatResponse(structuredClone(body))).toEqual(outcome);
  });

  test.each<[string, unknown]>([
    ['an object of another kind', { hello: 'world' }],
    ['an error in the place of an answer', { object: 'error', message: 'out of memory', code: '3000' }],
    ['text', 'Hello'],
    ['a list', [answer]],
  ])('and is the same error where it is none: %s', async (_name, body) => {
    const { outcome } = await liveCall(request, body);

    expect(outcome).toMatchObject({ kind: 'protocol', status: 200 });
    expect(outcomeOf(() => decodeChatResponse(structuredClone(body)))).toEqual(outcome);
  });
});

import { describe, expect, it } from 'vitest';
import { MistralCore } from '@mistralai/mistralai/core.js';
import { chatChunks, chatComplete, chatStream } from '../../src/index.js';

const client = new MistralCore({ apiKey: 'any' });
const request = { model: 'm', messages: [{ role: 'user' as const, content: 'Hi' }] };

type Source = (client: never, request: never, options?: never) => unknown;
const sources: readonly (readonly [string, Source])[] = [
  ['chatStream', chatStream],
  ['chatChunks', chatChunks],
  ['chatComplete', chatComplete],
];

function refusal(source: Source, ...args: readonly unknown[]): string {
  try {
    source(...(args as [never, never, never]));
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return (error as Error).message;
  }
  throw new Error('It was not refused');
}
const expected = (name: string): RegExp => new RegExp(`^Expected \`${name.replaceAll('.', '\\.')}\` to be .+, got .+$`);

describe.each(sources)('%s throws at the call', (_, source) => {
  it.each([undefined, null, 'key', {}, { call: 1, stream: 2 }, { _options: {} }, () => undefined])('for the client %j', (value) => {
    expect(refusal(source, value, request)).toMatch(expected('client'));
  });

  it.each([undefined, null, 'Hi', 7])('for the request %j', (value) => {
    expect(refusal(source, client, value)).toMatch(expected('request'));
  });

  it.each([undefined, null, [], {}, 'Hi'])('for the messages %j', (messages) => {
    expect(refusal(source, client, { ...request, messages })).toMatch(expected('messages'));
  });

  it.each([undefined, null, '', 7, {}])('for the model %j', (model) => {
    expect(refusal(source, client, { ...request, model })).toMatch(expected('model'));
  });

  it.each([null, 'x', 7, []])('for the options %j', (options) => {
    expect(refusal(source, client, request, options)).toMatch(expected('options'));
  });

  it.each<[string, unknown]>([
    ['headers', null],
    ['headers', 'x: y'],
    ['headers', []],
    ['timeouts', null],
    ['timeouts', 1_000],
    ['maxEventBytes', 0],
    ['maxEventBytes', 1.5],
    ['maxEventBytes', '8 MiB'],
    ['scheduler', {}],
    ['scheduler', { now: Date.now }],
    ['retry', null],
    ['retry', true],
    ['retry', 3],
  ])('for the option %s: %j', (name, value) => {
    expect(refusal(source, client, request, { [name]: value })).toMatch(expected(name));
  });

  it.each<[string, unknown]>([
    ['firstEvent', -1],
    ['idle', '1s'],
    ['total', Number.NaN],
    ['total', 2 ** 31],
  ])('for the option timeouts.%s: %j', (name, value) => {
    expect(refusal(source, client, request, { timeouts: { [name]: value } })).toMatch(expected(`timeouts.${name}`));
  });

  it.each<[string, unknown]>([
    ['maxRetries', -1],
    ['maxRetries', 1.5],
    ['backoff', 500],
    ['backoff', {}],
    ['isRetryable', true],
    ['respectRetryAfter', 'yes'],
    ['maxRetryAfter', Infinity],
    ['maxElapsed', -1],
    ['budget', {}],
    ['onRetry', 'log'],
    ['scheduler', {}],
    ['random', 0.5],
  ])('for the option retry.%s: %j', (name, value) => {
    expect(refusal(source, client, request, { retry: { [name]: value } })).toMatch(expected(`retry.${name}`));
  });

  it('for a header that no request can carry', () => {
    expect(refusal(source, client, request, { headers: { 'not a name': 'x' } })).toMatch(expected('headers'));
    expect(refusal(source, client, request, { headers: { name: 'a\nb' } })).toMatch(expected('headers'));
  });
});

describe('throws at the call', () => {
  it.each([0, 2, '1', {}])('chatStream for n: %j', (n) => {
    expect(refusal(chatStream, client, { ...request, n })).toMatch(expected('n'));
  });

  it('a source for a stream that contradicts it', () => {
    expect(refusal(chatStream, client, { ...request, stream: false })).toMatch(expected('stream'));
    expect(refusal(chatChunks, client, { ...request, stream: false })).toMatch(expected('stream'));
    expect(refusal(chatComplete, client, { ...request, stream: true })).toMatch(expected('stream'));
  });

  it.each(['', 7, null, {}])('chatStream for the requestId %j', (requestId) => {
    expect(refusal(chatStream, client, request, { requestId })).toMatch(expected('requestId'));
  });

  it.each(['retry', 'Restart', '', true, null])('chatStream for onDisconnect: %j', (onDisconnect) => {
    expect(refusal(chatStream, client, request, { onDisconnect })).toMatch(expected('onDisconnect'));
  });

  it('nothing for what is left out', () => {
    const absent = { headers: undefined, timeouts: undefined, retry: undefined, maxEventBytes: undefined, scheduler: undefined };
    for (const [, source] of sources) source(client as never, request as never, absent as never);
    for (const [, source] of sources) source(client as never, request as never, { retry: false, timeouts: {} } as never);
  });
});

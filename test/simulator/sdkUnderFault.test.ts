import { Mistral } from '@mistralai/mistralai';
import { describe, expect, test } from 'vitest';

import type { FaultRule } from '../../src/simulator/index.js';
import { withSimulator } from './rawClient.js';

const reply = { text: ['Ça ', 'va ', '— ', 'bien ', '🙂.'] };
const said = 'Ça va — bien 🙂.';

/** What the official SDK makes of a fault: the text it delivers, and the error if it ends in one. */
function read(faults: FaultRule | readonly FaultRule[]): Promise<{ readonly text: string; readonly error: unknown }> {
  return withSimulator({ reply, faults }, async (simulator) => {
    const client = new Mistral({ serverURL: simulator.url, apiKey: 'any' });
    let text = '';
    try {
      const stream = await client.chat.stream({ model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Hello!' }] });
      for await (const { data } of stream) text += data.choices[0]!.delta.content as string;
      return { text, error: undefined };
    } catch (error) {
      return { text, error };
    }
  });
}

describe('the SDK reads on through', () => {
  test.each<FaultRule>([
    { kind: 'split' },
    { kind: 'split', size: 'random' },
    { kind: 'coalesce' },
    { kind: 'line-ends', ends: 'crlf' },
    { kind: 'line-ends', ends: 'cr' },
    { kind: 'line-ends', ends: 'mixed' },
    { kind: 'byte-order-mark' },
    { kind: 'comments' },
    { kind: 'fields', id: true, retry: 5, multiLineData: true },
    { kind: 'slow', perEvent: 2 },
    { kind: 'stall', for: 5, pingEvery: 1 },
    { kind: 'extra', what: 'fields' },
    { kind: 'extra', what: 'finish-reason' },
    { kind: 'extra', what: 'proto-key' },
    { kind: 'finish-error' },
    { kind: 'late-end', for: 5, junk: 'data: late\n\n' },
    { kind: 'deprecated' },
    { fault: [{ kind: 'split', size: 3 }, { kind: 'line-ends', ends: 'mixed' }, { kind: 'comments' }] },
  ])('%j', async (fault) => {
    expect(await read(fault)).toEqual({ text: said, error: undefined });
  });

  test('a duplicate, and an event of 100,000 bytes', async () => {
    expect(await read({ kind: 'duplicate', at: 1 })).toEqual({ text: `Ça ${said}`, error: undefined });
    expect((await read({ kind: 'large', bytes: 100_000 })).text.length).toBeGreaterThan(99_000);
  });

  test('a truncation, which it takes for the end', async () => {
    expect(await read({ kind: 'truncate', at: { events: 3 } })).toEqual({ text: 'Ça va ', error: undefined });
    expect(await read({ kind: 'truncate', at: 'after-headers' })).toEqual({ text: '', error: undefined });
  });
});

describe('the SDK fails on', () => {
  test.each<FaultRule>([
    { kind: 'reset', at: 'before-headers' },
    { kind: 'reset', at: { events: 2 } },
    { kind: 'reset', at: { events: 2, bytes: 5 }, how: 'fin' },
    { kind: 'malformed', what: 'bad-json' },
    { kind: 'malformed', what: 'junk' },
    { kind: 'malformed', what: 'error' },
    { kind: 'malformed', what: 'wrapped-error' },
    { kind: 'status', status: 400 },
    { kind: 'status', status: 401 },
    { kind: 'status', status: 422 },
    { kind: 'status', status: 422, body: 'error-detail' },
    { kind: 'status', status: 429 },
    { kind: 'status', status: 500, body: 'html' },
    { kind: 'status', status: 503, body: 'empty' },
    { kind: 'status', status: 200, body: 'html' },
    { kind: 'status', status: 204 },
  ])('%j', async (fault) => {
    expect((await read(fault)).error).toBeInstanceOf(Error);
  });
});

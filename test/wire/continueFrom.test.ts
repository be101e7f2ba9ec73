import { MistralCore } from '@mistralai/mistralai/core.js';
import { concat, from, lastValueFrom, mergeMap, type Observable, of, reduce, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accumulate, type ChatEvent, type ChatSnapshot, chatStream, type ChatStreamOptions, errorAsEvent } from '../../src/index.js';
import { type Simulator, startSimulator } from '../../src/simulator/index.js';
import { pieces, piecesFor } from './fixtures/echoedPieces.js';

const request = { model: 'mistral-small-latest', messages: [{ role: 'user' as const, content: 'Say something.' }] };

/** The first process: what its log holds, in JSON, of an answer that was cut behind `cut` events. */
async function firstProcess(client: MistralCore, asked: typeof request, cut: number): Promise<ChatEvent[]> {
  const events = await lastValueFrom(
    chatStream(client, asked, { headers: { 'x-cut': String(cut) }, requestId: 'job-1' }).pipe(errorAsEvent(), toArray()),
  );
  return JSON.parse(JSON.stringify(events.filter(({ type }) => type !== 'error'))) as ChatEvent[];
}

/** What is kept of the log: nothing where nothing of the answer had come. */
async function messageOf(log: readonly ChatEvent[]): Promise<ChatSnapshot['message']> {
  return lastValueFrom(from(log).pipe(accumulate(), reduce((_, { message }) => message, emptyMessage)));
}
const emptyMessage: ChatSnapshot['message'] = { role: 'assistant', content: '' };

/** The second process goes on with it: its events behind the log, and without it. */
async function secondProcess(client: MistralCore, asked: typeof request, log: readonly ChatEvent[]) {
  const options: ChatStreamOptions = { continueFrom: await messageOf(log), requestId: 'job-1' };
  const events = await lastValueFrom(chatStream(client, asked, options).pipe(toArray()));
  const lastOf = async (all: Observable<ChatEvent>) => ({ ...(await lastValueFrom(all.pipe(accumulate()))), usage: undefined });
  return {
    strategies: events.flatMap((event) => (event.type === 'retry' ? [event.strategy] : [])),
    behindLog: await lastOf(concat(log, events)),
    alone: await lastOf(from(events)),
  };
}

function cutAsAsked(received: { readonly headers: Readonly<Record<string, string>> }) {
  const cut = received.headers['x-cut'];
  return cut === undefined ? undefined : ({ kind: 'truncate', at: { events: Number(cut) } } as const);
}

describe.each(['exact', 'trimmed', 'none'] as const)('an answer that another process had begun, the echo %s', (prefixEcho) => {
  let simulator: Simulator;
  let client: MistralCore;
  let whole: ChatSnapshot;

  beforeAll(async () => {
    simulator = await startSimulator({ reply: ({ messages = [] }) => ({ text: piecesFor(messages.at(-1), prefixEcho) }) });
    client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });
    whole = { ...(await lastValueFrom(chatStream(client, request).pipe(accumulate()))), usage: undefined };
    simulator.setFaults(cutAsAsked);
  });

  afterAll(() => simulator.close());

  it('equals the uncut one, cut at every event, with the log and without it', async () => {
    expect(whole.text).toBe(pieces.join(''));
    const logs = await lastValueFrom(of(...Array.from({ length: 9 }, (_, cut) => cut)).pipe(
      mergeMap(async (cut) => ({ cut, log: await firstProcess(client, request, cut) }), 4),
      toArray(),
    ));
    // From none of its text to nearly all of it.
    const cutLogs = logs.filter(({ log }) => log.at(-1)?.type !== 'complete');
    expect(new Set(cutLogs.map(({ log }) => log.filter(({ type }) => type === 'text-delta').length))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]));
    for (const { cut, log } of cutLogs) {
      const nothing = log.every(({ type }) => type !== 'text-delta');
      const strategies = [nothing ? 'restart' : 'resume'];
      expect({ cut, ...(await secondProcess(client, request, log)) }).toEqual({ cut, strategies, behindLog: whole, alone: whole });
    }
  });
});

describe('an answer that another process had begun', () => {
  it.each([
    ['in thinking', { model: 'magistral-small-latest' }],
    ['in a tool call', { tools: [tool()], toolChoice: 'any' as const }],
    ['with a JSON schema', { responseFormat: jsonSchema() }],
  ])('begins anew %s, and equals the uncut one, cut at every event', async (_name, fields) => {
    const simulator = await startSimulator({ seed: 11, answerTokens: 8, toolCallStyle: { shape: 'fragments' } });
    const client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });
    const asked = { ...request, ...fields };
    const whole = { ...(await lastValueFrom(chatStream(client, asked).pipe(accumulate()))), usage: undefined };
    simulator.setFaults(cutAsAsked);

    let cuts = 0;
    for (let cut = 0; ; cut++) {
      const log = await firstProcess(client, asked, cut);
      if (log.at(-1)?.type === 'complete') break;
      cuts++;
      const outcome = await secondProcess(client, asked, log);
      expect({ cut, ...outcome }).toEqual({ cut, strategies: ['restart'], behindLog: whole, alone: whole });
    }
    expect(cuts).toBeGreaterThan(3);
    await simulator.close();
  }, 600_000);
});

function tool() {
  const parameters = { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } }, required: ['city', 'days'] };
  return { type: 'function' as const, function: { name: 'weather', parameters } };
}

function jsonSchema() {
  const schemaDefinition = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
  return { type: 'json_schema' as const, jsonSchema: { name: 'person', schemaDefinition } };
}

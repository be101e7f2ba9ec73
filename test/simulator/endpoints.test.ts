import { agentsStream } from '@mistralai/mistralai/funcs/agentsStream.js';
import { audioSpeechComplete } from '@mistralai/mistralai/funcs/audioSpeechComplete.js';
import { audioTranscriptionsStream } from '@mistralai/mistralai/funcs/audioTranscriptionsStream.js';
import { betaConversationsStartStream } from '@mistralai/mistralai/funcs/betaConversationsStartStream.js';
import { fimStream } from '@mistralai/mistralai/funcs/fimStream.js';
import { describe, expect, test } from 'vitest';

import type { Fault, FaultScript, Simulator } from '../../src/simulator/index.js';
import { eventData, withSimulator } from './rawClient.js';
import { acceptedEvents, core, form, request } from './standaloneSdk.js';

const messages = [{ role: 'user' as const, content: 'Hello!' }];

type Endpoint = readonly [name: string, path: string, body: () => object | undefined];

/** All that this issue serves, with a request that is all right. */
const endpoints: readonly Endpoint[] = [
  ['agents/completions', '/v1/agents/completions', () => ({ agent_id: 'ag', messages })],
  ['fim/completions', '/v1/fim/completions', () => ({ model: 'm', prompt: 'a' })],
  ['embeddings', '/v1/embeddings', () => ({ model: 'm', input: 'a', output_dimension: 8 })],
  ['moderations', '/v1/moderations', () => ({ model: 'm', input: 'a' })],
  ['chat/moderations', '/v1/chat/moderations', () => ({ model: 'm', input: messages })],
  ['classifications', '/v1/classifications', () => ({ model: 'm', input: 'a' })],
  ['ocr', '/v1/ocr', () => ({ model: 'm', document: { type: 'image_url', image_url: 'https://example.com/a.png' } })],
  ['audio/transcriptions', '/v1/audio/transcriptions', () => form({ model: 'm', file: new Blob(['audio']) })],
  ['audio/speech', '/v1/audio/speech', () => ({ input: 'Hello there' })],
  ['agents (POST)', '/v1/agents', () => ({ model: 'm', name: 'n' })],
  ['agents (GET)', '/v1/agents', () => undefined],
  ['agents/pages', '/v1/agents/pages', () => undefined],
  ['conversations (POST)', '/v1/conversations', () => ({ model: 'm', inputs: 'Hello!' })],
  ['conversations (GET)', '/v1/conversations', () => undefined],
];
const posts = endpoints.filter(([, , body]) => body() !== undefined);

describe('every endpoint', () => {
  test.each(endpoints)('%s answers the same to the same request, and says so by the seed', async (_name, path, body) => {
    const answer = (seed: number): Promise<string> => withSimulator({ seed }, async (simulator) => (await request(simulator, path, body())).text());
    const first = await answer(1);
    expect(await answer(1)).toBe(first);
    if (body() !== undefined) expect(await answer(2)).not.toBe(first);
  });

  test.each(endpoints)('%s counts against the rate limit', async (_name, path, body) => {
    await withSimulator({ rateLimit: { requests: { limit: 1 }, tokens: { limit: 100_000 } } }, async (simulator) => {
      const first = await request(simulator, path, body());
      expect([first.status, first.headers.get('x-ratelimit-remaining-req-minute')]).toEqual([200, '0']);
      expect(first.headers.get('x-ratelimit-tokens-query-cost')).toMatch(/^\d+$/);
      const second = await request(simulator, path, body());
      expect([second.status, await second.json()]).toMatchObject([429, { type: 'rate_limited', code: '1300' }]);
    });
  });

  test.each(endpoints)('%s fails as it is told to', async (_name, path, body) => {
    await withSimulator({}, async (simulator) => {
      const underFault = (fault: Fault): Promise<Response> => {
        simulator.setFaults(fault);
        return request(simulator, path, body());
      };
      expect((await underFault({ kind: 'status', status: 503 })).status).toBe(503);
      await expect(underFault({ kind: 'reset', at: 'before-headers' })).rejects.toThrow();
      const cut = await (await underFault({ kind: 'truncate', at: { bytes: 1 } })).text();
      expect(cut).toHaveLength(1);
      expect(await (await underFault({ kind: 'malformed', what: 'html' })).text()).toMatch(/^<!DOCTYPE html>/);
      expect((await underFault({ kind: 'deprecated' })).headers.has('x-model-deprecation-timestamp')).toBe(true);
      const extra = (await (await underFault({ kind: 'extra' })).json()) as object;
      expect('p' in extra).toBe(!Array.isArray(extra));
    });
  });

  test.each(posts)('%s refuses an empty body with a 422 in either shape', async (_name, path, body) => {
    const empty = (): object => (body() instanceof FormData ? new FormData() : {});
    await withSimulator({}, async (simulator) => {
      const response = await request(simulator, path, empty());
      expect([response.status, await response.json()]).toMatchObject([422, { detail: expect.any(Array) as unknown[] }]);
    });
    await withSimulator({ validationErrors: 'error-detail' }, async (simulator) => {
      const response = await request(simulator, path, empty());
      expect([response.status, await response.json()]).toMatchObject([422, { object: 'error', message: { detail: expect.any(Array) as unknown[] } }]);
    });
  });

  test.each(posts)('%s wants a key, and the right method', async (_name, path) => {
    await withSimulator({}, async (simulator) => {
      expect((await fetch(`${simulator.url}${path}`, { method: 'POST' })).status).toBe(401);
      expect((await fetch(`${simulator.url}${path}`, { method: 'PUT', headers: { authorization: 'Bearer any' } })).status).toBe(405);
    });
  });
});

interface Stream {
  readonly path: string;
  readonly body: () => object;
  readonly last: RegExp;
  /** What the SDK makes of it, event by event. */
  readonly read: (simulator: Simulator) => Promise<readonly { readonly data: unknown }[]>;
}

const streams: Readonly<Record<string, Stream>> = {
  agents: {
    path: '/v1/agents/completions',
    body: () => ({ agent_id: 'ag', messages, stream: true }),
    last: /^\[DONE\]$/,
    read: (simulator) => acceptedEvents(agentsStream(core(simulator), { agentId: 'ag', messages })),
  },
  fim: {
    path: '/v1/fim/completions',
    body: () => ({ model: 'm', prompt: 'a', stream: true }),
    last: /^\[DONE\]$/,
    read: (simulator) => acceptedEvents(fimStream(core(simulator), { model: 'm', prompt: 'a' })),
  },
  conversation: {
    path: '/v1/conversations',
    // One that is not remembered begins the same each time.
    body: () => ({ model: 'm', inputs: 'Hello!', store: false, stream: true }),
    last: /"type":"conversation\.response\.done"/,
    read: (simulator) => acceptedEvents(betaConversationsStartStream(core(simulator), { model: 'm', inputs: 'Hello!', store: false })),
  },
  transcription: {
    path: '/v1/audio/transcriptions',
    body: () => form({ model: 'm', file_id: 'f', stream: 'true' }),
    last: /"type":"transcription\.done"/,
    read: (simulator) => acceptedEvents(audioTranscriptionsStream(core(simulator), { model: 'm', fileId: 'f' })),
  },
  speech: {
    path: '/v1/audio/speech',
    body: () => ({ input: 'Hello there, how are you?', stream: true }),
    last: /"type":"speech\.audio\.done"/,
    read: (simulator) => acceptedEvents(audioSpeechComplete(core(simulator), { input: 'Hello there, how are you?', stream: true })),
  },
};

describe.each(Object.entries(streams))('the stream of %s', (name, { path, body, last, read }) => {
  const textUnder = async (simulator: Simulator, faults?: FaultScript): Promise<string> => {
    simulator.setFaults(faults);
    return (await request(simulator, path, body())).text();
  };
  const dataUnder = async (simulator: Simulator, faults?: FaultScript): Promise<readonly string[]> => eventData(await textUnder(simulator, faults));
  const isNamed = name !== 'agents' && name !== 'fim';

  test('is truncated before its last event, and whole otherwise', async () => {
    await withSimulator({}, async (simulator) => {
      const intact = await dataUnder(simulator);
      expect(intact.at(-1)).toMatch(last);
      expect(intact.filter((data) => last.test(data))).toHaveLength(1);
      expect(await dataUnder(simulator, { kind: 'truncate', omit: 'done' })).toEqual(intact.slice(0, -1));
      expect(await dataUnder(simulator, { kind: 'truncate', omit: 'finish' })).toEqual(isNamed ? intact.slice(0, -1) : intact.toSpliced(-2, 1));
      expect(await dataUnder(simulator, { kind: 'truncate' })).toEqual(intact.slice(0, isNamed ? -1 : -2));
      expect(await dataUnder(simulator, { kind: 'truncate', at: { events: 2 } })).toEqual(intact.slice(0, 2));
    });
  });

  test('is reset where it is told to', async () => {
    await withSimulator({}, async (simulator) => {
      await expect(textUnder(simulator, { kind: 'reset', at: { events: 2, bytes: 5 } })).rejects.toThrow();
      await simulator.until(({ openRequests }) => openRequests === 0);
      expect(simulator.requests[0]).toMatchObject({ outcome: 'server-cut', eventsWritten: 2 });
    });
  });

  test('repeats, breaks and enlarges events', async () => {
    await withSimulator({}, async (simulator) => {
      const intact = await dataUnder(simulator);
      const series = intact.slice(0, -1);
      expect(await dataUnder(simulator, { kind: 'duplicate', at: 1 })).toEqual(intact.toSpliced(1, 0, intact[1]!));
      expect(await dataUnder(simulator, { kind: 'duplicate', at: 'all' })).toEqual([...series, ...series, intact.at(-1)]);
      const broken = await dataUnder(simulator, { kind: 'malformed', at: 1 });
      expect(() => JSON.parse(broken[1]!) as unknown).toThrow();
      expect(broken.toSpliced(1, 1)).toEqual(intact);
      const large = await dataUnder(simulator, { kind: 'large', bytes: 50_000, at: 1 });
      expect(Buffer.byteLength(`data: ${large[1]!}\n\n`)).toBe(50_000);
    });
  });

  test('is read by the SDK through whatever leaves its meaning as it is', async () => {
    await withSimulator({}, async (simulator) => {
      const intact = await read(simulator);
      expect(intact.length).toBeGreaterThan(3);
      const harmless: readonly Fault[] = [{ kind: 'split', size: 50 }, { kind: 'line-ends', ends: 'mixed' }, { kind: 'comments' }, { kind: 'byte-order-mark' }];
      simulator.setFaults({ fault: harmless });
      expect(await read(simulator)).toEqual(intact);
      simulator.setFaults({ kind: 'extra', what: 'fields' });
      expect(await read(simulator)).toHaveLength(intact.length);
      simulator.setFaults({ kind: 'extra', what: 'content-type' });
      expect(await read(simulator)).toHaveLength(intact.length + 1);
    });
  });

  test('holds types and keys called __proto__', async () => {
    await withSimulator({}, async (simulator) => {
      expect(await textUnder(simulator, { kind: 'extra', what: 'proto-type' })).toContain('"type":"__proto__"');
      expect(await textUnder(simulator, { kind: 'extra', what: 'proto-key' })).toContain('"__proto__":{"polluted":true}');
    });
  });
});

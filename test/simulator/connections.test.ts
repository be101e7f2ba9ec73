import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, test } from 'vitest';

import { startSimulator, type SimulatorOptions } from '../../src/simulator/index.js';
import { freePort } from '../fixtures/freePort.js';
import { waitFor } from '../fixtures/waitFor.js';
import { hello, open, postTo, receive, withSimulator } from './rawClient.js';

const streaming = { ...hello, stream: true };
const long = { text: Array.from({ length: 2_000 }, (_, i) => ` word${i}`) };

describe('the close of a client is seen', () => {
  test.each<[string, SimulatorOptions]>([
    ['during the latency', { latency: 60_000 }],
    ['before the headers', { faults: { kind: 'stall', at: 'before-headers' } }],
    ['after the headers', { faults: { kind: 'stall', at: 'after-headers' } }],
    ['in a stall', { faults: { kind: 'stall', at: { events: 2 } } }],
    ['in a stall with pings', { faults: { kind: 'stall', at: { events: 2 }, pingEvery: 5 } }],
    ['between tokens', { reply: long, chunkDelay: 5 }],
    ['between tokens at a rate', { reply: long, tokensPerSecond: 200 }],
    ['behind [DONE]', { faults: { kind: 'late-end' } }],
  ])('%s, at once, and leaves nothing behind', async (_place, options) => {
    await withSimulator(options, async (simulator) => {
      const { request } = open(simulator);
      await simulator.until(({ requests: [record] }) => record?.body !== undefined && (options.latency !== undefined || record.faults.length > 0 || record.eventsWritten > 1));
      await sleep(10);
      const closedAt = performance.now();
      request.destroy();
      await simulator.until(({ openRequests, openConnections }) => openRequests === 0 && openConnections === 0, { timeout: 20_000 });

      const record = simulator.requests[0]!;
      expect(record.outcome).toBe('client-closed');
      expect(record.finishedAt).toBe(record.closedByClientAt);
      expect(record.closedByClientAt).toBeGreaterThanOrEqual(closedAt);
      // Far more than it takes on a busy machine, and far less than the latency.
      expect(record.closedByClientAt! - closedAt).toBeLessThan(20_000);
    });
  });

  test('of fetch on abort, too', async () => {
    await withSimulator({ faults: { kind: 'stall' } }, async (simulator) => {
      const controller = new AbortController();
      const response = await postTo(simulator, streaming, { signal: controller.signal });
      await response.body!.getReader().read();
      controller.abort();
      await simulator.until(({ requests: [record] }) => record?.outcome === 'client-closed');
    });
  });

  test.each([
    ['stream', { ...hello, stream: true }],
    ['whole answer', hello],
  ])('although a large %s was still on its way to it', async (_kind, body) => {
    // More than the buffers of both sockets hold.
    const text = Array.from({ length: 100 }, () => 'x'.repeat(200_000));
    await withSimulator({ reply: { text } }, async (simulator) => {
      const { request, response } = open(simulator, body);
      (await response).pause();
      request.destroy();
      await simulator.until(({ openRequests }) => openRequests === 0);
      expect(simulator.requests[0]).toMatchObject({ outcome: 'client-closed' });
    });
  });

  test('in the middle of its own request', async () => {
    await withSimulator({}, async (simulator) => {
      const { request } = open(simulator);
      const unfinished = openUnfinished(simulator.url);
      await simulator.until(({ requestCount }) => requestCount === 2);
      unfinished.destroy();
      await simulator.until(({ openRequests }) => openRequests === 0);
      expect(simulator.requests.map(({ outcome }) => outcome).sort()).toEqual(['client-closed', 'completed']);
      request.destroy();
    });
  });

  test('and not mistaken for one where the response had ended', async () => {
    await withSimulator({}, async (simulator) => {
      await receive(simulator);
      await simulator.until(({ openConnections }) => openConnections === 0);
      expect(simulator.requests[0]).toMatchObject({ outcome: 'completed', closedByClientAt: undefined });
    });
  });
});

function openUnfinished(url: string): http.ClientRequest {
  const request = http.request(`${url}/v1/chat/completions`, { method: 'POST', agent: false, headers: { 'content-length': '1000' } });
  request.on('error', () => undefined);
  request.write('{"model":');
  return request;
}

describe('connections', () => {
  test('are reused by a client that keeps them alive, and counted as long as they are open', async () => {
    await withSimulator({}, async (simulator) => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      for (let i = 0; i < 3; i += 1) {
        await new Promise<void>((resolve, reject) => {
          http.get(`${simulator.url}/v1/models`, { agent, headers: { authorization: 'Bearer any' } }, (response) => {
            response.resume().on('end', resolve);
          }).on('error', reject);
        });
      }
      expect(simulator.requests.map(({ connection }) => connection)).toEqual([0, 0, 0]);
      expect(simulator.openConnections).toBe(1);
      await simulator.until(({ openRequests }) => openRequests === 0);
      agent.destroy();
      await simulator.until(({ openConnections }) => openConnections === 0);
    });
  });

  test('by the hundred each get their own answer', async () => {
    await withSimulator({ chunkDelay: 1, reply: (body) => `for ${JSON.stringify(body.messages)}` }, async (simulator) => {
      const texts = await Promise.all(
        Array.from({ length: 300 }, async (_, i) => {
          const arrival = await receive(simulator, { ...streaming, messages: [{ role: 'user', content: `${i}` }] });
          return arrival.text.includes('[DONE]');
        }),
      );
      expect(texts.every(Boolean)).toBe(true);
      expect(simulator.requestCount).toBe(300);
    });
  });
});

describe('close', () => {
  test('ends every response at once, frees the port and may be called again', async () => {
    const simulator = await startSimulator({ port: await freePort(), faults: [{ kind: 'stall', at: { events: 1 } }], latency: 1 });
    const arrivals = [receive(simulator), receive(simulator)];
    await simulator.until(({ requests }) => requests.length === 2 && requests.every(({ eventsWritten }) => eventsWritten === 1));
    await Promise.all([simulator.close(), simulator.close()]);
    await simulator.close();
    expect((await Promise.all(arrivals)).map(({ end }) => end)).toEqual(['aborted', 'aborted']);
    expect(simulator.requests.map(({ outcome }) => outcome)).toEqual(['server-cut', 'server-cut']);
    expect([simulator.openConnections, simulator.openRequests]).toEqual([0, 0]);

    const next = await startSimulator({ port: simulator.port });
    expect(next.port).toBe(simulator.port);
    await next.close();
  });

  test('ends the waiting for conditions', async () => {
    const simulator = await startSimulator();
    const waiting = expect(simulator.until(() => false)).rejects.toThrow('closed before');
    await simulator.close();
    await waiting;
  });

  test('leaves no timers and no sockets', async () => {
    const active = (): readonly string[] => process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name.startsWith('TCP'));
    const before = active().length;
    const simulator = await startSimulator({ latency: 60_000 });
    const arrival = receive(simulator);
    await simulator.until(({ openRequests }) => openRequests === 1);
    await simulator.close();
    await arrival;
    await waitFor(() => {
      expect(active().length).toBeLessThanOrEqual(before);
    });
  });
});

describe('until', () => {
  test('resolves at once where the condition holds, and rejects with what it throws or when time is up', async () => {
    await withSimulator({}, async (simulator) => {
      await simulator.until(() => true);
      await expect(simulator.until(() => false, { timeout: 5 })).rejects.toThrow('within 5 ms');
      await expect(
        simulator.until(() => {
          throw new RangeError('odd');
        }),
      ).rejects.toThrow(RangeError);
    });
  });
});

import net from 'node:net';

import { createParser } from 'eventsource-parser';
import { describe, expect, test } from 'vitest';

import { startSimulator, type Fault, type FaultScript, type RecordedRequest } from '../../src/simulator/index.js';
import { chunksOf, eventData, hello, open, postTo, receive, streamChunks, textOf, withSimulator, type Arrival } from './rawClient.js';

// With two-, three- and four-byte characters, for the cuts.
const reply = { text: ['Ça ', 'va — ', 'bien ', '🙂.'] };
const said = 'Ça va — bien 🙂.';
// The role, four deltas, the finish, [DONE].
const eventCount = 7;

async function arrive(faults: FaultScript, options: object = {}): Promise<Arrival & { readonly record: RecordedRequest }> {
  return withSimulator({ reply, faults, ...options }, async (simulator) => {
    const arrival = await receive(simulator);
    await simulator.until(({ openRequests }) => openRequests === 0);
    return { ...arrival, record: simulator.requests[0]! };
  });
}

const intact = await arrive([]);

describe('truncate', () => {
  test.each<[Fault, number, boolean]>([
    [{ kind: 'truncate' }, 5, false],
    [{ kind: 'truncate', omit: 'done' }, 6, false],
    [{ kind: 'truncate', omit: 'finish' }, 6, true],
    [{ kind: 'truncate', at: { events: 2 } }, 2, false],
    [{ kind: 'truncate', at: 'after-headers' }, 0, false],
    [{ kind: 'truncate', at: { events: 1_000 } }, eventCount, true],
  ])('%j ends the body properly after %d events', async (fault, events, done) => {
    const { text, end, status, record } = await arrive(fault);
    expect({ end, status }).toEqual({ end: 'ended', status: 200 });
    expect(eventData(text)).toHaveLength(events);
    expect(eventData(text).includes('[DONE]')).toBe(done);
    expect(record).toMatchObject({ eventsWritten: events, outcome: 'completed', faults: ['truncate'], bytesWritten: Buffer.byteLength(text) });
  });

  test('in the middle of an event leaves a part of it', async () => {
    const { text } = await arrive({ kind: 'truncate', at: { events: 2, bytes: 10 } });
    expect(text).toBe(intact.text.slice(0, text.length));
    expect(text).toMatch(/\n\ndata: \{"id$/);
  });

  test('after so many bytes leaves so many bytes', async () => {
    const { pieces } = await arrive({ kind: 'truncate', at: { bytes: 333 } });
    expect(Buffer.concat(pieces)).toHaveLength(333);
  });

  test('without the last blank line keeps the event from being dispatched', async () => {
    const { text, end } = await arrive({ kind: 'truncate', omit: 'done', blankLine: false });
    expect(end).toBe('ended');
    expect(text).toMatch(/[^\n]\n$/);
    expect(eventData(text)).toHaveLength(5);
    const crlf = await arrive([{ kind: 'truncate', at: { events: 3 }, blankLine: false }, { kind: 'line-ends', ends: 'crlf' }]);
    expect(crlf.text).toMatch(/[^\r\n]\r\n$/);
  });

  test('cuts a whole answer too', async () => {
    await withSimulator({ faults: { kind: 'truncate' } }, async (simulator) => {
      const response = await postTo(simulator, hello);
      const text = await response.text();
      expect(text).toMatch(/^\{"id":/);
      expect(() => JSON.parse(text) as unknown).toThrow();
    });
  });
});

describe('reset', () => {
  test('before the headers gives no response', async () => {
    const { end, error, record } = await arrive({ kind: 'reset', at: 'before-headers' });
    expect({ end, error }).toEqual({ end: 'no-response', error: 'ECONNRESET' });
    expect(record).toMatchObject({ outcome: 'server-cut', status: undefined, bytesWritten: 0, closedByClientAt: undefined });
  });

  test.each(['rst', 'fin'] as const)('(%s) after two events and ten bytes delivers them first', async (how) => {
    const { text, end, record } = await arrive({ kind: 'reset', at: { events: 2, bytes: 10 }, how });
    expect(end).toBe('aborted');
    expect(eventData(text)).toHaveLength(2);
    expect(intact.text.startsWith(text)).toBe(true);
    expect(record).toMatchObject({ outcome: 'server-cut', eventsWritten: 2, bytesWritten: Buffer.byteLength(text) });
  });

  test.each([
    ['rst', 'ECONNRESET'],
    ['fin', 'end'],
  ] as const)('(%s) is on the wire what it says: %s', async (how, expected) => {
    await withSimulator({ reply, faults: { kind: 'reset', at: { events: 2 }, how } }, async (simulator) => {
      // More than once: a FIN ahead of the RST would be seen sometimes.
      for (let i = 0; i < 10; i += 1) {
        const first = await new Promise((resolve) => {
          const socket = net.connect(simulator.port, '127.0.0.1');
          const body = JSON.stringify({ ...hello, stream: true });
          socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: any\r\nAuthorization: Bearer any\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
          socket.resume();
          socket.on('end', () => {
            resolve('end');
          });
          socket.on('error', (error: NodeJS.ErrnoException) => {
            resolve(error.code);
          });
        });
        expect(first).toBe(expected);
      }
    });
  });

  test('after the headers leaves an empty body', async () => {
    expect(await arrive({ kind: 'reset', at: 'after-headers' })).toMatchObject({ status: 200, text: '', end: 'aborted' });
  });
});

describe('stall', () => {
  test.each<[string, Fault, number]>([
    ['after the headers', { kind: 'stall', at: 'after-headers', for: 20 }, 0],
    ['after an event', { kind: 'stall', for: 20 }, 1],
    ['in an event', { kind: 'stall', at: { events: 3, bytes: 5 }, for: 20 }, 3],
  ])('%s goes on afterwards', async (_place, fault, eventsBefore) => {
    await withSimulator({ reply, faults: fault }, async (simulator) => {
      const arrival = receive(simulator);
      await simulator.until(({ requests: [record] }) => record?.status === 200 && record.eventsWritten === eventsBefore);
      expect((await arrival).text).toBe(intact.text);
    });
  });

  test('before the headers delays the response', async () => {
    expect((await arrive({ kind: 'stall', at: 'before-headers', for: 20 })).text).toBe(intact.text);
  });

  test('sends pings meanwhile if asked to', async () => {
    const { text } = await arrive({ kind: 'stall', at: { events: 2 }, for: 40, pingEvery: 5 });
    expect(text).toContain('\n\n: ping\n\n');
    expect(text.replaceAll(': ping\n\n', '')).toBe(intact.text);
  });

  test('and then an end at the same place happen in this order', async () => {
    const { text, end } = await arrive([
      { kind: 'truncate', at: { events: 2 } },
      { kind: 'stall', at: { events: 2 }, for: 5, pingEvery: 1 },
    ]);
    expect(end).toBe('ended');
    expect(eventData(text)).toHaveLength(2);
    expect(text).toContain(': ping');
  });
});

describe('malformed', () => {
  test.each([
    ['bad-json', /^\{"id":[^\n]*[^}]$/],
    ['junk', /^upstream went away$/],
    ['error', /^\{"object":"error","message":/],
    ['wrapped-error', /^\{"error":\{"message":/],
  ] as const)('%s stands as an event of its own, and the rest goes on', async (what, pattern) => {
    const data = eventData((await arrive({ kind: 'malformed', what, at: 2 })).text);
    expect(data).toHaveLength(eventCount + 1);
    expect(data[2]).toMatch(pattern);
    if (what === 'bad-json') expect(() => JSON.parse(data[2]!) as unknown).toThrow();
    expect(data.toSpliced(2, 1)).toEqual(eventData(intact.text));
  });

  test('html and text stand as they are', async () => {
    expect((await arrive({ kind: 'malformed', what: 'html' })).text).toContain('\n\n<!DOCTYPE html>');
    const { text } = await arrive({ kind: 'malformed', what: { text: 'data\r\r' }, at: 0 });
    expect(text).toBe(`data\r\r${intact.text}`);
  });

  test('can end the stream', async () => {
    const data = eventData((await arrive({ kind: 'malformed', what: 'error', at: 1, then: 'end' })).text);
    expect(data).toHaveLength(2);
  });

  test('makes a whole answer unreadable', async () => {
    await withSimulator({ faults: { kind: 'malformed', what: 'html' } }, async (simulator) => {
      expect(await (await postTo(simulator, hello)).text()).toMatch(/^<!DOCTYPE html>/);
    });
  });
});

describe('finish-error', () => {
  test('takes the place of the finish reason, or comes earlier', async () => {
    const late = chunksOf((await arrive({ kind: 'finish-error' })).text);
    expect(late.at(-1)?.choices[0]?.finish_reason).toBe('error');
    expect(textOf(late)).toBe(said);
    const { text } = await arrive({ kind: 'finish-error', at: 2 });
    expect(chunksOf(text).map((chunk) => chunk.choices[0]?.finish_reason)).toEqual([null, null, 'error']);
    expect(text).toContain('[DONE]');
  });

  test('is said of a whole answer too', async () => {
    await withSimulator({ faults: { kind: 'finish-error' } }, async (simulator) => {
      expect(await (await postTo(simulator, hello)).json()).toMatchObject({ choices: [{ finish_reason: 'error' }] });
    });
  });
});

describe('delivery', () => {
  test.each([1, 7, 'random'] as const)('split by %s sends the same bytes in such pieces', async (size) => {
    const { pieces, text } = await arrive({ kind: 'split', size });
    expect(text).toBe(intact.text);
    if (size !== 'random') expect(pieces.slice(0, -1).every((piece) => piece.length === size)).toBe(true);
    else expect(pieces.every((piece) => piece.length >= 1 && piece.length <= 64)).toBe(true);
    // Some cut fell inside a character: the pieces decoded one by one would not be the text.
    if (size === 1) expect(pieces.map((piece) => piece.toString()).join('')).not.toBe(text);
  });

  test('coalesce sends all of it at once, and so does the option', async () => {
    expect((await arrive({ kind: 'coalesce' })).pieces).toHaveLength(1);
    expect((await arrive([], { writes: 'coalesced' })).pieces).toHaveLength(1);
    expect((await arrive([], { writes: 'one-per-event' })).pieces).toHaveLength(eventCount);
  });

  test('split and truncate go together', async () => {
    const { pieces, end } = await arrive([{ kind: 'split', size: 10 }, { kind: 'truncate', at: { bytes: 25 } }]);
    expect(pieces.map((piece) => piece.length)).toEqual([10, 10, 5]);
    expect(end).toBe('ended');
  });

  test('slow takes its time', async () => {
    await withSimulator({ reply, faults: [{ kind: 'slow', perEvent: 10 }] }, async (simulator) => {
      await receive(simulator);
      await simulator.until(({ openRequests }) => openRequests === 0);
      const { receivedAt, finishedAt } = simulator.requests[0]!;
      // Six gaps between seven events. A timer may fire a little early by this clock, never late enough to matter.
      expect(finishedAt! - receivedAt).toBeGreaterThan(50);

      simulator.setFaults([{ kind: 'slow', perByte: 0.05 }]);
      expect((await receive(simulator)).text).toBe(intact.text);
      await simulator.until(({ openRequests }) => openRequests === 0);
      const record = simulator.requests[1]!;
      expect(record.finishedAt! - record.receivedAt).toBeGreaterThan(record.bytesWritten * 0.05 * 0.8);
    });
  });

  test('late-end keeps the response open behind [DONE]', async () => {
    const { text } = await arrive({ kind: 'late-end', for: 20, junk: 'data: late\n\n' });
    expect(text).toBe(`${intact.text}data: late\n\n`);
    await withSimulator({ reply, faults: { kind: 'late-end' } }, async (simulator) => {
      const response = await open(simulator).response;
      let received = '';
      for await (const piece of response) {
        received += String(piece);
        if (received.endsWith('[DONE]\n\n')) break;
      }
      expect(received).toBe(intact.text);
      expect(simulator.requests[0]).toMatchObject({ outcome: 'open', eventsWritten: eventCount });
    });
  });
});

describe('the way events are written', () => {
  test.each([
    ['crlf', /\r\n\r\n/],
    ['cr', /\r\r/],
    ['mixed', /\r\n\n.*\r\r\n.*\n\r/],
  ] as const)('line-ends %s', async (ends, pattern) => {
    const { text } = await arrive({ kind: 'line-ends', ends });
    expect(text).toMatch(pattern);
    expect(text.replaceAll(/\r\n|\r/g, '\n')).toBe(intact.text);
  });

  test('byte-order-mark stands once, at the start', async () => {
    const { pieces, text } = await arrive({ kind: 'byte-order-mark' });
    expect([...Buffer.concat(pieces).subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    expect(text.slice(1)).toBe(intact.text);
  });

  test('comments stand before events', async () => {
    const { text } = await arrive({ kind: 'comments', text: 'keep-alive', every: 2 });
    expect(text.match(/: keep-alive\n\n/g)).toHaveLength(4);
    expect(eventData(text)).toEqual(eventData(intact.text));
  });

  test('fields name, number and spread an event', async () => {
    const { text } = await arrive({ kind: 'fields', event: 'chunk', id: true, retry: 250, multiLineData: true });
    const events: { event?: string | undefined; id?: string | undefined; data: string }[] = [];
    const retries: number[] = [];
    const parser = createParser({
      onEvent: (event) => events.push(event),
      onRetry: (retry) => retries.push(retry),
    });
    parser.feed(text);
    expect(events.map(({ id }) => id)).toEqual(['0', '1', '2', '3', '4', '5', '6']);
    expect(events.every(({ event }) => event === 'chunk')).toBe(true);
    expect(retries).toEqual(Array(eventCount).fill(250));
    expect(events[0]?.data).toContain('\n');
    expect(JSON.parse(events[0]!.data)).toEqual(chunksOf(intact.text)[0]);
  });
});

describe('odd events', () => {
  test('duplicate sends one twice, or all', async () => {
    const original = eventData(intact.text);
    expect(eventData((await arrive({ kind: 'duplicate', at: 2 })).text)).toEqual(original.toSpliced(2, 0, original[2]!));
    const series = original.slice(0, -1);
    expect(eventData((await arrive({ kind: 'duplicate', at: 'all' })).text)).toEqual([...series, ...series, '[DONE]']);
  });

  test('large makes an event exactly so large', async () => {
    const { text } = await arrive({ kind: 'large', bytes: 1_000_000, at: 2 });
    const event = text.split('\n\n')[2]!;
    expect(Buffer.byteLength(event) + 2).toBe(1_000_000);
    expect(JSON.parse(event.slice('data: '.length))).toMatchObject({ choices: [{ finish_reason: null }] });
  });

  test('extra adds what no client knows', async () => {
    const fields = chunksOf((await arrive({ kind: 'extra' })).text);
    expect(fields[1]).toMatchObject({ p: expect.any(String) as string, choices: [{ logprobs: null }] });
    expect(textOf(fields)).toBe(said);
    expect(chunksOf((await arrive({ kind: 'extra', what: 'finish-reason' })).text).at(-1)?.choices[0]?.finish_reason).toBe('content_filter');
    expect(chunksOf((await arrive({ kind: 'extra', what: 'content-type' })).text)[1]?.choices[0]?.delta.content).toMatchObject([{ type: 'hologram' }]);
    expect(chunksOf((await arrive({ kind: 'extra', what: 'proto-type' })).text)[1]?.choices[0]?.delta.content).toMatchObject([{ type: '__proto__' }]);
    expect(chunksOf((await arrive({ kind: 'extra', what: 'odd-field' })).text)[0]?.created).toBe('just now');
    expect((await arrive({ kind: 'extra', what: 'proto-key' })).text).toContain('"__proto__":{"polluted":true}');
  });

  test('deprecated adds its header', async () => {
    await withSimulator({ faults: { kind: 'deprecated', timestamp: '2027-01-01T00:00:00Z' } }, async (simulator) => {
      const response = await postTo(simulator, { ...hello, stream: true });
      expect(response.headers.get('x-model-deprecation-timestamp')).toBe('2027-01-01T00:00:00Z');
      await response.text();
    });
  });
});

describe('status', () => {
  test.each<[Extract<Fault, { kind: 'status' }>, string, object | string]>([
    [{ kind: 'status', status: 500 }, 'application/json', { object: 'error', type: 'internal_server_error', param: null }],
    [{ kind: 'status', status: 429, headers: { 'Retry-After': '7' } }, 'application/json', { object: 'error', type: 'rate_limited', code: '1300', param: null }],
    [{ kind: 'status', status: 503 }, 'application/json', { message: 'Service tier capacity exceeded for this model.' }],
    [{ kind: 'status', status: 422 }, 'application/json', { detail: [{ type: 'missing', loc: ['body', 'messages'] }] }],
    [{ kind: 'status', status: 422, body: 'error-detail' }, 'application/json', { object: 'error', message: { detail: [{ type: 'missing' }] } }],
    [{ kind: 'status', status: 401 }, 'application/json', { message: 'Unauthorized', request_id: expect.any(String) as string }],
    [{ kind: 'status', status: 502, body: 'html' }, 'text/html', '<h1>502 Bad Gateway</h1>'],
    [{ kind: 'status', status: 200, body: 'html' }, 'text/html', '<h1>200 OK</h1>'],
    [{ kind: 'status', status: 200, body: 'error' }, 'application/json', { object: 'error' }],
    [{ kind: 'status', status: 418, body: { json: { own: true } } }, 'application/json', { own: true }],
    [{ kind: 'status', status: 418, body: { text: 'short and stout' } }, 'text/plain', 'short and stout'],
  ])('%j', async (fault, contentType, body) => {
    await withSimulator({ faults: fault }, async (simulator) => {
      const response = await postTo(simulator, { ...hello, stream: true });
      const text = await response.text();
      expect(response.status).toBe(fault.status);
      expect(response.headers.get('content-type')).toContain(contentType);
      expect(response.headers.get('retry-after')).toBe(fault.headers?.['Retry-After'] ?? null);
      if (typeof body === 'string') expect(text).toContain(body);
      else expect(JSON.parse(text)).toMatchObject(body);
    });
  });

  test('204 and a redirect have no body', async () => {
    await withSimulator({ faults: { kind: 'status', status: 204 } }, async (simulator) => {
      const response = await postTo(simulator, hello);
      expect([response.status, await response.text()]).toEqual([204, '']);
      for (const status of [301, 302, 307, 308]) {
        simulator.setFaults({ kind: 'status', status, location: 'http://127.0.0.1:1/elsewhere' });
        const redirect = await postTo(simulator, hello, { redirect: 'manual' });
        expect([redirect.status, redirect.headers.get('location'), await redirect.text()]).toEqual([status, 'http://127.0.0.1:1/elsewhere', '']);
      }
    });
  });

  test('whose body hangs stays open', async () => {
    await withSimulator({ faults: { kind: 'status', status: 500, hang: true } }, async (simulator) => {
      const response = await postTo(simulator, hello);
      const reader = response.body!.getReader();
      expect((await reader.read()).done).toBe(false);
      expect(simulator.requests[0]).toMatchObject({ outcome: 'open', status: 500 });
      await reader.cancel();
      await simulator.until(({ requests: [record] }) => record?.outcome === 'client-closed');
    });
  });
});

describe('a fault strikes', () => {
  async function statuses(faults: FaultScript, count: number, seed = 1): Promise<readonly number[]> {
    return withSimulator({ faults, seed }, async (simulator) => {
      const seen: number[] = [];
      for (let i = 0; i < count; i += 1) {
        const response = await postTo(simulator, hello);
        await response.text();
        seen.push(response.status);
      }
      return seen;
    });
  }
  const failing = { kind: 'status', status: 500 } as const;

  test('on the requests it names, by number or predicate, and so many times', async () => {
    expect(await statuses({ ...failing, on: 1 }, 3)).toEqual([200, 500, 200]);
    expect(await statuses({ ...failing, on: [0, 2] }, 3)).toEqual([500, 200, 500]);
    expect(await statuses({ ...failing, on: (request, n) => n === request.index && request.attempt === 2 }, 3)).toEqual([200, 500, 200]);
    expect(await statuses({ ...failing, times: 2 }, 3)).toEqual([500, 500, 200]);
    expect(await statuses((_request, n) => (n === 2 ? [failing] : undefined), 3)).toEqual([200, 200, 500]);
    expect(await statuses([{ fault: [failing, { kind: 'deprecated' }], on: 0 }], 2)).toEqual([500, 200]);
  });

  test('with a probability, drawn from the seed and the request\'s number', async () => {
    const seen = await statuses([{ fault: failing, probability: 0.5 }], 40);
    expect(seen.filter((status) => status === 500).length).toBeGreaterThan(8);
    expect(seen.filter((status) => status === 200).length).toBeGreaterThan(8);
    expect(await statuses([{ ...failing, probability: 0.5 }], 40)).toEqual(seen);
    expect(await statuses([{ ...failing, probability: 0.5 }], 40, 2)).not.toEqual(seen);
  });

  test('from the moment it is set until it is taken back', async () => {
    await withSimulator({}, async (simulator) => {
      await streamChunks(simulator);
      simulator.setFaults({ ...failing, on: 0 });
      expect((await postTo(simulator, hello)).status).toBe(500);
      expect((await postTo(simulator, hello)).status).toBe(200);
      simulator.setFaults(failing);
      expect((await postTo(simulator, hello)).status).toBe(500);
      simulator.setFaults();
      expect((await postTo(simulator, hello)).status).toBe(200);
      expect(simulator.requests.map((request) => request.faults)).toEqual([[], ['status'], [], ['status'], []]);
    });
  });

  test('by a predicate that throws as a 500 that says why', async () => {
    const on = (): boolean => {
      throw new Error('badly put');
    };
    await withSimulator({ faults: { ...failing, on } }, async (simulator) => {
      expect(await (await postTo(simulator, hello)).text()).toContain('badly put');
    });
  });
});

describe('a fault is checked when it is given', () => {
  test.each<[unknown, string]>([
    [{ kind: 'explode' }, 'Expected `faults[0].kind` to be one of truncate, '],
    [{}, 'Expected `faults[0]` to be a fault, got undefined'],
    ['explode', 'Expected `faults[0]` to be an object'],
    [{ kind: 'status' }, 'Expected `faults[0].status` to be given, got undefined'],
    [{ kind: 'status', status: 99 }, 'Expected `faults[0].status` to be an integer from 200 to 599, got 99'],
    [{ kind: 'stall', for: -1 }, 'Expected `faults[0].for` to be a number >= 0, got -1'],
    [{ kind: 'reset', at: { events: 1.5 } }, 'Expected `faults[0].at.events` to be an integer >= 0, got 1.5'],
    [{ kind: 'reset', at: 3 }, "Expected `faults[0].at` to be 'before-headers', 'after-headers' or { events?, bytes? }, got 3"],
    [{ kind: 'truncate', at: 'before-headers' }, 'Expected `faults[0].at` to be'],
    [[{ kind: 'coalesce' }, { kind: 'split', size: 0 }], 'Expected `faults[1].size` to be an integer >= 1, got 0'],
    [{ kind: 'reset', probability: 2 }, 'Expected `faults[0].probability` to be a number from 0 to 1, got 2'],
  ])('%j is refused', async (faults, message) => {
    await expect(startSimulator({ faults: faults as FaultScript })).rejects.toThrow(message);
    await expect(startSimulator({ faults: faults as FaultScript })).rejects.toBeInstanceOf(TypeError);
  });
});

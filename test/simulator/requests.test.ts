import http from 'node:http';

import { describe, expect, test } from 'vitest';

import { startSimulator, type SimulatorOptions } from '../../src/simulator/index.js';
import { hello, postTo, receive, streamChunks, withSimulator } from './rawClient.js';
import { stopClock } from './stopClock.js';

describe('a request is refused', () => {
  test('without a key, or with another than the one asked for, in the gateway\'s shape', async () => {
    await withSimulator({ apiKey: 'right' }, async (simulator) => {
      for (const authorization of [undefined, 'Bearer wrong', 'right']) {
        const response = await postTo(simulator, hello, { headers: { 'content-type': 'application/json', ...(authorization && { authorization }) } });
        expect(response.status).toBe(401);
        expect(await response.json()).toEqual({ message: 'Unauthorized', request_id: response.headers.get('mistral-correlation-id') });
      }
      expect((await postTo(simulator, hello, { headers: { authorization: 'Bearer right' } })).status).toBe(200);
    });
    await withSimulator({}, async (simulator) => {
      expect((await postTo(simulator, hello, { headers: {} })).status).toBe(401);
    });
  });

  test('for an unknown path with a 404, for a wrong method with a 405', async () => {
    await withSimulator({}, async (simulator) => {
      const unknown = await fetch(`${simulator.url}/v1/nothing`);
      expect([unknown.status, Object.keys((await unknown.json()) as object)]).toEqual([404, ['message', 'request_id']]);
      const wrong = await fetch(`${simulator.url}/v1/chat/completions`, { headers: { authorization: 'Bearer any' } });
      expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
      const model = await fetch(`${simulator.url}/v1/models/none`, { headers: { authorization: 'Bearer any' } });
      expect([model.status, await model.json()]).toMatchObject([404, { type: 'invalid_model' }]);
    });
  });

  test('with a 400 where its body is not JSON', async () => {
    await withSimulator({}, async (simulator) => {
      const response = await postTo(simulator, '{"model":');
      expect([response.status, await response.json()]).toMatchObject([400, { object: 'error', type: 'invalid_request_body' }]);
    });
  });

  test.each<[string, object, readonly (string | number)[], string]>([
    ['no messages', { model: 'm' }, ['body', 'messages'], 'missing'],
    ['no model', { messages: hello.messages }, ['body', 'model'], 'missing'],
    ['a model of null', { ...hello, model: null }, ['body', 'model'], 'string_type'],
    ['messages that are no list', { ...hello, messages: 'Hello' }, ['body', 'messages'], 'list_type'],
    ['an empty list', { ...hello, messages: [] }, ['body', 'messages'], 'too_short'],
    ['a message of null', { ...hello, messages: [null] }, ['body', 'messages', 0], 'dict_type'],
    ['no role', { ...hello, messages: [{ content: 'Hello' }] }, ['body', 'messages', 0, 'role'], 'missing'],
    ['an unknown role', { ...hello, messages: [{ role: 'poet', content: '' }] }, ['body', 'messages', 0, 'role'], 'literal_error'],
    ['content that is a number', { ...hello, messages: [{ role: 'user', content: 1 }] }, ['body', 'messages', 0, 'user', 'content'], 'string_type'],
    ['max_tokens as text', { ...hello, max_tokens: '5' }, ['body', 'max_tokens'], 'int_type'],
    ['a temperature of 9', { ...hello, temperature: 9 }, ['body', 'temperature'], 'less_than_equal'],
    ['n of 0', { ...hello, n: 0 }, ['body', 'n'], 'greater_than_equal'],
    ['stream_options', { ...hello, stream_options: { include_usage: true } }, ['body', 'stream_options'], 'extra_forbidden'],
    ['a list for a body', [], ['body'], 'dict_type'],
  ])('with a 422 for %s', async (_what, body, loc, type) => {
    await withSimulator({}, async (simulator) => {
      const response = await postTo(simulator, body);
      expect(response.status).toBe(422);
      expect(await response.json()).toEqual({ detail: [expect.objectContaining({ loc, type, msg: expect.any(String) as string })] });
    });
    await withSimulator({ validationErrors: 'error-detail' }, async (simulator) => {
      const response = await postTo(simulator, body);
      expect(await response.json()).toMatchObject({ object: 'error', message: { detail: [{ loc, type }] }, type: 'invalid_request_error', param: null });
    });
  });

  test.each([
    ['an assistant at the end', [...hello.messages, { role: 'assistant', content: 'Hi' }]],
    ['a user right after a tool', [...hello.messages, { role: 'tool', content: '1' }, { role: 'user', content: 'So?' }]],
  ])('with a 400 for %s', async (_what, messages) => {
    await withSimulator({}, async (simulator) => {
      const response = await postTo(simulator, { ...hello, messages });
      expect([response.status, await response.json()]).toMatchObject([400, { object: 'error', type: 'invalid_request_message_order' }]);
    });
  });

  test('with a 413 where it is too large, before all of it was sent', async () => {
    await withSimulator({ maxBodyBytes: 1_000 }, async (simulator) => {
      const status = await new Promise((resolve, reject) => {
        const request = http.request(`${simulator.url}/v1/chat/completions`, { method: 'POST', agent: false, headers: { 'content-length': '1000000' } }, (response) => {
          resolve(response.statusCode);
          request.destroy();
        });
        request.on('error', reject);
        request.write('x'.repeat(2_000));
      });
      expect(status).toBe(413);
      expect((await postTo(simulator, hello)).status).toBe(200);
    });
  });
});

describe('the record of a request', () => {
  test('holds what came and how it went', async () => {
    await withSimulator({}, async (simulator) => {
      const before = performance.now();
      await postTo(simulator, hello, { headers: { authorization: 'Bearer any', 'X-Own': 'value' } }).then((response) => response.text());
      await fetch(`${simulator.url}/v1/models?page=2`, { headers: { authorization: 'Bearer any' } }).then((response) => response.text());
      await simulator.until(({ openRequests }) => openRequests === 0);
      const [post, get] = simulator.requests;
      expect(post).toMatchObject({ index: 0, method: 'POST', path: '/v1/chat/completions', query: '', body: hello, attempt: 1, status: 200 });
      expect(post).toMatchObject({ outcome: 'completed', eventsWritten: 0, closedByClientAt: undefined, headers: { 'x-own': 'value', authorization: 'Bearer any' } });
      expect(post!.bodyBytes).toBe(JSON.stringify(hello).length);
      expect(post!.bytesWritten).toBeGreaterThan(100);
      expect(post!.receivedAt).toBeGreaterThan(before);
      expect(post!.finishedAt).toBeGreaterThanOrEqual(post!.receivedAt);
      expect(get).toMatchObject({ index: 1, method: 'GET', path: '/v1/models', query: '?page=2', body: undefined, bodyBytes: 0 });
    });
  });

  test('counts attempts with the same body', async () => {
    await withSimulator({}, async (simulator) => {
      for (const body of [hello, { ...hello, n: 2 }, hello, hello]) await postTo(simulator, body);
      expect(simulator.requests.map(({ attempt }) => attempt)).toEqual([1, 1, 2, 3]);
    });
  });

  test('is kept within a bound, while indices and the count go on', async () => {
    await withSimulator({ maxRecordedRequests: 2 }, async (simulator) => {
      for (let i = 0; i < 4; i += 1) await receive(simulator);
      expect(simulator.requests.map(({ index }) => index)).toEqual([2, 3]);
      expect(simulator.requestCount).toBe(4);
      simulator.forgetRequests();
      await receive(simulator);
      expect(simulator.requests.map(({ index }) => index)).toEqual([4]);
    });
  });
});

describe('rate limits', () => {
  const limited = (response: Response): readonly (string | null)[] =>
    ['x-ratelimit-limit-req-minute', 'x-ratelimit-remaining-req-minute'].map((name) => response.headers.get(name));

  test('are announced, and their excess is a 429 that says when to come back', async () => {
    await withSimulator({ rateLimit: { requests: { limit: 2, interval: 30_000 } } }, async (simulator) => {
      expect(limited(await postTo(simulator, hello))).toEqual(['2', '1']);
      expect(limited(await postTo(simulator, hello))).toEqual(['2', '0']);
      const response = await postTo(simulator, hello);
      expect(response.status).toBe(429);
      expect(limited(response)).toEqual(['2', '0']);
      const seconds = Number(response.headers.get('retry-after'));
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(30);
      expect(await response.json()).toEqual({ object: 'error', message: 'Rate limit exceeded', type: 'rate_limited', param: null, code: '1300' });
    });
  });

  test.each([
    ['http-date', 'retry-after', (value: string) => Date.parse(value) - Date.now()],
    ['retry-after-ms', 'retry-after-ms', Number],
  ] as const)('name the time as %s', async (retryAfter, header, delayOf) => {
    await withSimulator({ rateLimit: { requests: { limit: 1, interval: 60_000 }, retryAfter } }, async (simulator) => {
      await postTo(simulator, hello);
      const delay = delayOf((await postTo(simulator, hello)).headers.get(header)!);
      expect(delay).toBeGreaterThan(30_000);
      expect(delay).toBeLessThan(62_000);
    });
  });

  test('end with their window', async () => {
    await withSimulator({ rateLimit: { requests: { limit: 1, interval: 300 }, retryAfter: 'retry-after-ms' } }, async (simulator) => {
      const clock = stopClock();
      await postTo(simulator, hello);
      clock.advance(100);
      const refused = await postTo(simulator, hello);
      expect([refused.status, refused.headers.get('retry-after-ms')]).toEqual([429, '200']);
      clock.advance(200);
      expect((await postTo(simulator, hello)).status).toBe(200);
    });
  });

  test('of tokens count prompt and answer', async () => {
    await withSimulator({ rateLimit: { tokens: { limit: 100 } }, reply: 'one two three' }, async (simulator) => {
      const response = await postTo(simulator, hello);
      const { usage } = (await response.json()) as { usage: { total_tokens: number } };
      expect(response.headers.get('x-ratelimit-tokens-query-cost')).toBe(String(usage.total_tokens));
      expect(response.headers.get('x-ratelimit-remaining-tokens-minute')).toBe(String(100 - usage.total_tokens));
      expect(response.headers.get('x-ratelimit-limit-tokens-minute')).toBe('100');
      const statuses = new Set<number>();
      for (let i = 0; i < 20; i += 1) statuses.add((await postTo(simulator, hello)).status);
      expect(statuses).toEqual(new Set([200, 429]));
    });
  });

  test('of zero are final: nothing says when to come back', async () => {
    await withSimulator({ rateLimit: { requests: { limit: 0 } } }, async (simulator) => {
      const response = await postTo(simulator, hello);
      expect([response.status, ...limited(response), response.headers.get('retry-after')]).toEqual([429, '0', '0', null]);
    });
  });

  test('do not count what is refused anyway, nor the list of models', async () => {
    await withSimulator({ rateLimit: { requests: { limit: 1 } } }, async (simulator) => {
      await postTo(simulator, {});
      await fetch(`${simulator.url}/v1/models`, { headers: { authorization: 'Bearer any' } });
      expect((await streamChunks(simulator)).length).toBeGreaterThan(0);
    });
  });
});

describe('an option is checked when it is given', () => {
  test.each<[object, string]>([
    [{ latency: -1 }, 'Expected `latency` to be a number >= 0, got -1'],
    [{ latency: 1e12 }, 'Expected `latency` to be a number <= 2147483647, got 1000000000000'],
    [{ port: 70_000 }, 'Expected `port` to be an integer from 0 to 65535, got 70000'],
    [{ tokensPerSecond: 0 }, 'Expected `tokensPerSecond` to be a number > 0, got 0'],
    [{ tokensPerSecond: 5, chunkDelay: 5 }, 'Expected `tokensPerSecond` to be left out where `chunkDelay` is given, got 5'],
    [{ writes: 'never' }, "Expected `writes` to be one of 'burst', 'one-per-event', 'coalesced', got 'never'"],
    [{ apiKey: '' }, "Expected `apiKey` to be a string that is not empty, got ''"],
    [{ seed: NaN }, 'Expected `seed` to be a number'],
    [{ reply: 5 }, 'Expected `reply` to be an object, got 5'],
    [{ rateLimit: { requests: { limit: -1 } } }, 'Expected `rateLimit.requests.limit` to be an integer >= 0, got -1'],
    [{ rateLimit: { tokens: {} } }, 'Expected `rateLimit.tokens.limit` to be given, got undefined'],
    [{ toolCallStyle: { parallel: 0 } }, 'Expected `toolCallStyle.parallel` to be an integer from 1 to 128, got 0'],
    [{ answerTokens: 0 }, 'Expected `answerTokens` to be an integer from 1 to 1000000, got 0'],
    [{ maxRecordedRequests: 1.5 }, 'Expected `maxRecordedRequests` to be an integer >= 0, got 1.5'],
  ])('%j is refused', async (options, message) => {
    await expect(startSimulator(options as SimulatorOptions)).rejects.toThrow(TypeError);
    await expect(startSimulator(options as SimulatorOptions)).rejects.toThrow(message);
  });

  test('and undefined is as good as leaving it out', async () => {
    await withSimulator({ port: undefined, host: undefined, seed: undefined, reply: undefined, faults: undefined, rateLimit: undefined }, async (simulator) => {
      expect(simulator.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      expect((await streamChunks(simulator)).length).toBeGreaterThan(2);
    });
  });

  test('a taken port is the error of listen', async () => {
    await withSimulator({}, async (simulator) => {
      await expect(startSimulator({ port: simulator.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    });
  });
});

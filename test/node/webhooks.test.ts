import { randomBytes } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { asyncScheduler, concat, EMPTY, lastValueFrom, NEVER, of, tap, throwError, toArray, VirtualTimeScheduler } from 'rxjs';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import { constantBackoff } from '../../src/index.js';
import { postWebhook, type PostWebhookOptions, verifyWebhook, type WebhookEvent } from '../../src/node/index.js';
import { collectGarbage, eventually } from '../wire/fixtures/cancellationFixtures.js';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const other = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Receiver {
  readonly url: string;
  readonly received: Received[];
  readonly open: () => number;
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function receiver(answer: (response: ServerResponse, attempt: number) => void = (response) => response.writeHead(204).end()): Promise<Receiver> {
  const received: Received[] = [];
  let open = 0;
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(pieces) });
      answer(response, received.length);
    });
  });
  server.on('connection', (socket) => {
    open += 1;
    socket.on('close', () => (open -= 1));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received, open: () => open };
}

const here = { http: true, addresses: ['127.0.0.1'] };
const quick = { maxRetries: 5, backoff: constantBackoff(1) };

function post<T>(value: T, options: Omit<PostWebhookOptions<T>, 'secret'> & Partial<Pick<PostWebhookOptions<T>, 'secret'>>): Promise<WebhookEvent<T>> {
  return lastValueFrom(of(value).pipe(postWebhook({ secret, allow: here, ...options })));
}

/** Lets virtual time pass, to the millisecond. */
function pass(scheduler: VirtualTimeScheduler, milliseconds: number): void {
  scheduler.maxFrames = scheduler.frame + milliseconds;
  scheduler.flush();
}

function textHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

describe('the signature', () => {
  it('is one that the `standardwebhooks` package verifies, by each of several secrets', async () => {
    const { url, received } = await receiver();
    await post({ text: 'é ☃ 👩‍🚀' }, { url, secret: [secret, other] });
    const [{ headers, body }] = received as [Received];
    for (const one of [secret, other]) {
      expect(new Webhook(one).verify(body.toString(), textHeaders(headers))).toEqual({ text: 'é ☃ 👩‍🚀' });
    }
    expect(() => new Webhook(`whsec_${Buffer.alloc(32, 9).toString('base64')}`).verify(body.toString(), textHeaders(headers))).toThrow();
  });

  it('by the `standardwebhooks` package is verified', async () => {
    const now = Date.now();
    const body = JSON.stringify({ done: true });
    const headers = {
      'Webhook-Id': 'msg_1',
      'webhook-timestamp': String(Math.floor(now / 1_000)),
      'WEBHOOK-SIGNATURE': new Webhook(secret).sign('msg_1', new Date(now), body),
    };
    for (const request of [
      { headers, body },
      { headers, body: Buffer.from(body) },
      new Request('https://here.example/hook', { method: 'POST', headers, body }),
    ]) {
      const webhook = await verifyWebhook(request, [other, secret]);
      expect([webhook.id, webhook.timestamp, webhook.json()]).toEqual(['msg_1', Math.floor(now / 1_000) * 1_000, { done: true }]);
    }
  });

  it('of what was posted is verified with the bytes of the secret too', async () => {
    const bytes = randomBytes(24);
    const { url, received } = await receiver();
    await post('text', { url, secret: bytes, id: () => 'msg_7' });
    const [{ headers, body }] = received as [Received];
    expect(await verifyWebhook({ headers, body }, bytes)).toMatchObject({ id: 'msg_7', body });
  });

  const at = Date.UTC(2026, 10, 28);
  const seconds = String(at / 1_000);
  const signed = new Webhook(secret).sign('msg_1', new Date(at), '{}');
  const right = { 'webhook-id': 'msg_1', 'webhook-timestamp': seconds, 'webhook-signature': signed };

  it.each<[string, string, Record<string, string | string[] | undefined>, string, number]>([
    ['without an id', 'webhook-headers', { ...right, 'webhook-id': undefined }, '{}', at],
    ['with two ids', 'webhook-headers', { ...right, 'webhook-id': ['msg_1', 'msg_2'] }, '{}', at],
    ['without a time', 'webhook-headers', { ...right, 'webhook-timestamp': undefined }, '{}', at],
    ['with a time that is none', 'webhook-headers', { ...right, 'webhook-timestamp': '1e9' }, '{}', at],
    ['without a signature', 'webhook-headers', { ...right, 'webhook-signature': '' }, '{}', at],
    ['too old', 'webhook-timestamp', right, '{}', at + 300_001],
    ['too new', 'webhook-timestamp', right, '{}', at - 300_001],
    ['with another body', 'webhook-signature', right, '{ }', at],
    ['with another id', 'webhook-signature', { ...right, 'webhook-id': 'msg_2' }, '{}', at],
    ['with another time', 'webhook-signature', { ...right, 'webhook-timestamp': String(at / 1_000 + 1) }, '{}', at],
    ['with a signature of another version', 'webhook-signature', { ...right, 'webhook-signature': signed.replace('v1,', 'v2,') }, '{}', at],
    ['with a cut signature', 'webhook-signature', { ...right, 'webhook-signature': signed.slice(0, -4) }, '{}', at],
  ])('%s is refused as %s', async (_what, code, headers, body, now) => {
    await expect(verifyWebhook({ headers, body }, secret, { now: () => now })).rejects.toMatchObject({ kind: 'validation', code });
  });

  it.each([at + 300_000, at - 300_000])('is good for five minutes, either way', async (now) => {
    await expect(verifyWebhook({ headers: right, body: '{}' }, secret, { now: () => now })).resolves.toMatchObject({ id: 'msg_1' });
  });

  it('is found among others', async () => {
    const headers = { ...right, 'webhook-signature': `v1a,zzzz v1,AAAA ${signed} v9` };
    await expect(verifyWebhook({ headers, body: '{}' }, secret, { now: () => at })).resolves.toMatchObject({ id: 'msg_1' });
  });

  it('of a body that never ends is not waited for', async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        controller.enqueue(new Uint8Array(1_000));
      },
      cancel: () => {
        cancelled = true;
      },
    });
    const request = new Request('https://here.example/', { method: 'POST', headers: right, body, duplex: 'half' } as RequestInit);
    await expect(verifyWebhook(request, secret, { now: () => at, maxBodyBytes: 4_096 })).rejects.toMatchObject({ kind: 'limit' });
    expect(cancelled).toBe(true);
  });

  it.each([
    ['tolerance', { tolerance: '300000' as never }],
    ['maxBodyBytes', { maxBodyBytes: NaN }],
    ['now', { now: 5 as never }],
  ])('names an option that is malformed: %s', async (name, options) => {
    const outcome = verifyWebhook({ headers: right, body: '{}' }, secret, options);
    await expect(outcome).rejects.toThrow(TypeError);
    await expect(outcome).rejects.toThrow(`Expected \`${name}\` to be`);
  });

  it('by a clock that tells no time is refused', async () => {
    await expect(verifyWebhook({ headers: right, body: '{}' }, secret, { now: () => NaN })).rejects.toMatchObject({ code: 'webhook-timestamp' });
  });

  it('of a body that was parsed already is a clear error', async () => {
    const parsed = { headers: right, body: { done: true } as unknown as string };
    await expect(verifyWebhook(parsed, secret, { now: () => at })).rejects.toThrow(/Expected `body` to be the raw body/);
  });
});

describe('a receiver', () => {
  it('that fails five times gets the same id and body six times, each with a time and signature of its own', async () => {
    const { url, received } = await receiver((response, attempt) => response.writeHead(attempt <= 5 ? 500 : 200).end());
    const retries: number[] = [];
    const event = await post({ a: 1 }, { url, retry: { ...quick, onRetry: ({ attempt }) => retries.push(attempt) } });
    expect(event).toMatchObject({ type: 'webhook-delivered', input: { a: 1 }, status: 200, attempts: 6 });
    expect(retries).toEqual([1, 2, 3, 4, 5]);
    expect(new Set(received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([event.id]));
    for (const { headers, body } of received) expect(new Webhook(secret).verify(body.toString(), textHeaders(headers))).toEqual({ a: 1 });
  });

  it('that goes on failing makes a dead letter, and the next value is posted', async () => {
    const { url } = await receiver((response, attempt) => response.writeHead(attempt <= 3 ? 503 : 200).end());
    const events = await lastValueFrom(
      of('a', 'b').pipe(postWebhook({ url, secret, allow: here, concurrency: 1, retry: { ...quick, maxRetries: 2 }, id: (value) => `msg_${value}` }), toArray()),
    );
    expect(events).toMatchObject([
      { type: 'webhook-failed', id: 'msg_a', input: 'a', attempts: 3, error: { kind: 'http', status: 503 } },
      { type: 'webhook-delivered', id: 'msg_b', input: 'b', attempts: 1 },
    ]);
  });

  it.each([[410], [301], [302], [307], [308]])('that answers %i is asked once, and its redirect is not followed', async (status) => {
    const elsewhere = await receiver();
    const { url, received } = await receiver((response) => response.writeHead(status, { location: elsewhere.url }).end());
    expect(await post('a', { url, retry: quick })).toMatchObject({ type: 'webhook-failed', attempts: 1, error: { kind: 'http', status, retryable: false } });
    expect([received.length, elsewhere.received.length]).toEqual([1, 0]);
  });

  it('that answers slowly is given up at the timeout, its socket closed, and asked again', async () => {
    const { url, received, open } = await receiver((response, attempt) => {
      if (attempt > 1) response.writeHead(200).end();
    });
    const scheduler = new VirtualTimeScheduler();
    const event = post('a', { url, timeout: 60, retry: quick, scheduler });
    await eventually(() => received.length === 1, 'it is asked');
    pass(scheduler, 61);
    expect(await event).toMatchObject({ type: 'webhook-delivered', attempts: 2 });
    expect(received).toHaveLength(2);
    await eventually(() => open() === 0, 'all sockets are closed');
  });

  it('that answers slowly, and in time, is waited for, and asked once', async () => {
    const { url, received } = await receiver((response) => setTimeout(() => response.writeHead(200).end(), 300));
    expect(await post('a', { url, timeout: 30_000, retry: quick })).toMatchObject({ type: 'webhook-delivered', attempts: 1 });
    expect(received).toHaveLength(1);
  });

  it('that sends its head slowly, a piece at a time, has no more time for that', async () => {
    let pieces = 0;
    const { url, open } = await receiver((response, attempt) => {
      if (attempt > 1) {
        response.writeHead(200).end();
        return;
      }
      const { socket } = response;
      socket?.write('HTTP/1.1 200 OK\r\n');
      const trickle = setInterval(() => {
        socket?.write('x-a: b\r\n');
        pieces += 1;
      }, 10);
      socket?.on('close', () => { clearInterval(trickle); });
    });
    const scheduler = new VirtualTimeScheduler();
    const event = post('a', { url, timeout: 150, retry: quick, scheduler });
    await eventually(() => pieces > 2, 'a part of the head is sent');
    pass(scheduler, 151);
    expect(await event).toMatchObject({ type: 'webhook-delivered', attempts: 2 });
    await eventually(() => open() === 0, 'all sockets are closed');
  });

  it('that asks for time is given it, but no more than an hour', async () => {
    const { url } = await receiver((response, attempt) => response.writeHead(429, { 'retry-after': attempt === 1 ? '1' : '3601' }).end());
    const delays: number[] = [];
    const event = await post('a', { url, retry: { ...quick, maxRetryAfter: 3_600_000, onRetry: ({ delayMs }) => delays.push(delayMs) } });
    expect(event).toMatchObject({ type: 'webhook-failed', attempts: 2, error: { status: 429, retryAfterMs: 3_601_000 } });
    expect(delays[0]).toBeGreaterThanOrEqual(1_000);
  });

  it('whose answer has a body without an end is not read', async () => {
    const { url, open } = await receiver((response) => {
      response.writeHead(200);
      response.write('…');
    });
    expect(await post('a', { url, retry: false })).toMatchObject({ type: 'webhook-delivered' });
    await eventually(() => open() === 0, 'the socket is closed');
  });

  it('that resets is asked again', async () => {
    const { url } = await receiver((response, attempt) => {
      if (attempt === 1) response.socket?.resetAndDestroy();
      else response.writeHead(200).end();
    });
    expect(await post('a', { url, retry: quick })).toMatchObject({ type: 'webhook-delivered', attempts: 2 });
  });

  it('is let go of when nobody listens any more, after a collection too', async () => {
    const { url, open, received } = await receiver(() => undefined);
    const subscription = concat(of(1, 2, 3), NEVER).pipe(postWebhook({ url, secret, allow: here })).subscribe();
    await eventually(() => received.length === 3, 'all are sent');
    await collectGarbage();
    subscription.unsubscribe();
    await eventually(() => open() === 0, 'all sockets are closed');
  });
});

describe('an address that is not public', () => {
  const rejecting = (address: string): LookupFunction => (_name, options, callback) => {
    const family = address.includes(':') ? 6 : 4;
    if (options.all) callback(null, [{ address: '93.184.216.34', family: 4 }, { address, family }]);
    else callback(null, address, family);
  };

  it.each([
    ['127.0.0.1'], ['127.1'], ['2130706433'], ['0x7f.1'], ['0.0.0.0'], ['10.1.2.3'], ['172.31.0.1'], ['192.168.1.1'], ['169.254.169.254'],
    ['100.64.0.1'], ['198.18.0.1'], ['192.0.0.192'], ['224.0.0.1'], ['255.255.255.255'], ['[::]'], ['[::1]'], ['[::ffff:10.0.0.1]'],
    ['[::ffff:a9fe:a9fe]'], ['[64:ff9b::a00:1]'], ['[2002:a00:1::]'], ['[fe80::1]'], ['[fd00:ec2::254]'], ['[ff02::1]'], ['[::7f00:1]'], ['[100:0:0:1::1]'],
  ])('%s is not posted to', async (host) => {
    expect(await post('a', { url: `https://${host}/hook`, allow: {}, retry: quick })).toMatchObject({
      type: 'webhook-failed',
      attempts: 1,
      error: { kind: 'validation', code: 'webhook-address', retryable: false },
    });
  });

  it.each([['127.0.0.1'], ['::1'], ['::ffff:10.0.0.1'], ['169.254.169.254']])('is not reached by a name that resolves to %s, among others too', async (address) => {
    const event = await post('a', { url: 'https://hook.example/', allow: {}, retry: quick, lookup: rejecting(address) });
    expect(event).toMatchObject({ type: 'webhook-failed', attempts: 1, error: { code: 'webhook-address' } });
  });

  it('is not reached by `localhost`', async () => {
    const { url, received } = await receiver();
    const event = await post('a', { url: url.replace('127.0.0.1', 'localhost'), allow: { http: true }, retry: quick });
    expect(event).toMatchObject({ type: 'webhook-failed', error: { code: 'webhook-address' } });
    expect(received).toEqual([]);
  });

  it('is not reached by a name that resolves to another one the second time', async () => {
    const { url, received, open } = await receiver((response) => response.writeHead(500).end());
    let asked = 0;
    const rebinding: LookupFunction = (_name, options, callback) => {
      asked += 1;
      const address = asked === 1 ? '127.0.0.1' : '127.0.0.2';
      if (options.all) callback(null, [{ address, family: 4 }]);
      else callback(null, address, 4);
    };
    const event = await post('a', { url: url.replace('127.0.0.1', 'hook.example'), retry: quick, lookup: rebinding });
    // The first attempt reaches what is allowed and is answered 500; the second meets the other address.
    expect(event).toMatchObject({ type: 'webhook-failed', attempts: 2, error: { code: 'webhook-address' } });
    expect(received).toHaveLength(1);
    await eventually(() => open() === 0, 'the socket is closed');
  });

  it('is reached where it is allowed, by a range too', async () => {
    const { url } = await receiver();
    expect(await post('a', { url, allow: { http: true, addresses: ['10.0.0.0/8', '127.0.0.0/8'] } })).toMatchObject({ type: 'webhook-delivered' });
  });

  it('is http only where that is allowed', async () => {
    const { url } = await receiver();
    expect(() => postWebhook({ url, secret })).toThrow(/Expected `url` to be an absolute https URL/);
    expect(await post('a', { url: () => url, allow: { addresses: ['127.0.0.1'] } })).toMatchObject({ type: 'webhook-failed', attempts: 1, error: { code: 'webhook-address' } });
  });

  it('that speaks no TLS is an error of the connection', async () => {
    const { url } = await receiver();
    expect(await post('a', { url: url.replace('http:', 'https:'), retry: false })).toMatchObject({ type: 'webhook-failed', error: { kind: 'connection', retryable: true } });
  });
});

describe('the operator', () => {
  it.each([
    ['id', 'msg_1'],
    ['payload', {}],
    ['headers', { 'not a name': 'a' }],
    ['headers', { a: 'geheim\nb' }],
    // A timer that is longer fires at once.
    ['timeout', 10_000_000_000],
    ['timeout', NaN],
    ['retry', true],
    ['allow', null],
    ['allow.http', 'yes'],
    ['lookup', null],
    ['scheduler', {}],
    ['concurrency', 0],
    ['maxQueued', NaN],
  ])('names an option that is malformed: %s', (name, value) => {
    const given = name === 'allow.http' ? { allow: { http: value } } : { [name]: value };
    const act = () => postWebhook({ url: 'https://example.com', secret, ...(given as object) });
    expect(act).toThrow(TypeError);
    expect(act).toThrow(`Expected \`${name}\` to be`);
    expect(act).not.toThrow('geheim');
  });

  it('completes with its source, and tells its error behind what was delivered', async () => {
    const { url } = await receiver();
    const operator = postWebhook<string>({ url, secret, allow: here });
    expect(await lastValueFrom(EMPTY.pipe(operator, toArray()))).toEqual([]);
    const events: WebhookEvent<string>[] = [];
    const failing = concat(of('a'), throwError(() => new Error('source')));
    const outcome = lastValueFrom(failing.pipe(operator, tap((event) => events.push(event))));
    await expect(outcome).rejects.toThrow('source');
    expect(events).toMatchObject([{ type: 'webhook-delivered', input: 'a' }]);
  });

  it('is used twice, by two subscribers each', async () => {
    const { url, received } = await receiver();
    const operator = postWebhook<number>({ url, secret, allow: here });
    const results = await Promise.all([1, 2].flatMap((value) => [of(value).pipe(operator), of(value).pipe(operator)].map((source) => lastValueFrom(source))));
    expect(results.map(({ input }) => input)).toEqual([1, 1, 2, 2]);
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(4);
  });

  it('has no more under way than it may', async () => {
    let most = 0;
    let now = 0;
    const { url } = await receiver((response, attempt) => {
      most = Math.max(most, (now += 1));
      const answer = (): void => {
        now -= 1;
        response.writeHead(200).end();
      };
      // The first are held until there are three of them.
      if (attempt > 3) asyncScheduler.schedule(answer, 5);
      else void eventually(() => most >= 3, 'three are under way').then(answer, answer);
    });
    await lastValueFrom(of(...Array.from({ length: 12 }, (_, index) => index)).pipe(postWebhook({ url, secret, allow: here, concurrency: 3, timeout: 60_000 }), toArray()));
    expect(most).toBe(3);
  });

  it.each<[string, Partial<PostWebhookOptions<unknown>>]>([
    ['a `url` that throws', { url: () => { throw new Error('no'); } }],
    ['a `url` that is none', { url: () => '/relative' }],
    ['an `id` with a dot', { id: () => 'a.b' }],
    ['an `id` that is empty', { id: () => '' }],
    ['a `payload` that cannot be written', { payload: () => 1n }],
    ['a `payload` that is nothing', { payload: () => undefined }],
  ])('makes a dead letter of %s', async (_what, options) => {
    const { url } = await receiver();
    expect(await post('a', { url, ...options })).toMatchObject({ type: 'webhook-failed', attempts: 0, input: 'a', error: { kind: 'validation' } });
  });

  it('sends the headers of the user, never over its own, and nothing else', async () => {
    const { url, received } = await receiver();
    await post('a', { url, headers: { 'x-tenant': '7', 'webhook-id': 'forged' }, id: () => 'msg_1' });
    const [{ headers }] = received as [Received];
    expect(Object.keys(headers).sort()).toEqual([
      'connection', 'content-length', 'content-type', 'host', 'webhook-id', 'webhook-signature', 'webhook-timestamp', 'x-tenant',
    ]);
    expect(headers['webhook-id']).toBe('msg_1');
  });

  it.each<[string, Partial<PostWebhookOptions<unknown>>]>([
    ['`url`', { url: 'ftp://here.example' }],
    ['`url`', { url: 'nonsense' }],
    ['`url`', { url: 5 as unknown as string }],
    ['`secret`', { secret: 'whsec_c2hvcnQ=' }],
    ['`secret`', { secret: 'whsec_!!' }],
    ['`secret`', { secret: [] }],
    ['`secret`', { secret: undefined as unknown as string }],
    ['`timeout`', { timeout: 0 }],
    ['`concurrency`', { concurrency: 0 }],
    ['`allow.addresses`', { allow: { addresses: ['10.0.0.0/33'] } }],
    ['`allow.addresses`', { allow: { addresses: ['localhost'] } }],
  ])('names %s where it is malformed, and quotes no secret', (name, options) => {
    const given = { url: 'https://hook.example/T0P-SECRET', secret, ...options };
    expect(() => postWebhook(given)).toThrow(name);
    expect(() => postWebhook(given)).not.toThrow(/T0P-SECRET|c2hvcnQ/);
  });
});

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSocketServer, type AddressInfo, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { inspect, promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { CreateBatchJobRequest } from '@mistralai/mistralai/models/components/createbatchjobrequest.js';
import { HTTPClient } from '@mistralai/mistralai/lib/http.js';
import { concat, concatMap, EMPTY, map, type Observable, of, reduce, Subject, take, tap, timer } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type FileContent, type FileDownload, type FileUploadRequest, RxMistralError, sdkTransport } from '../../src/index.js';
import { startSimulator, type Simulator, type SimulatorOptions } from '../../src/simulator/index.js';
import {
  batchJobsCancelOperation,
  batchJobsCreateOperation,
  batchJobsGetOperation,
  batchJobsListOperation,
  filesDeleteOperation,
  filesDownloadOperation,
  filesListOperation,
  filesRetrieveOperation,
  filesUploadOperation,
} from '../../src/transport/operations/index.js';
import { readDownload } from '../../src/transport/readDownload.js';
import { cancelAll, clientOf, collectGarbage, eventually, lastOf, median, settle, type Watched, watch } from './fixtures/cancellationFixtures.js';
import { failureOf, outcomeOf } from './fixtures/outcomeOf.js';

// SDK-FAULTS.md, rows 1, 10, 12, 14 and 15.

const count = 30;
const limitMs = 50;

let simulator: Simulator;

async function restart(options: SimulatorOptions = {}): Promise<void> {
  await simulator.close();
  simulator = await startSimulator(options);
}

beforeEach(async () => {
  simulator = await startSimulator();
});

afterEach(async () => {
  await simulator.close();
});

type SdkClient = Parameters<typeof sdkTransport>[0];

function upload(content: FileContent, file: Partial<FileUploadRequest['file']> = {}, client: SdkClient = clientOf(simulator), headers: Record<string, string> = {}) {
  return sdkTransport(client).call(filesUploadOperation, { purpose: 'batch', file: { fileName: 'in.jsonl', content, ...file } }, { headers });
}

function download(fileId: string, start?: number, client: SdkClient = clientOf(simulator), headers: Record<string, string> = {}): Observable<FileDownload> {
  return sdkTransport(client).call(filesDownloadOperation, { fileId, start }, { headers });
}

/** The text of a download, read piece by piece. */
function textOf(source: Observable<FileDownload>): Observable<string> {
  return source.pipe(
    concatMap((file) => readDownload(file, (piece) => [piece])),
    reduce((text, piece) => text + Buffer.from(piece).toString('latin1'), ''),
  );
}

async function stored(text: string): Promise<string> {
  return (await lastOf(upload(new TextEncoder().encode(text)))).id;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

interface Form {
  readonly purpose: string;
  readonly visibility: string;
  readonly expiry?: string;
  readonly file: { readonly filename: string; readonly contentType: string; readonly bytes: number; readonly sha256: string };
}

function formOf(request: number): Form {
  return simulator.requests[request]!.body as Form;
}

const bytes = new Uint8Array(300_000).map((_, i) => (i * 7) % 251);

async function* halves(): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, 100_000);
  await turnOfEventLoop();
  yield bytes.subarray(100_000);
}

describe('an upload', () => {
  it.each<[string, () => FileContent, boolean]>([
    ['bytes', () => bytes, true],
    ['a Blob', () => new Blob([bytes]), true],
    ['a web stream', () => new Blob([bytes]).stream(), false],
    ['a function that opens a web stream', () => () => new Blob([bytes]).stream(), false],
    ['a generator', () => halves(), false],
    ['a function that starts a generator', () => halves, false],
    ['a Node stream', () => Readable.from(halves()), false],
    ['nothing', () => new Uint8Array(), true],
  ])('of %s arrives as it is, with its length where that is known', async (what, content, isSized) => {
    const expected = what === 'nothing' ? new Uint8Array() : bytes;
    const file = await lastOf(upload(content()));
    expect(file).toMatchObject({ filename: 'in.jsonl', sizeBytes: expected.length, purpose: 'batch', sampleType: 'batch_request' });
    expect(formOf(0)).toEqual({
      purpose: 'batch',
      // What the SDK fills in.
      visibility: 'workspace',
      file: { filename: 'in.jsonl', contentType: 'application/octet-stream', bytes: expected.length, sha256: sha256(expected) },
    });
    const { headers, bodyBytes } = simulator.requests[0]!;
    expect([headers['content-length'], headers['transfer-encoding']]).toEqual(isSized ? [String(bodyBytes), undefined] : [undefined, 'chunked']);
    expect(headers['authorization']).toBe('Bearer any-key');
  });

  it('of a stream with a size announces it', async () => {
    await lastOf(upload(halves, { size: bytes.length }));
    expect(simulator.requests[0]!.headers['content-length']).toBe(String(simulator.requests[0]!.bodyBytes));
  });

  it.each([
    ['more', bytes.length - 1],
    ['fewer', bytes.length + 1],
  ])('with %s bytes than announced is refused, and nothing is stored', async (what, size) => {
    const error = await failureOf(upload(halves, { size }));
    expect(error).toMatchObject({ kind: 'validation', retryable: false, message: expect.stringMatching(what === 'more' ? /more than 299999/ : /300000 bytes, where 300001/) as string });
    await simulator.until(({ openRequests }) => openRequests === 0);
    expect((await lastOf(sdkTransport(clientOf(simulator)).call(filesListOperation, {}))).total).toBe(0);
  });

  it('sends names, types and fields as the SDK would', async () => {
    const call = sdkTransport(clientOf(simulator)).call(filesUploadOperation, {
      purpose: 'ocr',
      expiry: 7,
      visibility: 'user',
      file: { fileName: 'a "quoted"\r\nnäme.pdf', content: bytes },
    });
    await lastOf(call);
    expect(formOf(0)).toMatchObject({ purpose: 'ocr', expiry: '7', visibility: 'user', file: { filename: 'a "quoted"\r\nnäme.pdf', contentType: 'application/pdf' } });
    await lastOf(upload(bytes, { contentType: 'application/jsonl' }));
    expect(formOf(1).file.contentType).toBe('application/jsonl');
  });

  it("goes through the user's hooks and fetcher, which see what is sent", async () => {
    const seen: [string | null, boolean][] = [];
    const httpClient = new HTTPClient({ fetcher: (input) => fetch(input) })
      .addHook('beforeRequest', (sent) => {
        seen.push([sent.headers.get('content-type'), sent.body !== null]);
        sent.headers.set('x-hooked', '1');
      })
      .addHook('beforeRequest', (sent) => new Request(sent, { headers: { ...Object.fromEntries(sent.headers), 'x-remade': '1' } }));
    await lastOf(upload(halves, {}, clientOf(simulator, { httpClient, apiKey: () => Promise.resolve('made-key') })));
    expect(seen).toEqual([[expect.stringMatching(/^multipart\/form-data; boundary=rxmistral-/) as string, true]]);
    expect(simulator.requests[0]!.headers).toMatchObject({ 'x-hooked': '1', 'x-remade': '1', authorization: 'Bearer made-key' });
    expect(formOf(0).file.sha256).toBe(sha256(bytes));
  });

  it('is logged without its content, and without the key', async () => {
    const lines: string[] = [];
    const log = (...args: unknown[]): void => void lines.push(inspect(args));
    await lastOf(upload(halves, {}, clientOf(simulator, { debugLogger: { log, group: log, groupEnd: () => undefined } })));
    expect(lines.join('\n')).toContain('file: <Blob>');
    expect(lines.join('\n')).not.toContain('any-key');
    expect(formOf(0).file.sha256).toBe(sha256(bytes));
  });

  it('is made anew for each subscription, where its content can be opened anew', async () => {
    simulator.setFaults({ kind: 'status', status: 503, times: 1 });
    const call = upload(halves);
    expect(await failureOf(call)).toMatchObject({ kind: 'http', status: 503, retryable: true });
    expect((await lastOf(call)).sizeBytes).toBe(bytes.length);
    expect(simulator.requests.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('of a stream that was read before says what to do', async () => {
    const call = upload(new Blob([bytes]).stream());
    await lastOf(call);
    expect(await failureOf(call)).toMatchObject({ kind: 'validation', message: expect.stringContaining('give a function') as string });
    expect(simulator.requestCount).toBe(1);
  });

  it.each([[null], ['text'], [7], [() => 'text'], [{}]])('of %j is refused', async (content) => {
    expect(await failureOf(upload(content as never))).toMatchObject({ kind: 'validation' });
    expect(simulator.requestCount).toBe(0);
  });

  it('of a stream of texts is refused', async () => {
    expect(await failureOf(upload(Readable.from(['text'])))).toMatchObject({ kind: 'validation', message: 'The content of the file is no bytes' });
  });

  it('follows a redirect on the same host, with the content read anew', async () => {
    simulator.setFaults({ kind: 'status', status: 307, location: '/v1/files', times: 2 });
    expect((await lastOf(upload(halves))).sizeBytes).toBe(bytes.length);
    // The first time no redirect is allowed, and the second time it is seen where it points.
    expect(simulator.requests.map(({ status }) => status)).toEqual([307, 307, 200]);
  });

  it('fails with what its content fails with, and its socket is closed', async () => {
    const broken = new Error('The disk is on fire');
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield bytes;
      await simulator.until(({ requests }) => (requests[0]?.bodyBytes ?? 0) > bytes.length);
      throw broken;
    }
    const { error } = await outcomeOf(upload(breaking));
    expect(error).toBe(broken);
    await simulator.until(({ openRequests }) => openRequests === 0);
    expect(simulator.requests[0]).toMatchObject({ outcome: 'client-closed', body: undefined });
  });

  it('fails with what opens its content fails with, and nothing is sent', async () => {
    const { error } = await outcomeOf(
      upload(() => {
        throw new RxMistralError({ kind: 'limit', message: 'Too many' });
      }),
    );
    expect(error).toMatchObject({ kind: 'limit', message: 'Too many' });
    expect(simulator.requestCount).toBe(0);
  });

  it.each([
    ['a 401', { apiKey: 'another' }, { kind: 'http', status: 401 }],
    ['a 422', { faults: { kind: 'status', status: 422 } }, { kind: 'http', status: 422, message: 'body.messages: Field required' }],
    ['a reset', { faults: { kind: 'reset', at: 'before-headers' } }, { kind: 'connection', retryable: true }],
  ] as const)('ends with %s as other calls do', async (_what, options, error) => {
    await restart(options);
    expect(await failureOf(upload(halves))).toMatchObject(error);
  });

  it('that is answered before it was sent takes the answer, and asks its content for no more', async () => {
    await restart({ maxFileBytes: 100_000 });
    const { content, state } = endless();
    expect(await failureOf(upload(content))).toMatchObject({ kind: 'http', status: 413 });
    await eventually(() => state.cancelled, 'the content is cancelled');
    await simulator.until(({ openRequests }) => openRequests === 0);
  });

  it('reads its content no faster than the server takes it', async () => {
    const sockets: Socket[] = [];
    const server = createSocketServer((socket) => {
      sockets.push(socket.pause());
    });
    const url = await listen(server);
    const { content, state } = endless();
    const { subscription } = watch(upload(content, {}, clientOf(simulator, { serverURL: url })));
    await eventually(() => state.pieces > 0, 'it has begun');
    let before = -1;
    while (before !== state.pieces) {
      before = state.pieces;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    // The buffers of two sockets, and no more.
    expect(state.pieces * 65_536).toBeLessThan(16_000_000);
    subscription.unsubscribe();
    await eventually(() => state.cancelled, 'the content is cancelled');
    for (const socket of sockets) socket.destroy();
    server.close();
  });
});

/** A content without an end, and what is known of it. */
function endless(): { readonly content: ReadableStream<Uint8Array>; readonly state: { pieces: number; cancelled: boolean } } {
  const state = { pieces: 0, cancelled: false };
  const piece = new Uint8Array(65_536);
  const content = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        state.pieces += 1;
        // Now and then it takes its time.
        if (state.pieces % 8 === 0) await turnOfEventLoop();
        controller.enqueue(piece);
      },
      cancel: () => {
        state.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { content, state };
}

function listen(server: { listen(port: number, host: string, listening: () => void): unknown; address(): AddressInfo | string | null }): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    });
  });
}

async function withServer(answer: (request: IncomingMessage, response: ServerResponse) => void, run: (url: string, server: Server) => Promise<void>): Promise<void> {
  const server = createServer(answer);
  try {
    await run(await listen(server), server);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('a cancelled upload closes its socket within 50 ms, whatever was collected, and tells its content', () => {
  const withNewRequest = (sent: Request): Request => new Request(sent, { headers: Object.fromEntries(sent.headers) });
  const clients: Readonly<Record<string, () => SdkClient>> = {
    'a client as it is': () => clientOf(simulator),
    'a hook that returns a new Request': () => clientOf(simulator, { httpClient: new HTTPClient().addHook('beforeRequest', withNewRequest) }),
  };

  it.each(Object.keys(clients))('in the middle of the content: %s', async (name) => {
    const cancelled = vi.fn<() => undefined>();
    const waiting = (): ReadableStream<Uint8Array> => {
      let pulls = 0;
      return new ReadableStream(
        {
          pull: (controller) => {
            pulls += 1;
            if (pulls > 1) return new Promise(() => undefined);
            controller.enqueue(bytes);
            return undefined;
          },
          cancel: cancelled,
        },
        { highWaterMark: 0 },
      );
    };
    const client = clients[name]!();
    await expectClosed((call) => upload(waiting, {}, client, { 'x-call': String(call) }), () => simulator.requests.filter(({ bodyBytes }) => bodyBytes > bytes.length).length === count);
    expect(cancelled).toHaveBeenCalledTimes(count);
  });

  it('behind the content, before the answer', async () => {
    simulator.setFaults({ kind: 'stall', at: 'before-headers' });
    await expectClosed((call) => upload(halves, {}, clientOf(simulator), { 'x-call': String(call) }), () => simulator.requests.filter(({ body }) => body !== undefined).length === count);
  });

  it('and nothing is sent that nobody waits for', async () => {
    const opened = vi.fn(halves);
    watch(upload(opened)).subscription.unsubscribe();
    await settle(50);
    expect([simulator.requestCount, opened.mock.calls.length]).toEqual([0, 0]);
  });
});

describe('whenever an upload is cancelled', () => {
  it('a content that was opened is cancelled', async () => {
    let opened = 0;
    let cancelled = 0;
    const content = (): ReadableStream<Uint8Array> => {
      opened += 1;
      return new ReadableStream({ pull: () => new Promise(() => undefined), cancel: () => void (cancelled += 1) }, { highWaterMark: 0 });
    };
    // Each a little later than the one before: in every step of the way to the socket.
    for (let step = 0; step < 80; step++) {
      const { subscription } = watch(upload(content));
      for (let turn = 0; turn < step >> 3; turn++) await turnOfEventLoop();
      for (let task = 0; task < step % 8; task++) await Promise.resolve();
      subscription.unsubscribe();
    }
    await settle(50);
    expect(opened).toBeGreaterThan(0);
    await eventually(() => cancelled === opened, 'all of them are cancelled');
  });
});

/** Opens calls, lets them come so far, collects garbage, cancels them, and expects the server to see it. */
async function expectClosed(source: (call: number) => Observable<unknown>, reached: (calls: readonly Watched[]) => boolean): Promise<void> {
  simulator.forgetRequests();
  const calls = Array.from({ length: count }, (_, call) => watch(source(call)));
  await eventually(() => reached(calls), 'the calls have come so far');
  await settle();
  await collectGarbage();
  expect(simulator.openRequests).toBe(count);
  const latencies = await cancelAll(simulator, calls);
  await settle();
  expect(latencies).toHaveLength(count);
  expect(median(latencies)).toBeLessThan(limitMs);
  expect(simulator.requests.every(({ outcome }) => outcome === 'client-closed')).toBe(true);
  expect(calls.flatMap(({ errors }) => errors)).toEqual([]);
  expect(calls.some(({ completed }) => completed)).toBe(false);
}

const lines = Array.from({ length: 40_000 }, (_, i) => `{"custom_id":"r${i}","text":"line ${i}"}\n`);
const text = lines.join('');

describe('a download', () => {
  it('comes in pieces, tells its size, and completes when it was read', async () => {
    const id = await stored(text);
    const heads: number[] = [];
    const seen: string[] = [];
    const source = sdkTransport(clientOf(simulator)).call(filesDownloadOperation, { fileId: id }, { onResponse: ({ status }) => heads.push(status) });
    let received = '';
    const read = source.pipe(
      tap({
        next: ({ start, size }) => seen.push(`start ${start} size ${size ?? NaN}`),
        complete: () => seen.push('call'),
      }),
      concatMap((file) => readDownload(file, (piece) => [piece]).pipe(tap({ complete: () => seen.push('read') }))),
      tap((piece) => {
        received += Buffer.from(piece).toString();
      }),
    );
    await lastOf(read);
    await settle();
    expect(received).toBe(text);
    expect(heads).toEqual([200]);
    expect(seen.toSorted()).toEqual(['call', 'read', `start 0 size ${text.length}`]);
    await simulator.until(({ openRequests }) => openRequests === 0);
    expect(simulator.requests.at(-1)).toMatchObject({ outcome: 'completed', bytesWritten: text.length });
  });

  it('leaves its connection to the next call', async () => {
    const id = await stored(text);
    for (let i = 0; i < 6; i++) expect(await lastOf(textOf(download(id)))).toHaveLength(text.length);
    // The engine lets go of it a turn after the end of the body, and takes another one for a call that comes at once.
    expect(new Set(simulator.requests.map(({ connection }) => connection)).size).toBeLessThan(3);
  });

  it('of an empty file completes without a piece', async () => {
    const id = await stored('');
    expect(await lastOf(textOf(download(id)))).toBe('');
    expect(await lastOf(download(id).pipe(concatMap((file) => concat(file.read(), file.read(), [file.size]))))).toBe(0);
  });

  it('stays with the server as long as nobody reads it', async () => {
    const id = await stored('x'.repeat(50_000_000));
    const call = watch(download(id));
    await eventually(() => call.values.length === 1, 'the download is there');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(simulator.requests.at(-1)!.bytesWritten).toBeLessThan(16_000_000);
    expect(call.completed).toBe(false);
    call.subscription.unsubscribe();
    await simulator.until(({ openRequests }) => openRequests === 0);
    expect(simulator.requests.at(-1)!.outcome).toBe('client-closed');
  });

  it('asks for a piece when the last one is dealt with', async () => {
    const id = await stored('x'.repeat(1_000_000));
    let open = 0;
    let most = 0;
    const source = download(id).pipe(
      concatMap((file) =>
        readDownload(file, (piece) => {
          most = Math.max(most, ++open);
          return timer(1).pipe(
            map(() => {
              open -= 1;
              return piece.byteLength;
            }),
          );
        }),
      ),
      reduce((sum, length) => sum + length, 0),
    );
    expect(await lastOf(source)).toBe(1_000_000);
    expect(most).toBe(1);
  });

  // A reset overtakes what the client's system has no room for.
  it.each([
    ['rst', 500],
    ['fin', 30_000],
  ] as const)('that is cut (%s) delivers what came, and then says so to its reader', async (how, cutAt) => {
    const id = await stored(text);
    simulator.setFaults({ kind: 'reset', at: { events: cutAt }, how });
    const { events, error } = await outcomeOf(download(id).pipe(concatMap((file) => readDownload(file, (piece) => [piece.byteLength]))));
    expect(error).toMatchObject({ name: 'TruncatedStreamError', kind: 'connection', retryable: true });
    expect(events.reduce((sum, length) => sum + length, 0)).toBe(lines.slice(0, cutAt).join('').length);
    simulator.setFaults();
    expect(await lastOf(textOf(download(id)))).toBe(text);
  });

  it('that is cut completes its call: the error is its reader\'s, who can go on from there', async () => {
    await restart({ fileRanges: true });
    const id = await stored(text);
    simulator.setFaults({ kind: 'reset', at: { events: 30_000 }, how: 'fin', times: 1 });
    let received = '';
    const collect = (file: FileDownload): Observable<never> =>
      readDownload(file, (piece) => {
        received += Buffer.from(piece).toString();
        return EMPTY;
      });
    const first = await outcomeOf(download(id).pipe(concatMap(collect)));
    expect(first.completed).toBe(false);
    const second = await outcomeOf(
      download(id, received.length).pipe(
        concatMap((file) => {
          expect(file).toMatchObject({ start: received.length, size: text.length });
          return collect(file);
        }),
      ),
    );
    expect(second.completed).toBe(true);
    expect(received).toBe(text);
    expect(simulator.requests.at(-1)).toMatchObject({ status: 206, headers: { range: `bytes=${lines.slice(0, 30_000).join('').length}-` } });
  });

  it('says where it begins: at 0 where the server sends the whole all the same', async () => {
    const id = await stored('0123456789');
    expect(await lastOf(download(id, 4).pipe(concatMap((file) => textOf(of(file)).pipe(map((rest) => [file.start, file.size, rest])))))).toEqual([0, 10, '0123456789']);
    await restart({ fileRanges: true });
    const again = await stored('0123456789');
    expect(await lastOf(download(again, 4).pipe(concatMap((file) => textOf(of(file)).pipe(map((rest) => [file.start, file.size, rest])))))).toEqual([4, 10, '456789']);
    expect(await failureOf(download(again, 10))).toMatchObject({ kind: 'http', status: 416 });
  });

  it('that ends before its announced length is truncated', async () => {
    // What an engine makes an error of itself, a fetcher of the user's own may not.
    const fetcher = (): Promise<Response> => Promise.resolve(new Response('12345', { headers: { 'content-length': '9', 'content-type': 'application/octet-stream' } }));
    const { events, error } = await outcomeOf(
      download('id', 0, clientOf(simulator, { httpClient: new HTTPClient({ fetcher }) })).pipe(concatMap((file) => readDownload(file, (piece) => [piece.byteLength]))),
    );
    expect(events).toEqual([5]);
    expect(error).toMatchObject({ name: 'TruncatedStreamError', kind: 'truncated', message: 'The file ended after 5 of 9 bytes' });
  });

  it('without a length has no size, and ends where it ends', async () => {
    const id = await stored(text);
    simulator.setFaults({ kind: 'truncate', at: { events: 3 } });
    expect(await lastOf(textOf(download(id)))).toBe(lines.slice(0, 3).join(''));
    expect(await lastOf(download(id).pipe(take(1)))).toMatchObject({ start: 0, size: undefined });
  });

  it('that comes compressed has no size, and its text is whole', async () => {
    const answer = (_request: IncomingMessage, response: ServerResponse): void => {
      const body = gzipSync(text);
      response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip', 'content-length': body.length }).end(body);
    };
    await withServer(answer, async (url) => {
      const source = (): Observable<FileDownload> => download('id', 0, clientOf(simulator, { serverURL: url }));
      expect(await lastOf(textOf(source()))).toBe(text);
      expect(await lastOf(source().pipe(take(1)))).toMatchObject({ size: undefined });
    });
  });

  it.each([
    ['no type', {}],
    ['JSON Lines', { 'content-type': 'application/jsonl' }],
    ['an event stream', { 'content-type': 'text/event-stream' }],
  ])('of %s is a download too', async (_what, headers) => {
    await withServer((_request, response) => response.writeHead(200, headers).end('data'), async (url) => {
      expect(await lastOf(textOf(download('id', 0, clientOf(simulator, { serverURL: url }))))).toBe('data');
    });
  });

  it('of which a part comes that nobody can place is an error', async () => {
    await withServer((_request, response) => response.writeHead(206, { 'content-type': 'multipart/byteranges' }).end('data'), async (url) => {
      expect(await failureOf(download('id', 5, clientOf(simulator, { serverURL: url })))).toMatchObject({ kind: 'protocol', status: 206 });
    });
  });

  it.each([
    ['a 404', { kind: 'status', status: 404 }, { kind: 'http', status: 404 }],
    ['a 429', { kind: 'status', status: 429, headers: { 'retry-after': '3' } }, { kind: 'rate-limit', retryAfterMs: 3_000 }],
    ['a reset', { kind: 'reset', at: 'before-headers' }, { kind: 'connection', retryable: true }],
  ] as const)('ends with %s as other calls do', async (_what, faults, error) => {
    const id = await stored(text);
    simulator.setFaults(faults);
    expect(await failureOf(download(id))).toMatchObject(error);
  });

  it('takes up for the next reader what the last one left', async () => {
    const id = await stored('0123456789');
    simulator.setFaults({ kind: 'stall', at: { bytes: 4 }, for: 30 });
    const file = new Subject<FileDownload>();
    const call = download(id).subscribe(file);
    const { read } = await lastOf(file.pipe(take(1)));
    const impatient = watch(read());
    impatient.subscription.unsubscribe();
    await settle(5);
    const pieces: string[] = [];
    for (let i = 0; i < 4; i++) pieces.push(await lastOf(read().pipe(reduce((all, piece) => all + Buffer.from(piece).toString(), ''))));
    // Two pieces, or one where this process stood still in the server's pause.
    expect([pieces.join(''), pieces.at(-1)]).toEqual(['0123456789', '']);
    expect(impatient.values).toEqual([]);
    call.unsubscribe();
  });

  it('that was closed says so to whoever still reads', async () => {
    const id = await stored('x'.repeat(1_000_000));
    const file = await lastOf(download(id).pipe(take(1)));
    expect(await failureOf(file.read())).toMatchObject({ kind: 'validation', message: expect.stringContaining('was closed') as string });

    simulator.setFaults({ kind: 'stall', at: { bytes: 4 } });
    const call = watch(download(id));
    await eventually(() => call.values.length === 1, 'the download is there');
    const open = call.values[0] as FileDownload;
    await lastOf(open.read());
    const waiting = watch(open.read());
    call.subscription.unsubscribe();
    await eventually(() => waiting.errors.length === 1, 'the reader is told');
    expect(waiting.errors[0]).toMatchObject({ kind: 'validation' });
    expect(call.errors).toEqual([]);
  });
});

describe('a cancelled download closes its socket within 50 ms, whatever was collected', () => {
  const piecewise = (id: string) => (call: number) =>
    download(id, 0, clientOf(simulator), { 'x-call': String(call) }).pipe(concatMap((file) => readDownload(file, (piece) => [piece])));

  it('before the headers', async () => {
    const id = await stored('');
    simulator.setFaults({ kind: 'stall', at: 'before-headers' });
    await expectClosed(piecewise(id), () => simulator.requests.length === count);
  });

  it('while its reader waits for a piece', async () => {
    const id = await stored(text);
    simulator.setFaults({ kind: 'stall', at: { bytes: 1_000 } });
    await expectClosed(piecewise(id), (calls) => calls.every(({ values }) => values.length > 0));
  });

  it('while nobody reads it', async () => {
    const id = await stored('x'.repeat(20_000_000));
    await expectClosed((call) => download(id, 0, clientOf(simulator), { 'x-call': String(call) }), (calls) => calls.every(({ values }) => values.length === 1));
  });

  it('while its reader is at work', async () => {
    const id = await stored('x'.repeat(20_000_000));
    const work = vi.fn(() => new Subject<never>());
    await expectClosed(
      (call) => download(id, 0, clientOf(simulator), { 'x-call': String(call) }).pipe(concatMap((file) => readDownload(file, work))),
      () => work.mock.calls.length === count,
    );
  });

  it('with a response hook that keeps a clone of it', async () => {
    const kept: Response[] = [];
    const keepClone = (response: Response): void => void kept.push(response.clone());
    const id = await stored(text);
    simulator.setFaults({ kind: 'stall', at: { bytes: 1_000 } });
    const client = clientOf(simulator, { httpClient: new HTTPClient().addHook('response', keepClone) });
    await expectClosed(
      (call) => download(id, 0, client, { 'x-call': String(call) }).pipe(concatMap((file) => readDownload(file, (piece) => [piece]))),
      (calls) => calls.every(({ values }) => values.length > 0),
    );
  });
});

describe('a redirect to another host is refused, and nothing goes there', () => {
  it.each([
    ['a download', () => download('id')],
    ['an upload', () => upload(halves)],
    ['a job', () => sdkTransport(clientOf(simulator)).call(batchJobsGetOperation, { jobId: 'id' })],
  ] as const)('%s', async (_what, call) => {
    const strangers: IncomingMessage[] = [];
    await withServer((request, response) => { strangers.push(request); response.end(); }, async (url) => {
      simulator.setFaults({ kind: 'status', status: 307, location: `${url}/v1/files/id/content` });
      const error = await failureOf(call());
      expect(error).toMatchObject({ kind: 'http', message: expect.stringContaining('another host') as string });
      expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('any-key');
      await settle();
      expect(strangers).toHaveLength(0);
    });
  });
});

describe('no key and no content is in an error', () => {
  const secret = 'sk-SECRETsecretSECRET0123456789';
  const client = (): SdkClient => clientOf(simulator, { apiKey: secret });
  const private_ = new TextEncoder().encode('CONTENT: the patient is called PATIENT');
  const body = { json: { message: `no ${secret}`, detail: [{ loc: ['body'], msg: `no ${secret}`, input: 'CONTENT PATIENT' }] } };

  it.each<[string, () => Observable<unknown>]>([
    ['an upload', () => upload(private_, {}, client())],
    ['an upload of a stream', () => upload(() => new Blob([private_]).stream(), {}, client())],
    ['a download', () => textOf(download('id', 0, client()))],
    ['a job', () => sdkTransport(client()).call(batchJobsCreateOperation, { endpoint: '/v1/chat/completions', requests: [{ body: { text: 'CONTENT PATIENT' } }] })],
  ])('%s', async (_what, call) => {
    for (const faults of [{ kind: 'status', status: 422, body }, { kind: 'status', status: 401, body }, { kind: 'reset', at: 'before-headers' }, { kind: 'status', status: 200, body: 'html' }] as const) {
      simulator.setFaults(faults);
      const { error, completed } = await outcomeOf(call());
      if (completed) continue;
      const everything = inspect(error, { depth: Infinity, showHidden: true, maxStringLength: Infinity }) + JSON.stringify(error);
      for (const word of ['SECRET', 'CONTENT', 'PATIENT']) expect(everything).not.toContain(word);
    }
  });
});

describe('memory', () => {
  const run = promisify(execFile);
  const program = fileURLToPath(new URL('fixtures/fileMemory.ts', import.meta.url));
  // What an engine leaves lying before it collects is 20 to 90 MiB, however large the file is.
  const mebibytes = 256;

  async function measured(...args: string[]): Promise<{ readonly size: number; readonly grownMebibytes: number }> {
    const { stdout } = await run(process.execPath, ['--expose-gc', '--import', 'tsx', program, ...args]);
    return JSON.parse(stdout) as { size: number; grownMebibytes: number };
  }

  it('of an upload of 256 MiB grows by less than 128 MiB', { timeout: 900_000 }, async () => {
    const { size, grownMebibytes } = await measured('upload', simulator.url, String(mebibytes));
    expect(size).toBe(mebibytes * 2 ** 20);
    expect(grownMebibytes).toBeLessThan(mebibytes / 2);
  });

  it('of a download of 256 MiB by a slow reader grows by less than 128 MiB', { timeout: 900_000 }, async () => {
    const piece = new Uint8Array(2 ** 20);
    const { id } = await lastOf(
      upload(async function* () {
        for (let i = 0; i < mebibytes; i++) yield await Promise.resolve(piece);
      }),
    );
    const { size, grownMebibytes } = await measured('download', simulator.url, String(mebibytes), id);
    expect(size).toBe(mebibytes * 2 ** 20);
    expect(grownMebibytes).toBeLessThan(mebibytes / 2);
  });
});

describe('the other operations of files and batch jobs', () => {
  const requests = [{ customId: 'a', body: { messages: [{ role: 'user', content: 'Hello!' }] } }];
  const job: CreateBatchJobRequest = { endpoint: '/v1/chat/completions', model: 'mistral-small-latest', requests, metadata: { key: 'mine' } };

  it('make the whole trip', async () => {
    const { call } = sdkTransport(clientOf(simulator));
    const file = await lastOf(upload(new TextEncoder().encode(JSON.stringify({ custom_id: 'a', body: requests[0]!.body }))));
    expect(await lastOf(call(filesRetrieveOperation, { fileId: file.id }))).toMatchObject({ ...file, deleted: false });
    const { id } = await lastOf(call(batchJobsCreateOperation, { ...job, requests: null, inputFiles: [file.id] }));
    let done = await lastOf(call(batchJobsGetOperation, { jobId: id }));
    while (done.status !== 'SUCCESS') done = await lastOf(call(batchJobsGetOperation, { jobId: id }));
    expect(done).toMatchObject({ inputFiles: [file.id], totalRequests: 1, succeededRequests: 1, errors: [] });
    expect(JSON.parse(await lastOf(textOf(download(done.outputFile!))))).toMatchObject({ custom_id: 'a', response: { status_code: 200 } });
    expect((await lastOf(call(batchJobsGetOperation, { jobId: id, inline: true }))).outputs).toHaveLength(1);
    expect(await lastOf(call(batchJobsListOperation, { metadata: { key: 'mine' } }))).toMatchObject({ total: 1, data: [{ id }] });
    expect(await lastOf(call(batchJobsListOperation, undefined))).toMatchObject({ total: 1 });
    expect(await lastOf(call(filesListOperation, { sampleType: ['batch_result'] }))).toMatchObject({ total: 1, data: [{ id: done.outputFile }] });
    expect(await lastOf(call(filesDeleteOperation, { fileId: file.id }))).toEqual({ id: file.id, object: 'file', deleted: true });
  });

  it('cancel a job', async () => {
    simulator.setBatch({ faults: { kind: 'stuck' } });
    const { call } = sdkTransport(clientOf(simulator));
    const { id } = await lastOf(call(batchJobsCreateOperation, job));
    expect(await lastOf(call(batchJobsCancelOperation, { jobId: id }))).toMatchObject({ id, status: 'CANCELLATION_REQUESTED' });
  });

  it.each([
    ['null', { kind: 'bare-job', as: 'null' }],
    ['missing', { kind: 'bare-job', as: 'missing' }],
  ] as const)('read jobs whose fields are %s', async (_what, faults) => {
    simulator.setBatch({ faults });
    const { call } = sdkTransport(clientOf(simulator));
    const created = await lastOf(call(batchJobsCreateOperation, job));
    expect(created).toMatchObject({ id: expect.any(String) as string, status: 'QUEUED', inputFiles: [], errors: [], totalRequests: 0, completedRequests: 0, createdAt: 0, endpoint: '' });
    await settle();
    expect(await lastOf(call(batchJobsGetOperation, { jobId: created.id }))).toMatchObject({ id: created.id, status: 'SUCCESS', outputFile: expect.any(String) as string });
    expect(await lastOf(call(batchJobsListOperation, {}))).toMatchObject({ total: 1, data: [{ id: created.id }] });
    expect(await lastOf(call(batchJobsCancelOperation, { jobId: created.id }))).toMatchObject({ id: created.id });
  });

  it.each([
    ['an unknown one', { kind: 'status-text', text: 'PAUSED' }, 'PAUSED'],
    ['one in lower case', { kind: 'status-text' }, 'queued'],
  ] as const)('leave the status as it came: %s', async (_what, faults, status) => {
    simulator.setBatch({ faults });
    expect((await lastOf(sdkTransport(clientOf(simulator)).call(batchJobsCreateOperation, job))).status).toBe(status);
  });

  it.each(['', '.', '..'])('refuse an id of %j, and send nothing', async (id) => {
    const { call } = sdkTransport(clientOf(simulator));
    const calls: readonly Observable<unknown>[] = [
      call(batchJobsGetOperation, { jobId: id }),
      call(batchJobsCancelOperation, { jobId: id }),
      call(filesRetrieveOperation, { fileId: id }),
      call(filesDeleteOperation, { fileId: id }),
      call(filesDownloadOperation, { fileId: id }),
    ];
    for (const each of calls) expect(await failureOf(each)).toMatchObject({ kind: 'validation', message: expect.stringMatching(/^Expected `(job|file)Id` to be an id$/) as string });
    expect(simulator.requestCount).toBe(0);
  });

  it('encode any other id', async () => {
    await failureOf(sdkTransport(clientOf(simulator)).call(batchJobsGetOperation, { jobId: '../files/a?b#c' }));
    expect(simulator.requests[0]).toMatchObject({ path: '/v1/batch/jobs/..%2Ffiles%2Fa%3Fb%23c', query: '' });
  });
});


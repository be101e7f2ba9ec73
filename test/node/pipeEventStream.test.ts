import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { concat, NEVER, Observable, of, Subject, throwError, VirtualTimeScheduler } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { pipeEventStream } from '../../src/node/index.js';
import { memoryReplayStore } from '../../src/sse/index.js';
import { eventually } from '../wire/fixtures/cancellationFixtures.js';

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Serves each request so, and returns the URL. */
async function serve(handle: (response: ServerResponse, request: IncomingMessage) => void): Promise<string> {
  server = createServer((request, response) => {
    handle(response, request);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** A source that tells whether it is subscribed to. */
function watched<T>(source: Observable<T>): { readonly source: Observable<T>; readonly state: { open: number; emitted: number } } {
  const state = { open: 0, emitted: 0 };
  return {
    state,
    source: new Observable((subscriber) => {
      state.open += 1;
      subscriber.add(() => {
        state.open -= 1;
      });
      subscriber.add(source.subscribe(subscriber));
    }),
  };
}

describe('pipeEventStream', () => {
  it('writes the head, the events and the end', async () => {
    const url = await serve((response) => {
      response.setHeader('x-tenant', 'a');
      pipeEventStream(of('a', 'b'), response, { retry: 9 });
    });
    const response = await fetch(url);
    expect(Object.fromEntries(response.headers)).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no', 'x-tenant': 'a' });
    expect(await response.text()).toBe('retry: 9\n\ndata: "a"\n\ndata: "b"\n\n');
  });

  it('sends the head at once, before there is an event', async () => {
    const url = await serve((response) => pipeEventStream(NEVER, response));
    const response = await fetch(url);
    expect(response.status).toBe(200);
    await response.body?.cancel();
  });

  it('tells of an error of the source as the last event', async () => {
    const url = await serve((response) => pipeEventStream(concat(of('a'), throwError(() => new Error('x'))), response));
    expect(await (await fetch(url)).text()).toMatch(/^data: "a"\n\ndata: \{"type":"error".*\}\n\n$/);
  });

  it('unsubscribes from the source when the client goes', async () => {
    const { source, state } = watched(concat(of('a'), NEVER));
    const url = await serve((response) => pipeEventStream(source, response));
    const controller = new AbortController();
    const response = await fetch(url, { signal: controller.signal });
    await response.body!.getReader().read();
    expect(state.open).toBe(1);
    controller.abort();
    await eventually(() => state.open === 0, 'the source is closed');
  });

  it('begins nothing for a client that has gone already', async () => {
    const { source, state } = watched(of('a'));
    let closed = false;
    const url = await serve((response) => {
      response.on('close', () => {
        closed = pipeEventStream(source, response).closed;
      });
      response.destroy();
    });
    await fetch(url).catch(() => undefined);
    await eventually(() => closed, 'the response has closed');
    expect(state.open).toBe(0);
  });

  it('ends the response when it is unsubscribed from, and closes the source', async () => {
    const { source, state } = watched(concat(of('a'), NEVER));
    const url = await serve((response) => {
      const subscription = pipeEventStream(source, response);
      setTimeout(() => { subscription.unsubscribe(); }, 10);
    });
    expect(await (await fetch(url)).text()).toBe('data: "a"\n\n');
    expect(state.open).toBe(0);
  });

  it('waits for drain, and loses nothing', async () => {
    const values = new Subject<string>();
    let drains = 0;
    const url = await serve((response) => {
      response.on('drain', () => (drains += 1));
      pipeEventStream(values, response, { maxBuffered: Infinity });
      // More than the sockets hold, before anybody reads.
      for (let index = 0; index < 200; index += 1) values.next(`${index} ${'x'.repeat(65_536)}`);
      values.complete();
    });
    const text = await (await fetch(url)).text();
    expect([...text.matchAll(/"(\d+) x/g)].map(([, index]) => Number(index))).toEqual(Array.from({ length: 200 }, (_, index) => index));
    expect(drains).toBeGreaterThan(0);
  });

  it('gives up a client that never reads, with an error of kind limit, and closes the source and the socket', async () => {
    const values = new Subject<string>();
    const { source, state } = watched(values);
    const onError = vi.fn();
    let isClosed = false;
    const url = await serve((response) => {
      response.on('close', () => (isClosed = true));
      pipeEventStream(source, response, { maxBuffered: 1_000_000, onError });
    });
    const request = get(url, { agent: false }, (response) => {
      response.pause();
      response.on('error', () => undefined);
    });
    request.on('error', () => undefined);
    await eventually(() => state.open === 1, 'the source is open');
    let sent = 0;
    while (state.open === 1 && sent < 100_000_000) {
      values.next('x'.repeat(65_536));
      sent += 65_536;
      await sleep(0);
    }
    await eventually(() => isClosed, 'the socket is closed');
    request.destroy();
    expect([state.open, onError.mock.calls]).toMatchObject([0, [[{ kind: 'limit' }]]]);
    // What the kernel's buffers hold, and the bound.
    expect(sent).toBeLessThan(20_000_000);
  });

  it('gives up a client that takes nothing for `stallTimeout`, though its source has ended', async () => {
    const scheduler = new VirtualTimeScheduler();
    const onError = vi.fn();
    let isClosed = false;
    let isFull = false;
    const url = await serve((response) => {
      response.on('close', () => (isClosed = true));
      pipeEventStream(of('x'.repeat(20_000_000)), response, { stallTimeout: 1_000, scheduler, heartbeat: false, onError });
      isFull = response.writableNeedDrain;
    });
    const request = get(url, { agent: false }, (response) => {
      response.pause();
      response.on('error', () => undefined);
    });
    request.on('error', () => undefined);
    await eventually(() => isFull, 'the socket is full');
    scheduler.flush();
    await eventually(() => isClosed, 'the socket is closed');
    request.destroy();
    expect(onError.mock.calls).toMatchObject([[{ kind: 'limit', message: 'The client has read nothing for 1000 ms (`stallTimeout`)' }]]);
  });

  it('answers 204, 404 and 410 as eventStreamResponse does', async () => {
    const replay = memoryReplayStore();
    const url = await serve((response, request) => {
      const key = request.url!.slice(1);
      const lastEventId = request.headers['last-event-id'] as string | undefined;
      pipeEventStream(request.method === 'POST' ? of('a') : undefined, response, { replay, key, lastEventId });
    });
    const ask = async (method: string, lastEventId?: string): Promise<readonly [number, string]> => {
      const response = await fetch(`${url}k`, { method, headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId } });
      return [response.status, await response.text()];
    };
    const missing = await ask('GET');
    expect([missing[0], JSON.parse(missing[1])]).toMatchObject([404, { kind: 'http', status: 404, message: 'There is no such event stream' }]);
    expect((await ask('POST', '1'))[0]).toBe(410);
    expect(await ask('POST')).toEqual([200, 'id: 1\ndata: "a"\n\n']);
    expect(await ask('GET', '1')).toEqual([204, '']);
    expect((await ask('GET', '2'))[0]).toBe(410);
  });
});

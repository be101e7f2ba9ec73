import { randomUUID } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Observable } from 'rxjs';
import type { ChatEvent } from 'rxmistral';
import { pipeEventStream } from 'rxmistral/node';
import { memoryReplayStore } from 'rxmistral/sse';
import { hasNest, startNest } from './nest.js';

/** Serves answers, one to each request; the port it listens on. */
type Start = (answer: () => Observable<ChatEvent>) => Promise<number>;

const replay = memoryReplayStore({ maxEvents: 50_000, maxStreams: 4 });
// A client of another process falls behind a source that never waits: here that is no fault.
const maxBuffered = Infinity;

export const contenders: Readonly<Record<string, { readonly title: string; readonly start: Start }>> = {
  write: {
    title: '`response.write` for each event, by hand',
    start: serving((answer, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
      const subscription = answer.subscribe({
        next: (event) => {
          response.write(`data: ${JSON.stringify(event)}\n\n`);
        },
        error: () => response.destroy(),
        complete: () => response.end(),
      });
      response.on('close', () => {
        subscription.unsubscribe();
      });
    }),
  },
  pipe: {
    title: 'pipeEventStream',
    start: serving((answer, response) => pipeEventStream(answer, response, { maxBuffered })),
  },
  replay: {
    title: 'pipeEventStream with a memory store',
    start: serving((answer, response) => pipeEventStream(answer, response, { replay, key: randomUUID(), maxBuffered })),
  },
  ...(hasNest ? { nest: { title: 'NestJS: `@Sse()` with toMessageEvents', start: startNest } } : {}),
  ai: {
    title: 'AI SDK: createUIMessageStream',
    start: serving((answer, response) => {
      void serveUiMessages(answer, response);
    }),
  },
};

/** A server of Node's own. */
function serving(serve: (answer: Observable<ChatEvent>, response: ServerResponse) => void): Start {
  return (answer) =>
    new Promise((resolve) => {
      const server = createServer((_request, response) => {
        serve(answer(), response);
      }).listen(0, '127.0.0.1', () => {
        resolve((server.address() as AddressInfo).port);
      });
    });
}

async function serveUiMessages(answer: Observable<ChatEvent>, response: ServerResponse): Promise<void> {
  const { createUIMessageStream, pipeUIMessageStreamToResponse } = await import('ai');
  const stream = createUIMessageStream({
    execute: ({ writer }) =>
      new Promise<void>((resolve, reject) => {
        answer.subscribe({
          next: (event) => {
            if (event.type === 'text-delta') writer.write({ type: 'text-delta', id: event.requestId, delta: event.text });
          },
          error: reject,
          complete: resolve,
        });
      }),
  });
  await pipeUIMessageStreamToResponse({ response, stream });
}

import type { ServerResponse } from 'node:http';
import { connectable, defer, type Observable } from 'rxjs';
import type { ChatEvent } from 'rxmistral';
import { pipeEventStream } from 'rxmistral/node';
import { memoryReplayStore } from 'rxmistral/sse';

/** Serves one answer to all who ask. */
export interface FanOut {
  /** One more client. */
  readonly join: (response: ServerResponse) => void;
  /** The answer begins. */
  readonly begin: () => void;
}

export const fanOuts: Readonly<Record<string, { readonly title: string; readonly open: (answer: Observable<ChatEvent>) => FanOut }>> = {
  write: {
    title: '`response.write` to each client, by hand',
    open: (answer) => {
      const responses = new Set<ServerResponse>();
      const begin = (): void => {
        answer.subscribe({
          next: (event) => {
            const text = `data: ${JSON.stringify(event)}\n\n`;
            // What a client does not take waits in its response: without a bound.
            for (const response of responses) response.write(text);
          },
          error: () => undefined,
          complete: () => {
            for (const response of responses) response.end();
          },
        });
      };
      const join = (response: ServerResponse): void => {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }).flushHeaders();
        responses.add(response);
        response.on('close', () => responses.delete(response));
      };
      return { join, begin };
    },
  },
  replay: {
    title: 'pipeEventStream with a memory store',
    open: (answer) => {
      const replay = memoryReplayStore({ maxEvents: 100_000 });
      const begun = connectable(defer(() => answer));
      const join = (response: ServerResponse): void => {
        pipeEventStream(begun, response, { replay, key: 'answer', stallTimeout: 600_000, maxBuffered: Infinity });
      };
      return { join, begin: () => begun.connect() };
    },
  },
};

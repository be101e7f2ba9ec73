import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import type { MistralClient } from 'rxmistral';
import { pipeEventStream } from 'rxmistral/node';
import { memoryReplayStore } from 'rxmistral/sse';
import { answerChat } from './answerChat.js';
import { chatRequest } from './chatRequest.js';
import { readPages, sendPage } from './pages.js';

/** What the server is made of. */
export interface ChatServerOptions {
  /** The client of the SDK, which has the key: it stays here. */
  readonly client: MistralClient;
  readonly model: string;
  /** The folder with the built page. */
  readonly pages: string;
}

const maxBodyBytes = 1_048_576;

/**
 * Serves the page, and its answers: `POST /chat` begins one, or goes on with one (`Last-Event-ID`), and `DELETE /chat` stops it.
 * Which answer it is, is said by `Idempotency-Key`: as hard to guess as the page has made it, since whoever knows it reads along.
 */
export async function createChatServer({ client, model, pages: folder }: ChatServerOptions): Promise<Server> {
  const pages = await readPages(folder);
  const replay = memoryReplayStore();

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname !== '/chat') {
      sendPage(pages, pathname, request, response);
      return;
    }
    const key = request.headers['idempotency-key'];
    if (typeof key !== 'string' || !/^[\x21-\x7e]{16,128}$/.test(key)) {
      refuse(response, 400, 'An Idempotency-Key of 16 to 128 characters is missing');
      return;
    }
    switch (request.method) {
      case 'POST':
        await answer(request, response, key);
        return;
      case 'DELETE':
        // Nothing is read any more, and nothing more is generated: the call to Mistral is closed.
        await replay.end(key);
        response.writeHead(204).end();
        return;
      default:
        response.setHeader('allow', 'POST, DELETE');
        refuse(response, 405, 'POST to ask, DELETE to stop');
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse, key: string): Promise<void> {
    if (Number(request.headers['content-length'] ?? Infinity) > maxBodyBytes) {
      refuse(response, 413, 'The conversation is too long');
      return;
    }
    const { success, data, error } = chatRequest.safeParse(await json(request).catch(() => undefined));
    if (!success) {
      refuse(response, 400, error.issues[0]?.message ?? 'This is no chat request');
      return;
    }
    const lastEventId = request.headers['last-event-id']?.toString();
    // The heartbeat is a third of the silence after which the page takes the connection for lost.
    pipeEventStream(answerChat(client, model, data), response, { replay, key, lastEventId, heartbeat: 5_000, onDisconnect: { gracePeriod: 60_000 } });
  }

  return createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      console.error(error);
      if (response.headersSent) response.destroy();
      else refuse(response, 500, 'Something went wrong here');
    });
  });
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
}

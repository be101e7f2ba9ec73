import http, { type IncomingMessage } from 'node:http';

import { createParser } from 'eventsource-parser';

import { startSimulator, type Simulator, type SimulatorOptions } from '../../src/simulator/index.js';

export const hello = { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Hello!' }] } as const;

export interface Chunk {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly {
    readonly index: number;
    readonly delta: {
      readonly role?: string;
      readonly content?: string | readonly ContentPart[];
      readonly tool_calls?: readonly WireToolCall[];
    };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number; readonly total_tokens: number };
}

export interface ContentPart {
  readonly type: string;
  readonly text?: string;
  readonly thinking?: readonly ContentPart[];
}

export interface WireToolCall {
  readonly id?: string | null;
  readonly type?: string;
  readonly index?: number;
  readonly function: { readonly name: string; readonly arguments: unknown };
}

/** Runs a test against a simulator, which is closed whatever happens. */
export async function withSimulator<Result>(options: SimulatorOptions, run: (simulator: Simulator) => Promise<Result>): Promise<Result> {
  const simulator = await startSimulator(options);
  try {
    return await run(simulator);
  } finally {
    await simulator.close();
  }
}

export function postTo(simulator: Simulator, body: unknown, init: RequestInit = {}): Promise<Response> {
  return fetch(`${simulator.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer any', 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
  });
}

/** The data of each event, as a parser that is not ours reads them. */
export function eventData(text: string): readonly string[] {
  const data: string[] = [];
  const parser = createParser({ onEvent: (event) => data.push(event.data) });
  parser.feed(text);
  return data;
}

export function chunksOf(text: string): readonly Chunk[] {
  return eventData(text)
    .filter((data) => data !== '[DONE]')
    .map((data) => JSON.parse(data) as Chunk);
}

export function textOf(chunks: readonly Chunk[], index = 0): string {
  const deltas = chunks.flatMap((chunk) => chunk.choices.filter((choice) => choice.index === index).map((choice) => choice.delta.content));
  return deltas.map((content) => (typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join(''))).join('');
}

export async function streamText(simulator: Simulator, body: object = hello): Promise<string> {
  const response = await postTo(simulator, { ...body, stream: true });
  return response.text();
}

export async function streamChunks(simulator: Simulator, body: object = hello): Promise<readonly Chunk[]> {
  return chunksOf(await streamText(simulator, body));
}

/** What arrived, byte for byte, and how it ended, from a client that hides nothing. */
export interface Arrival {
  readonly status: number | undefined;
  readonly pieces: readonly Buffer[];
  readonly text: string;
  readonly end: 'ended' | 'aborted' | 'no-response';
  readonly error: string | undefined;
}

export function receive(simulator: Simulator, body: object = { ...hello, stream: true }): Promise<Arrival> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let arrived: IncomingMessage | undefined;
    const finish = (end: Arrival['end'], error?: NodeJS.ErrnoException): void => {
      resolve({ status: arrived?.statusCode, pieces, text: Buffer.concat(pieces).toString(), end, error: error?.code });
    };
    const request = http.request(
      `${simulator.url}/v1/chat/completions`,
      { method: 'POST', agent: false, headers: { authorization: 'Bearer any', 'content-type': 'application/json' } },
      (response) => {
        arrived = response;
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('end', () => {
          finish('ended');
        });
        response.on('error', (error) => {
          finish('aborted', error);
        });
      },
    );
    request.on('error', (error) => {
      // A reset is an error of the request even where a response has begun.
      finish(arrived ? 'aborted' : 'no-response', error);
    });
    request.end(JSON.stringify(body));
  });
}

/** A streaming request whose response a test reads, or leaves, at will. */
export function open(simulator: Simulator, body: object = { ...hello, stream: true }): { readonly request: http.ClientRequest; readonly response: Promise<IncomingMessage> } {
  const request = http.request(`${simulator.url}/v1/chat/completions`, {
    method: 'POST',
    agent: false,
    headers: { authorization: 'Bearer any', 'content-type': 'application/json' },
  });
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', (arrived) => {
      // A destroyed request reports itself here too.
      arrived.on('error', () => undefined);
      resolve(arrived);
    });
    request.on('error', reject);
  });
  response.catch(() => undefined);
  request.end(JSON.stringify(body));
  return { request, response };
}

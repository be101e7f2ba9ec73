import { MistralCore } from '@mistralai/mistralai/core.js';
import type { CompletionEvent } from '@mistralai/mistralai/models/components/completionevent.js';

import type { Simulator } from '../../src/simulator/index.js';

/** The official SDK's client for its standalone functions. */
export function core(simulator: Simulator): MistralCore {
  return new MistralCore({ serverURL: simulator.url, apiKey: 'any' });
}

type SdkResult<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: unknown };

/** What a standalone function returns, past the SDK's own checks; what fails them is thrown. */
export async function accepted<Value>(call: PromiseLike<SdkResult<Value>>): Promise<Value> {
  const result = await call;
  if (!result.ok) throw result.error;
  return result.value;
}

/** All events of a stream, past the SDK's own checks. */
export async function acceptedEvents<Event>(call: PromiseLike<SdkResult<AsyncIterable<Event>>>): Promise<readonly Event[]> {
  const events: Event[] = [];
  for await (const event of await accepted(call)) events.push(event);
  return events;
}

/** The text of a completion's events, where all of it is strings. */
export function deltaText(events: readonly CompletionEvent[]): string {
  const contents = events.map(({ data }) => data.choices[0]?.delta.content);
  return contents.map((content) => (typeof content === 'string' ? content : '')).join('');
}

/** A plain JSON request to any endpoint. */
export function request(simulator: Simulator, path: string, body?: unknown): Promise<Response> {
  return fetch(`${simulator.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: 'Bearer any', ...(body instanceof FormData ? {} : { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: body instanceof FormData ? body : JSON.stringify(body) }),
  });
}

export function form(fields: Readonly<Record<string, string | Blob>>): FormData {
  const filled = new FormData();
  for (const [name, value] of Object.entries(fields)) filled.append(name, value);
  return filled;
}

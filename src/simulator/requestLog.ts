import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { performance } from 'node:perf_hooks';

import { isMultipartForm } from './multipartParser.js';
import { recordedBody } from './recordedBody.js';
import type { RecordedRequest, RequestRecord } from './recordedRequest.js';

/** The requests that came, the latest so many of them. */
export class RequestLog {
  readonly #requests: RequestRecord[] = [];
  readonly #most: number;
  readonly #attempts = new Map<string, number>();
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get requests(): readonly RecordedRequest[] {
    return this.#requests;
  }

  /** All that ever came. */
  get count(): number {
    return this.#count;
  }

  /** Takes note of a request whose headers have arrived. */
  open(request: IncomingMessage, connection: number): RequestRecord {
    const target = request.url ?? '/';
    const queryStart = target.includes('?') ? target.indexOf('?') : target.length;
    const record: RequestRecord = {
      index: this.#count,
      connection,
      method: request.method ?? 'GET',
      path: target.slice(0, queryStart),
      query: target.slice(queryStart),
      headers: plainHeaders(request),
      body: undefined,
      bodyBytes: 0,
      attempt: 1,
      receivedAt: performance.now(),
      faults: [],
      status: undefined,
      bytesWritten: 0,
      eventsWritten: 0,
      closedByClientAt: undefined,
      finishedAt: undefined,
      outcome: 'open',
    };
    this.#count += 1;
    this.#requests.push(record);
    if (this.#requests.length > this.#most) this.#requests.shift();
    return record;
  }

  /** Adds the body, once it has been read; what can't be parsed stays text. */
  addBody(record: RequestRecord, bytes: Buffer): void {
    const contentType = record.headers['content-type'] ?? '';
    record.bodyBytes = bytes.length;
    record.body = recordedBody(bytes, contentType);
    this.#countAttempt(record, isMultipartForm(contentType) ? undefined : bytes);
  }

  /** The same for a form that was put aside while it came; `undefined` where it was none. */
  addForm(record: RequestRecord, form: Readonly<Record<string, unknown>> | undefined): void {
    record.body = form;
    this.#countAttempt(record, undefined);
  }

  forget(): void {
    this.#requests.length = 0;
    this.#attempts.clear();
  }

  /** The bytes of a form differ from one attempt to the next, by its boundary; what is read of it does not. */
  #countAttempt(record: RequestRecord, bytes: Buffer | undefined): void {
    const same = bytes ?? JSON.stringify(record.body ?? null);
    const key = createHash('sha256').update(`${record.method} ${record.path}\n`).update(same).digest('base64');
    record.attempt = this.#nextAttempt(key);
  }

  #nextAttempt(key: string): number {
    const attempt = (this.#attempts.get(key) ?? 0) + 1;
    // Taken out and put in again: the map's order is that of the latest use, and its first the one to forget.
    this.#attempts.delete(key);
    this.#attempts.set(key, attempt);
    if (this.#attempts.size > Math.max(1, this.#most)) {
      const [oldest] = this.#attempts.keys();
      if (oldest !== undefined) this.#attempts.delete(oldest);
    }
    return attempt;
  }
}

function plainHeaders(request: IncomingMessage): Readonly<Record<string, string>> {
  const entries = Object.entries(request.headersDistinct).map(([name, values]) => [name, (values ?? []).join(', ')] as const);
  return Object.fromEntries(entries);
}

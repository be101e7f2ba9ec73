import { RxMistralError } from '../../errors/RxMistralError.js';
import type { BatchRequest } from '../../events/BatchEvent.js';
import { isRecord } from '../../errors/isRecord.js';

/** A part of the requests: the input of one job, and what is known of each line. */
export interface PartLines {
  /** Counts the parts from 0. */
  readonly part: number;
  readonly bytes: number;
  /** Tells whether another run has the same lines. */
  readonly fingerprint: string;
  /** The lines that have no result yet, by custom id. */
  readonly pending: Map<string, PartLine>;
}

/** Where a request stands. */
export interface PartLine {
  /** Its place among all requests, from 0. */
  readonly index: number;
  /** Its bytes in the part's file, with the line end. */
  readonly start: number;
  readonly end: number;
}

/** What a part may hold. */
export interface PartLimits {
  readonly maxRequests: number;
  readonly maxBytes: number;
  /** The model of the job, where the user has named it. */
  readonly model: string | undefined;
}

const encoder = new TextEncoder();

/** Checks requests, makes lines of them, and says where one part ends and the next begins. Pure; writing is the caller's. */
export class PartWriter {
  readonly #limits: PartLimits;
  readonly #ids = new Set<string>();
  #count = 0;
  #model: string | undefined;
  #parts = 0;
  #pending = new Map<string, PartLine>();
  #bytes = 0;
  #hash = fnvOffset;

  constructor(limits: PartLimits) {
    this.#limits = limits;
    this.#model = limits.model;
  }

  /** How many requests were added. */
  get count(): number {
    return this.#count;
  }

  /** The model that the requests name, where the user has not. */
  get model(): string | undefined {
    return this.#model;
  }

  /**
   * Adds a request.
   *
   * @param place Where it stands among all requests, from 1; those before it may have been left out.
   * @returns its line; and the part before it, where that was full.
   * @throws RxMistralError of kind `validation` that names the line.
   */
  add(request: unknown, place = this.#count + 1): { readonly line: Uint8Array; readonly full: PartLines | undefined } {
    const { customId, body } = this.#check(request, place);
    const line = encodeLine(customId, body, place);
    const { maxRequests, maxBytes } = this.#limits;
    if (line.length > maxBytes) throw invalid(place, `is ${line.length} bytes long; a file holds ${maxBytes}`);

    const isFull = this.#pending.size === maxRequests || this.#bytes + line.length > maxBytes;
    const full = isFull ? this.end() : undefined;
    this.#ids.add(customId);
    this.#pending.set(customId, { index: place - 1, start: this.#bytes, end: this.#bytes + line.length });
    this.#bytes += line.length;
    this.#hash = fnv(this.#hash, line);
    this.#count += 1;
    return { line, full };
  }

  /** Ends the part that is being written; `undefined` where it is empty. */
  end(): PartLines | undefined {
    if (this.#pending.size === 0) return undefined;
    const lines: PartLines = {
      part: this.#parts,
      bytes: this.#bytes,
      fingerprint: this.#hash.toString(16),
      pending: this.#pending,
    };
    this.#parts += 1;
    this.#pending = new Map();
    this.#bytes = 0;
    this.#hash = fnvOffset;
    return lines;
  }

  #check(request: unknown, place: number): { readonly customId: string; readonly body: object } {
    if (!isRecord(request)) throw invalid(place, 'is no object');
    const { customId = `request-${place}`, body } = request as Readonly<Partial<Record<keyof BatchRequest, unknown>>>;
    if (typeof customId !== 'string' || customId === '') throw invalid(place, 'has a `customId` that is no text');
    if (this.#ids.has(customId)) throw invalid(place, 'has the `customId` of an earlier one');
    if (!isRecord(body) || Array.isArray(body)) throw invalid(place, 'has no `body`');

    const { model } = body;
    if (model === undefined || model === null) return { customId, body };
    if (typeof model !== 'string') throw invalid(place, 'has a `model` that is no text');
    this.#model ??= model;
    if (model !== this.#model) throw invalid(place, 'has another `model`: a job has one');
    return { customId, body };
  }
}

function encodeLine(customId: string, body: object, place: number): Uint8Array {
  try {
    return encoder.encode(`${JSON.stringify({ custom_id: customId, body })}\n`);
  } catch {
    throw invalid(place, 'has a `body` that is no JSON');
  }
}

/** The error of a request that cannot be sent; `place` counts from 1. */
export function invalid(place: number, what: string): RxMistralError {
  return new RxMistralError({ kind: 'validation', message: `Request ${place} of the batch ${what}` });
}

// FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/. It has to tell honest mistakes, not attacks.
const fnvOffset = 0x811c9dc5;

function fnv(hash: number, bytes: Uint8Array): number {
  let result = hash;
  for (const byte of bytes) result = Math.imul(result ^ byte, 0x01000193) >>> 0;
  return result;
}

import { createReadStream } from 'node:fs';
import { firstValueFrom } from 'rxjs';
import { expectInteger, expectObject, expectOneOf, fail } from '../errors/expect.js';
import { isRxMistralError, LineSplitter, RxMistralError, type StandardSchemaV1, validateWith } from '../index.js';
import { isJson } from './isJson.js';
import { isMissing } from './isMissing.js';
import { expectPath } from './fileSpool.js';

/** Where JSON lines come from: a path, or what gives pieces of text or bytes (a stream of Node or of the web). */
export type JsonLinesSource = string | URL | AsyncIterable<Uint8Array | string>;

/** Options of {@link readJsonLines}. */
export interface ReadJsonLinesOptions<T> {
  /** Checks, and may transform, each value: any Standard Schema (zod, valibot, arktype, …). */
  readonly schema?: StandardSchemaV1<unknown, T> | undefined;
  /**
   * What is made of a last line without a line end that is no JSON, as a crash leaves it: `error`, or `ignore`.
   * @defaultValue `'error'`
   */
  readonly cutEnd?: 'error' | 'ignore' | undefined;
  /**
   * The longest line, in bytes; a longer one is an error of kind `limit`.
   * @defaultValue 8,388,608 (8 MiB)
   */
  readonly maxLineBytes?: number | undefined;
}

/**
 * Reads JSON lines, one at a time as they are asked for: a file of any size takes the memory of one piece.
 *
 * It is made for `pullMap`, which asks when a place is free. A path is opened anew by each loop, and closed when the loop
 * is left; a stream can be read once. Empty lines are passed over, and so is a byte order mark.
 *
 * Throws, in the loop, an error of kind `protocol` where a line is no JSON, `validation` where it does not fit the schema,
 * `limit` where it is too long: each names the line (from 1) and quotes nothing of it. What came before it was delivered.
 *
 * @throws TypeError at once when the source is none or an option is malformed.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { writeFileSync } from 'node:fs';
 * import { chatComplete, pullMap } from 'rxmistral';
 * import { readJsonLines } from 'rxmistral/node';
 * import { z } from 'zod';
 *
 * const path = `/tmp/prompts-${process.pid}.jsonl`;
 * writeFileSync(path, '{"prompt":"Name a river."}\n{"prompt":"Name a lake."}\n');
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const prompts = readJsonLines(path, { schema: z.object({ prompt: z.string() }) });
 *
 * pullMap(
 *   prompts,
 *   ({ prompt }) => chatComplete(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content: prompt }] }),
 *   { concurrency: 2, settle: true },
 * ).subscribe(({ status, input }) => console.log(input.prompt, status));
 * ```
 *
 * @see {@link writeJsonLines}
 */
export function readJsonLines<T = unknown>(source: JsonLinesSource, options: ReadJsonLinesOptions<T> = {}): AsyncIterable<T> {
  expectObject('options', options);
  const { schema, cutEnd = 'error', maxLineBytes = 8_388_608 } = options;
  if (typeof source === 'string') expectPath('source', source);
  const given: unknown = source;
  if (typeof given !== 'string' && !(given instanceof URL) && !isAsyncIterable(given)) {
    throw new TypeError(`Expected \`source\` to be a path or a stream, got ${given === null ? 'null' : typeof given}`);
  }
  if (schema !== undefined && !isSchema(schema)) fail('schema', 'a Standard Schema', schema);
  expectOneOf('cutEnd', cutEnd, ['error', 'ignore']);
  expectInteger('maxLineBytes', maxLineBytes, 1, true);

  return {
    async *[Symbol.asyncIterator]() {
      const splitter = new LineSplitter(maxLineBytes);
      let line = 0;
      const named = <R>(split: () => R): R => {
        try {
          return split();
        } catch {
          throw new RxMistralError({ kind: 'limit', message: `Line ${line + 1} is longer than ${maxLineBytes} bytes` });
        }
      };
      const valueOf = async (text: string): Promise<T> => {
        const json = parse(text, line);
        return schema === undefined ? (json as T) : check(schema, json, line);
      };
      for await (const piece of typeof source === 'string' || source instanceof URL ? createReadStream(source) : source) {
        for (const text of named(() => splitter.push(typeof piece === 'string' ? Buffer.from(piece) : (piece as Uint8Array)))) {
          line += 1;
          if (!isBlank(text)) yield await valueOf(text);
        }
      }
      const last = named(() => splitter.end());
      if (last === undefined || isBlank(last)) return;
      line += 1;
      if (cutEnd === 'error' || isJson(last)) yield await valueOf(last);
    },
  };
}

function isSchema(value: unknown): boolean {
  const standard = (value as { readonly '~standard'?: { readonly validate?: unknown } } | null)?.['~standard'];
  return typeof standard?.validate === 'function';
}

function isAsyncIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

// A byte order mark is white space to `trim`, and to no parser of JSON.
function isBlank(text: string): boolean {
  return text.trim() === '';
}

function parse(text: string, line: number): unknown {
  try {
    return JSON.parse(line === 1 ? text.trim() : text) as unknown;
  } catch {
    throw new RxMistralError({ kind: 'protocol', message: `Line ${line} is no JSON` });
  }
}

async function check<T>(schema: StandardSchemaV1<unknown, T>, json: unknown, line: number): Promise<T> {
  try {
    // eslint-disable-next-line rxjs-x/no-ignored-default-value -- it emits or fails
    return await firstValueFrom(validateWith(schema, json));
  } catch (error) {
    // It names the fields that do not fit, and quotes no value.
    throw isRxMistralError(error) ? error.with({ message: `Line ${line}: ${error.message}` }) : error;
  }
}

/**
 * The keys of the values that a file of JSON lines has, to go on where a program was broken off: none where there is no file,
 * and without a last line that a crash has cut.
 *
 * @param key The key of a value. What is no text is none.
 *
 * @example
 * ```ts
 * import { readJsonLineKeys } from 'rxmistral/node';
 *
 * const done = await readJsonLineKeys(`/tmp/answers-${process.pid}.jsonl`, ({ id }) => id);
 * console.log(done.size);
 * ```
 */
export async function readJsonLineKeys(path: string | URL, key: (value: Readonly<Record<string, unknown>>) => unknown): Promise<Set<string>> {
  const keys = new Set<string>();
  try {
    for await (const value of readJsonLines<Readonly<Record<string, unknown>>>(path, { cutEnd: 'ignore' })) {
      const found = key(value);
      if (typeof found === 'string') keys.add(found);
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return keys;
}

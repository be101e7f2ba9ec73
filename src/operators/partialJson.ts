import { concat, concatMap, defer, EMPTY, map, materialize, type Observable, of, type OperatorFunction, tap, throwError } from 'rxjs';
import { expectInteger, expectObject, expectOneOf, expectText, fail } from '../errors/expect.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import type { ChatEvent } from '../events/ChatEvent.js';
import type { DeepPartial } from '../events/DeepPartial.js';
import type { JsonReader, JsonReading } from '../events/JsonReading.js';
import { JsonTextReader } from '../events/JsonTextReader.js';
import { JsonToolCallReader } from '../events/JsonToolCallReader.js';
import type { PartialToolCall } from '../events/PartialToolCall.js';
import { expectStandardSchema, type SchemaInput, type SchemaOutput, type StandardSchemaV1 } from '../events/StandardSchemaV1.js';
import { validateWith } from '../events/validateWith.js';

/** The bounds of {@link partialJson}, and where it finds the JSON. */
export interface PartialJsonOptions {
  /**
   * `'text'`: strings and `text-delta` events. `'tool-call'`: the arguments of tool calls.
   * @defaultValue 'text'
   */
  readonly from?: 'text' | undefined;
  /**
   * How many arrays and objects may stand inside each other: an integer of at least 1, or `Infinity`.
   * @defaultValue 128
   */
  readonly maxDepth?: number | undefined;
  /**
   * The longest text of an answer, in characters (UTF-16 code units), white space and fence too; of tool calls all of an
   * answer together, with their ids. An integer of at least 1, or `Infinity`.
   * @defaultValue 16,777,216
   */
  readonly maxLength?: number | undefined;
}

/** The options of {@link partialJson} for the arguments of tool calls. */
export interface PartialToolCallOptions extends Omit<PartialJsonOptions, 'from'> {
  readonly from: 'tool-call';
  /**
   * The tool whose calls are read.
   * @defaultValue all
   */
  readonly name?: string | undefined;
}

// What comes while a validator is at work.
const maxWaiting = 65_536;

type Event = { readonly type: string };

/**
 * Reads an answer that is JSON while it is being written: emits the best value so far, and at the end the validated one.
 *
 * ```
 * source:               -a-b-c-|        a: '{"name":"Par'   b: 'is","size":1'   c: '05}'
 * partialJson(schema):  -x-y-z-(v|)     x: { name: 'Par' }   y: { name: 'Paris' }   z: { name: 'Paris', size: 105 }
 *                                       v: what the schema makes of z
 *
 * source:               -a-R-a-b-c-(e|) events: a, b, c: text-delta   R: retry with strategy 'restart'   e: complete
 * partialJson(schema):  -x---x-y-z-(v|)
 * ```
 *
 * The source gives pieces of one text, as `text()` does, or the events of a chat, of which it reads the `text-delta`s. With
 * events an answer ends at its `complete`, and what follows is another one; it begins anew, and nothing is emitted for
 * that, at a `retry` with `strategy: 'restart'` and at a `start` that no `resume` announced. Other types are ignored. An
 * answer without text whose finish reason is `tool_calls` is passed over. One answer at a time: where streams are
 * merged, put `partialJson()` on each, inside `mergeMap`.
 *
 * **Values** come with each piece that shows something new:
 *
 * - A string grows, never by half a character. A number or literal comes when it is known to be whole: `12` may become
 *   `123`. An array grows element by element. A key is there from the moment its value begins. Where a key comes twice,
 *   the last value stands.
 * - They are not validated: typed as what a good answer would have by then (the schema's input, as {@link DeepPartial}),
 *   but a model may have written anything.
 * - None changes after it was emitted, so that values can be compared, kept and shown. What has ended is shared between
 *   them and must not be changed; what is still open is copied. Copies are bounded, to stay linear in the text: 4,194,304
 *   elements of arrays for an answer and 8 more for each of its characters, a key counting as 48 of them and an open array
 *   or object as 64. Where that is spent (behind tens of kilobytes, and with large lists), values come less often.
 *
 * The last value of an answer is the whole one, also where it has been shown already: what the schema makes of it, with
 * its defaults and transformations, in the same turn unless the validator answers by a Promise. What comes meanwhile
 * waits, an error of the source too: at most 65,536 values, then the error is one of kind `limit`.
 *
 * **Completes** with the source, behind the last value; a source without a single piece leads to none.
 *
 * **Errors** of the source pass. Errors of its own are of kind `validation`, and say where and what was expected, never
 * what stood there; what came before the fault is emitted before it:
 *
 * - The text is no JSON. It is what `JSON.parse` takes, to the letter, and refused at the first character that cannot
 *   stand there. White space around it is fine, and one Markdown fence (three backticks, with or without a language) whose
 *   closing line may be missing. Prose is not.
 * - It ended before the value was whole. Where the answer ran out of length, the message says so.
 * - The schema refused the value: the first 5 issues, with their paths. A string or number that a schema's message quotes
 *   is taken out of it.
 * - The validator has thrown, or its Promise was rejected: see `cause`.
 *
 * Past `maxDepth` or `maxLength` they are of kind `limit`. **Unsubscribing** unsubscribes from the source; the result of a
 * validator that is at work is dropped.
 *
 * With `from: 'tool-call'` the arguments of tool calls are read, each call's by themselves: every value is a
 * {@link PartialToolCall} that names its call, `done: false` while they grow, and `done: true` with the validated ones
 * once the call is whole (`tool-call`, or the end). A call that was cut is an error, as an answer is. Pieces of one call's
 * arguments can also be given as strings, without the option.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { chatStream, partialJson } from 'rxmistral';
 * import * as z from 'zod';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const Recipe = z.object({ title: z.string(), steps: z.array(z.string()) });
 *
 * chatStream(client, {
 *   model: 'mistral-small-latest',
 *   messages: [{ role: 'user', content: 'A recipe for pancakes.' }],
 *   responseFormat: { type: 'json_schema', jsonSchema: { name: 'recipe', schemaDefinition: z.toJSONSchema(Recipe) } },
 * })
 *   .pipe(partialJson(Recipe))
 *   .subscribe(({ title = '', steps = [] }) => {
 *     console.log(`${title}: ${steps.length} steps, the last: ${steps.at(-1) ?? ''}`);
 *   });
 * ```
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { chatStream, partialJson } from 'rxmistral';
 * import * as z from 'zod';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const Email = z.object({ to: z.string(), body: z.string() });
 *
 * chatStream(client, {
 *   model: 'mistral-small-latest',
 *   messages: [{ role: 'user', content: 'Tell Ada that I am late.' }],
 *   tools: [{ type: 'function', function: { name: 'send_email', parameters: z.toJSONSchema(Email) } }],
 * })
 *   .pipe(partialJson(Email, { from: 'tool-call', name: 'send_email' }))
 *   .subscribe((call) => {
 *     if (call.done) console.log('to be sent', call.toolCallId, call.value.to, call.value.body);
 *     else console.log('a draft', call.value.to, call.value.body);
 *   });
 * ```
 *
 * @param schema Any Standard Schema (zod, valibot, arktype, …); without one the values are `unknown`.
 * @throws TypeError when called with what is no Standard Schema, or an option that is out of its bounds.
 * @see {@link text} and {@link toolCalls} for the texts themselves
 * @see {@link StandardSchemaV1}
 */
export function partialJson(schema?: undefined, options?: PartialJsonOptions): OperatorFunction<string | Event, unknown>;
export function partialJson<Schema extends StandardSchemaV1>(
  schema: Schema,
  options?: PartialJsonOptions,
): OperatorFunction<string | Event, DeepPartial<SchemaInput<Schema>> | SchemaOutput<Schema>>;
export function partialJson(schema: undefined, options: PartialToolCallOptions): OperatorFunction<Event, PartialToolCall>;
export function partialJson<Schema extends StandardSchemaV1>(
  schema: Schema,
  options: PartialToolCallOptions,
): OperatorFunction<Event, PartialToolCall<SchemaInput<Schema>, SchemaOutput<Schema>>>;
export function partialJson(
  schema?: StandardSchemaV1,
  options: PartialJsonOptions | PartialToolCallOptions = {},
): OperatorFunction<never, unknown> {
  expectStandardSchema('schema', schema);
  expectObject('options', options);
  expectOneOf('from', options.from, ['text', 'tool-call']);
  const { maxDepth = 128, maxLength = 2 ** 24 } = options;
  expectInteger('maxDepth', maxDepth, 1, true);
  expectInteger('maxLength', maxLength, 1, true);
  const limits = { maxDepth, maxLength };
  const name = 'name' in options ? options.name : undefined;
  expectText('name', name);
  if (name !== undefined && options.from !== 'tool-call') fail('name', "absent where `from` is not 'tool-call'", name);

  const validated = (reading: JsonReading): Observable<JsonReading> =>
    schema === undefined || !reading.done
      ? of(reading)
      : validateWith(schema, reading.value).pipe(map((value) => ({ ...reading, value })));
  return (source: Observable<string | ChatEvent>) =>
    defer(() => {
      const reader: JsonReader =
        options.from === 'tool-call' ? new JsonToolCallReader(limits, name) : new JsonTextReader(limits);
      const readings = concat(
        source.pipe(concatMap((input) => reader.take(input))),
        defer(() => reader.end()),
      );
      return readings.pipe(inTurn(validated), map(shown));
    });
}

// Like concatMap, but an error takes its turn too: it does not overtake a value that is still being validated.
function inTurn<T, R>(project: (value: T) => Observable<R>): OperatorFunction<T, R> {
  return (source) =>
    defer(() => {
      let waiting = 0;
      return source.pipe(
        materialize(),
        tap(() => {
          waiting += 1;
          if (waiting > maxWaiting) throw waitingError();
        }),
        concatMap((notification) => {
          waiting -= 1;
          if (notification.kind === 'N') return project(notification.value);
          return notification.kind === 'E' ? throwError(() => notification.error as unknown) : EMPTY;
        }),
      );
    });
}

function shown({ value, done, toolCall }: JsonReading): unknown {
  return toolCall === undefined ? value : { ...toolCall, value, done };
}

function waitingError(): RxMistralError {
  return new RxMistralError({
    kind: 'limit',
    message: `More than ${maxWaiting} values wait for the validation of the one before them`,
  });
}

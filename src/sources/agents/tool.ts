import { type Observable, of, throwError } from 'rxjs';
import { expectObject, fail } from '../../errors/expect.js';
import { isRecord } from '../../errors/isRecord.js';
import { RxMistralError } from '../../errors/RxMistralError.js';
import type { StandardSchemaV1 } from '../../events/StandardSchemaV1.js';
import type { Tool, ToolContext, ToolResultOf } from '../../events/Tool.js';
import { validateWith } from '../../events/validateWith.js';

/** A JSON schema, as the model is told. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A schema that can say of itself what it takes: zod from 4.2 on, and others that follow Standard JSON Schema. */
interface SelfDescribing {
  readonly '~standard': {
    readonly jsonSchema?: { readonly input: (options: { readonly target: 'draft-2020-12' }) => Record<string, unknown> } | undefined;
  };
}

/** The arguments that a schema gives: what it makes of them; of a plain JSON schema, an object that nobody has checked. */
export type ToolArguments<Parameters> =
  Parameters extends StandardSchemaV1<infer _Input, infer Output> ? Output : Readonly<Record<string, unknown>>;

/** What a tool is made of. */
export interface ToolDefinition<Name extends string, Parameters, Output> {
  /** Letters, digits, `_` and `-`: 1 to 64. Any, `constructor` too. */
  readonly name: Name;
  /** What it does, and when to call it: the model reads it. */
  readonly description?: string | undefined;
  /**
   * The arguments: a schema of zod (from 4.2 on) or of another library that follows Standard Schema, whose type `execute`'s
   * arguments get; or a plain JSON schema, which is told and not checked.
   */
  readonly parameters: Parameters;
  /** What the model is told of a Standard Schema that cannot say it itself. */
  readonly jsonSchema?: JsonSchema | undefined;
  /**
   * Runs when the model calls. Of an Observable or async iterable the values are progress, and the last is the result; anything
   * else is the result, strings, arrays and plain iterables too.
   */
  readonly execute: (args: ToolArguments<Parameters>, context: ToolContext) => Output;
  /**
   * Whether a person has to allow it: always, or for some arguments.
   * @defaultValue false
   */
  readonly needsApproval?: boolean | ((args: ToolArguments<Parameters>) => boolean | PromiseLike<boolean>) | undefined;
}

/**
 * Makes a tool for {@link agentTurn} and its like.
 *
 * The arguments that a model gives are checked by the schema before `execute` sees them; those that do not fit are answered to
 * the model, which mostly does better then. The `signal` fires on unsubscribe, when `toolTimeout` has passed, and at the turn's end.
 *
 * @throws TypeError at once when the name is none, `parameters` is no schema, or it cannot be told as a JSON schema.
 *
 * @example
 * ```ts
 * import { tool } from 'rxmistral';
 * import { z } from 'zod';
 *
 * const weather = tool({
 *   name: 'weather',
 *   description: 'The weather of a city, now.',
 *   parameters: z.object({ city: z.string() }),
 *   execute: async ({ city }, { signal }) => {
 *     signal.throwIfAborted();
 *     return { city, celsius: 21 };
 *   },
 * });
 * console.log(weather.name, weather.parameters);
 * ```
 */
export function tool<const Name extends string, Parameters extends StandardSchemaV1 | JsonSchema, Output>(
  definition: ToolDefinition<Name, Parameters, Output>,
): Tool<Name, ToolArguments<Parameters>, ToolResultOf<Output>> {
  type Args = ToolArguments<Parameters>;
  const given: unknown = definition;
  expectObject('definition', given ?? null);
  const { name, description, parameters, jsonSchema, execute, needsApproval = false } = definition;
  if (typeof name !== 'string' || !/^[\w-]{1,64}$/.test(name)) fail('name', 'a name (letters, digits, `_`, `-`; 1 to 64)', name);
  if (typeof execute !== 'function') fail('execute', 'a function', execute);
  if (typeof needsApproval !== 'boolean' && typeof needsApproval !== 'function') fail('needsApproval', 'a boolean or a function', needsApproval);
  const schema = schemaOf(parameters);
  const described = jsonSchema ?? (schema === undefined ? parameters : describe(schema));
  if (!isRecord(described) || Array.isArray(described)) fail('parameters', 'a schema', described);
  const { $schema: _dialect, ...told } = described;

  const check = (args: unknown): Observable<unknown> => (schema === undefined ? expectArguments(args) : validateWith(schema, args));
  return {
    name,
    description,
    parameters: told,
    // What the schema makes is what its type says; without one, an object.
    check: check as (args: unknown) => Observable<Args>,
    needsApproval: (args) => (typeof needsApproval === 'function' ? needsApproval(args) : needsApproval),
    execute,
  };
}

function schemaOf(parameters: unknown): (StandardSchemaV1 & SelfDescribing) | undefined {
  const holder = (typeof parameters === 'object' && parameters !== null) || typeof parameters === 'function' ? parameters : undefined;
  if (holder === undefined) fail('parameters', 'a schema', parameters);
  const standard: unknown = Reflect.get(holder, '~standard');
  return isRecord(standard) && typeof standard['validate'] === 'function' ? (parameters as StandardSchemaV1 & SelfDescribing) : undefined;
}

function describe(schema: SelfDescribing): JsonSchema {
  const { jsonSchema } = schema['~standard'];
  if (jsonSchema === undefined) fail('jsonSchema', 'given with a schema that has no JSON schema of its own (zod before 4.2)', jsonSchema);
  try {
    return jsonSchema.input({ target: 'draft-2020-12' });
  } catch (error) {
    // It has no dates, no big integers, …
    fail('parameters', `what JSON schema can say (${String(error)})`, schema);
  }
}

function expectArguments(args: unknown): Observable<unknown> {
  return isRecord(args) && !Array.isArray(args)
    ? of(args)
    : throwError(() => new RxMistralError({ kind: 'validation', message: 'The arguments are no object' }));
}

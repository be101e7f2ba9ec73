import type { Observable } from 'rxjs';

/** What a tool's `execute` is told beside its arguments. */
export interface ToolContext {
  /** Fires when the turn is unsubscribed from or over, and when the tool is out of time. */
  readonly signal: AbortSignal;
  /** The model's id of the call: a key against doing a thing twice. */
  readonly toolCallId: string;
}

/** What `execute` has returned, as the result of the tool: what comes out of a Promise, or last out of a stream. */
export type ToolResultOf<Output> =
  Output extends Observable<infer Result> ? Result : Output extends AsyncIterable<infer Result> ? Result : Awaited<Output>;

/**
 * A tool that runs here: what the model is told of it, and what is done when it calls. Made by {@link tool}.
 *
 * @typeParam Name Its name, literally.
 * @typeParam Args Its arguments, as the schema makes them.
 * @typeParam Result What `tool-result` carries.
 */
export interface Tool<Name extends string = string, Args = unknown, Result = unknown> {
  readonly name: Name;
  readonly description: string | undefined;
  /** The JSON schema of the arguments, as the model is told. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Checks the arguments, and may transform them. Fails with an error of kind `validation`. */
  readonly check: (args: unknown) => Observable<Args>;
  // Methods, so that tools of different arguments fit into one array.
  needsApproval(args: Args): boolean | PromiseLike<boolean>;
  /** What was returned: a value, a Promise, or a stream of progress whose last value is the result. */
  execute(args: Args, context: ToolContext): unknown;
  /** For the compiler only. */
  readonly result?: Result | undefined;
}

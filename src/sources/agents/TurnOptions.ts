import type { ObservableInput } from 'rxjs';
import { expectDuration, expectFunction, expectInteger, expectOneOf, fail } from '../../errors/expect.js';
import { isRecord } from '../../errors/isRecord.js';
import type { StepCompleteEvent } from '../../events/AgentEvent.js';
import type { CompletedToolCall } from '../../events/ChatEvent.js';
import type { Tool } from '../../events/Tool.js';
import { type ChatStreamOptions, expectChatStreamOptions } from '../CallOptions.js';

/** What a person says of a call: it may run, it may not, or the decision comes another day. */
export type Decision = 'allow' | 'deny' | 'defer';

/** How a turn of an agent runs. `timeouts.total` is that of the whole turn, its tools included; the others are each step's. */
export interface TurnOptions<AnyTool extends Tool = Tool> extends Omit<ChatStreamOptions, 'continueFrom'> {
  /**
   * The tools that run here, 128 at most, no two of a name.
   * @defaultValue none
   */
  readonly tools?: readonly AnyTool[] | undefined;
  /**
   * How often the model is asked, at most: an integer of at least 1. A turn that is still calling then ends as `max-steps`.
   * @defaultValue 10
   */
  readonly maxSteps?: number | undefined;
  /**
   * Ends the turn, as `stopped`, behind a step whose tools have run.
   * @defaultValue never
   */
  readonly stopWhen?: ((step: StepCompleteEvent) => boolean) | undefined;
  /**
   * How many tools run at once: an integer of at least 1.
   * @defaultValue 4
   */
  readonly toolConcurrency?: number | undefined;
  /**
   * How long a tool may run, in milliseconds.
   * @defaultValue none
   */
  readonly toolTimeout?: number | undefined;
  /**
   * Asks a person about a call whose tool `needsApproval`; the wait takes no place of `toolConcurrency`. The first value decides; where
   * none comes before the end, the call is deferred.
   * @defaultValue all are deferred
   */
  readonly approve?: ((call: CompletedToolCall) => Decision | ObservableInput<Decision>) | undefined;
  /**
   * What becomes of a tool that has no result (it threw, was out of time, is unknown, its arguments do not fit): the model is told,
   * or the turn ends with the error.
   * @defaultValue `'tell-model'`
   */
  readonly onToolError?: 'tell-model' | 'error' | undefined;
  /**
   * After so many steps in a row in which no call had a result, the turn ends with the last error: an integer of at least 1.
   * @defaultValue 3
   */
  readonly maxToolErrors?: number | undefined;
  /**
   * The longest result that the model is told, in characters; the rest is cut, and it is told so.
   * @defaultValue 65,536
   */
  readonly maxResultLength?: number | undefined;
}

const maxTools = 128;

/** Throws a `TypeError` that names the option which is out of range. */
export function expectTurnOptions(options: TurnOptions): void {
  expectChatStreamOptions(options);
  const { tools, maxSteps, stopWhen, toolConcurrency, toolTimeout, approve, onToolError, maxToolErrors, maxResultLength } = options;
  const given: unknown = tools;
  if (given !== undefined && !Array.isArray(given)) fail('tools', 'an array of tools', given);
  if (tools !== undefined && tools.length > maxTools) fail('tools', `at most ${maxTools} tools`, tools.length);
  const names = new Set<string>();
  const unknowns: readonly unknown[] = tools ?? [];
  for (const [index, tool] of unknowns.entries()) {
    const { name, check, execute } = (isRecord(tool) ? tool : {}) as Partial<Tool>;
    if (typeof name !== 'string' || typeof check !== 'function' || typeof execute !== 'function') {
      fail(`tools[${index}]`, 'a tool, made by `tool()`', tool);
    }
    if (names.has(name)) fail('tools', 'tools of different names', name);
    names.add(name);
  }
  expectInteger('maxSteps', maxSteps, 1);
  expectFunction('stopWhen', stopWhen);
  expectInteger('toolConcurrency', toolConcurrency, 1);
  expectDuration('toolTimeout', toolTimeout, 1);
  expectFunction('approve', approve);
  expectOneOf('onToolError', onToolError, ['tell-model', 'error']);
  expectInteger('maxToolErrors', maxToolErrors, 1);
  expectInteger('maxResultLength', maxResultLength, 1);
}

import {
  asyncScheduler,
  catchError,
  concat,
  connect,
  defaultIfEmpty,
  defer,
  EMPTY,
  filter,
  from,
  map,
  merge,
  mergeMap,
  type Observable,
  type ObservableInput,
  of,
  take,
  throwError,
} from 'rxjs';
import { bounded, describeCause } from '../../errors/describeCause.js';
import { fail } from '../../errors/expect.js';
import { isRxMistralError, RxMistralError } from '../../errors/RxMistralError.js';
import type { AgentEvent, ToolErrorEvent, ToolProgressEvent, ToolResultEvent } from '../../events/AgentEvent.js';
import type { CompletedToolCall } from '../../events/ChatEvent.js';
import type { Tool } from '../../events/Tool.js';
import { eventually } from '../eventually.js';
import { resultText, writable } from './resultText.js';
import { runTool, type ToolSignals } from './runTool.js';
import type { Decision, TurnOptions } from './TurnOptions.js';

/** A person's word on a call, and what the model is told of it where it may not run. */
export interface DecidedCall {
  readonly decision: Decision;
  readonly reason?: string | undefined;
}

/** What the calls of a step came to. */
export interface CallOutcome {
  /** What the model is told, by the id of the call. */
  readonly answers: Map<string, string>;
  /** What was decided of calls that the server runs, by the id of the call. */
  readonly confirmations: Map<string, 'allow' | 'deny'>;
  /** The ids of those that wait for a decision. */
  readonly waiting: string[];
  /** The last failure, where no call had a result. */
  lastError: RxMistralError | undefined;
  succeeded: number;
}

/** What the calls of a step share with the turn. */
export interface CallContext {
  readonly requestId: string;
  readonly step: number;
  readonly options: TurnOptions;
  readonly signals: ToolSignals;
  /** The decision that was made elsewhere, where the turn had been put aside for it. */
  readonly decided: (toolCallId: string) => DecidedCall | undefined;
  /** Whether the answer ran out of length within the call: what it has of it is not what the model wanted to say. */
  readonly isCut: (toolCallId: string) => boolean;
  /** Whether the server runs the call itself, once it is allowed. */
  readonly runsOnServer: (toolCallId: string) => boolean;
  /** What is waited for before the model's answer to a call is told. */
  readonly onResult?: ((toolCallId: string, text: string) => Observable<never>) | undefined;
}

/**
 * Runs the calls of a step, several at once: checks the arguments, asks for approval, runs, and notes in `outcome` what the model
 * is told. A call that failed is noted too, unless failures are to end the turn.
 */
export function runCalls(calls: readonly CompletedToolCall[], context: CallContext, outcome: CallOutcome): Observable<AgentEvent> {
  const { requestId, step, options, signals, decided, isCut, runsOnServer, onResult = () => EMPTY } = context;
  const { tools = [], toolConcurrency = 4, toolTimeout, maxResultLength = 65_536, scheduler = asyncScheduler, approve } = options;
  // A Map: a tool may be named `constructor`.
  const toolOf = new Map(tools.map((tool) => [tool.name, tool]));

  const answer = (event: ToolErrorEvent | ToolResultEvent): Observable<AgentEvent> => {
    outcome.answers.set(event.toolCallId, event.text);
    return concat(onResult(event.toolCallId, event.text), of(event));
  };
  const unanswered = ({ id, name }: CompletedToolCall, error: RxMistralError, words: string): Observable<AgentEvent> =>
    answer({ type: 'tool-error', requestId, step, toolCallId: id, name, error, text: resultText(words, maxResultLength) });
  const failed = (call: CompletedToolCall, error: RxMistralError, words: string): Observable<AgentEvent> => {
    outcome.lastError = error;
    const told = unanswered(call, error, words);
    return options.onToolError === 'error' ? concat(told, throwError(() => error)) : told;
  };

  const checked = (call: CompletedToolCall): Observable<AgentEvent | ReadyCall> =>
    defer(() => {
      if (isCut(call.id)) throw new Error('The call was cut: the answer was too long.');
      const tool = toolOf.get(call.name) ?? unknownTool(call.name, [...toolOf.keys()]);
      return tool.check(parseArguments(call)).pipe(take(1), map((args): ReadyCall => ({ call, tool, args })));
    }).pipe(
      catchError((error: unknown) => failed(call, toolError(`The call of ${call.name} cannot be made`, error), messageOf(error))),
    );

  const approved = (ready: ReadyCall): Observable<AgentEvent | ReadyCall> => {
    const { call, tool, args } = ready;
    // What was decided holds, whatever the tool asks for by now.
    const isAsked = defer(() => (decided(call.id) === undefined ? eventually(tool.needsApproval(args)) : of(true)));
    return isAsked.pipe(
      mergeMap((isNeeded) => (isNeeded ? asked(call, (decision) => decide(ready, decision)) : of(ready))),
    );
  };

  // What was decided elsewhere, or what a person says now.
  const asked = <T>(call: CompletedToolCall, then: (decision: DecidedCall) => Observable<T>): Observable<AgentEvent | T> => {
    const made = decided(call.id);
    if (made !== undefined) return then(made);
    const decision = defer(() => (approve === undefined ? of<Decision>('defer') : decisionOf(approve(call))));
    return concat(
      of<AgentEvent>({ type: 'approval-required', requestId, step, toolCall: call }),
      decision.pipe(mergeMap((value) => then({ decision: value }))),
    );
  };

  const decide = (ready: ReadyCall, { decision, reason }: DecidedCall): Observable<AgentEvent | ReadyCall> => {
    const { call } = ready;
    switch (decision) {
      case 'allow':
        return of(ready);
      case 'deny': {
        const words = reason === undefined ? 'The user did not allow this call.' : `The user did not allow this call: ${reason}`;
        return unanswered(call, toolError(`The call of ${call.name} was not allowed`), words);
      }
      case 'defer':
        return putAside(call);
      default:
        return noDecision(decision);
    }
  };

  const putAside = ({ id }: CompletedToolCall): Observable<never> => {
    outcome.waiting.push(id);
    return EMPTY;
  };

  // The server knows the tool and its arguments; it wants nothing but the decision.
  const confirmed = (call: CompletedToolCall): Observable<AgentEvent> =>
    asked(call, ({ decision }) => {
      switch (decision) {
        case 'allow':
        case 'deny':
          outcome.confirmations.set(call.id, decision);
          return EMPTY;
        case 'defer':
          return putAside(call);
        default:
          return noDecision(decision);
      }
    });

  const run = ({ call, tool, args }: ReadyCall): Observable<AgentEvent> => {
    const { id: toolCallId, name } = call;
    const steps = runTool(name, (toolContext) => tool.execute(args, toolContext), toolCallId, signals, toolTimeout, scheduler);
    return concat(
      of<AgentEvent>({ type: 'tool-start', requestId, step, toolCall: call }),
      steps.pipe(
        mergeMap(({ done, value }): Observable<AgentEvent> => {
          if (!done) return of(writable<ToolProgressEvent>({ type: 'tool-progress', requestId, step, toolCallId, name, value }, 'value'));
          outcome.succeeded += 1;
          const text = resultText(value, maxResultLength);
          return answer(writable<ToolResultEvent>({ type: 'tool-result', requestId, step, toolCallId, name, result: value, text }, 'result'));
        }),
        catchError((error: unknown) => {
          const known = isRxMistralError(error) && error.kind === 'tool' ? error : toolError(`The tool ${name} failed`, error);
          return failed(call, known, `The tool failed: ${messageOf(error)}`);
        }),
      ),
    );
  };

  const begun = (call: CompletedToolCall): Observable<AgentEvent | ReadyCall> => {
    // It waits on, also where its tool is not there today.
    if (decided(call.id)?.decision === 'defer') return putAside(call);
    return runsOnServer(call.id) ? confirmed(call) : checked(call);
  };

  return from(calls).pipe(
    mergeMap(begun),
    mergeMap((next) => (isReady(next) ? approved(next) : of(next))),
    // Whoever is to be asked is asked at once, whatever runs.
    connect((nexts) =>
      merge(nexts.pipe(filter((next): next is AgentEvent => !isReady(next))), nexts.pipe(filter(isReady), mergeMap(run, toolConcurrency))),
    ),
  );
}

interface ReadyCall {
  readonly call: CompletedToolCall;
  readonly tool: Tool;
  readonly args: unknown;
}

function isReady(next: AgentEvent | ReadyCall): next is ReadyCall {
  return 'tool' in next;
}

function noDecision(value: unknown): never {
  return fail('approve', "a function that gives 'allow', 'deny' or 'defer'", value);
}

function decisionOf(given: Decision | ObservableInput<Decision>): Observable<Decision> {
  // What is neither a word nor a stream is refused as a decision that is none. Where nobody has decided, the call waits.
  return typeof given === 'object' && (given as unknown) !== null ? from(given).pipe(take(1), defaultIfEmpty<Decision, Decision>('defer')) : of(given as Decision);
}

function unknownTool(name: string, names: readonly string[]): never {
  throw new Error(`There is no tool named ${JSON.stringify(name)}. There are: ${names.join(', ') || 'none'}.`);
}

// A model that calls without arguments may send no text at all.
function parseArguments({ arguments: text }: CompletedToolCall): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error('The arguments are no JSON.');
  }
}

function toolError(message: string, cause?: unknown): RxMistralError {
  return new RxMistralError({ kind: 'tool', message, cause });
}

const maxMessageLength = 1_000;

// A tool may throw anything.
function messageOf(error: unknown): string {
  return bounded((isRxMistralError(error) ? error : describeCause(error)).message, maxMessageLength);
}

import type { AssistantMessage } from '@mistralai/mistralai/models/components/assistantmessage.js';
import type { ToolMessage } from '@mistralai/mistralai/models/components/toolmessage.js';
import type { UsageInfo } from '@mistralai/mistralai/models/components/usageinfo.js';
import { asyncScheduler, catchError, concat, defer, EMPTY, finalize, type Observable, of, repeat, takeUntil, tap, throwError } from 'rxjs';
import type { PartialMessage } from '../../errors/PartialMessage.js';
import type { RxMistralError } from '../../errors/RxMistralError.js';
import { addUsage } from '../../events/addUsage.js';
import type { AgentEvent, StepCompleteEvent, TurnEnding } from '../../events/AgentEvent.js';
import type { ChatEvent, CompletedToolCall, CompleteEvent } from '../../events/ChatEvent.js';
import type { ChatSnapshot } from '../../events/ChatSnapshot.js';
import { toToolCall } from '../../events/MessageBuilder.js';
import type { PendingTurn } from '../../events/PendingTurn.js';
import { SnapshotBuilder } from '../../events/SnapshotBuilder.js';
import type { TurnMessage } from '../../events/TurnMessage.js';
import { deadline } from '../withTimeouts.js';
import { type CallContext, type CallOutcome, type DecidedCall, runCalls } from './runCalls.js';
import { ToolSignals } from './runTool.js';
import type { TurnOptions } from './TurnOptions.js';

/** Where the model is asked, and where the history is held: here (completions), or on the server (conversations). */
export interface TurnBackend {
  /** Asks the model, with what was added since. Emits its events, and `complete` at the end. */
  ask(): Observable<AgentEvent>;
  /** Takes what a step has added: the answer, the results of its calls, and what was decided of those that the server runs. */
  add(messages: readonly TurnMessage[], confirmations: ReadonlyMap<string, 'allow' | 'deny'>): void;
  /** The ids of calls that the server runs itself, once they are allowed. */
  readonly awaitingConfirmation: readonly string[];
  /** Those that a turn's end tells. */
  readonly messages: readonly TurnMessage[];
  readonly conversationId: string | undefined;
  /** The turn as it waits for a decision. */
  suspend(step: SuspendedStep): PendingTurn;
}

/** What a turn that waits is made of, wherever its history is. */
export type SuspendedStep = Pick<PendingTurn, 'version' | 'requestId' | 'step' | 'message' | 'toolCalls' | 'answered' | 'waiting' | 'confirming' | 'usage'>;

/** What a conversation with a store does at the points that must survive a crash; the turn waits for each. */
export interface TurnCheckpoints {
  readonly onAnswer?: ((message: AssistantMessage, calls: readonly CompletedToolCall[]) => Observable<never>) | undefined;
  readonly onResult?: ((toolCallId: string, text: string) => Observable<never>) | undefined;
  readonly onEnd?: (() => Observable<never>) | undefined;
}

/** The calls of a step that was put aside, with those that are answered. */
export interface ResumedStep {
  readonly step: number;
  readonly toolCalls: readonly CompletedToolCall[];
  readonly message: AssistantMessage;
  readonly answered: ReadonlyMap<string, string>;
  /** The ids of calls that the server runs itself, once they are allowed. */
  readonly confirming: readonly string[];
  readonly usage: UsageInfo | undefined;
  readonly decided: (toolCallId: string) => DecidedCall | undefined;
}

const undecided = (): undefined => undefined;

interface OpenCalls extends Pick<ResumedStep, 'answered' | 'confirming' | 'decided'> {
  readonly calls: readonly CompletedToolCall[];
  /** Those that are not whole. */
  readonly cut?: readonly CompletedToolCall[] | undefined;
}

/** One turn: asks the model, runs what it calls, and asks again. Made anew for each subscription. */
export class Turn {
  readonly #requestId: string;
  readonly #backend: TurnBackend;
  readonly #options: TurnOptions;
  readonly #checkpoints: TurnCheckpoints;
  readonly #signals = new ToolSignals();
  readonly #answer = new SnapshotBuilder();
  // The step's answer so far.
  #snapshot: ChatSnapshot | undefined;
  // The failure whose retry is being waited for.
  #pendingFailure: RxMistralError | undefined;
  #step = 0;
  #failedSteps = 0;
  #usage: UsageInfo | undefined;
  #message: AssistantMessage = { role: 'assistant', content: '' };
  #finishReason = '';
  #ending: TurnEnding | undefined;
  #pending: PendingTurn | undefined;

  constructor(requestId: string, backend: TurnBackend, options: TurnOptions, checkpoints: TurnCheckpoints = {}) {
    this.#requestId = requestId;
    this.#backend = backend;
    this.#options = options;
    this.#checkpoints = checkpoints;
  }

  /** All steps; `resumed` is one that goes on behind its decisions. */
  events(resumed?: ResumedStep): Observable<AgentEvent> {
    const { timeouts, scheduler = asyncScheduler } = this.#options;
    const steps = defer(() => this.#nextStep()).pipe(
      // Not by recursion, which would keep each step's subscription until the last has ended.
      repeat({ delay: () => (this.#ending === undefined ? of(undefined) : EMPTY) }),
    );
    const first = resumed === undefined ? EMPTY : this.#resumedStep(resumed);
    const rest = defer(() => (this.#ending === undefined ? steps : EMPTY));
    const end = defer(() => concat(this.#pending === undefined ? (this.#checkpoints.onEnd?.() ?? EMPTY) : EMPTY, defer(() => of(this.#complete()))));
    return concat(first, rest, end).pipe(
      takeUntil(deadline(timeouts?.total, scheduler, () => this.#pendingFailure).pipe(catchError((late: unknown) => throwError(() => this.#withPartial(late as RxMistralError))))),
      finalize(() => {
        this.#signals.abortAll();
      }),
    );
  }

  #nextStep(): Observable<AgentEvent> {
    this.#step += 1;
    this.#snapshot = undefined;
    let calls: CompletedToolCall[] = [];
    let answer: CompleteEvent | undefined;
    const ask = this.#backend.ask().pipe(
      tap((event) => {
        this.#snapshot = this.#answer.take(event as ChatEvent) ?? this.#snapshot;
        this.#pendingFailure = event.type === 'retry' ? event.error : undefined;
        // A restart begins the answer anew, and its calls.
        if (event.type === 'start') calls = [];
        else if (event.type === 'tool-call') calls.push(event.toolCall);
        else if (event.type === 'complete') answer = event;
      }),
    );
    return concat(
      of<AgentEvent>({ type: 'step-start', requestId: this.#requestId, step: this.#step }),
      ask,
      defer(() => (answer === undefined ? EMPTY : this.#takeAnswer(answer, calls))),
    );
  }

  #takeAnswer({ message, finishReason, usage }: CompleteEvent, whole: readonly CompletedToolCall[]): Observable<AgentEvent> {
    this.#message = message;
    this.#finishReason = finishReason;
    this.#usage = addUsage(this.#usage, usage);
    const cut = cutCalls(message, whole);
    const calls = [...whole, ...cut];
    const noted = this.#checkpoints.onAnswer?.(message, calls) ?? EMPTY;
    return concat(noted, this.#answerCalls({ calls, cut, answered: new Map(), confirming: this.#backend.awaitingConfirmation, decided: undecided }, usage));
  }

  // How far the answer had come.
  #withPartial(late: RxMistralError): RxMistralError {
    const { message, toolCalls = [] } = this.#snapshot ?? {};
    if (late.partial !== undefined || message === undefined || (message.content === '' && toolCalls.length === 0)) return late;
    return late.with({ partial: { ...message, ...(toolCalls.length > 0 && { toolCalls: toolCalls.map(toToolCall) }) } as PartialMessage });
  }

  #resumedStep({ step, toolCalls, message, answered, confirming, usage, decided }: ResumedStep): Observable<AgentEvent> {
    return defer(() => {
      this.#step = step;
      this.#message = message;
      this.#finishReason = 'tool_calls';
      this.#usage = usage;
      return this.#answerCalls({ calls: toolCalls, answered, confirming, decided }, undefined);
    });
  }

  #answerCalls({ calls, cut = [], answered, confirming, decided }: OpenCalls, usage: UsageInfo | undefined): Observable<AgentEvent> {
    const outcome: CallOutcome = { answers: new Map(answered), confirmations: new Map(), waiting: [], lastError: undefined, succeeded: 0 };
    const context: CallContext = {
      requestId: this.#requestId,
      step: this.#step,
      options: this.#options,
      signals: this.#signals,
      decided,
      isCut: (id) => cut.some((call) => call.id === id),
      runsOnServer: (id) => confirming.includes(id),
      onResult: this.#checkpoints.onResult,
    };
    const open = calls.filter(({ id }) => !answered.has(id));
    return concat(
      runCalls(open, context, outcome),
      defer(() => (outcome.waiting.length > 0 ? this.#suspend(calls, outcome, confirming) : this.#endStep(calls, outcome, usage))),
    );
  }

  #suspend(calls: readonly CompletedToolCall[], { answers, confirmations, waiting }: CallOutcome, confirming: readonly string[]): Observable<never> {
    this.#ending = 'deferred';
    this.#pending = this.#backend.suspend({
      version: 1,
      requestId: this.#requestId,
      step: this.#step,
      message: this.#message,
      toolCalls: calls,
      answered: [...answers].map(([toolCallId, text]) => ({ toolCallId, text })),
      // In the model's order, whoever was asked first. What was decided of a call that the server runs is told with the rest.
      waiting: calls.map(({ id }) => id).filter((id) => waiting.includes(id) || confirmations.has(id)),
      confirming,
      usage: this.#usage,
    });
    return EMPTY;
  }

  #endStep(calls: readonly CompletedToolCall[], { answers, confirmations, lastError, succeeded }: CallOutcome, usage: UsageInfo | undefined): Observable<AgentEvent> {
    // In the calls' order, whichever tool was first.
    const results = calls.flatMap(({ id, name }): (ToolMessage & { role: 'tool' })[] => {
      const content = answers.get(id);
      return content === undefined ? [] : [{ role: 'tool', toolCallId: id, name, content }];
    });
    const messages: TurnMessage[] = [{ ...this.#message, role: 'assistant' }, ...results];
    this.#backend.add(messages, confirmations);
    const event: StepCompleteEvent = {
      type: 'step-complete',
      requestId: this.#requestId,
      step: this.#step,
      message: this.#message,
      messages,
      finishReason: this.#finishReason,
      usage,
    };
    return concat(of(event), defer(() => this.#decideEnding(event, calls, lastError, succeeded)));
  }

  #decideEnding(event: StepCompleteEvent, calls: readonly CompletedToolCall[], lastError: Error | undefined, succeeded: number): Observable<never> {
    const { maxSteps = 10, maxToolErrors = 3, stopWhen } = this.#options;
    this.#failedSteps = succeeded === 0 && lastError !== undefined ? this.#failedSteps + 1 : 0;
    if (calls.length === 0) this.#ending = 'answered';
    else if (this.#failedSteps >= maxToolErrors) return throwError(() => lastError);
    else if (stopWhen?.(event)) this.#ending = 'stopped';
    else if (this.#step >= maxSteps) this.#ending = 'max-steps';
    return EMPTY;
  }

  #complete(): AgentEvent {
    return {
      type: 'turn-complete',
      requestId: this.#requestId,
      ending: this.#ending ?? 'answered',
      steps: this.#step,
      message: this.#message,
      messages: this.#backend.messages,
      finishReason: this.#finishReason,
      usage: this.#usage,
      conversationId: this.#backend.conversationId,
      pending: this.#pending,
    };
  }
}

// An answer that ran out of length within a call has it in its message, and does not tell it as one.
function cutCalls({ toolCalls }: AssistantMessage, whole: readonly CompletedToolCall[]): CompletedToolCall[] {
  return (toolCalls ?? [])
    // The assembler writes the arguments as text.
    .map(({ id = '', function: { name, arguments: text } }) => ({ id, name, arguments: text as string }))
    .filter(({ id }) => !whole.some((call) => call.id === id));
}

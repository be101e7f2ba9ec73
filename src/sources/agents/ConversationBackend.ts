import type { ConversationEvents } from '@mistralai/mistralai/models/components/conversationevents.js';
import type { Entry } from '@mistralai/mistralai/models/components/conversationhistory.js';
import type { ConversationInputs } from '@mistralai/mistralai/models/components/conversationinputs.js';
import type { ConversationStreamRequest } from '@mistralai/mistralai/models/components/conversationstreamrequest.js';
import type { InputEntries } from '@mistralai/mistralai/models/components/inputentries.js';
import type { ToolCallConfirmation } from '@mistralai/mistralai/models/components/toolcallconfirmation.js';
import {
  catchError,
  concat,
  concatMap,
  defer,
  dematerialize,
  EMPTY,
  from,
  ignoreElements,
  map,
  materialize,
  type Observable,
  of,
  retry,
  takeWhile,
  tap,
  throwError,
} from 'rxjs';
import { type RetryStep, startRetryPlan } from '../../control/retryPlan.js';
import { isRecord } from '../../errors/isRecord.js';
import { isRxMistralError, type RxMistralError } from '../../errors/RxMistralError.js';
import { toRxMistralError } from '../../errors/toRxMistralError.js';
import type { AgentEvent } from '../../events/AgentEvent.js';
import { ConversationAssembler } from '../../events/ConversationAssembler.js';
import type { PendingTurn } from '../../events/PendingTurn.js';
import type { Tool } from '../../events/Tool.js';
import type { TurnMessage } from '../../events/TurnMessage.js';
import type { MistralTransport, TransportOptions } from '../../transport/MistralTransport.js';
import { betaConversationsAppendStreamOperation } from '../../transport/operations/betaConversationsAppendStream.js';
import { betaConversationsGetHistoryOperation } from '../../transport/operations/betaConversationsGetHistory.js';
import { betaConversationsListOperation } from '../../transport/operations/betaConversationsList.js';
import { betaConversationsRestartStreamOperation } from '../../transport/operations/betaConversationsRestartStream.js';
import { betaConversationsStartStreamOperation } from '../../transport/operations/betaConversationsStartStream.js';
import { type ChatStreamOptions, retryConfigOf } from '../CallOptions.js';
import { callOnce } from '../callOnce.js';
import { oneAttempt } from '../oneAttempt.js';
import { readCompletion } from '../readCompletion.js';
import { countInputs, eventsOf, fateOf, type StepFate, type StepPlace } from './conversationHistory.js';
import { functionTools } from './functionTools.js';
import type { SuspendedStep, TurnBackend } from './Turn.js';

/** What goes with every step of a conversation, as it was given. */
export type ConversationSettings = Partial<Omit<ConversationStreamRequest, 'inputs' | 'stream'>>;

/** How a turn of a conversation begins. */
export interface ConversationBeginning {
  readonly settings: ConversationSettings;
  /** What the user says; what the model is told. `undefined` where a step that was put aside goes on. */
  readonly inputs: ConversationInputs | undefined;
  /** The conversation that goes on; a new one without it. */
  readonly conversationId: string | undefined;
  /** Begin a branch of it behind this entry. */
  readonly fromEntryId?: string | undefined;
  /** What the turn had added before it was put aside. */
  readonly messages?: readonly TurnMessage[] | undefined;
  /**
   * Whether what the server has under the id is not to be relied on, or there is no id: the conversation is begun anew from what is
   * stored.
   */
  readonly mustRebuild?: boolean | undefined;
}

/** The memory of a conversation that outlives the server's. */
export interface ConversationMemory {
  /** All that was said, this turn's part included, as the inputs of a new conversation. */
  readonly inputs: () => InputEntries[];
  /** Is told of the server's id when it is known, before anything of the answer. */
  readonly onConversationId: (conversationId: string) => Observable<never>;
}

// What is to be done next about a step.
type Action = { readonly kind: 'send' } | Exclude<StepFate, { readonly kind: 'unknown' }>;

/** The name of the field of a conversation's metadata that holds our key. */
const turnKey = 'rxmistral_turn';

const again = new Error('again');

/**
 * Asks by conversations: the history is held by the server, and each step sends what is new.
 *
 * What was sent may have arrived although its answer was lost. So behind every failure that leaves this open, the history is read
 * first: an answer that is there is taken from it, one that is not is asked for behind what is there, and only what the server has not
 * got is sent again. A start carries a key in its metadata, to be found by; before an append of what the user says the last entry is noted,
 * to tell the step's own entries from older ones.
 */
export class ConversationBackend implements TurnBackend {
  readonly #transport: MistralTransport;
  readonly #settings: ConversationSettings;
  readonly #tools: readonly Tool[];
  readonly #options: ChatStreamOptions;
  readonly #memory: ConversationMemory | undefined;
  readonly #requestId: string;
  #conversationId: string | undefined;
  #fromEntryId: string | undefined;
  // That of which the memory was told.
  #notedId: string | undefined;
  // What the attempt went on with: it may have begun a conversation of its own, or a branch.
  #previousId: string | undefined;
  // By which a start is found again whose answer was lost.
  #key: string | undefined;
  #inputs: ConversationInputs;
  #mustRebuild: boolean;
  #confirmations: ToolCallConfirmation[] = [];
  #awaitingConfirmation: readonly string[] = [];
  #added: readonly TurnMessage[];

  constructor(
    transport: MistralTransport,
    requestId: string,
    { settings, inputs, conversationId, fromEntryId, messages = [], mustRebuild = false }: ConversationBeginning,
    tools: readonly Tool[],
    options: ChatStreamOptions,
    memory?: ConversationMemory,
  ) {
    this.#transport = transport;
    this.#requestId = requestId;
    this.#settings = settings;
    this.#inputs = inputs ?? [];
    this.#conversationId = conversationId;
    this.#notedId = conversationId;
    this.#fromEntryId = fromEntryId;
    this.#added = messages;
    this.#tools = tools;
    this.#options = options;
    this.#memory = memory;
    this.#mustRebuild = mustRebuild;
  }

  get messages(): readonly TurnMessage[] {
    return this.#added;
  }

  get conversationId(): string | undefined {
    return this.#conversationId;
  }

  get awaitingConfirmation(): readonly string[] {
    return this.#awaitingConfirmation;
  }

  add(messages: readonly TurnMessage[], confirmations: ReadonlyMap<string, 'allow' | 'deny'>): void {
    this.#added = [...this.#added, ...messages];
    // The server has the model's words; it is told the results, which are text, and the decisions.
    this.#inputs = messages.flatMap((message): InputEntries[] =>
      message.role === 'tool' && typeof message.content === 'string'
        ? [{ type: 'function.result', toolCallId: message.toolCallId ?? '', result: message.content }]
        : [],
    );
    // The branch was begun.
    this.#fromEntryId = undefined;
    this.#confirmations = [...confirmations].map(([toolCallId, confirmation]) => ({ toolCallId, confirmation }));
  }

  suspend(step: SuspendedStep): PendingTurn {
    return { ...step, kind: 'conversation', request: this.#settings, messages: this.#added, conversationId: this.#conversationId ?? '' };
  }

  ask(): Observable<AgentEvent> {
    return defer(() => {
      const memory = this.#memory;
      if (this.#mustRebuild && memory !== undefined) return this.#rebuild(memory);
      const { onDisconnect = 'error' } = this.#options;
      const retries = retryConfigOf(this.#options, onDisconnect !== 'error');
      const plan = retries && startRetryPlan(retries);
      let attempt = 0;
      let assembler: ConversationAssembler | undefined;
      let action: Action = { kind: 'send' };
      let behind = this.#place();
      this.#key = plan === undefined ? undefined : (this.#transport.createRequestId?.() ?? crypto.randomUUID());

      const note =
        plan === undefined || this.#conversationId === undefined || behind !== undefined
          ? EMPTY
          : this.#readHistory(this.#conversationId).pipe(
              tap((entries) => {
                const entryId = entries.at(-1)?.id;
                behind = entryId === undefined ? undefined : { entryId };
              }),
              ignoreElements(),
              // Unknown to the server: the step itself says so.
              catchError((error: unknown) => (isGone(error) ? EMPTY : throwError(() => error))),
            );

      const openAttempt = readCompletion<AgentEvent, ConversationEvents>(
        defer(() => this.#events(action)),
        (subscriber) => {
          attempt += 1;
          const current = new ConversationAssembler(this.#requestId, attempt, (event) => { subscriber.next(event); }, this.#settings.model ?? '');
          assembler = current;
          return { assembler: current, next: (event) => { current.push(event); } };
        },
      );

      const noteId = (event: AgentEvent): Observable<AgentEvent> => {
        const { conversationId } = assembler ?? {};
        if (event.type !== 'start' || conversationId === undefined) return of(event);
        this.#conversationId = conversationId;
        if (conversationId === this.#notedId) return of(event);
        this.#notedId = conversationId;
        return concat(this.#memory?.onConversationId(conversationId) ?? EMPTY, of(event));
      };

      const recover = (error: unknown, step: RetryStep): Observable<AgentEvent> => {
        const failure = toRxMistralError(error);
        const announced: AgentEvent = { type: 'retry', requestId: this.#requestId, attempt, delayMs: step.delayMs, strategy: 'restart', error: failure };
        const look = defer(() => this.#fate(failure, behind)).pipe(
          tap((fate) => {
            action = fate.kind === 'unknown' ? { kind: 'send' } : fate;
          }),
        );
        return concat(of(announced), step.wait.pipe(ignoreElements()), look.pipe(ignoreElements()), throwError(() => again));
      };

      return concat(
        note,
        (plan?.watch(openAttempt) ?? openAttempt).pipe(
          // One after the other, and an error behind them: it would overtake what waits.
          materialize(),
          concatMap((notification) => (notification.kind === 'N' ? noteId(notification.value).pipe(map(nextNotification)) : of(notification))),
          dematerialize(),
          tap((event) => {
            if (event.type === 'complete') this.#awaitingConfirmation = assembler?.awaitingConfirmation ?? [];
          }),
          catchError((error: unknown) => {
            const mayRepeat = onDisconnect !== 'error' || !(assembler?.hasTokens ?? false);
            const step = mayRepeat && !isGone(error) ? plan?.next(error) : undefined;
            return step === undefined ? throwError(() => error) : recover(error, step);
          }),
          retry({ delay: (error: unknown) => (error === again ? of(again) : throwError(() => error)) }),
        ),
      ).pipe(
        catchError((error: unknown) =>
          isGone(error) && memory !== undefined && this.#conversationId !== undefined ? this.#rebuild(memory) : throwError(() => error),
        ),
      );
    });
  }

  // The server does not know it any more, or knows it otherwise than it went: it is begun anew with all that was said.
  #rebuild(memory: ConversationMemory): Observable<AgentEvent> {
    const inputs = memory.inputs();
    const event: AgentEvent = {
      type: 'conversation-rebuilt',
      requestId: this.#requestId,
      previousConversationId: this.#conversationId,
      entries: inputs.length,
    };
    this.#mustRebuild = false;
    this.#conversationId = undefined;
    this.#fromEntryId = undefined;
    this.#confirmations = [];
    this.#inputs = inputs;
    return concat(of(event), this.ask());
  }

  #events(action: Action): Observable<ConversationEvents> {
    const conversationId = this.#conversationId;
    this.#previousId = conversationId;
    if (action.kind === 'answered') return from(eventsOf(conversationId ?? '', action.entries));
    const [request, open] = this.#call(conversationId, action);
    // No `[DONE]` is documented: it is over with its last event.
    return oneAttempt(this.#options, request, open).pipe(takeWhile(({ data }) => data.type !== 'conversation.response.done', true));
  }

  #call(conversationId: string | undefined, action: Action): readonly [request: unknown, open: (given: TransportOptions) => Observable<ConversationEvents>] {
    const { completionArgs, handoffExecution, store } = this.#settings;
    const inputs = this.#inputs;
    // A choice that forces a call would force one in every step, and the turn would never end.
    const isForced = this.#added.length > 0 && completionArgs?.toolChoice !== undefined && completionArgs.toolChoice !== 'none';
    const given = {
      ...(completionArgs && { completionArgs: isForced ? { ...completionArgs, toolChoice: 'auto' as const } : completionArgs }),
      ...(handoffExecution && { handoffExecution }),
      ...(typeof store === 'boolean' && { store }),
    };
    if (conversationId === undefined) {
      // An agent has its tools by its definition; Mistral takes none beside it.
      const tools = [...(this.#settings.tools ?? []), ...(this.#settings.agentId ? [] : functionTools(this.#tools))];
      const request: ConversationStreamRequest = {
        ...this.#settings,
        inputs,
        ...(tools.length > 0 && { tools }),
        ...(this.#key !== undefined && { metadata: { ...this.#settings.metadata, [turnKey]: this.#key } }),
      };
      return [request, (options) => this.#transport.stream(betaConversationsStartStreamOperation, request, options)];
    }
    const branch = action.kind === 'unanswered' ? action.lastInputId : this.#fromEntryId;
    if (branch !== undefined) {
      const body = { ...given, fromEntryId: branch, ...(action.kind === 'send' && { inputs }) };
      const request = { conversationId, conversationRestartStreamRequest: body };
      return [request, (options) => this.#transport.stream(betaConversationsRestartStreamOperation, request, options)];
    }
    const confirmations = this.#confirmations;
    const request = {
      conversationId,
      conversationAppendStreamRequest: {
        ...given,
        ...(inputs.length > 0 && { inputs }),
        ...(confirmations.length > 0 && { toolConfirmations: confirmations }),
      },
    };
    return [request, (options) => this.#transport.stream(betaConversationsAppendStreamOperation, request, options)];
  }

  // Known beforehand of a branch, and of what answers calls.
  #place(): StepPlace {
    if (this.#fromEntryId !== undefined) return { entryId: this.#fromEntryId };
    const results = typeof this.#inputs === 'string' ? [] : this.#inputs.flatMap((input) => ('result' in input ? [input.toolCallId] : []));
    const calls = [...results, ...this.#confirmations.map(({ toolCallId }) => toolCallId)];
    return calls.length > 0 && this.#conversationId !== undefined ? { calls } : undefined;
  }

  // What the server refused it has not taken.
  #fate(failure: RxMistralError, behind: StepPlace): Observable<StepFate> {
    const { status = 0 } = failure;
    if (status >= 400 && status < 500 && status !== 408) return of({ kind: 'unknown' });
    return (this.#conversationId === undefined ? this.#findStarted() : of(this.#conversationId)).pipe(
      concatMap((conversationId): Observable<StepFate> => {
        if (conversationId === undefined) return of({ kind: 'unknown' });
        this.#conversationId = conversationId;
        return this.#readHistory(conversationId).pipe(
          map((history) => {
            const fate = fateOf(history, behind, countInputs(this.#inputs));
            // Neither sent twice nor taken from another turn: what is not known stays failed.
            if (fate === undefined) throw failure;
            return fate;
          }),
          catchError((error: unknown) => {
            if (!isGone(error) || conversationId === this.#previousId) return throwError(() => error);
            // What the attempt began went with it: it is made again as it was.
            this.#conversationId = this.#previousId;
            return of<StepFate>({ kind: 'unknown' });
          }),
        );
      }),
    );
  }

  // The conversation that was begun with our key, where the server has one.
  #findStarted(): Observable<string | undefined> {
    const metadata = { [turnKey]: this.#key };
    return callOnce(this.#transport, betaConversationsListOperation, { metadata }, this.#lookOptions).pipe(
      // A server that does not know the filter sends others too.
      map((conversations) => conversations.find(({ metadata: found }) => isRecord(found) && found[turnKey] === this.#key)?.id),
    );
  }

  #readHistory(conversationId: string): Observable<readonly Entry[]> {
    return callOnce(this.#transport, betaConversationsGetHistoryOperation, { conversationId }, this.#lookOptions).pipe(map(({ entries }) => entries));
  }

  // One looks only where the step may be repeated: so may the look.
  get #lookOptions(): ChatStreamOptions {
    return { ...this.#options, retry: retryConfigOf(this.#options, true) };
  }
}

function nextNotification(value: AgentEvent): { readonly kind: 'N'; readonly value: AgentEvent } {
  return { kind: 'N', value };
}

function isGone(error: unknown): boolean {
  return isRxMistralError(error) && error.status === 404;
}

import type { ConversationInputs } from '@mistralai/mistralai/models/components/conversationinputs.js';
import type { ConversationStreamRequest } from '@mistralai/mistralai/models/components/conversationstreamrequest.js';
import {
  BehaviorSubject,
  combineLatest,
  concat,
  concatMap,
  defer,
  distinctUntilChanged,
  EMPTY,
  filter,
  map,
  mergeMap,
  type Observable,
  takeUntil,
  tap,
  throwError,
} from 'rxjs';
import { memoryConversationStore } from '../control/memoryConversationStore.js';
import { expectInteger, expectMethods, expectObject, fail } from '../errors/expect.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import type { AgentEvent } from '../events/AgentEvent.js';
import { expectConversationId } from '../events/conversationRecords.js';
import type { ConversationEntry, ConversationStore } from '../events/ConversationStore.js';
import type { Tool } from '../events/Tool.js';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { type ConversationBeginning, ConversationBackend } from './agents/ConversationBackend.js';
import { decisionsById, type Decisions } from './agents/decisions.js';
import { stepOptions } from './agents/stepOptions.js';
import { type ResumedStep, Turn } from './agents/Turn.js';
import { expectTurnOptions, type TurnOptions } from './agents/TurnOptions.js';
import { ConversationRecord, entriesOfInputs } from './conversation/ConversationRecord.js';
import { type HistoryBound, unansweredCalls } from './conversation/historyToSend.js';
import { storeInOrder } from './conversation/storeInOrder.js';
import { TurnQueue } from './conversation/TurnQueue.js';
import { expectInputs } from './conversationTurn.js';
import { expectField } from './expectRequest.js';

/** What a conversation is held with: a model or an agent, and what goes with every turn. */
export interface ConversationConfig<AnyTool extends Tool = Tool>
  extends Omit<TurnOptions<AnyTool>, 'requestId'>,
    Partial<Omit<ConversationStreamRequest, 'inputs' | 'stream' | 'tools' | 'store'>> {
  /** Tools that the server runs (`{ type: 'web_search' }`, …), beside `tools`, which run here. */
  readonly serverTools?: ConversationStreamRequest['tools'];
  /**
   * The id in the store: that of a conversation which is there goes on with it.
   * @defaultValue a UUID
   */
  readonly id?: string | undefined;
  /**
   * Where it is kept.
   * @defaultValue in memory, for this conversation alone
   */
  readonly store?: ConversationStore | undefined;
  /**
   * How much of the history is sent where the server has to be told it again.
   * @defaultValue all
   */
  readonly maxHistory?: HistoryBound | undefined;
  /**
   * How many turns may wait for the one that is running; one more is an error of kind `limit`. An integer of at least 0.
   * @defaultValue 100
   */
  readonly maxWaiting?: number | undefined;
}

/** How a conversation stands. */
export interface ConversationState {
  readonly status: 'idle' | 'running' | 'closed';
  /** The turns that wait for the one that runs. */
  readonly waiting: number;
  /** The server's id, once it is known. */
  readonly conversationId: string | undefined;
}

/** A conversation: turns in order, kept in a store. Made by {@link conversation}. */
export interface Conversation<AnyTool extends Tool = Tool> {
  /** Its id in the store. */
  readonly id: string;
  /** How it stands: at once, and when it changes. */
  readonly state$: Observable<ConversationState>;
  /**
   * Says something: a turn, when those before it have ended. Cold: each subscription says it once more. Unsubscribing ends the turn that
   * runs, down to its call and its tools, or gives up its place.
   */
  send(inputs: ConversationInputs): Observable<AgentEvent<AnyTool>>;
  /**
   * Finishes the turn that was broken off: by a crash, an error, an unsubscribe, or because calls wait for a decision. Calls that have their
   * result are not made again. Completes at once where there is none.
   *
   * @param decisions What was decided of calls that waited, by their ids.
   */
  resume(decisions?: Decisions): Observable<AgentEvent<AnyTool>>;
  /** What the store has: emits it once. */
  history(): Observable<readonly ConversationEntry[]>;
  /** Ends it here: what runs and waits fails with kind `validation`, as does what comes later. The store keeps it. */
  close(): void;
}

/**
 * Holds a conversation that is not lost: the server has its history, and a store has it too.
 *
 * ```
 * send(a):  -s-e-e-c-(ST|)                        one turn at a time
 * send(b):  --------------s-e-c-(ST|)
 * send(c):                        r-s-e-c-(ST|)   r: conversation-rebuilt, for the server had forgotten it
 * ```
 *
 * A turn is one of {@link conversationTurn}. What the user says is in the store before it is sent, an answer and a tool's result
 * before the turn goes on, and the whole turn before `turn-complete` is told. So after a crash {@link Conversation.resume} goes on
 * where it was: a tool whose result is there is not run again (one that was running is: give its `toolCallId` to what must not
 * happen twice), and the model is asked anew.
 *
 * With `agentId`, the agent has to know the tools by its definition ({@link functionTools}).
 *
 * **Where the server does not know it any more** (404), or what it knows is not what the store has (a turn was broken off), the
 * conversation is begun anew with what is stored, bounded by `maxHistory`, and goes on; `conversation-rebuilt` says so. What was said in
 * a turn that was broken off stays said, as far as it came: {@link Conversation.send} goes on without finishing it.
 *
 * **Two writers** of one conversation lose nothing: the one whose turn finds entries that are not its own fails with a
 * {@link ConversationConflictError}.
 *
 * @throws TypeError at once when the client is none, there is neither `agentId` nor `model`, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { concat } from 'rxjs';
 * import { conversation, memoryConversationStore, text } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const support = conversation(client, {
 *   model: 'mistral-medium-latest',
 *   instructions: 'Answer in one sentence.',
 *   id: 'support-17',
 *   store: memoryConversationStore(), // or one of rxmistral/stores: SQLite, Redis, PostgreSQL
 *   retry: {},
 * });
 *
 * concat(support.send('Which river flows through Nantes?'), support.send('Where does it end?'))
 *   .pipe(text())
 *   .subscribe({ next: (piece) => process.stdout.write(piece), complete: () => support.close() });
 * ```
 */
export function conversation<AnyTool extends Tool = never>(client: MistralClient, config: ConversationConfig<AnyTool>): Conversation<AnyTool> {
  const transport = transportOf(client);
  expectConfig(config);
  const { id = crypto.randomUUID(), maxHistory = {}, maxWaiting = 100, tools = [] } = config;
  const store = storeInOrder(config.store ?? memoryConversationStore());
  const settings = settingsOf(config);
  const queue = new TurnQueue(maxWaiting);
  const closed = new BehaviorSubject(false);
  const serverId = new BehaviorSubject<string | undefined>(undefined);

  const turnOf = (record: ConversationRecord, beginning: Omit<ConversationBeginning, 'settings'>, resumed?: ResumedStep): Observable<AgentEvent> => {
    const requestId = transport.createRequestId?.() ?? crypto.randomUUID();
    const backend = new ConversationBackend(transport, requestId, { settings, ...beginning }, tools, stepOptions(config, requestId), record);
    return new Turn(requestId, backend, config, record).events(resumed).pipe(
      tap((event) => {
        if (event.type === 'start' && event.id !== '') serverId.next(event.id);
      }),
    );
  };

  const queued = (turn: (record: ConversationRecord) => Observable<AgentEvent>): Observable<AgentEvent<AnyTool>> => {
    const isOver = throwError(() => new RxMistralError({ kind: 'validation', message: 'The conversation was closed' }));
    // One that waited is let go first when the one before it is ended.
    const loaded = defer(() => (closed.value ? isOver : new ConversationRecord(store, id, maxHistory).load())).pipe(concatMap(turn));
    const end = closed.pipe(filter((isClosed) => isClosed), mergeMap(() => isOver));
    const events: Observable<AgentEvent> = queue.add(loaded).pipe(takeUntil(end));
    // Each result is that of the tool which its name names.
    return events as Observable<AgentEvent<AnyTool>>;
  };

  return {
    id,
    state$: combineLatest([queue.size$, closed, serverId]).pipe(
      map(([size, isClosed, conversationId]): ConversationState => ({
        status: isClosed ? 'closed' : size > 0 ? 'running' : 'idle',
        waiting: isClosed ? 0 : Math.max(0, size - 1),
        conversationId,
      })),
      distinctUntilChanged((a, b) => a.status === b.status && a.waiting === b.waiting && a.conversationId === b.conversationId),
    ),
    send(inputs) {
      expectInputs(inputs);
      return queued((record) => {
        const isBrokenOff = record.openTurn.length > 0;
        const mustRebuild = !record.isInStep;
        const said = entriesOfInputs(inputs);
        return concat(
          record.write(isBrokenOff ? [{ type: 'turn.done' }, ...said] : said),
          defer(() => turnOf(record, { inputs, conversationId: record.conversationId, mustRebuild })),
        );
      });
    },
    resume(decisions = {}) {
      const decided = decisionsById(decisions);
      return queued((record) => {
        const turn = record.openTurn;
        if (turn.length === 0) return EMPTY;
        // The answer is there; only the end of the turn was not noted.
        if (record.isInStep) return record.onEnd();
        const beginning = { inputs: undefined, conversationId: record.conversationId, mustRebuild: true };
        return turnOf(record, beginning, lastStep(turn, decided));
      });
    },
    history: () => defer(() => new ConversationRecord(store, id, maxHistory).load()).pipe(map(({ entries }) => entries)),
    close() {
      closed.next(true);
    },
  };
}

// The calls of the last answer, where it has any without a result; with all of them answered, the model is asked.
function lastStep(turn: readonly ConversationEntry[], decided: ResumedStep['decided']): ResumedStep | undefined {
  if (unansweredCalls(turn).length === 0) return undefined;
  // The calls of one answer stand side by side.
  const lastCall = turn.findLastIndex(({ type }) => type === 'function.call');
  const first = turn.slice(0, lastCall).findLastIndex(({ type }) => type !== 'function.call');
  const entries = turn.slice(first + 1);
  const toolCalls = entries.flatMap((entry) =>
    entry.type === 'function.call' ? [{ id: entry.toolCallId, name: entry.name, arguments: entry.arguments }] : [],
  );
  const answered = new Map(entries.flatMap((entry) => (entry.type === 'function.result' ? [[entry.toolCallId, entry.result]] : [])));
  const said = turn[first];
  return {
    step: 1,
    toolCalls,
    message: {
      role: 'assistant',
      content: said?.type === 'message.output' && typeof said.content === 'string' ? said.content : '',
      toolCalls: toolCalls.map(({ id, name, arguments: text }) => ({ id, type: 'function', function: { name, arguments: text } })),
    },
    answered,
    confirming: [],
    usage: undefined,
    decided,
  };
}

function settingsOf(config: ConversationConfig): ConversationBeginning['settings'] {
  const { agentId, agentVersion, model, instructions, completionArgs, guardrails, name, description, metadata, handoffExecution, store: _store, serverTools } = config;
  const settings = { agentId, agentVersion, model, instructions, completionArgs, guardrails, name, description, metadata, handoffExecution, tools: serverTools };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function expectConfig(config: ConversationConfig): void {
  const given: unknown = config;
  if (given === undefined) fail('config', 'an object', given);
  expectObject('config', config);
  expectTurnOptions(config);
  expectField(config, config.agentId === undefined ? 'model' : 'agentId');
  if (config.id !== undefined) expectConversationId(config.id);
  expectMethods('store', config.store, 'a ConversationStore', ['load', 'append', 'delete', 'list']);
  expectObject('maxHistory', config.maxHistory);
  expectInteger('maxHistory.turns', config.maxHistory?.turns, 1);
  expectInteger('maxHistory.tokens', config.maxHistory?.tokens, 1);
  expectInteger('maxWaiting', config.maxWaiting, 0);
}

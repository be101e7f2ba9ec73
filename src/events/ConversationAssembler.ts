import type { ConversationEvents } from '@mistralai/mistralai/models/components/conversationevents.js';
import type { ToolCall } from '@mistralai/mistralai/models/components/toolcall.js';
import type { UsageInfo } from '@mistralai/mistralai/models/components/usageinfo.js';
import { bounded } from '../errors/describeCause.js';
import { isRecord } from '../errors/isRecord.js';
import type { PartialMessage } from '../errors/PartialMessage.js';
import { RxMistralError, TruncatedStreamError } from '../errors/RxMistralError.js';
import type { HandoffEvent, ServerToolEvent } from './AgentEvent.js';
import type { ChatEvent } from './ChatEvent.js';
import { ContentAssembler } from './ContentAssembler.js';
import { completeToolCall, ToolCallAssembler } from './ToolCallAssembler.js';

/** What the assembler emits: the events of a chat, and what happens on the server between them. */
export type ConversationStepEvent = ChatEvent | HandoffEvent | ServerToolEvent;

type Fields = Readonly<Record<string, unknown>>;

const maxMessageLength = 1_000;

/**
 * Turns the events of a conversation's answer into ours, and knows the message so far. Pure: no rxjs, no clock. The
 * answer is one HTTP call's: a turn with tools is several.
 *
 * ```ts
 * const assembler = new ConversationAssembler('request-1', 1, (event) => events.push(event));
 * for (const event of stream) assembler.push(event);
 * assembler.end(); // emits `complete`, or throws a TruncatedStreamError
 * ```
 *
 * - The id of `start` and `complete` is the conversation's. The model is the last one that spoke.
 * - The API says no finish reason: it is `tool_calls` where functions were called, else `stop`.
 * - Messages before and behind a server's tool or a handoff are one message here.
 * - Every field is read as the server's word: one that is missing or odd takes nothing else with it. Events of unknown
 *   types, and whatever comes behind the end, are ignored.
 *
 * An answer of more than 67,108,864 characters (text, thinking and arguments together) is an error of kind `limit`.
 */
export class ConversationAssembler {
  readonly #requestId: string;
  readonly #attempt: number;
  readonly #emit: (event: ConversationStepEvent) => void;
  readonly #content: ContentAssembler;
  readonly #toolCalls = new ToolCallAssembler();
  /** By the call's id, as the server said last. */
  readonly #confirmations = new Map<string, unknown>();

  #started = false;
  #acted = false;
  #id = '';
  #model: string;
  #isDone = false;
  #usage: UsageInfo | undefined;

  /** @param model Named in `start` and, where no event names one, in `complete`. */
  constructor(requestId: string, attempt: number, emit: (event: ConversationStepEvent) => void, model = '') {
    this.#requestId = requestId;
    this.#attempt = attempt;
    this.#emit = emit;
    this.#model = model;
    this.#content = new ContentAssembler(requestId, emit);
  }

  /** The server's id, from the first event on. */
  get conversationId(): string | undefined {
    return this.#id === '' ? undefined : this.#id;
  }

  /** Whether anything of the answer has come: a token, a piece of a call, a handoff, a tool of the server. */
  get hasTokens(): boolean {
    return !this.#content.builder.isEmpty || this.#toolCalls.calls.length > 0 || this.#acted;
  }

  /** Whether `conversation.response.done` has come. */
  get isFinished(): boolean {
    return this.#isDone;
  }

  /** The ids of calls that the server runs itself once they are confirmed: they want a decision, not a result. */
  get awaitingConfirmation(): readonly string[] {
    return this.#toolCalls.calls.map(({ id }) => id).filter((id) => this.#confirmations.get(id) === 'pending');
  }

  /** The message so far; a tool call's arguments may be cut. */
  partial(): PartialMessage {
    return this.#content.builder.message(this.#toolCalls.calls) as PartialMessage;
  }

  /**
   * Takes the next event and emits its own.
   *
   * @throws RxMistralError of kind `stream` for `conversation.response.error`.
   */
  push({ data }: ConversationEvents): void {
    if (this.#isDone) return;
    const fields: Fields = data;
    if (data.type === 'conversation.response.started') this.#id = textOf(fields['conversationId']) || this.#id;
    if (textOf(fields['model']) !== '') this.#model = textOf(fields['model']);
    if (!this.#started) {
      this.#started = true;
      this.#emit({ type: 'start', requestId: this.#requestId, id: this.#id, model: this.#model, attempt: this.#attempt });
    }
    switch (data.type) {
      case 'message.output.delta':
        this.#addContent(fields['content']);
        break;
      case 'function.call.delta':
        this.#addCall(fields);
        break;
      case 'tool.execution.started':
        this.#addServerTool('started', fields);
        break;
      case 'tool.execution.delta':
        this.#addServerTool('delta', fields);
        break;
      case 'tool.execution.done':
        this.#addServerTool('done', fields);
        break;
      case 'agent.handoff.started':
        this.#addHandoff('started', fields['previousAgentId'], fields['previousAgentName']);
        break;
      case 'agent.handoff.done':
        this.#addHandoff('done', fields['nextAgentId'], fields['nextAgentName']);
        break;
      case 'conversation.response.error':
        throw this.#failure(fields);
      case 'conversation.response.done':
        this.#isDone = true;
        this.#usage = isRecord(fields['usage']) ? (fields['usage']) : undefined;
        break;
    }
  }

  /**
   * The stream has ended: emits the whole calls and `complete`.
   *
   * @throws TruncatedStreamError when no `conversation.response.done` has come.
   */
  end(): void {
    if (!this.#isDone) {
      throw new TruncatedStreamError({ message: 'The stream ended before the answer was finished', partial: this.partial() });
    }
    const calls = this.#toolCalls.calls.map(completeToolCall);
    for (const toolCall of calls) this.#emit({ type: 'tool-call', requestId: this.#requestId, toolCall });
    this.#emit({
      type: 'complete',
      requestId: this.#requestId,
      id: this.#id,
      model: this.#model,
      message: this.#content.builder.message(calls),
      finishReason: calls.length > 0 ? 'tool_calls' : 'stop',
      usage: this.#usage,
    });
  }

  // A text, a chunk or (in no documented event) a list of them.
  #addContent(content: unknown): void {
    if (typeof content === 'string') this.#content.addText(content);
    else this.#content.addChunks(Array.isArray(content) ? content : [content]);
  }

  #addCall({ toolCallId, outputIndex, id, name, arguments: text, confirmationStatus }: Fields): void {
    const { calls } = this.#toolCalls;
    const before = calls.length;
    // The same rule as for a chat's calls: the id, else the place, else the call that was last.
    const piece = { id: toolCallId, index: outputIndex, function: { name, arguments: text } } as ToolCall;
    const { call, added } = this.#toolCalls.add(piece, calls.at(-1)?.index ?? 0, textOf(id));
    this.#content.grow(added.length + (calls.length > before ? call.id.length + call.name.length : 0));
    if (confirmationStatus !== undefined && confirmationStatus !== null) this.#confirmations.set(call.id, confirmationStatus);
    this.#emit({ type: 'tool-call-delta', requestId: this.#requestId, toolCallId: call.id, name: call.name, argumentsText: added });
  }

  #addServerTool(state: ServerToolEvent['state'], { id, name, arguments: text, info }: Fields): void {
    this.#acted = true;
    this.#emit({
      type: 'server-tool',
      requestId: this.#requestId,
      state,
      id: textOf(id),
      name: textOf(name),
      ...(typeof text === 'string' && { argumentsText: text }),
      ...(isRecord(info) && { info }),
    });
  }

  #addHandoff(state: HandoffEvent['state'], agentId: unknown, agentName: unknown): void {
    this.#acted = true;
    this.#emit({ type: 'handoff', requestId: this.#requestId, state, agentId: textOf(agentId), agentName: textOf(agentName) });
  }

  #failure({ message, code }: Fields): RxMistralError {
    const said = textOf(message);
    return new RxMistralError({
      kind: 'stream',
      message: said === '' ? 'The server reported an error in the conversation' : bounded(said, maxMessageLength),
      code: typeof code === 'number' || typeof code === 'string' ? bounded(String(code), 100) : undefined,
      // A code such as 400 or 422 says that it will be so the next time too.
      retryable: !/^4(?!08|29)\d\d$/.test(String(code)),
      partial: this.hasTokens ? this.partial() : undefined,
    });
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

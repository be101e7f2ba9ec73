import type { AgentsCompletionStreamRequest } from '@mistralai/mistralai/models/components/agentscompletionstreamrequest.js';
import type { ChatCompletionStreamRequest } from '@mistralai/mistralai/models/components/chatcompletionstreamrequest.js';
import { defer, type Observable } from 'rxjs';
import type { AgentEvent } from '../../events/AgentEvent.js';
import type { PendingTurn } from '../../events/PendingTurn.js';
import type { Tool } from '../../events/Tool.js';
import type { TurnMessage } from '../../events/TurnMessage.js';
import type { MistralTransport } from '../../transport/MistralTransport.js';
import { agentsStreamOperation } from '../../transport/operations/agentsStream.js';
import { chatStreamOperation } from '../../transport/operations/chatStream.js';
import type { ChatStreamOptions } from '../CallOptions.js';
import { completionEvents } from '../completionEvents.js';
import { continueMessages } from '../continueMessages.js';
import { functionTools } from './functionTools.js';
import type { SuspendedStep, TurnBackend } from './Turn.js';

/** A request of a turn on completions: that of `chatStream`, or that of `agentsStream`. */
export type AgentTurnRequest = ChatCompletionStreamRequest | AgentsCompletionStreamRequest;

/** Asks by completions: the history is held here, and sent whole each time. */
export class CompletionBackend implements TurnBackend {
  readonly #transport: MistralTransport;
  readonly #request: AgentTurnRequest;
  readonly #tools: readonly Tool[];
  readonly #options: ChatStreamOptions;
  #messages: readonly TurnMessage[];
  #hasAsked: boolean;

  /** @param hasAsked Whether the turn has had a step before. */
  constructor(transport: MistralTransport, request: AgentTurnRequest, tools: readonly Tool[], options: ChatStreamOptions, hasAsked: boolean) {
    this.#transport = transport;
    this.#request = request;
    this.#tools = tools;
    this.#options = options;
    this.#messages = request.messages;
    this.#hasAsked = hasAsked;
  }

  get messages(): readonly TurnMessage[] {
    return this.#messages;
  }

  // All calls of completions run here.
  get awaitingConfirmation(): readonly string[] {
    return [];
  }

  get conversationId(): undefined {
    return undefined;
  }

  ask(): Observable<AgentEvent> {
    return defer(() => {
      const { tools, toolChoice, ...rest } = this.#request;
      const all = [...(tools ?? []), ...functionTools(this.#tools)];
      // A choice that forces a call would force one in every step, and the turn would never end.
      const choice = this.#hasAsked && toolChoice !== 'none' ? undefined : toolChoice;
      this.#hasAsked = true;
      const request = {
        ...rest,
        messages: [...this.#messages],
        ...(all.length > 0 && { tools: all }),
        ...(choice !== undefined && { toolChoice: choice }),
      };
      return 'agentId' in request
        ? completionEvents(this.#transport, agentsStreamOperation, request, this.#options, continueMessages)
        : completionEvents(this.#transport, chatStreamOperation, request, this.#options, continueMessages);
    });
  }

  add(messages: readonly TurnMessage[]): void {
    this.#messages = [...this.#messages, ...messages];
  }

  suspend(step: SuspendedStep): PendingTurn {
    const { messages: _messages, ...request } = this.#request;
    return { ...step, kind: 'completion', request, messages: this.#messages };
  }
}

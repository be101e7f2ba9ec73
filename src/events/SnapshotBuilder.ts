import type { AssistantMessage } from '@mistralai/mistralai/models/components/assistantmessage.js';
import type { ToolCall } from '@mistralai/mistralai/models/components/toolcall.js';
import { AnswerRestarts } from './AnswerRestarts.js';
import type { ChatEvent, CompletedToolCall, CompleteEvent, FallbackEvent, ToolCallDeltaEvent } from './ChatEvent.js';
import type { ChatSnapshot, SnapshotToolCall } from './ChatSnapshot.js';
import { MessageBuilder, toToolCall } from './MessageBuilder.js';

/** The answer so far, and what each event makes of it: the work of `accumulate()`. Pure: no rxjs, no clock. */
export class SnapshotBuilder {
  #content = new MessageBuilder();
  #toolCalls: readonly SnapshotToolCall[] = [];
  // The calls that are whole, in the SDK's shape.
  #messageToolCalls: ToolCall[] = [];
  #message: AssistantMessage = { role: 'assistant', content: '' };
  readonly #restarts = new AnswerRestarts();

  /** The snapshot that the event leads to; `undefined` where nothing changes. */
  take(event: ChatEvent | FallbackEvent): ChatSnapshot | undefined {
    switch (event.type) {
      case 'text-delta':
        this.#content.addText(event.text);
        return this.#withMessage();
      case 'thinking-delta':
        this.#content.addThinking(event.text);
        return this.#withMessage();
      case 'tool-call-delta':
        this.#growToolCall(event);
        return this.#snapshot(undefined);
      case 'tool-call':
        this.#endToolCall(event.toolCall);
        return this.#withMessage();
      case 'complete': {
        const last = this.#snapshot(event);
        this.#clear();
        return last;
      }
      case 'fallback':
      case 'retry':
      case 'start':
        if (this.#restarts.isRestart(event)) return this.#restart();
        return event.type === 'retry' && this.#isEmpty ? this.#begin(event.error.partial?.content) : undefined;
      default:
        return undefined;
    }
  }

  #growToolCall({ toolCallId: id, name, argumentsText }: ToolCallDeltaEvent): void {
    const before = this.#toolCalls.find((call) => call.id === id);
    this.#toolCalls = withEntry(this.#toolCalls, {
      id,
      name: name === '' ? (before?.name ?? '') : name,
      arguments: (before?.arguments ?? '') + argumentsText,
      complete: false,
    });
  }

  #endToolCall(call: CompletedToolCall): void {
    this.#toolCalls = withEntry(this.#toolCalls, { ...call, complete: true });
    const index = this.#toolCalls.findIndex(({ id }) => id === call.id);
    this.#messageToolCalls = withEntry(this.#messageToolCalls, toToolCall(call, index));
  }

  #withMessage(): ChatSnapshot {
    this.#message = this.#content.message();
    if (this.#messageToolCalls.length > 0) this.#message.toolCalls = this.#messageToolCalls;
    return this.#snapshot(undefined);
  }

  // One literal for every snapshot: all have one shape, to readers and to the engine.
  #snapshot(complete: CompleteEvent | undefined): ChatSnapshot {
    return {
      text: this.#content.text,
      thinking: this.#content.thinking,
      toolCalls: this.#toolCalls,
      finishReason: complete?.finishReason,
      usage: complete?.usage,
      message: complete?.message ?? this.#message,
      done: complete !== undefined,
    };
  }

  get #isEmpty(): boolean {
    return this.#content.isEmpty && this.#toolCalls.length === 0;
  }

  // What goes on here began where nobody watched.
  #begin(content: unknown): ChatSnapshot | undefined {
    if (typeof content !== 'string') return undefined;
    this.#content.addText(content);
    return this.#withMessage();
  }

  #restart(): ChatSnapshot | undefined {
    if (this.#isEmpty) return undefined;
    this.#clear();
    return this.#snapshot(undefined);
  }

  #clear(): void {
    this.#content = new MessageBuilder();
    this.#toolCalls = [];
    this.#messageToolCalls = [];
    this.#message = { role: 'assistant', content: '' };
  }
}

// The list with `entry` in the place of the one with its id, or at the end. Those handed out before stay as they are.
function withEntry<T extends { readonly id?: string | undefined }>(list: readonly T[], entry: T): T[] {
  const place = list.findIndex(({ id }) => id === entry.id);
  return place === -1 ? [...list, entry] : list.with(place, entry);
}

import type { AssistantMessage } from '@mistralai/mistralai/models/components/assistantmessage.js';
import type { ToolCall } from '@mistralai/mistralai/models/components/toolcall.js';
import type { ChatEvent, CompletedToolCall, CompleteEvent, ToolCallDeltaEvent } from './ChatEvent.js';
import type { ChatSnapshot, SnapshotToolCall } from './ChatSnapshot.js';
import { MessageBuilder } from './MessageBuilder.js';

/** The answer so far, and what each event makes of it: the work of `accumulate()`. Pure: no rxjs, no clock. */
export class SnapshotBuilder {
  #content = new MessageBuilder();
  #toolCalls = new KeyedList<SnapshotToolCall>();
  // The calls that are whole, in the SDK's shape.
  #messageToolCalls = new KeyedList<ToolCall>();
  #message: AssistantMessage = { role: 'assistant', content: '' };
  // A `retry` said that the next attempt goes on where this one was cut.
  #resumes = false;

  /** The snapshot that the event leads to; `undefined` where nothing changes. */
  take(event: ChatEvent): ChatSnapshot | undefined {
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
      case 'retry':
        this.#resumes = event.strategy === 'resume';
        return this.#resumes ? undefined : this.#restart();
      case 'start': {
        // A first attempt resumes nothing: the whole call was made again, and what the retry announced never came.
        const resumed = this.#resumes && event.attempt > 1;
        this.#resumes = false;
        return resumed ? undefined : this.#restart();
      }
      default:
        return undefined;
    }
  }

  #growToolCall({ toolCallId, name, argumentsText }: ToolCallDeltaEvent): void {
    const before = this.#toolCalls.get(toolCallId);
    this.#toolCalls.set(toolCallId, {
      id: toolCallId,
      name: name === '' ? (before?.name ?? '') : name,
      arguments: (before?.arguments ?? '') + argumentsText,
      complete: false,
    });
  }

  #endToolCall({ id, name, arguments: json }: CompletedToolCall): void {
    const index = this.#toolCalls.set(id, { id, name, arguments: json, complete: true });
    this.#messageToolCalls.set(id, { id, type: 'function', function: { name, arguments: json }, index });
  }

  #withMessage(): ChatSnapshot {
    this.#message = this.#content.message();
    const toolCalls = this.#messageToolCalls.list;
    if (toolCalls.length > 0) this.#message.toolCalls = toolCalls;
    return this.#snapshot(undefined);
  }

  // One literal for every snapshot: all have one shape, to readers and to the engine.
  #snapshot(complete: CompleteEvent | undefined): ChatSnapshot {
    return {
      text: this.#content.text,
      thinking: this.#content.thinking,
      toolCalls: this.#toolCalls.list,
      finishReason: complete?.finishReason,
      usage: complete?.usage,
      message: complete?.message ?? this.#message,
      done: complete !== undefined,
    };
  }

  #restart(): ChatSnapshot | undefined {
    if (this.#content.isEmpty && this.#toolCalls.list.length === 0) return undefined;
    this.#clear();
    return this.#snapshot(undefined);
  }

  #clear(): void {
    this.#content = new MessageBuilder();
    this.#toolCalls = new KeyedList();
    this.#messageToolCalls = new KeyedList();
    this.#message = { role: 'assistant', content: '' };
  }
}

/** A list whose entries are found by key. Setting one makes a new `list`; those handed out before stay as they are. */
class KeyedList<T> {
  readonly #places = new Map<string, number>();
  list: T[] = [];

  get(key: string): T | undefined {
    const place = this.#places.get(key);
    return place === undefined ? undefined : this.list[place];
  }

  /** Replaces the entry of `key`, or adds it at the end. Returns its place. */
  set(key: string, value: T): number {
    const place = this.#places.get(key) ?? this.list.length;
    this.#places.set(key, place);
    this.list = this.list.slice();
    this.list[place] = value;
    return place;
  }
}

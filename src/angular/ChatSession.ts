import { computed, type Signal, signal, untracked, type WritableSignal } from '@angular/core';
import { defer, Subscription, tap } from 'rxjs';
import { toRxMistralError } from '../errors/toRxMistralError.js';
import { addUsage } from '../events/addUsage.js';
import { randomKey } from '../sse/randomKey.js';
import { AnswerBuilder, emptyAnswer } from './AnswerBuilder.js';
import type { Chat, ChatMessage, ChatStatus } from './Chat.js';
import type { ChatConfig } from './ChatOptions.js';
import { servedAnswer } from './servedAnswer.js';

/**
 * A chat and its one answer at a time.
 *
 * An event sets one signal, that of the answer, whatever the number of messages. The list of all is put together when it is read:
 * once for a rendering, however many events came since the last.
 */
export class ChatSession {
  readonly #config: ChatConfig;
  readonly #createId: () => string;
  // All but the last answer.
  readonly #before: WritableSignal<readonly ChatMessage[]>;
  readonly #answer: WritableSignal<ChatMessage | undefined>;
  readonly #status: WritableSignal<ChatStatus>;
  #connection = Subscription.EMPTY;
  #isClosed = false;

  constructor(config: ChatConfig) {
    const { messages = [] } = config;
    const last = messages.at(-1);
    const answer = last?.role === 'assistant' ? last : undefined;
    this.#config = config;
    this.#createId = config.createKey ?? randomKey;
    this.#before = signal(answer === undefined ? messages : messages.slice(0, -1));
    this.#answer = signal(answer);
    this.#status = signal(answer?.status === 'failed' ? 'error' : 'idle');
  }

  /** The chat as its users have it. */
  view(): Chat {
    const answer = this.#answer;
    return {
      messages: this.#messages,
      text: computed(() => answer()?.text ?? ''),
      thinking: computed(() => answer()?.thinking ?? ''),
      toolCalls: computed(() => answer()?.toolCalls ?? emptyAnswer.toolCalls),
      status: this.#status.asReadonly(),
      error: computed(() => answer()?.error),
      usage: computed(() => answer()?.usage),
      totalUsage: this.#totalUsage(),
      send: (text) => {
        if (text.trim() !== '') this.#change(() => { this.#ask([...this.#messages(), this.#question(text)]); });
      },
      stop: () => {
        this.#change(() => undefined);
      },
      retry: () => {
        this.#change(() => {
          const messages = this.#before();
          if (messages.at(-1)?.role === 'user') this.#ask(messages);
        });
      },
      clear: () => {
        this.#change(() => {
          this.#before.set([]);
          this.#answer.set(undefined);
          this.#status.set('idle');
        });
      },
    };
  }

  /** Stops, for good: nothing is asked any more. */
  close(): void {
    this.#change(() => undefined);
    this.#isClosed = true;
  }

  readonly #messages: Signal<readonly ChatMessage[]> = computed(() => {
    const answer = this.#answer();
    return answer === undefined ? this.#before() : [...this.#before(), answer];
  });

  // The answer's usage comes at its end: the messages before it are not added up again for each of its pieces.
  #totalUsage(): Chat['totalUsage'] {
    const before = computed(() => this.#before().reduce(withUsage, undefined));
    return computed(() => addUsage(before(), this.#answer()?.usage));
  }

  // Whatever is done ends the answer that is coming. Who does it in an `effect` does not depend on what is read here.
  #change(work: () => void): void {
    untracked(() => {
      if (!this.#connection.closed) {
        this.#connection.unsubscribe();
        this.#end({ status: 'stopped' }, 'idle');
      }
      if (!this.#isClosed) work();
    });
  }

  #ask(messages: readonly ChatMessage[]): void {
    const { body = defaultBody, onEvent } = this.#config;
    const answer = new AnswerBuilder();
    this.#before.set(messages);
    this.#answer.set({ id: this.#createId(), role: 'assistant', ...emptyAnswer, status: 'streaming' });
    this.#status.set('connecting');
    const watch = {
      onOpen: () => { this.#status.set('streaming'); },
      onReconnect: () => { this.#status.set('reconnecting'); },
    };
    const events = defer(() => servedAnswer(this.#config, body(messages), watch)).pipe(
      tap((event) => {
        const content = answer.take(event);
        if (content !== undefined) this.#grow(content);
        onEvent?.(event);
      }),
    );
    this.#connection = events.subscribe({
      error: (error: unknown) => { this.#end({ status: 'failed', error: toRxMistralError(error) }, 'error'); },
      complete: () => { this.#end({ status: 'done' }, 'idle'); },
    });
  }

  #end(outcome: Pick<ChatMessage, 'status' | 'error'>, status: ChatStatus): void {
    this.#grow(outcome);
    this.#status.set(status);
  }

  #grow(changes: Partial<ChatMessage>): void {
    this.#answer.update((answer) => answer && { ...answer, ...changes });
  }

  #question(text: string): ChatMessage {
    return { id: this.#createId(), role: 'user', ...emptyAnswer, text, status: 'done' };
  }
}

function withUsage(sum: ChatMessage['usage'], { usage }: ChatMessage): ChatMessage['usage'] {
  return addUsage(sum, usage);
}

// An answer of which nothing came is none to the model.
function defaultBody(messages: readonly ChatMessage[]): unknown {
  const told = messages.filter(({ role, text }) => role === 'user' || text !== '');
  return { messages: told.map(({ role, text }) => ({ role, content: text })) };
}

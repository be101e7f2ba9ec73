import { assertInInjectionContext, DestroyRef, inject } from '@angular/core';
import { expectFunction, expectObject } from '../errors/expect.js';
import type { Chat } from './Chat.js';
import { type ChatOptions, withProvided } from './ChatOptions.js';
import { ChatSession } from './ChatSession.js';
import { isServer } from './isServer.js';
import { restoreMessages } from './restoreMessages.js';

/**
 * A chat with the server that `provideRxMistral` names, as signals.
 *
 * ```
 * send('Hi')   s----------------------------
 * server        -a-b-#     -c-(d|)             the connection is lost, and made again
 * status       c-s-s-r------s-i                connecting, streaming, reconnecting, idle
 * text         ''-a-ab------abc-abcd
 * ```
 *
 * Call it in an injection context: a field of a component, a service, a factory. Each call is a chat of its own. No zone is
 * needed, and no decorator: what reads the signals is rendered when they change.
 *
 * **An answer** is asked for by a POST and read as an event stream, which reconnects by itself: with a `replay` store on the
 * server no piece is lost or doubled, and the model is asked once. It may be the stream of a model (`chatStream`) or the turn of an
 * agent (`agentTurn`), whose steps and tools follow one another in one message.
 *
 * **It fails** into `error`, an `RxMistralError`, and never throws: the message is `failed`, and keeps what had come. `retry()`
 * asks again.
 *
 * **It ends** with `stop()`, with another question, and when the component, or what else it was injected in, is destroyed: the
 * connection is closed, and the server told by a DELETE (`endOnStop`). A page that is closed tells nothing: there the
 * server's `gracePeriod` counts.
 *
 * **On the server**, in server-side rendering, it does nothing: it has the messages that it began with, and `send` and `retry`
 * ask nobody.
 *
 * **Cost**: an event sets one signal, and copies neither the text so far nor the messages. `messages` is put together when it is
 * read, so once for a rendering. What is held is the messages; how many are sent is for `body` to say.
 *
 * @throws TypeError when an option is out of its bounds, or no `endpoint` is known.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { createEnvironmentInjector, type EnvironmentInjector, Injector, runInInjectionContext } from '@angular/core';
 * import { of } from 'rxjs';
 * import type { ChatEvent } from 'rxmistral';
 * import { injectChat, provideRxMistral } from 'rxmistral/angular';
 * import { pipeEventStream } from 'rxmistral/node';
 *
 * // @Component({
 * //   template: `
 * //     @for (message of chat.messages(); track message.id) { <p>{{ message.role }}: {{ message.text }}</p> }
 * //     @if (chat.error(); as error) { <p role="alert">{{ error.message }} <button (click)="chat.retry()">Again</button></p> }
 * //     <input #question /><button (click)="chat.send(question.value)">Ask</button>`,
 * // })
 * class ChatPage {
 *   readonly chat = injectChat({ onEvent: ({ type }) => { if (type === 'complete') this.#close(); } });
 *
 *   #close(): void {
 *     console.log(this.chat.messages().map(({ role, text }) => `${role}: ${text}`)); // user: Hi, assistant: Hello
 *     server.close();
 *   }
 * }
 *
 * // Here without a browser: an injector, and a server that says Hello.
 * const answer = of<ChatEvent[]>(
 *   { type: 'text-delta', requestId: 'r', index: 0, text: 'Hello' },
 *   { type: 'complete', requestId: 'r', id: 'c', model: 'm', message: { role: 'assistant', content: 'Hello' }, finishReason: 'stop', usage: undefined },
 * );
 * const server = createServer((_request, response) => void pipeEventStream(answer, response)).listen(0, '127.0.0.1', () => {
 *   const { port } = server.address() as { port: number };
 *   const providers = [provideRxMistral({ endpoint: `http://127.0.0.1:${port}/` })];
 *   const injector = createEnvironmentInjector(providers, Injector.NULL as EnvironmentInjector);
 *   runInInjectionContext(injector, () => new ChatPage()).chat.send('Hi');
 * });
 * ```
 *
 * @see {@link provideRxMistral} for the server's side
 * @see {@link chatResource} for an answer that follows signals
 */
export function injectChat(options: ChatOptions = {}): Chat {
  assertInInjectionContext(injectChat);
  expectObject('options', options);
  const { body, onEvent, messages = [] } = options;
  expectFunction('body', body);
  expectFunction('onEvent', onEvent);
  const session = new ChatSession({ ...withProvided(options), body, onEvent, messages: restoreMessages(messages) });
  if (isServer()) session.close();
  inject(DestroyRef).onDestroy(() => {
    session.close();
  });
  return session.view();
}

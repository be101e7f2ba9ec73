import { assertInInjectionContext, computed, effect, type ResourceRef } from '@angular/core';
import { rxResource } from '@angular/core/rxjs-interop';
import { catchError, defer, filter, map, type Observable, Subject, takeUntil, throwError } from 'rxjs';
import { expectObject, fail } from '../errors/expect.js';
import { toRxMistralError } from '../errors/toRxMistralError.js';
import type { ChatEvent } from '../events/ChatEvent.js';
import type { ChatSnapshot } from '../events/ChatSnapshot.js';
import { SnapshotBuilder } from '../events/SnapshotBuilder.js';
import { withProvided } from './ChatOptions.js';
import { isServer } from './isServer.js';
import type { RxMistralConfig } from './RxMistralConfig.js';
import { servedAnswer } from './servedAnswer.js';

/** Options of {@link chatResource}: those of `provideRxMistral`, in the place of what was said there. */
export type ChatResourceOptions = Partial<RxMistralConfig>;

/**
 * An answer that follows signals: a resource whose value is the answer as it grows.
 *
 * ```
 * request()   a---------b-------------       a new request ends the answer to the old one
 * server       -x-y-z    -u-(v|)
 * value()     ---x-xy-xyz---u-uv             snapshots as of accumulate(); undefined at first
 * ```
 *
 * For what is asked by the state of a page and not by a person who writes: a summary of the document that is shown, a title, a
 * completion. Call it in an injection context. It is Angular's `rxResource` and has its rules: `undefined` asks nothing (status
 * `idle`, and an answer that is coming is ended), `reload()` asks again, `value()` throws while the resource is in its error state (ask `hasValue()` first), and
 * destroying what it was injected in ends it. `status()` is `loading` until the first piece, and `resolved` from then on;
 * `value().done` says that the answer is whole.
 *
 * The connection is as of {@link injectChat}: reconnects by itself, and is closed, with a word to the server, when the answer is left
 * before its end. `error()` is an `RxMistralError`, whose `partial` is what had come. Of an agent's turn the value is
 * the step that is being answered. In server-side rendering it stays `idle`.
 *
 * @param request What is sent, as JSON, from signals; `undefined` for nothing.
 * @throws TypeError when an option is out of its bounds, or no `endpoint` is known.
 *
 * @example
 * ```ts
 * import { signal } from '@angular/core';
 * import { chatResource } from 'rxmistral/angular';
 *
 * // @Component({ template: `<textarea [value]="text()" (change)="text.set($any($event.target).value)"></textarea> {{ summary.value()?.text }}` })
 * export class Summary {
 *   readonly text = signal('');
 *   readonly summary = chatResource(() => {
 *     const content = this.text();
 *     return content === '' ? undefined : { messages: [{ role: 'user', content: `Sum this up: ${content}` }] };
 *   });
 * }
 * ```
 *
 * @see {@link injectChat} for a conversation
 */
export function chatResource(request: () => unknown, options: ChatResourceOptions = {}): ResourceRef<ChatSnapshot | undefined> {
  assertInInjectionContext(chatResource);
  if (typeof request !== 'function') fail('request', 'a function', request);
  expectObject('options', options);
  const config = withProvided(options);
  const isRendering = isServer();
  const asked = computed(() => (isRendering ? undefined : request()));
  // Angular leaves an answer alone where nothing is asked in its place.
  const withdrawn = new Subject<void>();
  effect(() => {
    if (asked() === undefined) withdrawn.next();
  });
  return rxResource({
    params: asked,
    stream: ({ params }) => snapshots(config, params).pipe(takeUntil(withdrawn)),
  });
}

function snapshots(config: RxMistralConfig, body: unknown): Observable<ChatSnapshot> {
  return defer(() => {
    const answer = new SnapshotBuilder();
    return servedAnswer(config, body).pipe(
      map((event) => answer.take(event as ChatEvent)),
      filter((snapshot) => snapshot !== undefined),
      catchError((error: unknown) => throwError(() => toRxMistralError(error))),
    );
  });
}

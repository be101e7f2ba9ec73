import { afterRenderEffect, ChangeDetectionStrategy, Component, computed, type ElementRef, signal, viewChild } from '@angular/core';
import { injectChat } from 'rxmistral/angular';
import { Composer } from './Composer';
import { MessageView } from './MessageView';
import { suggestions } from './suggestions';

const labels = { idle: 'Ready', connecting: 'Connecting', streaming: 'Answering', reconnecting: 'Reconnecting', error: 'Not answered' } as const;
// What a screen reader is told of an answer at once; all of it is on the page.
const spokenLength = 1_000;

/** The whole page. */
@Component({
  selector: 'chat-page',
  imports: [Composer, MessageView],
  changeDetection: ChangeDetectionStrategy.OnPush,
  host: { '(document:keydown.escape)': 'stop($event)', '(window:resize)': 'follow()' },
  template: `
    <header class="bar">
      <h1>
        <svg viewBox="0 0 16 16" aria-hidden="true"><rect width="16" height="16" rx="4.5" /><path d="M4.2 5.5h7.6M4.2 8h7.6M4.2 10.5h4.6" /></svg>
        Chat
      </h1>
      <p class="state" [attr.data-state]="chat.status()"><span class="dot"></span>{{ label() }}</p>
      @if (tokens(); as count) {
        <p class="total">{{ count }} tokens</p>
      }
      <button type="button" class="quiet" [disabled]="isEmpty()" (click)="begin()">New chat</button>
    </header>

    <main #log tabindex="0" aria-label="Conversation" [attr.aria-busy]="isBusy()" (scroll)="watchScroll()">
      @if (isEmpty()) {
        <section class="welcome">
          <h2>What would you like to know?</h2>
          <p>Ask in your own words, or begin with one of these.</p>
          <ul class="suggestions">
            @for (suggestion of suggestions; track suggestion.question) {
              <li>
                <button type="button" (click)="send(suggestion.question)">
                  <strong>{{ suggestion.title }}</strong>
                  <span>{{ suggestion.question }}</span>
                </button>
              </li>
            }
          </ul>
        </section>
      } @else {
        <ol class="messages">
          @for (message of chat.messages(); track message.id; let last = $last) {
            <li><chat-message [message]="message" [isLast]="last" (retried)="retry()" /></li>
          }
        </ol>
      }
    </main>

    <div class="foot">
      @if (!isFollowing()) {
        <button type="button" class="latest" (click)="goToLatest()">Latest <span aria-hidden="true">↓</span></button>
      }
      <div class="notice" role="status">
        @if (chat.status() === 'reconnecting') {
          <p><span class="spinner" aria-hidden="true"></span>The connection is lost. Trying again: the answer goes on where it was.</p>
        }
      </div>
      <chat-composer [isBusy]="isBusy()" (sent)="send($event)" (stopped)="stop()" />
    </div>
    <p class="hidden" aria-live="polite">{{ announcement() }}</p>
  `,
})
export class ChatPage {
  protected readonly chat = injectChat();
  protected readonly suggestions = suggestions;
  protected readonly isEmpty = computed(() => this.chat.messages().length === 0);
  protected readonly isBusy = computed(() => ['connecting', 'streaming', 'reconnecting'].includes(this.chat.status()));
  protected readonly label = computed(() => labels[this.chat.status()]);
  protected readonly tokens = computed(() => this.chat.totalUsage()?.totalTokens?.toLocaleString('en'));
  /** Whether the end of the conversation stays in view. */
  protected readonly isFollowing = signal(true);

  // Changes when an answer begins and when it ends, and not with every word.
  protected readonly announcement = computed(() => {
    if (this.isBusy()) return 'Answering.';
    const last = this.chat.messages().at(-1);
    if (last?.role !== 'assistant') return '';
    if (last.status === 'stopped') return 'Stopped.';
    return last.status === 'done' ? `Answer: ${last.text.slice(0, spokenLength)}` : '';
  });

  private readonly log = viewChild.required<ElementRef<HTMLElement>>('log');
  private readonly composer = viewChild.required(Composer);
  private lastTop = 0;

  constructor() {
    afterRenderEffect(() => {
      this.chat.messages();
      this.chat.status();
      this.follow();
    });
  }

  protected send(question: string): void {
    this.isFollowing.set(true);
    this.chat.send(question);
    this.focus();
  }

  protected stop(event?: Event): void {
    // Escape also ends the choice of an input method.
    if (!this.isBusy() || (event instanceof KeyboardEvent && event.isComposing)) return;
    this.chat.stop();
    this.focus();
  }

  protected retry(): void {
    this.isFollowing.set(true);
    this.chat.retry();
    this.focus();
  }

  protected begin(): void {
    this.isFollowing.set(true);
    this.chat.clear();
    this.focus();
  }

  protected goToLatest(): void {
    this.isFollowing.set(true);
    this.follow();
    this.focus();
  }

  protected follow(): void {
    const log = this.log().nativeElement;
    if (this.isFollowing()) log.scrollTop = this.isEmpty() ? 0 : log.scrollHeight;
  }

  // What had it, a suggestion or `Stop`, may be there no more.
  private focus(): void {
    if (!this.composer().focus()) this.log().nativeElement.focus({ preventScroll: true });
  }

  // Who scrolls up wants to read, and who comes back to the end wants to follow.
  protected watchScroll(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.log().nativeElement;
    if (scrollHeight - scrollTop - clientHeight < 24) this.isFollowing.set(true);
    else if (scrollTop < this.lastTop) this.isFollowing.set(false);
    this.lastTop = scrollTop;
  }
}

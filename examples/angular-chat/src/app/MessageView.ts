import { ChangeDetectionStrategy, Component, computed, input, output } from '@angular/core';
import type { ChatMessage } from 'rxmistral/angular';
import { AnswerText } from './AnswerText';
import { CopyButton } from './CopyButton';
import { explainError } from './explainError';
import { ToolCallView } from './ToolCallView';

/** A question, or an answer with its thinking, its tool calls, and how it ended. */
@Component({
  selector: 'chat-message',
  imports: [AnswerText, CopyButton, ToolCallView],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    @let it = message();
    @if (it.role === 'user') {
      <article class="question" aria-label="You">
        <p>{{ it.text }}</p>
      </article>
    } @else {
      <article class="answer" aria-label="Answer" [attr.data-status]="it.status">
        @if (it.thinking) {
          <details class="fold thinking" [attr.data-running]="isThinking() || null">
            <summary>{{ isThinking() ? 'Thinking…' : 'Thinking' }}</summary>
            <p>{{ it.thinking }}</p>
          </details>
        }
        @for (call of it.toolCalls; track call.id) {
          <tool-call [call]="call" [isOver]="it.status !== 'streaming'" />
        }
        @if (it.text) {
          <answer-text class="text" [text]="it.text" [isUnfinished]="it.status !== 'done'" />
        } @else if (isWaiting()) {
          <p class="waiting"><span class="hidden">Waiting for the answer</span><i></i><i></i><i></i></p>
        }
        @if (failure(); as why) {
          <div class="failure" role="alert">
            <div>
              <strong>{{ why.title }}</strong>
              <p>{{ why.detail }}{{ it.text ? ' What had come is kept.' : '' }}</p>
            </div>
            @if (isLast()) {
              <button type="button" (click)="retried.emit()">Try again</button>
            }
          </div>
        } @else if (it.status === 'stopped' || it.status === 'done') {
          <footer class="meta">
            @if (it.status === 'stopped') {
              <span>Stopped</span>
            }
            @if (usage(); as text) {
              <span class="usage">{{ text }}</span>
            }
            @if (it.text) {
              <copy-button [text]="it.text" label="Copy the answer" />
            }
            @if (isLast()) {
              <button type="button" class="quiet" (click)="retried.emit()">Answer again</button>
            }
          </footer>
        }
      </article>
    }
  `,
})
export class MessageView {
  readonly message = input.required<ChatMessage>();
  /** Whether it can be asked for again. */
  readonly isLast = input.required<boolean>();
  readonly retried = output();

  protected readonly failure = computed(() => {
    const { error } = this.message();
    return error && explainError(error);
  });
  protected readonly isThinking = computed(() => this.message().status === 'streaming' && this.message().text === '');
  protected readonly isWaiting = computed(() => {
    const { status, thinking, toolCalls } = this.message();
    if (status !== 'streaming') return false;
    // A tool has answered, and the model is being told.
    return toolCalls.length === 0 ? thinking === '' : toolCalls.every(({ result }) => result !== undefined);
  });
  protected readonly usage = computed(() => {
    const { promptTokens = 0, completionTokens = 0 } = this.message().usage ?? {};
    return promptTokens + completionTokens === 0 ? '' : `${promptTokens} tokens in, ${completionTokens} out`;
  });
}

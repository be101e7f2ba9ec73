import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import { CopyButton } from './CopyButton';
import { parseMarkdown } from './parseMarkdown';
import { SpanView } from './SpanView';

/** The text of an answer. It may grow: what stands already is not drawn anew. */
@Component({
  selector: 'answer-text',
  imports: [CopyButton, SpanView],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    @for (block of blocks(); track $index) {
      @switch (block.kind) {
        @case ('code') {
          <figure class="code">
            <figcaption>{{ block.language || 'code' }}<copy-button [text]="block.text" label="Copy this code" /></figcaption>
            <pre><code>{{ block.text }}</code></pre>
          </figure>
        }
        @case ('heading') {
          <h3><chat-spans [spans]="block.spans" /></h3>
        }
        @case ('item') {
          <p class="item" [style.--depth]="block.depth"><span class="marker">{{ block.marker }}</span><span><chat-spans [spans]="block.spans" /></span></p>
        }
        @default {
          <p><chat-spans [spans]="block.spans" /></p>
        }
      }
    }
  `,
})
export class AnswerText {
  readonly text = input.required<string>();
  /** Whether it is not at its end: more will come, or would have. */
  readonly isUnfinished = input.required<boolean>();
  protected readonly blocks = computed(() => parseMarkdown(this.text(), this.isUnfinished()));
}

import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import type { ChatToolCall } from 'rxmistral/angular';

/** A tool that the model has called: what it was told, and what it said. */
@Component({
  selector: 'tool-call',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    @let it = call();
    <details class="fold tool" [attr.data-running]="isRunning() || null" [attr.data-failed]="it.error ? '' : null">
      <summary>
        <span class="name">{{ it.name }}</span><span class="gist">{{ gist() }}</span><span class="outcome">{{ outcome() }}</span>
      </summary>
      <dl>
        <dt>Asked</dt>
        <dd><pre>{{ pretty(it.arguments) }}</pre></dd>
        @if (it.result !== undefined) {
          <dt>Answered</dt>
          <dd><pre>{{ pretty(it.result) }}</pre></dd>
        }
      </dl>
    </details>
  `,
})
export class ToolCallView {
  readonly call = input.required<ChatToolCall>();
  /** Whether the answer is at its end: what has no result now gets none. */
  readonly isOver = input.required<boolean>();

  protected readonly isRunning = computed(() => !this.isOver() && this.call().result === undefined);
  protected readonly outcome = computed(() => {
    if (this.call().error) return 'failed';
    if (this.call().result !== undefined) return 'done';
    return this.isOver() ? 'not run' : 'running…';
  });
  /** The arguments in a few words, as soon as they are whole. */
  protected readonly gist = computed(() => {
    const values = parse(this.call().arguments);
    return typeof values === 'object' && values !== null ? Object.values(values).map(String).join(', ') : '';
  });

  protected pretty(text: string): string {
    const value = parse(text);
    return value === undefined ? text : JSON.stringify(value, undefined, 2);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

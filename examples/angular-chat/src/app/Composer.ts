import { afterNextRender, ChangeDetectionStrategy, Component, type ElementRef, input, output, signal, viewChild } from '@angular/core';

/** Where a question is written, and an answer is stopped. */
@Component({
  selector: 'chat-composer',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <form class="composer" (submit)="submit($event)">
      <label class="hidden" for="question">Your question</label>
      <textarea
        #field
        id="question"
        rows="1"
        placeholder="Ask something"
        autocomplete="off"
        enterkeyhint="send"
        aria-describedby="keys"
        (input)="resize()"
        (keydown.enter)="enter($event)"
      ></textarea>
      @if (isBusy()) {
        <button type="button" class="action stop" (click)="stop($event)">
          <svg viewBox="0 0 16 16" aria-hidden="true"><rect x="3.5" y="3.5" width="9" height="9" rx="1.5" /></svg>
          <span>Stop</span>
        </button>
      } @else {
        <button type="submit" class="action send" [disabled]="isBlank()">
          <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 13V3.5M3.8 7.5 8 3.3l4.2 4.2" /></svg>
          <span>Send</span>
        </button>
      }
    </form>
    <p id="keys" class="keys"><kbd>Enter</kbd> sends, <kbd>Shift+Enter</kbd> begins a new line, <kbd>Esc</kbd> stops</p>
  `,
})
export class Composer {
  /** Whether an answer is coming. What is written meanwhile stays. */
  readonly isBusy = input.required<boolean>();
  /** The question. */
  readonly sent = output<string>();
  readonly stopped = output();
  protected readonly isBlank = signal(true);

  private readonly field = viewChild.required<ElementRef<HTMLTextAreaElement>>('field');

  constructor() {
    afterNextRender(() => { this.focus(); });
  }

  /** Takes the focus, but not where that opens a keyboard over what one wants to read. Returns whether it has. */
  focus(): boolean {
    const { matches } = matchMedia('(hover: hover)');
    if (matches) this.field().nativeElement.focus();
    return matches;
  }

  protected enter(event: Event): void {
    const { shiftKey, isComposing } = event as KeyboardEvent;
    if (!shiftKey && !isComposing) this.submit(event);
  }

  protected submit(event: Event): void {
    event.preventDefault();
    const field = this.field().nativeElement;
    const question = field.value.trim();
    if (question === '' || this.isBusy()) return;
    field.value = '';
    this.resize();
    this.sent.emit(question);
  }

  protected stop({ detail }: MouseEvent): void {
    // The second click of a double click on `Send`, which was in the same place.
    if (detail < 2) this.stopped.emit();
  }

  // As high as its text; the style sheet has the limit.
  protected resize(): void {
    const field = this.field().nativeElement;
    field.style.height = 'auto';
    field.style.height = `${field.scrollHeight}px`;
    this.isBlank.set(field.value.trim() === '');
  }
}

import { ChangeDetectionStrategy, Component, inject, DestroyRef, input, signal } from '@angular/core';

/** Puts a text into the clipboard, and says so for a moment. */
@Component({
  selector: 'copy-button',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<button type="button" class="quiet" [attr.aria-label]="label()" (click)="copy()">{{ word() }}</button>`,
})
export class CopyButton {
  readonly text = input.required<string>();
  readonly label = input.required<string>();
  protected readonly word = signal('Copy');
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    inject(DestroyRef).onDestroy(() => {
      clearTimeout(this.timer);
    });
  }

  protected copy(): void {
    navigator.clipboard.writeText(this.text()).then(
      () => { this.say('Copied'); },
      () => { this.say('Not allowed'); },
    );
  }

  private say(word: string): void {
    this.word.set(word);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { this.word.set('Copy'); }, 1_500);
  }
}

import type { ChatEvent, FallbackEvent } from './ChatEvent.js';

/**
 * Tells which events begin an answer anew, so that what came of it before is void: a `retry` with `strategy: 'restart'`,
 * a `fallback`, and a `start` that no `resume` announced (a resubscription).
 */
export class AnswerRestarts {
  // A `retry` said that the next attempt goes on where this one was cut.
  #resumes = false;

  /** Whether the answer begins anew with `event`. Wants every `retry`, `fallback` and `start`, in order. */
  isRestart(event: ChatEvent | FallbackEvent): boolean {
    switch (event.type) {
      case 'fallback':
        this.#resumes = false;
        return true;
      case 'retry':
        this.#resumes = event.strategy === 'resume';
        return !this.#resumes;
      case 'start': {
        // A first attempt resumes nothing: the whole call was made again, and what the retry announced never came.
        const resumed = this.#resumes && event.attempt > 1;
        this.#resumes = false;
        return !resumed;
      }
      default:
        return false;
    }
  }
}

interface Asked<T> {
  /** Was asked: what it will be may be old by now. */
  current: Promise<unknown>;
  /** Has not been asked yet. */
  next: Promise<T> | undefined;
}

/**
 * Answers to what many ask again and again: whoever asks gets one that was asked for later than that, and those who ask in the
 * meantime get the same. So one is under way at a time, and one more waits behind it.
 */
export class FreshAnswers<T> {
  readonly #asked = new Map<string, Asked<T>>();

  /** @param name What is asked. @param ask Asks it. */
  get(name: string, ask: () => Promise<T>): Promise<T> {
    const asked = this.#asked.get(name) ?? { current: Promise.resolve(), next: undefined };
    this.#asked.set(name, asked);
    asked.next ??= asked.current.then(() => {
      const answer = ask();
      asked.next = undefined;
      const forget = (): void => {
        if (asked.next === undefined) this.#asked.delete(name);
      };
      asked.current = answer.then(forget, forget);
      return answer;
    });
    return asked.next;
  }
}

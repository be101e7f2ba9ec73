import { clearTimeout, setTimeout } from 'node:timers';

/** Promises that wait for a condition, which is asked again whenever something has happened. */
export class Conditions {
  readonly #checks = new Set<() => void>();
  #closed = false;

  /** To be called when anything has happened; costs nothing while nobody waits. */
  changed(): void {
    for (const check of this.#checks) check();
  }

  /** Nothing will happen any more: conditions that do not hold by now never will. */
  close(): void {
    this.#closed = true;
    this.changed();
  }

  /** Rejects with what `condition` throws, after `timeout` ms, and on {@link close}. */
  wait(condition: () => boolean, timeout: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        this.#checks.delete(check);
      };
      const fail = (message: string): void => {
        stop();
        reject(new Error(message));
      };
      const check = (): void => {
        let holds: boolean;
        try {
          holds = condition();
        } catch (error) {
          stop();
          reject(error instanceof Error ? error : new Error(String(error)));
          return;
        }
        if (holds) {
          stop();
          resolve();
        } else if (this.#closed) fail('The simulator was closed before the condition held');
      };
      const timer = setTimeout(() => {
        fail(`The condition did not hold within ${timeout} ms`);
      }, timeout);
      this.#checks.add(check);
      check();
    });
  }
}

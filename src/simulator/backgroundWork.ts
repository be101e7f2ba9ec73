import { performance } from 'node:perf_hooks';
// Imported, not the globals: the simulator runs in real time even where a test has put fake timers in place.
import { clearImmediate, clearTimeout, setImmediate, setTimeout } from 'node:timers';

// In ms: for so long a request that comes meanwhile has to wait.
const slice = 5;
// Timers count in 32 bits; a longer delay would fire at once.
const longestDelay = 2_147_483_647;

/** Work in many small steps: after each it yields how long to wait before the next, in ms, or 0. It returns what comes of it. */
export type Work<Result> = Generator<number, Result>;

/** What is done when work has come to its end. */
export interface WorkEnd<Result> {
  readonly onResult: (result: Result) => void;
  readonly onError: (error: unknown) => void;
}

/** Does work in slices of 5 ms, so that the rest of the process has its turns. Returns what stops it: then nothing more is called. */
export function runInBackground<Result>(work: Work<Result>, { onResult, onError }: WorkEnd<Result>): () => void {
  let immediate: ReturnType<typeof setImmediate> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;

  const run = (): void => {
    const until = performance.now() + slice;
    do {
      let step: IteratorResult<number, Result>;
      try {
        step = work.next();
      } catch (error) {
        if (!isStopped) onError(error);
        return;
      }
      if (isStopped) return;
      if (step.done === true) {
        onResult(step.value);
        return;
      }
      if (step.value > 0) {
        // For ever, where it is more than a timer takes.
        if (step.value <= longestDelay) timer = setTimeout(run, step.value);
        return;
      }
    } while (performance.now() < until);
    immediate = setImmediate(run);
  };
  immediate = setImmediate(run);
  return () => {
    isStopped = true;
    clearImmediate(immediate);
    clearTimeout(timer);
  };
}

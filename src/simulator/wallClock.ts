import { performance } from 'node:perf_hooks';

/** The time in milliseconds since 1970; a real one even where a test has put a fake `Date` in place. */
export function wallClock(): number {
  return performance.timeOrigin + performance.now();
}

import { onTestFinished, vi } from 'vitest';

/** Stops the simulator's clock, in whole milliseconds: it moves when the test says so, however long a request takes. Timers go on. */
export function stopClock(): { advance(milliseconds: number): void } {
  let now = Math.ceil(performance.now());
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  onTestFinished(() => {
    clock.mockRestore();
  });
  return {
    advance(milliseconds) {
      now += milliseconds;
    },
  };
}

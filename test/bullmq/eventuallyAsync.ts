import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves when the condition holds, and rejects where it does not come to that. */
export async function eventuallyAsync(condition: () => Promise<boolean>, patience = 20_000): Promise<void> {
  const deadline = performance.now() + patience;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('It did not come to that');
    await sleep(20);
  }
}

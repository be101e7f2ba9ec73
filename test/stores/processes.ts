import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { appendWithRetry } from './appendWithRetry.js';
import { openStore, type Place } from './openStore.js';

/** Runs a program of this folder in a process of its own. */
export function start(program: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, program), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** What a store promises to several processes, on the real thing. */
export function processesContract(open: () => Place | PromiseLike<Place>): void {
  it('loses no entry of writers in two processes, and doubles none', async () => {
    const place = await open();
    const children = ['x', 'y'].map((name) => start('writer.ts', JSON.stringify(place), 'writers', name));
    const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit')) as [number]));
    expect(codes.map(([code]) => code)).toEqual([0, 0]);

    const { store, close } = openStore(place);
    const { entries } = (await store.load('a'))!;
    await close();
    expect(entries).toHaveLength(100);
    expect(new Set(entries.map((entry) => JSON.stringify(entry))).size).toBe(100);
  }, 180_000);

  it('has whole appends only, when a process is killed at any time', async () => {
    const place = await open();
    const child = start('writer.ts', JSON.stringify(place), 'batches');
    let returned = 0;
    // Three have returned, and another is likely to be under way.
    child.stdout?.on('data', (dots: Buffer) => {
      returned += dots.length;
      if (returned >= 3) child.kill('SIGKILL');
    });
    await once(child, 'close');

    const { store, close } = openStore(place);
    const { version, entries } = (await store.load('a'))!;
    expect(version % 50).toBe(0);
    expect(version).toBeGreaterThanOrEqual(returned * 50);
    expect(entries).toEqual(Array.from({ length: version }, (_, index) => ({ type: 'message.output', content: `${index}` })));
    // And the next one can write, behind what was under way at a server that had not heard of the end.
    expect((await appendWithRetry(store, 'a', { type: 'turn.done' })) % 50).toBe(1);
    await close();
  }, 180_000);
}

import { spawn } from 'node:child_process';
import { lastValueFrom, mergeMap, NEVER, of, Subject, throwError, timer, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { pullMap } from '../../src/index.js';
import { drainOn, type DrainSignal } from '../../src/node/index.js';
import { collectGarbage, settle } from '../wire/fixtures/cancellationFixtures.js';

const listeners = (): number => process.listenerCount('SIGUSR2');

function unexpected(error: unknown): never {
  throw error;
}

/** As the process would be sent it, without anybody else who listens. */
function signal(): void {
  process.emit('SIGUSR2', 'SIGUSR2');
}

describe('drainOn', () => {
  it('ends a source, not the work below it', () => {
    const source = new Subject<number>();
    const work = new Subject<string>();
    const seen: unknown[] = [];
    source.pipe(drainOn('SIGUSR2'), mergeMap(() => work)).subscribe({ next: (value) => seen.push(value), complete: () => seen.push('complete'), error: unexpected });
    source.next(1);
    signal();
    expect([source.observed, seen]).toEqual([false, []]);
    work.next('result');
    work.complete();
    expect(seen).toEqual(['result', 'complete']);
  });

  it('listens only while somebody is subscribed, and until the first signal', () => {
    const before = listeners();
    const drained = NEVER.pipe(drainOn(['SIGUSR2', 'SIGHUP']));
    const first = drained.subscribe();
    drained.subscribe();
    expect(listeners()).toBe(before + 2);
    first.unsubscribe();
    expect(listeners()).toBe(before + 1);
    signal();
    expect([listeners(), process.listenerCount('SIGHUP')]).toEqual([before, 0]);
  });

  it('passes values, the end and an error', async () => {
    const drain = drainOn<number>('SIGUSR2');
    expect(await lastValueFrom(of(1, 2).pipe(drain, toArray()))).toEqual([1, 2]);
    await expect(lastValueFrom(throwError(() => new Error('source')).pipe(drainOn('SIGUSR2')))).rejects.toThrow('source');
    expect(listeners()).toBe(0);
  });

  it('takes an AbortSignal, one that was aborted before too', () => {
    const stop = new AbortController();
    const ended: string[] = [];
    NEVER.pipe(drainOn(stop.signal)).subscribe({ complete: () => ended.push('waiting'), error: unexpected });
    stop.abort();
    NEVER.pipe(drainOn(stop.signal)).subscribe({ complete: () => ended.push('late'), error: unexpected });
    expect(ended).toEqual(['waiting', 'late']);
  });

  it('ends an iterable for pullMap: what was begun is finished', async () => {
    const stop = new AbortController();
    let asked = 0;
    let closed = 0;
    function* values(): Generator<number> {
      try {
        for (;;) yield (asked += 1);
      } finally {
        closed += 1;
      }
    }
    const results = pullMap(drainOn(stop.signal, values()), (value) => timer(5).pipe(mergeMap(() => { if (value === 7) stop.abort(); return of(value); })), { concurrency: 3 });
    const all = await lastValueFrom(results.pipe(toArray()));
    expect(all).toEqual(Array.from({ length: asked }, (_, index) => index + 1));
    expect(closed).toBe(1);
  });

  it('leaves, and closes, an iterable that is being waited for', async () => {
    const stop = new AbortController();
    let closed = 0;
    const silent: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined), return: () => { closed += 1; return Promise.resolve({ done: true, value: undefined }); } }),
    };
    const ended = lastValueFrom(pullMap(drainOn(stop.signal, silent), (value) => [value], { concurrency: 2 }).pipe(toArray()));
    await settle();
    stop.abort();
    expect(await ended).toEqual([]);
    expect(closed).toBe(1);
  });

  it('tells an error of the iterable, and stops listening', async () => {
    async function* failing(): AsyncGenerator<number> {
      yield 1;
      await settle(1);
      throw new Error('source');
    }
    await expect(lastValueFrom(pullMap(drainOn('SIGUSR2', failing()), (value) => [value], { concurrency: 1 }))).rejects.toThrow('source');
    expect(listeners()).toBe(0);
  });

  it('remembers no value that went by', async () => {
    const { signal: never } = new AbortController();
    const values: WeakRef<object>[] = [];
    function* large(): Generator<object> {
      for (let index = 0; index < 200; index++) {
        const value = { index };
        values.push(new WeakRef(value));
        yield value;
      }
    }
    let count = 0;
    for await (const _value of drainOn(never, large())) {
      count += 1;
      if (count === 190) {
        await collectGarbage();
        expect(values.slice(0, 180).filter((ref) => ref.deref() !== undefined)).toEqual([]);
      }
    }
    expect(count).toBe(200);
  });

  it('lets a service finish what it had begun, and end by itself, at SIGTERM', async () => {
    const program = `
      import { interval, mergeMap, timer, map } from 'rxjs';
      import { drainOn } from 'rxmistral/node';
      interval(5).pipe(drainOn('SIGTERM'), mergeMap((job) => { console.log('begun ' + job); return timer(60).pipe(map(() => job)); }, 5))
        .subscribe({ next: (job) => console.log('done ' + job), complete: () => console.log('complete') });
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (text: Buffer) => {
      output += text.toString();
      if (output.includes('done 0') && !child.killed) child.kill('SIGTERM');
    });
    const [code, killed] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => child.on('close', (...ending) => { resolve(ending); }));
    const begun = [...output.matchAll(/begun (\d+)/g)].map(([, job]) => job);
    const done = [...output.matchAll(/done (\d+)/g)].map(([, job]) => job);
    expect([code, killed, done, output.endsWith('complete\n')]).toEqual([0, null, begun, true]);
  });

  it.each([['TERM' as NodeJS.Signals], [[]], [undefined as unknown as DrainSignal], [5 as unknown as DrainSignal], ['SIGTREM' as NodeJS.Signals], ['SIGKILL' as const], [['SIGTERM', 'SIGSTOP'] as const]])('names a signal that is none: %j', (given) => {
    expect(() => drainOn(given)).toThrow(/Expected `signal`/);
  });

  it.each([5, null, {}])('names a source that is none: %j', (source) => {
    expect(() => drainOn('SIGTERM', source as never)).toThrow(/Expected `source` to be an iterable/);
  });
});

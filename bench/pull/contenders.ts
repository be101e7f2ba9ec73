import { from, lastValueFrom, map, mergeMap, type Observable, tap } from 'rxjs';
import { pullMap } from 'rxmistral';

/** How many are under way at once, for all. */
export const concurrency = 50;

/** What a contender does with each value: `done` is to be called with each result. */
export interface Work {
  readonly values: AsyncIterable<number>;
  readonly project: (value: number) => Promise<number>;
  readonly done: () => void;
}

/** Maps all values, 50 at once. */
export interface Contender {
  readonly title: string;
  readonly run: (work: Work) => Promise<unknown>;
  /** How many values at most: a contender that is quadratic is not waited for. */
  readonly most?: number;
}

const drain = (results: Observable<number>, done: () => void): Promise<unknown> =>
  lastValueFrom(results.pipe(tap(done)), { defaultValue: 0 });

export const contenders: Readonly<Record<string, Contender>> = {
  workers: {
    title: '50 workers by hand',
    run: async ({ values, project, done }) => {
      const iterator = values[Symbol.asyncIterator]();
      const work = async (): Promise<void> => {
        for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
          await project(next.value);
          done();
        }
      };
      await Promise.all(Array.from({ length: concurrency }, work));
    },
  },
  pullMap: {
    title: '`pullMap`',
    run: ({ values, project, done }) => drain(pullMap(values, project, { concurrency }), done),
  },
  ordered: {
    title: '`pullMap`, ordered',
    run: ({ values, project, done }) => drain(pullMap(values, project, { concurrency, ordered: true }), done),
  },
  settled: {
    title: '`pullMap`, ordered and settled',
    run: ({ values, project, done }) => {
      const settled = pullMap(values, project, { concurrency, ordered: true, settle: true });
      return drain(settled.pipe(map(({ index }) => index)), done);
    },
  },
  mergeMap: {
    title: '`from(values).pipe(mergeMap(f, 50))`',
    run: ({ values, project, done }) => drain(from(values).pipe(mergeMap(project, concurrency)), done),
    most: 100_000,
  },
};

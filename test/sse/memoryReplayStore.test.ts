import { describe, expect, it } from 'vitest';
import { Subscription, VirtualTimeScheduler } from 'rxjs';
import { memoryReplayStore, type MemoryReplayStoreOptions, type ReplayPage, type ReplayPlace, type ReplayStore } from '../../src/sse/index.js';
import { replayEvent as event, replayStoreContract, shown } from './replayStoreContract.js';

const rethrow = (error: unknown): never => {
  throw error;
};

class Clock extends VirtualTimeScheduler {
  time = 1_000;
  override now = (): number => this.time;
}

interface Kept {
  readonly store: ReplayStore;
  readonly clock: Clock;
  readonly add: (...ids: readonly number[]) => void;
}

function storeWith(options: MemoryReplayStoreOptions, ...ids: readonly number[]): Kept {
  const clock = new Clock();
  const store = memoryReplayStore({ scheduler: clock, ...options });
  void store.create('k');
  const add = (...more: readonly number[]): void => void store.append('k', more.map(event));
  if (ids.length > 0) add(...ids);
  return { store, clock, add };
}

/** What a read gives: pages so far, and whether it is over. */
function reading(store: ReplayStore, after: number, limit = 100): { readonly pages: (readonly number[] | string)[]; isDone: boolean; readonly subscription: Subscription } {
  const seen = { pages: [] as (readonly number[] | string)[], isDone: false, subscription: new Subscription() };
  seen.subscription.add(
    store.read('k', after, limit).subscribe({
      next: (page) => seen.pages.push(shown(page)),
      error: rethrow,
      complete: () => {
        seen.isDone = true;
      },
    }),
  );
  return seen;
}

function placeOf(store: ReplayStore, after: number, key = 'k'): ReplayPlace | undefined {
  let place: ReplayPlace | undefined;
  store.join(key, after).subscribe({ next: (value) => (place = value), error: rethrow }).unsubscribe();
  return place;
}

function readersOf(store: ReplayStore): { readonly counts: number[]; isDone: boolean } {
  const seen = { counts: [] as number[], isDone: false };
  store.readers('k').subscribe({
    next: (count) => seen.counts.push(count),
    error: rethrow,
    complete: () => {
      seen.isDone = true;
    },
  });
  return seen;
}

describe('memoryReplayStore', () => {
  replayStoreContract((options) => {
    const store = memoryReplayStore(options);
    return { writer: store, reader: store, close: () => undefined };
  });

  it('waits where there is nothing yet, and gives what comes next', () => {
    const { store, add } = storeWith({}, 1);
    const read = reading(store, 1);
    expect(read).toMatchObject({ pages: [], isDone: false });
    add(2, 3);
    expect(read).toMatchObject({ pages: [[2, 3]], isDone: true });
  });

  it('makes a page once for all who read it', () => {
    const { store, add } = storeWith({}, 1);
    const pages: ReplayPage[] = [];
    const read = (after: number): Subscription => store.read('k', after, 100).subscribe({ next: (page) => pages.push(page), error: rethrow });
    read(0);
    read(0);
    read(1);
    read(1);
    add(2);
    read(0);
    expect(pages.map((page) => page.place === 'open' && page.events.map(({ id }) => id))).toEqual([[1], [1], [2], [2], [1, 2]]);
    expect([pages[0] === pages[1], pages[2] === pages[3]]).toEqual([true, true]);
  });

  it('gives nothing to one who leaves because of what another is given', () => {
    const { store, add } = storeWith({}, 1);
    const given: string[] = [];
    const other = new Subscription();
    store.read('k', 1, 100).subscribe({ next: () => { given.push('first'); other.unsubscribe(); }, error: rethrow });
    other.add(store.read('k', 1, 100).subscribe({ next: () => given.push('other'), error: rethrow }));
    add(2);
    expect(given).toEqual(['first']);
  });

  it('lets one who comes back while the others are given theirs wait for what is next', () => {
    const { store, add } = storeWith({}, 1);
    const given: string[] = [];
    const follow = (after: number): void => {
      store.read('k', after, 1).subscribe({ next: (page) => { given.push(JSON.stringify(page.place === 'open' && page.events.map(({ id }) => id))); if (after < 3) follow(after + 1); }, error: rethrow });
    };
    follow(1);
    add(2);
    expect(given).toEqual(['[2]']);
    add(3, 4);
    expect(given).toEqual(['[2]', '[3]', '[4]']);
  });

  it('waits no more once it is unsubscribed from', () => {
    const { store, add } = storeWith({}, 1);
    const read = reading(store, 1);
    read.subscription.unsubscribe();
    add(2);
    expect(read.pages).toEqual([]);
  });

  it('tells those who wait that the stream has ended, and later those who come to its end', () => {
    const { store } = storeWith({}, 1);
    const waiting = reading(store, 1);
    void store.end('k');
    expect(waiting).toMatchObject({ pages: ['ended'], isDone: true });
    expect([reading(store, 1).pages, reading(store, 0).pages]).toEqual([['ended'], [[1]]]);
    expect([placeOf(store, 0), placeOf(store, 1)]).toEqual(['open', 'ended']);
  });

  it.each<[number, ReplayPlace]>([
    [0, 'expired'],
    [1, 'expired'],
    [2, 'open'],
    [5, 'open'],
    [6, 'expired'],
  ])('keeps the last `maxEvents`: a client behind event %s is %s', (after, place) => {
    const { store } = storeWith({ maxEvents: 3 }, 1, 2, 3, 4, 5);
    expect(placeOf(store, after)).toBe(place);
    if (place !== 'open') expect(reading(store, after).pages).toEqual([place]);
  });

  it('drops the oldest a hundred thousand times, and keeps no more than it says', () => {
    const { store, add } = storeWith({ maxEvents: 10 });
    for (let id = 1; id <= 100_000; id += 1) add(id);
    expect(reading(store, 99_990).pages).toEqual([[99_991, 99_992, 99_993, 99_994, 99_995, 99_996, 99_997, 99_998, 99_999, 100_000]]);
    expect(placeOf(store, 99_989)).toBe('expired');
  });

  it('drops events that are older than `maxAge`, and goes on with those that come', () => {
    const { store, clock, add } = storeWith({ maxAge: 100 }, 1);
    clock.time += 60;
    add(2);
    clock.time += 50;
    expect([placeOf(store, 0), placeOf(store, 1)]).toEqual(['expired', 'open']);
    clock.time += 50;
    expect([placeOf(store, 1), placeOf(store, 2)]).toEqual(['expired', 'open']);
    add(3);
    expect(reading(store, 2).pages).toEqual([[3]]);
  });

  it('forgets a stream `maxAge` after its end, and knows it until then', () => {
    const { store, clock } = storeWith({ maxAge: 100 }, 1);
    void store.end('k');
    clock.time += 99;
    expect([placeOf(store, 1), store.create('k')]).toEqual(['ended', false]);
    clock.time += 1;
    expect([placeOf(store, 1), reading(store, 0).pages, store.create('k')]).toEqual(['unknown', ['unknown'], true]);
  });

  it('never forgets a stream that is being written', () => {
    const { store, clock } = storeWith({ maxAge: 100 });
    clock.time += 1_000_000;
    expect([store.create('k'), placeOf(store, 0)]).toEqual([false, 'open']);
  });

  it('makes room for a new stream by forgetting the one that ended first', () => {
    const { store, clock } = storeWith({ maxStreams: 2 }, 1);
    void store.create('b');
    void store.end('b');
    clock.time += 1;
    void store.end('k');
    expect(store.create('c')).toBe(true);
    expect([placeOf(store, 0, 'b'), placeOf(store, 0)]).toEqual(['unknown', 'open']);
  });

  it('refuses a stream where too many are running', () => {
    const { store } = storeWith({ maxStreams: 1 });
    expect(() => store.create('b')).toThrow(expect.objectContaining({ kind: 'limit', message: 'More than 1 streams are running (`maxStreams`)' }));
  });

  it('counts its readers from the first one on, and completes at the end', () => {
    const { store } = storeWith({}, 1);
    const readers = readersOf(store);
    expect(readers.counts).toEqual([]);
    const first = store.join('k', 0).subscribe();
    const second = store.join('k', 1).subscribe();
    store.join('k', 7).subscribe().unsubscribe();
    first.unsubscribe();
    second.unsubscribe();
    expect(readers).toEqual({ counts: [1, 2, 1, 0], isDone: false });
    void store.end('k');
    expect(readers.isDone).toBe(true);
  });

  it('knows nothing of a stream that nobody has made', () => {
    const store = memoryReplayStore();
    let isDone = false;
    store.readers('x').subscribe({ error: rethrow, complete: () => (isDone = true) });
    expect([placeOf(store, 0, 'x'), isDone]).toEqual(['unknown', true]);
    void store.append('x', [event(1)]);
    void store.end('x');
    expect(placeOf(store, 0, 'x')).toBe('unknown');
  });

  it.each([
    ['maxEvents', { maxEvents: 0 }],
    ['maxAge', { maxAge: 0 }],
    ['maxStreams', { maxStreams: 0.5 }],
    ['scheduler', { scheduler: {} as never }],
  ])('checks %s at the call', (name, options) => {
    expect(() => memoryReplayStore(options)).toThrow(new RegExp(`^Expected \`${name}\``));
  });
});

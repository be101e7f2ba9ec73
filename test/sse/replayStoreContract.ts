import { firstValueFrom, Subscription, toArray } from 'rxjs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ReplayEvent, ReplayPage, ReplayPlace, ReplayStore } from '../../src/events/ReplayStore.js';
import { waitFor } from '../fixtures/waitFor.js';

export interface OpenReplayStores {
  /** Writes. */
  readonly writer: ReplayStore;
  /** Reads: where a store is for several processes, another one over the same events. */
  readonly reader: ReplayStore;
  close(): void | PromiseLike<void>;
}

export const replayEvent = (id: number): ReplayEvent => ({ id, event: id % 2 === 0 ? 'even' : '', data: `"${id} é"` });

/** What a page is, in short: the ids of its events, or its place. */
export const shown = (page: ReplayPage): readonly number[] | string => (page.place === 'open' ? page.events.map(({ id }) => id) : page.place);

const failed = (error: unknown): never => {
  throw error;
};

/** What a store of streams promises, wherever it keeps them. */
export function replayStoreContract(open: (options: { readonly maxEvents?: number }) => OpenReplayStores | PromiseLike<OpenReplayStores>): void {
  const key = 'k{1}:é';
  let opened: OpenReplayStores[] = [];
  let subscriptions: Subscription;

  const storesWith = async (ids: readonly number[], options: { readonly maxEvents?: number } = {}): Promise<OpenReplayStores> => {
    const stores = await open(options);
    opened.push(stores);
    await stores.writer.create(key);
    if (ids.length > 0) await stores.writer.append(key, ids.map(replayEvent));
    return stores;
  };
  const page = (store: ReplayStore, after: number, limit = 100): Promise<readonly number[] | string> =>
    firstValueFrom(store.read(key, after, limit)).then(shown);
  const placeOf = (store: ReplayStore, after: number, name = key): Promise<ReplayPlace> => firstValueFrom(store.join(name, after));
  const reading = (store: ReplayStore, after: number): { pages: (readonly number[] | string)[]; isDone: boolean; subscription: Subscription } => {
    const seen = { pages: [] as (readonly number[] | string)[], isDone: false, subscription: new Subscription() };
    seen.subscription = store.read(key, after, 100).subscribe({ next: (value) => seen.pages.push(shown(value)), complete: () => (seen.isDone = true), error: failed });
    subscriptions.add(seen.subscription);
    return seen;
  };

  beforeEach(() => {
    opened = [];
    subscriptions = new Subscription();
  });
  afterEach(async () => {
    subscriptions.unsubscribe();
    for (const { close } of opened) await close();
  });

  it('lets one make a stream, and no other', async () => {
    const { writer, reader } = await storesWith([]);
    expect([await writer.create(key), await reader.create(key), await reader.create('other'), await writer.create('other')]).toEqual([false, false, true, false]);
    const both = await Promise.all([writer, reader, writer, reader].map(async (store) => store.create('at once')));
    expect(both.filter(Boolean)).toHaveLength(1);
  });

  it('gives events as they were, a page at a time', async () => {
    const { reader } = await storesWith([1, 2, 3, 4, 5]);
    expect(await firstValueFrom(reader.read(key, 0, 2))).toEqual({ place: 'open', events: [replayEvent(1), replayEvent(2)] });
    expect([await page(reader, 2, 2), await page(reader, 4, 2)]).toEqual([[3, 4], [5]]);
  });

  it('gives one page, and completes', async () => {
    const { reader } = await storesWith([1, 2]);
    expect(await firstValueFrom(reader.read(key, 1, 10).pipe(toArray()))).toHaveLength(1);
  });

  it('waits where there is nothing yet, and gives what comes next, to all who wait', async () => {
    const { writer, reader } = await storesWith([1]);
    const reads = [reading(reader, 1), reading(reader, 1), reading(writer, 1)];
    expect(reads.map(({ isDone }) => isDone)).toEqual([false, false, false]);
    await writer.append(key, [2, 3].map(replayEvent));
    await waitFor(() => { expect(reads).toMatchObject([1, 2, 3].map(() => ({ pages: [[2, 3]], isDone: true }))); });
  });

  it('waits no more once it is unsubscribed from', async () => {
    const { writer, reader } = await storesWith([1]);
    const [gone, stays] = [reading(reader, 1), reading(reader, 1)];
    gone.subscription.unsubscribe();
    await writer.append(key, [replayEvent(2)]);
    await waitFor(() => { expect(stays.isDone).toBe(true); });
    expect(gone.pages).toEqual([]);
  });

  it('tells those who wait that the stream has ended, and later those who come to its end', async () => {
    const { writer, reader } = await storesWith([1]);
    const waiting = reading(reader, 1);
    await writer.end(key);
    await waitFor(() => { expect(waiting).toMatchObject({ pages: ['ended'], isDone: true }); });
    expect([await page(reader, 1), await page(reader, 0)]).toEqual(['ended', [1]]);
    expect([await placeOf(reader, 0), await placeOf(reader, 1)]).toEqual(['open', 'ended']);
  });

  it('is ended by anybody, and takes nothing more then', async () => {
    const { writer, reader } = await storesWith([1]);
    await reader.end(key);
    await writer.append(key, [replayEvent(2)]);
    expect([await page(reader, 0), await page(writer, 1)]).toEqual([[1], 'ended']);
  });

  it.each<[number, ReplayPlace]>([
    [0, 'expired'],
    [1, 'expired'],
    [2, 'open'],
    [5, 'open'],
    [6, 'expired'],
  ])('keeps the last `maxEvents`: a client behind event %s is %s', async (after, place) => {
    const { writer, reader } = await storesWith([1, 2, 3], { maxEvents: 3 });
    await writer.append(key, [4, 5].map(replayEvent));
    expect(await placeOf(reader, after)).toBe(place);
    if (place !== 'open') expect(await page(reader, after)).toBe(place);
  });

  it('counts its readers from the first one on, and completes at the end', async () => {
    const { writer, reader } = await storesWith([1]);
    const counts: number[] = [];
    let isDone = false;
    subscriptions.add(writer.readers(key).subscribe({ next: (count) => counts.push(count), complete: () => (isDone = true), error: failed }));
    const joined = async (after: number, count: number, store = reader): Promise<Subscription> => {
      const subscription = store.join(key, after).subscribe({ error: failed });
      subscriptions.add(subscription);
      await waitFor(() => { expect(counts.at(-1)).toBe(count); });
      return subscription;
    };
    const first = await joined(0, 1);
    const second = await joined(1, 2, writer);
    // Its place is none: it does not count.
    expect(await placeOf(reader, 7)).toBe('expired');
    first.unsubscribe();
    await waitFor(() => { expect(counts.at(-1)).toBe(1); });
    second.unsubscribe();
    await waitFor(() => { expect(counts).toEqual([1, 2, 1, 0]); });
    expect(isDone).toBe(false);
    await writer.end(key);
    await waitFor(() => { expect(isDone).toBe(true); });
  });

  it('does not count a reader that was gone before it had joined', async () => {
    const { writer, reader } = await storesWith([1]);
    const counts: number[] = [];
    subscriptions.add(reader.join(key, 0).subscribe({ error: failed }));
    subscriptions.add(writer.readers(key).subscribe({ next: (count) => counts.push(count), error: failed }));
    await waitFor(() => { expect(counts).toEqual([1]); });
    for (let index = 0; index < 20; index += 1) reader.join(key, 0).subscribe({ error: failed }).unsubscribe();
    await waitFor(async () => { expect([counts.at(-1), await firstValueFrom(writer.readers(key))]).toEqual([1, 1]); });
  });

  it('knows nothing of a stream that nobody has made', async () => {
    const { writer, reader } = await storesWith([]);
    expect(await placeOf(reader, 0, 'x')).toBe('unknown');
    expect(await firstValueFrom(reader.readers('x').pipe(toArray()))).toEqual([]);
    expect(await firstValueFrom(reader.read('x', 0, 1))).toEqual({ place: 'unknown' });
    await writer.append('x', [replayEvent(1)]);
    await writer.end('x');
    expect(await placeOf(reader, 0, 'x')).toBe('unknown');
  });

  it('gives every event once and in order to readers at any speed', async () => {
    const { writer, reader } = await storesWith([]);
    const total = 200;
    const read = async (store: ReplayStore, limit: number): Promise<number[]> => {
      const ids: number[] = [];
      for (;;) {
        const next = await firstValueFrom(store.read(key, ids.length, limit));
        if (next.place !== 'open') return next.place === 'ended' ? ids : [-1];
        ids.push(...next.events.map(({ id }) => id));
      }
    };
    const reads = [1, 3, 64].flatMap((limit) => [read(reader, limit), read(writer, limit)]);
    for (let id = 1; id <= total; id += 2) await writer.append(key, [id, id + 1].map(replayEvent));
    await writer.end(key);
    const expected = Array.from({ length: total }, (_, index) => index + 1);
    for (const ids of await Promise.all(reads)) expect(ids).toEqual(expected);
  });
}

import { EMPTY, from, lastValueFrom, NEVER, of, throwError, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import type { BatchSpool, SpoolFile } from '../../../src/index.js';
import { marbles } from '../../../src/testing/index.js';
import { memorySpool } from '../../../src/sources/batch/memorySpool.js';
import { type Part, prepareParts } from '../../../src/sources/batch/prepareParts.js';
import { PartWriter } from '../../../src/sources/batch/PartWriter.js';

const writer = (maxRequests = 2): PartWriter => new PartWriter({ maxRequests, maxBytes: 1_000_000, model: undefined });
const request = (customId: string): object => ({ customId, body: {} });
const requests = ['a', 'b', 'c', 'd', 'e'].map(request);

async function idsOf({ file, bytes }: Part): Promise<string[]> {
  let text = '';
  for await (const piece of file.read(0, bytes)) text += new TextDecoder().decode(piece);
  return text.trimEnd().split('\n').map((line) => (JSON.parse(line) as { custom_id: string }).custom_id);
}

describe('parts', () => {
  test.each([
    ['an array', () => requests],
    ['a generator', function* () { yield* requests; }],
    ['an async generator', async function* () { yield* await Promise.resolve(requests); }],
    ['an Observable', () => from(requests)],
  ])('are written whole, each into a file of its own, from %s', async (_what, source) => {
    const files: SpoolFile[] = [];
    const parts = await lastValueFrom(prepareParts(source(), writer(), memorySpool(), (file) => files.push(file)).pipe(toArray()));
    expect(await Promise.all(parts.map(idsOf))).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    expect(files).toEqual(parts.map(({ file }) => file));
  });

  test('of nothing are none, and make no file', async () => {
    const files: SpoolFile[] = [];
    expect(await lastValueFrom(prepareParts([], writer(), memorySpool(), (file) => files.push(file)).pipe(toArray()))).toEqual([]);
    expect(files).toEqual([]);
  });

  test('are written in blocks, not line by line', async () => {
    const sizes: number[] = [];
    const spool: BatchSpool = {
      async create() {
        const file = await memorySpool().create();
        return { ...file, append: (bytes) => { sizes.push(bytes.length); return file.append(bytes); } };
      },
    };
    const many = Array.from({ length: 10_000 }, (_, i) => request(`request-number-${i}`));
    const [part] = await lastValueFrom(prepareParts(many, writer(10_000), spool, () => undefined).pipe(toArray()));
    expect(sizes.length).toBeLessThan(10);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(part!.bytes);
  });
});

test('a request keeps its place where others before it are left out', async () => {
  const places: number[] = [];
  const leaveOut = (each: unknown, place: number) => {
    places.push(place);
    return place % 2 === 0 ? of(each) : EMPTY;
  };
  const parts = await lastValueFrom(prepareParts(requests, writer(1), memorySpool(), () => undefined, leaveOut).pipe(toArray()));
  expect(places).toEqual([1, 2, 3, 4, 5]);
  expect(parts.flatMap(({ pending }) => [...pending].map(([id, { index }]) => [id, index]))).toEqual([['b', 1], ['d', 3]]);
});

test('a spool that is slow holds back what can be pulled', async () => {
  let asked = 0;
  let written = 0;
  let most = 0;
  function* source(): Generator<object> {
    for (; asked < 100; asked++) {
      most = Math.max(most, asked - written);
      yield { body: { text: 'x'.repeat(65_536) } };
    }
  }
  const spool: BatchSpool = {
    create: () => ({
      async append() {
        await new Promise(setImmediate);
        written += 1;
      },
      read: () => [],
      remove: () => undefined,
    }),
  };
  await lastValueFrom(prepareParts(source(), writer(1_000), spool, () => undefined));
  expect(most).toBeLessThanOrEqual(2);
});

describe('a file is told of', () => {
  test('also where nobody waits for it any more', async () => {
    const files: SpoolFile[] = [];
    let create = (): void => undefined;
    const spool: BatchSpool = { create: () => new Promise((resolve) => { create = () => { resolve(memorySpool().create()); }; }) };
    const subscription = prepareParts(requests, writer(), spool, (file) => files.push(file)).subscribe({ error: () => undefined });
    await Promise.resolve();
    subscription.unsubscribe();
    create();
    await new Promise(setImmediate);
    expect(files).toHaveLength(1);
  });
});

describe('it fails', () => {
  test.each<[string, Parameters<typeof prepareParts>, string]>([
    ['with the error of a request', [[request('a'), 7], writer(), memorySpool(), () => undefined], 'Request 2 of the batch is no object'],
    ['with that of the source', [throwError(() => new Error('source')), writer(), memorySpool(), () => undefined], 'source'],
    ['with that of the check', [requests, writer(), memorySpool(), () => undefined, () => throwError(() => new Error('check'))], 'check'],
    ['with that of the spool', [requests, writer(), memorySpool(10), () => undefined], 'The requests take more than 10 bytes of memory'],
    ['with that of its creation', [requests, writer(), { create: () => Promise.reject(new Error('disk')) }, () => undefined], 'disk'],
  ])('%s', async (_what, args, message) => {
    await expect(lastValueFrom(prepareParts(...args))).rejects.toThrow(message);
  });
});

test('the check sees the place of each request, and may change it', async () => {
  const places: number[] = [];
  const check = (given: unknown, place: number) => {
    places.push(place);
    return of({ ...(given as object), customId: `checked-${place}` });
  };
  const parts = await lastValueFrom(prepareParts(requests, writer(10), memorySpool(), () => undefined, check).pipe(toArray()));
  expect(await Promise.all(parts.map(idsOf))).toEqual([[1, 2, 3, 4, 5].map((place) => `checked-${place}`)]);
  expect(places).toEqual([1, 2, 3, 4, 5]);
});

test('unsubscribing reaches the source', () => {
  marbles((m) => {
    const source = m.cold('  a-b-|', { a: request('a'), b: request('b') });
    const subs = '           ^--!';
    const unsub = '          ---!';
    m.expectObservable(prepareParts(source, writer(), memorySpool(), () => undefined), unsub).toBe('---');
    m.expectSubscriptions(source.subscriptions).toBe(subs);
  });
  // The check, too.
  marbles((m) => {
    m.expectObservable(prepareParts(requests, writer(), memorySpool(), () => undefined, () => NEVER), '--!').toBe('--');
  });
});

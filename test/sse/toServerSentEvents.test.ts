import { concat, from, NEVER, Observable, of, Subject, throwError, VirtualTimeScheduler } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { RxMistralError } from '../../src/index.js';
import { memoryReplayStore, type ReplayStore, type ServingOptions, toServerSentEvents } from '../../src/sse/index.js';
import { waitFor } from '../fixtures/waitFor.js';

const decoder = new TextDecoder();

/** All of a stream, as text. */
const textOf = (stream: ReadableStream<Uint8Array>): Promise<string> => new Response(stream).text();
const readText = async (reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string | undefined> => {
  const { value } = await reader.read();
  return value && decoder.decode(value);
};
/** Lets virtual time pass, to the millisecond. */
function pass(scheduler: VirtualTimeScheduler, milliseconds: number): void {
  scheduler.schedule(() => undefined, milliseconds);
  scheduler.maxFrames = scheduler.frame + milliseconds;
  scheduler.flush();
}

/** What has been begun on other turns gets its turn. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const failing = (kind: 'connection' | 'http' = 'connection') => throwError(() => new RxMistralError({ kind, message: 'broken' }));

/** A source that counts its subscribers, past and present. */
function counted<T>(source: Observable<T>): { readonly source: Observable<T>; readonly counts: { subscribed: number; open: number } } {
  const counts = { subscribed: 0, open: 0 };
  return {
    counts,
    source: new Observable((subscriber) => {
      counts.subscribed += 1;
      counts.open += 1;
      subscriber.add(() => {
        counts.open -= 1;
      });
      subscriber.add(source.subscribe(subscriber));
    }),
  };
}

describe('toServerSentEvents', () => {
  it('writes each value as JSON, on one line', async () => {
    expect(await textOf(toServerSentEvents(of({ text: 'a\nb' }, 'c', null, 7)))).toBe(
      'data: {"text":"a\\nb"}\n\ndata: "c"\n\ndata: null\n\ndata: 7\n\n',
    );
  });

  it('writes the reconnection time first, ids and names where they are asked for', async () => {
    const id = (value: string, index: number): string => `${value}-${index}`;
    const event = (value: string): string => (value === 'a' ? 'first' : '');
    expect(await textOf(toServerSentEvents(of('a', 'b'), { retry: 3_000, id, event }))).toBe(
      'retry: 3000\n\nid: a-0\nevent: first\ndata: "a"\n\nid: b-1\ndata: "b"\n\n',
    );
  });

  it('ends at once for a source that is empty', async () => {
    expect(await textOf(toServerSentEvents(of()))).toBe('');
  });

  it.each<[string, Observable<unknown>, ServingOptions<unknown>, object]>([
    ['the source fails', failing(), {}, { kind: 'connection', message: 'broken' }],
    ['an error is none of the family', throwError(() => new Error('secret')), {}, { kind: 'validation', message: 'The stream was ended by code outside of rxmistral (Error)' }],
    ['a value has no JSON', of(undefined), {}, { kind: 'validation', message: 'A value of the source has no JSON' }],
    ['an id has a line end', of(1), { id: () => 'a\nb' }, { kind: 'validation' }],
    ['a name has a line end', of(1), { event: () => 'a\rdata: x' }, { kind: 'validation' }],
    ['a callback throws', of(1), { id: () => { throw new RangeError('x'); } }, { kind: 'validation' }],
  ])('tells as the last event that %s', async (_, source, options, error) => {
    const text = await textOf(toServerSentEvents(concat(of({ requestId: 'r' }), source), { ...options, id: options.id && ((value, index) => (index === 0 ? '1' : options.id!(value, index))), event: options.event && ((value, index) => (index === 0 ? '' : options.event!(value, index))) } as ServingOptions<unknown>));
    const [first, last, end] = text.split('\n\n');
    expect([first?.endsWith('{"requestId":"r"}'), end]).toEqual([true, '']);
    expect(JSON.parse(last!.replace('data: ', ''))).toMatchObject({ type: 'error', requestId: 'r', error });
  });

  it('subscribes to the source when it is first read, and not again', async () => {
    const { source, counts } = counted(of(1, 2));
    const stream = toServerSentEvents(source);
    await turn();
    expect(counts.subscribed).toBe(0);
    await textOf(stream);
    expect(counts).toEqual({ subscribed: 1, open: 0 });
  });

  it('unsubscribes from the source when it is cancelled', async () => {
    const { source, counts } = counted(concat(of(1), NEVER));
    const reader = toServerSentEvents(source).getReader();
    expect(await readText(reader)).toBe('data: 1\n\n');
    const pending = readText(reader);
    await reader.cancel();
    expect([await pending, counts.open]).toEqual([undefined, 0]);
  });

  it('makes pieces on demand: what comes in between waits, and goes as one', async () => {
    const source = new Subject<number>();
    const reader = toServerSentEvents(source).getReader();
    const first = readText(reader);
    await turn();
    source.next(1);
    expect(await first).toBe('data: 1\n\n');
    source.next(2);
    await turn();
    source.next(3);
    expect(await readText(reader)).toBe('data: 2\n\ndata: 3\n\n');
  });

  it('makes one piece of what comes in one turn', async () => {
    const source = new Subject<number>();
    const reader = toServerSentEvents(source).getReader();
    const first = readText(reader);
    await turn();
    for (const value of [1, 2, 3]) source.next(value);
    expect(await first).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\n');
  });

  it('gives up a client that does not read, with an error of kind limit, and the source with it', async () => {
    const values = new Subject<string>();
    const { source, counts } = counted(values);
    const onError = vi.fn();
    const reader = toServerSentEvents(source, { maxBuffered: 20, onError }).getReader();
    const first = readText(reader);
    await turn();
    values.next('first');
    await first;
    for (const value of ['12345678', '12345678']) values.next(value);
    expect(counts.open).toBe(1);
    values.next('');
    expect(counts.open).toBe(0);
    const error = await reader.read().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: 'limit', message: 'The client has not read what waits for it: more than 20 characters (`maxBuffered`)' });
    expect(onError.mock.calls).toEqual([[error]]);
  });

  it('lets an event through that alone is larger than the bound', async () => {
    expect(await textOf(toServerSentEvents(of('x'.repeat(100)), { maxBuffered: 20 }))).toContain('x'.repeat(100));
  });

  it('bounds a source that emits all at once', async () => {
    const { source, counts } = counted(from({ *[Symbol.iterator]() { for (;;) yield 'value'; } }));
    await expect(textOf(toServerSentEvents(source, { maxBuffered: 1_000 }))).rejects.toMatchObject({ kind: 'limit' });
    expect(counts).toEqual({ subscribed: 1, open: 0 });
  });

  it('gives up a client that has read nothing for too long', async () => {
    const scheduler = new VirtualTimeScheduler();
    const { source, counts } = counted(concat(of(1), NEVER));
    const reader = toServerSentEvents(source, { stallTimeout: 1_000, heartbeat: false, scheduler }).getReader();
    await readText(reader);
    scheduler.flush();
    expect(counts.open).toBe(0);
    await expect(reader.read()).rejects.toMatchObject({ kind: 'limit', message: 'The client has read nothing for 1000 ms (`stallTimeout`)' });
  });

  it('does not take a silent source for a client that does not read', async () => {
    const scheduler = new VirtualTimeScheduler();
    const source = new Subject<number>();
    const reader = toServerSentEvents(source, { stallTimeout: 1_000, heartbeat: false, scheduler }).getReader();
    const first = readText(reader);
    await turn();
    source.next(1);
    await first;
    const second = readText(reader);
    await turn();
    pass(scheduler, 10_000);
    source.next(2);
    expect(await second).toBe('data: 2\n\n');
  });

  it('sends a comment where the source is silent', async () => {
    const scheduler = new VirtualTimeScheduler();
    const source = new Subject<number>();
    const reader = toServerSentEvents(source, { heartbeat: 100, scheduler }).getReader();
    for (const _ of [1, 2]) {
      const beat = readText(reader);
      await turn();
      pass(scheduler, 100);
      expect(await beat).toBe(':\n\n');
    }
    const next = readText(reader);
    await turn();
    pass(scheduler, 99);
    source.next(1);
    expect(await next).toBe('data: 1\n\n');
  });

  it('makes the same of a source twice', async () => {
    const source = of('a', 'b');
    expect(await textOf(toServerSentEvents(source))).toBe(await textOf(toServerSentEvents(source)));
  });
});

const idsOf = (text: string): number[] => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

/** The same store, whose answers take a turn. */
function slowStore(store: ReplayStore): ReplayStore {
  const later = async <T>(work: () => T | PromiseLike<T>): Promise<T> => {
    await turn();
    return work();
  };
  return {
    create: (key) => later(() => store.create(key)),
    append: (key, events) => later(() => store.append(key, events)),
    end: (key) => later(() => store.end(key)),
    join: (key, after) => store.join(key, after),
    read: (key, after, limit) => store.read(key, after, limit),
    readers: (key) => store.readers(key),
  };
}

describe.each([
  ['in memory', (store: ReplayStore) => store],
  ['that answers with promises', slowStore],
])('toServerSentEvents with a store %s', (_, wrap) => {
  const storeOf = (options = {}): ReplayStore => wrap(memoryReplayStore(options));

  it('gives each client all the events, whenever it comes, of a source that is subscribed to once', async () => {
    const values = new Subject<string>();
    const { source, counts } = counted(values);
    const replay = storeOf();
    const early = textOf(toServerSentEvents(source, { replay, key: 'k' }));
    await waitFor(() => { expect(counts.open).toBe(1); });
    values.next('a');
    values.next('b');
    const late = textOf(toServerSentEvents(source, { replay, key: 'k' }));
    await turn();
    values.next('c');
    values.complete();
    const expected = 'id: 1\ndata: "a"\n\nid: 2\ndata: "b"\n\nid: 3\ndata: "c"\n\n';
    expect([await early, await late, counts.subscribed]).toEqual([expected, expected, 1]);
    expect([await textOf(toServerSentEvents(source, { replay, key: 'k' })), counts.subscribed]).toEqual([expected, 1]);
  });

  it('gives a client that comes back exactly what it missed, and then what comes', async () => {
    const values = new Subject<string>();
    const { source, counts } = counted(values);
    const replay = storeOf();
    const reader = toServerSentEvents(source, { replay, key: 'k' }).getReader();
    const first = readText(reader);
    await waitFor(() => { expect(counts.open).toBe(1); });
    values.next('a');
    expect(await first).toBe('id: 1\ndata: "a"\n\n');
    await reader.cancel();
    values.next('b');
    expect(counts.open).toBe(1);
    await turn();
    const back = textOf(toServerSentEvents(source, { replay, key: 'k', lastEventId: '1' }));
    await turn();
    values.next('c');
    values.complete();
    expect([await back, counts]).toEqual(['id: 2\ndata: "b"\n\nid: 3\ndata: "c"\n\n', { subscribed: 1, open: 0 }]);
  });

  it('ends at once for a client that has had everything', async () => {
    const replay = storeOf();
    await textOf(toServerSentEvents(of('a'), { replay, key: 'k' }));
    expect(await textOf(toServerSentEvents(of('a'), { replay, key: 'k', lastEventId: '1' }))).toBe('');
  });

  it('keeps the error of the source as its last event, for each client', async () => {
    const replay = storeOf();
    const source = concat(of('a'), failing());
    const texts = await Promise.all([1, 2].map(() => textOf(toServerSentEvents(source, { replay, key: 'k' }))));
    expect(texts.map(idsOf)).toEqual([[1, 2], [1, 2]]);
    expect(texts[0]).toContain('"type":"error"');
  });

  it.each([
    ['is kept no more', '1'],
    ['was never given', '999'],
    ['is none of ours', 'abc'],
    ['is longer than any number', '9'.repeat(30)],
  ])('tells a client whose id %s that it is gone, and begins nothing', async (__, lastEventId) => {
    const { source, counts } = counted(of('a'));
    const replay = storeOf({ maxEvents: 2 });
    await replay.create('k');
    await replay.append('k', [1, 2, 3, 4].map((id) => ({ id, event: '', data: '' })));
    const text = await textOf(toServerSentEvents(source, { replay, key: 'k', lastEventId }));
    expect(JSON.parse(text.replace('data: ', ''))).toMatchObject({ type: 'error', error: { kind: 'http', status: 410, retryable: false } });
    expect(counts.subscribed).toBe(0);
  });

  it('begins nothing for a client that comes back to a stream that is forgotten', async () => {
    const { source, counts } = counted(of('a'));
    const text = await textOf(toServerSentEvents(source, { replay: storeOf(), key: 'k', lastEventId: '7' }));
    expect([text.includes('"status":410'), counts.subscribed]).toEqual([true, 0]);
  });

  it('joins without a source, and tells where there is nothing to join', async () => {
    const replay = storeOf();
    expect(await textOf(toServerSentEvents(undefined, { replay, key: 'k' }))).toContain('"status":404');
    await textOf(toServerSentEvents(of('a'), { replay, key: 'k' }));
    expect(await textOf(toServerSentEvents(undefined, { replay, key: 'k' }))).toBe('id: 1\ndata: "a"\n\n');
  });

  it('keeps streams of different keys apart', async () => {
    const replay = storeOf();
    const texts = await Promise.all(['a', 'b'].map((key) => textOf(toServerSentEvents(of(key), { replay, key }))));
    expect(texts).toEqual(['id: 1\ndata: "a"\n\n', 'id: 1\ndata: "b"\n\n']);
  });

  it("'stop': unsubscribes from the source when its last client has gone, and says so to who comes back", async () => {
    const values = new Subject<string>();
    const { source, counts } = counted(values);
    const replay = storeOf();
    const options = { replay, key: 'k', onDisconnect: 'stop' } as const;
    const readers = [1, 2].map(() => toServerSentEvents(source, options).getReader());
    const first = readers.map(readText);
    await waitFor(() => { expect(counts.open).toBe(1); });
    await turn();
    values.next('a');
    await Promise.all(first);
    await readers[0]!.cancel();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(counts.open).toBe(1);
    await readers[1]!.cancel();
    await waitFor(() => { expect(counts.open).toBe(0); });
    await waitFor(async () => {
      const back = await textOf(toServerSentEvents(source, { ...options, lastEventId: '1' }));
      expect([idsOf(back), back.includes('nobody was reading it any more')]).toEqual([[2], true]);
    });
  });

  it('ends where anyone ends the stream, and stops the source', async () => {
    const values = new Subject<string>();
    const { source, counts } = counted(values);
    const replay = storeOf();
    const text = textOf(toServerSentEvents(source, { replay, key: 'k' }));
    await waitFor(() => { expect(counts.open).toBe(1); });
    values.next('a');
    await turn();
    await turn();
    await replay.end('k');
    expect([await text, counts.open]).toEqual(['id: 1\ndata: "a"\n\n', 0]);
  });

  it('goes on where the client has gone before the store has answered', async () => {
    const { source, counts } = counted(of('a'));
    const replay = storeOf();
    const reader = toServerSentEvents(source, { replay, key: 'k' }).getReader();
    void readText(reader);
    // The first read comes a few microtasks later; the store takes longer.
    for (let task = 0; task < 5; task += 1) await Promise.resolve();
    await reader.cancel();
    await waitFor(() => { expect(counts.subscribed).toBe(1); });
    expect(await textOf(toServerSentEvents(source, { replay, key: 'k' }))).toBe('id: 1\ndata: "a"\n\n');
  });
});

describe('toServerSentEvents with a store', () => {
  it('goes on for the grace period, and no longer', async () => {
    const scheduler = new VirtualTimeScheduler();
    const { source, counts } = counted(concat(of('a'), NEVER));
    const replay = memoryReplayStore();
    const options = { replay, key: 'k', scheduler, heartbeat: false, onDisconnect: { gracePeriod: 5_000 } } as const;
    const leave = async (): Promise<void> => {
      const reader = toServerSentEvents(source, options).getReader();
      await readText(reader);
      await reader.cancel();
    };
    await leave();
    pass(scheduler, 4_999);
    expect(counts.open).toBe(1);
    // Another client begins the time anew.
    await leave();
    pass(scheduler, 4_999);
    expect(counts.open).toBe(1);
    pass(scheduler, 1);
    expect(counts).toEqual({ subscribed: 1, open: 0 });
  });

  it('gives up a client that falls behind what is kept', async () => {
    const values = new Subject<number>();
    const replay = memoryReplayStore({ maxEvents: 3 });
    const onError = vi.fn();
    const reader = toServerSentEvents(values, { replay, key: 'k', onError }).getReader();
    const first = readText(reader);
    await turn();
    values.next(0);
    await first;
    for (let value = 1; value <= 5; value += 1) values.next(value);
    await turn();
    await expect(readText(reader)).rejects.toMatchObject({ kind: 'limit', message: 'The client has read too slowly: its next event is kept no more' });
    expect(onError).toHaveBeenCalledOnce();
  });

  it('tells onError where the store fails under the source, and lets nobody wait', async () => {
    const memory = memoryReplayStore();
    const broken = new Error('disk full');
    const replay: ReplayStore = { ...memory, append: () => Promise.reject(broken) };
    const { source, counts } = counted(concat(of('a'), NEVER));
    const onError = vi.fn();
    expect(await textOf(toServerSentEvents(source, { replay, key: 'k', onError }))).toBe('');
    expect([counts.open, onError.mock.calls]).toMatchObject([0, [[{ kind: 'validation', cause: { message: 'disk full' } }]]]);
  });

  it('fails where the store cannot make the stream', async () => {
    const replay: ReplayStore = { ...memoryReplayStore(), create: () => Promise.reject(new Error('down')) };
    await expect(textOf(toServerSentEvents(of(1), { replay, key: 'k' }))).rejects.toMatchObject({ kind: 'validation' });
  });
});

describe('toServerSentEvents: its options', () => {
  const replay = memoryReplayStore();
  it.each<[string, ServingOptions<unknown>, string]>([
    ['heartbeat', { heartbeat: 0 }, 'Expected `heartbeat` to be milliseconds from 1 to 2147483647, got 0'],
    ['retry', { retry: 1.5 }, 'Expected `retry` to be an integer >= 0, got 1.5'],
    ['maxBuffered', { maxBuffered: 0 }, 'Expected `maxBuffered` to be an integer >= 1 or Infinity, got 0'],
    ['replay', { replay: {} as never, key: 'k' }, 'Expected `replay` to be a ReplayStore, got an object'],
    ['a key that is missing', { replay } as never, 'Expected `key` to be a string that is not empty, got undefined'],
    ['a key without a store', { key: 'k' } as never, 'Expected `key` to be given with `replay` only, got "k"'],
    ['ids with a store', { replay, key: 'k', id: () => '1' } as never, 'Expected `id` to be left to `replay`, got a function'],
    ['onDisconnect', { replay, key: 'k', onDisconnect: 'go' as never }, 'Expected `onDisconnect` to be \'stop\', got "go"'],
    ['no choice of onDisconnect', { replay, key: 'k', onDisconnect: null as never }, 'Expected `onDisconnect` to be \'stop\', got null'],
    ['gracePeriod', { replay, key: 'k', onDisconnect: { gracePeriod: -1 } }, 'Expected `onDisconnect.gracePeriod` to be milliseconds from 0 to 2147483647, got -1'],
  ])('%s is checked at the call', (_, options, message) => {
    expect(() => toServerSentEvents(of(1), options as never)).toThrow(new TypeError(message));
  });
});

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConversationConflictError } from '../../src/errors/ConversationConflictError.js';
import { isRxMistralError } from '../../src/errors/RxMistralError.js';
import type { ConversationEntry, ConversationStore } from '../../src/events/ConversationStore.js';
import { appendWithRetry } from './appendWithRetry.js';

/** Stores on one empty place, over a connection each. In memory there is one connection: both are the same store. */
export interface OpenStores {
  readonly first: ConversationStore;
  readonly second: ConversationStore;
  /** Closes the connections and removes what was written. */
  close(): void | PromiseLike<void>;
}

const said = (content: string): ConversationEntry => ({ type: 'message.input', role: 'user', content });

/** Whatever `answer` returns or throws, as a promise: a store may do either, at once or later. */
async function outcome<T>(answer: () => T | PromiseLike<T>): Promise<T | Error> {
  try {
    return await answer();
  } catch (error) {
    return error as Error;
  }
}

/** What every store promises, on the real thing. */
export function conversationStoreContract(open: () => OpenStores | PromiseLike<OpenStores>): void {
  let stores: OpenStores;
  let store: ConversationStore;
  beforeEach(async () => {
    stores = await open();
    store = stores.first;
  });
  afterEach(() => stores.close());

  describe('load and append', () => {
    it('of no conversation is undefined', async () => {
      expect(await store.load('nobody')).toBeUndefined();
    });

    it('keep the entries in order, for another connection too', async () => {
      const turn: readonly ConversationEntry[] = [
        { type: 'conversation.bound', conversationId: 'conv_1' },
        said('Where is the bug?'),
        { type: 'function.call', toolCallId: 'c1', name: 'search', arguments: '{"query":"bug"}' },
        { type: 'function.result', toolCallId: 'c1', result: '["line 3"]' },
        { type: 'message.output', content: [{ type: 'text', text: 'In line 3.' }], model: 'mistral-medium-latest' },
        { type: 'turn.done' },
      ];
      expect(await store.append('a', turn.slice(0, 2), 0)).toBe(2);
      expect(await store.append('a', turn.slice(2), 2)).toBe(6);

      expect(await stores.second.load('a')).toEqual({ id: 'a', version: 6, entries: turn });
    });

    it('keep any text as it is', async () => {
      const texts = ['', '\0', '\ud800 alone', '😀', "'); drop table x; --", '{}', '\\"', 'null', '1 2 {"type":"x"}', '\u2028\r\n'];
      await store.append('a', texts.map(said), 0);

      expect((await store.load('a'))?.entries).toEqual(texts.map(said));
    });

    it('keep JSON: what is undefined is absent', async () => {
      await store.append('a', [{ type: 'message.output', content: { a: undefined, b: [1, null] }, model: undefined }], 0);

      expect((await store.load('a'))?.entries).toStrictEqual([{ type: 'message.output', content: { b: [1, null] } }]);
    });

    it('keep what was written, whatever becomes of the objects', async () => {
      const content = { text: 'as written' };
      const entries: ConversationEntry[] = [{ type: 'message.output', content }];
      await store.append('a', entries, 0);
      content.text = 'changed';
      entries.push(said('added'));
      const loaded = (await store.load('a'))?.entries[0] as { content: { text: string } };
      loaded.content.text = 'changed';

      expect(await store.load('a')).toEqual({ id: 'a', version: 1, entries: [{ type: 'message.output', content: { text: 'as written' } }] });
    });

    it('tell any two ids apart', async () => {
      const ids = ['a', 'A', 'a ', 'á', 'a\u0301', '{a}', '}a{', 'a:entries', '%', "'", '"', '😀', '\uffff', 'x'.repeat(512), '\u20ac'.repeat(512)];
      for (const id of ids) await store.append(id, [said(id)], 0);

      for (const id of ids) expect(await store.load(id)).toEqual({ id, version: 1, entries: [said(id)] });
    });

    it('of 10,000 entries come in order', async () => {
      const entries = Array.from({ length: 10_000 }, (_, index) => said(`entry ${index} ${'.'.repeat(200)}`));
      expect(await store.append('long', entries.slice(0, 9_000), 0)).toBe(9_000);
      expect(await store.append('long', entries.slice(9_000), 9_000)).toBe(10_000);

      expect(await store.load('long')).toEqual({ id: 'long', version: 10_000, entries });
    });
  });

  describe('a conflict', () => {
    it.each([
      ['behind', 1],
      ['ahead', 3],
      ['of a beginner', 0],
    ])('is a typed error, and adds nothing: a version %s', async (_, expectedVersion) => {
      await store.append('a', [said('1'), said('2')], 0);

      const error = await outcome(() => stores.second.append('a', [said('secret')], expectedVersion));
      expect(error).toBeInstanceOf(ConversationConflictError);
      expect(error).toMatchObject({ kind: 'conflict', expectedVersion, actualVersion: 2 });
      expect(JSON.stringify(error)).not.toContain('secret');
      expect((await store.load('a'))?.entries).toEqual([said('1'), said('2')]);
    });

    it('is one where the conversation is missing, too', async () => {
      expect(await outcome(() => store.append('a', [said('1')], 1))).toMatchObject({ kind: 'conflict', actualVersion: 0 });
      expect(await store.load('a')).toBeUndefined();
      expect(await store.list()).toEqual([]);
    });

    it('goes to all but one of those who write at once', async () => {
      const writers = Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? stores.first : stores.second));
      const answers = await Promise.all(writers.map((writer, index) => outcome(() => writer.append('a', [said(`${index}`)], 0))));

      expect(answers.filter((answer) => answer === 1)).toHaveLength(1);
      expect(answers.filter((answer) => answer instanceof ConversationConflictError)).toHaveLength(9);
      expect((await store.load('a'))?.entries).toEqual([said(`${answers.indexOf(1)}`)]);
    });

    it('retried by 20 writers loses no entry and doubles none', async () => {
      const writers = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? stores.first : stores.second));
      await Promise.all(
        writers.map(async (writer, index) => {
          for (let turn = 0; turn < 5; turn++) await appendWithRetry(writer, 'a', said(`${index}.${turn}`));
        }),
      );

      const { version, entries } = (await store.load('a'))!;
      const contents = entries.map((entry) => (entry as { content: string }).content);
      expect(version).toBe(100);
      expect(new Set(contents).size).toBe(100);
      // The entries of each writer are in its own order.
      for (let writer = 0; writer < 20; writer++) {
        const own = contents.filter((content) => content.startsWith(`${writer}.`));
        expect(own).toEqual(Array.from({ length: 5 }, (_, turn) => `${writer}.${turn}`));
      }
    });
  });

  describe('an append of no entries', () => {
    it('checks the version and changes nothing', async () => {
      await store.append('a', [said('1')], 0);
      const before = await store.list();

      expect(await store.append('a', [], 1)).toBe(1);
      expect(await outcome(() => store.append('a', [], 0))).toMatchObject({ kind: 'conflict', actualVersion: 1 });
      expect(await store.list()).toEqual(before);
    });

    it('makes no conversation', async () => {
      expect(await store.append('a', [], 0)).toBe(0);
      expect(await store.load('a')).toBeUndefined();
      expect(await store.list()).toEqual([]);
    });
  });

  describe('delete', () => {
    it('says whether the conversation was there, and leaves the others', async () => {
      await store.append('a', [said('1')], 0);
      await store.append('b', [said('2')], 0);

      expect(await stores.second.delete('a')).toBe(true);
      expect(await store.delete('a')).toBe(false);
      expect(await store.load('a')).toBeUndefined();
      expect(await store.list()).toMatchObject([{ id: 'b', version: 1 }]);
    });

    it('lets the id begin anew', async () => {
      await store.append('a', [said('1'), said('2')], 0);
      await store.delete('a');

      expect(await outcome(() => store.append('a', [said('3')], 2))).toMatchObject({ kind: 'conflict', actualVersion: 0 });
      expect(await store.append('a', [said('3')], 0)).toBe(1);
      expect((await store.load('a'))?.entries).toEqual([said('3')]);
    });

    it('in the middle of appends leaves a whole conversation, or none', async () => {
      const write = async (writer: ConversationStore, name: string): Promise<void> => {
        for (let turn = 0; turn < 20; turn++) await appendWithRetry(writer, 'a', said(`${name}${turn}`));
      };
      const remove = async (): Promise<void> => {
        for (let turn = 0; turn < 20; turn++) {
          await stores.second.delete('a');
          // Damaged or incomplete, it could not be read.
          await stores.first.load('a');
        }
      };
      await Promise.all([write(stores.first, 'x'), write(stores.second, 'y'), remove()]);
      await store.delete('a');

      expect(await store.append('a', [said('anew')], 0)).toBe(1);
      expect((await store.load('a'))?.entries).toEqual([said('anew')]);
    });
  });

  describe('list', () => {
    const astral = '\u{1F600}';
    const ids = ['10', '2', 'B', 'a', 'ab', 'b', 'é', '\uFFFF', astral];

    it('is of ids in the order of code points, whatever the order of writing', async () => {
      for (const id of ids.toReversed()) await store.append(id, [said(id)], 0);

      expect((await store.list()).map(({ id }) => id)).toEqual(ids);
    });

    it('goes on behind an id, which need not be there', async () => {
      for (const id of ids) await store.append(id, [said(id)], 0);
      const page = async (limit: number, after?: string): Promise<string[]> => (await store.list({ limit, after })).map(({ id }) => id);

      expect(await page(2)).toEqual(['10', '2']);
      expect(await page(3, '2')).toEqual(['B', 'a', 'ab']);
      expect(await page(1, 'aa')).toEqual(['ab']);
      expect(await page(5, 'é')).toEqual(['\uFFFF', astral]);
      expect(await page(5, astral)).toEqual([]);
    });

    it('is of 100 where no limit is given', async () => {
      const many = Array.from({ length: 101 }, (_, index) => String(index).padStart(3, '0'));
      await Promise.all(many.map(async (id) => store.append(id, [said(id)], 0)));

      expect((await store.list()).map(({ id }) => id)).toEqual(many.slice(0, 100));
      expect((await store.list({ limit: 1_000 })).length).toBe(101);
    });

    it('has the version, and a time that is not before the last one', async () => {
      await store.append('a', [said('1'), said('2')], 0);
      const [before] = await store.list();
      await store.append('a', [said('3')], 2);
      const [after] = await store.list();

      expect(before).toEqual({ id: 'a', version: 2, updatedAt: expect.any(Number) });
      expect(after).toEqual({ id: 'a', version: 3, updatedAt: expect.any(Number) });
      expect(after!.updatedAt).toBeGreaterThanOrEqual(before!.updatedAt);
      // Milliseconds, not seconds: later than 2020, before 2100.
      expect(after!.updatedAt).toBeGreaterThan(1_577_836_800_000);
      expect(after!.updatedAt).toBeLessThan(4_102_444_800_000);
    });
  });

  describe('bad arguments', () => {
    const cyclic: Record<string, unknown> = { type: 'turn.done' };
    cyclic['self'] = cyclic;
    const id = /^Expected `id` to be an id of 1 to 512 characters/;

    it.each<[string, RegExp, (given: ConversationStore) => unknown]>([
      ['an empty id', id, (given) => given.load('')],
      ['an id that is too long', id, (given) => given.load('x'.repeat(513))],
      ['an id with NUL', id, (given) => given.delete('a\0b')],
      ['half of a surrogate pair', id, (given) => given.append('\ud83d', [], 0)],
      ['no id', id, (given) => given.load(undefined as never)],
      ['entries that are no array', /^Expected `entries` to be an array, got an object/, (given) => given.append('a', {} as never, 0)],
      ['an entry without a type', /^Expected `entries\[1\]` to be plain JSON with a `type`/, (given) => given.append('a', [said(''), {} as never], 0)],
      ['an entry with a cycle', /^Expected `entries\[0\]` to be plain JSON/, (given) => given.append('a', [cyclic as never], 0)],
      ['an entry with a BigInt', /^Expected `entries\[0\]` to be plain JSON/, (given) => given.append('a', [{ type: 'message.output', content: 1n }], 0)],
      ['a hole', /^Expected `entries\[0\]` to be plain JSON/, (given) => given.append('a', new Array<ConversationEntry>(1), 0)],
      ['no version', /^Expected `expectedVersion` to be an integer >= 0, got undefined/, (given) => given.append('a', [], undefined as never)],
      ['a negative version', /^Expected `expectedVersion` to be an integer >= 0, got -1/, (given) => given.append('a', [], -1)],
      ['a limit of 0', /^Expected `limit` to be an integer >= 1, got 0/, (given) => given.list({ limit: 0 })],
      ['an empty `after`', /^Expected `after` to be an id/, (given) => given.list({ after: '' })],
    ])('are refused at the call: %s', (_, message, call) => {
      expect(() => call(store)).toThrow(TypeError);
      expect(() => call(store)).toThrow(message);
    });

    it('are refused as a whole: nothing of the append is there', async () => {
      expect(() => store.append('a', [said('1'), cyclic as never], 0)).toThrow(TypeError);
      expect(await store.load('a')).toBeUndefined();
    });
  });

  it('does what a model of it does, whatever the calls', async () => {
    const ids = fc.constantFrom('a', 'b', '\u{1F600}', '\uFFFF', '{}');
    const calls = fc.oneof(
      { weight: 4, arbitrary: fc.record({ call: fc.constant('append' as const), id: ids, texts: fc.array(fc.string({ unit: 'binary' }), { maxLength: 3 }), off: fc.constantFrom(0, 0, 0, 1, -1) }) },
      { weight: 1, arbitrary: fc.record({ call: fc.constant('delete' as const), id: ids }) },
      { weight: 2, arbitrary: fc.record({ call: fc.constant('load' as const), id: ids }) },
      { weight: 2, arbitrary: fc.record({ call: fc.constant('list' as const), limit: fc.integer({ min: 1, max: 4 }), after: fc.option(ids, { nil: undefined }) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(calls, { maxLength: 20 }), fc.infiniteStream(fc.boolean()), async (script, sides) => {
        const model = new Map<string, string[]>();
        for (const { id } of await store.list()) await store.delete(id);

        for (const step of script) {
          const side = sides.next().value ? stores.first : stores.second;
          if (step.call === 'append') {
            const kept = model.get(step.id) ?? [];
            const expectedVersion = Math.max(0, kept.length + step.off);
            const answer = await outcome(() => side.append(step.id, step.texts.map(said), expectedVersion));
            if (expectedVersion === kept.length) {
              expect(answer).toBe(kept.length + step.texts.length);
              if (step.texts.length > 0) model.set(step.id, [...kept, ...step.texts]);
            } else {
              expect(isRxMistralError(answer) && answer).toMatchObject({ kind: 'conflict', expectedVersion, actualVersion: kept.length });
            }
          } else if (step.call === 'delete') {
            expect(await side.delete(step.id)).toBe(model.delete(step.id));
          } else if (step.call === 'load') {
            const kept = model.get(step.id);
            expect(await side.load(step.id)).toEqual(kept && { id: step.id, version: kept.length, entries: kept.map(said) });
          } else {
            const { limit, after } = step;
            const expected = [...model]
              .map(([id, kept]) => ({ id, version: kept.length }))
              .sort((left, right) => Buffer.compare(Buffer.from(left.id), Buffer.from(right.id)))
              .filter(({ id }) => after === undefined || Buffer.compare(Buffer.from(id), Buffer.from(after)) > 0);
            expect(await side.list({ limit, after })).toMatchObject(expected.slice(0, limit));
          }
        }
      }),
      { numRuns: 60 },
    );
  }, 180_000);
}

import { describe, expect, test } from 'vitest';
import { type PartLines, PartWriter } from '../../../src/sources/batch/PartWriter.js';

const limits = { maxRequests: 100, maxBytes: 10_000, model: undefined };
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const places = (part: PartLines | undefined): unknown => part && [...part.pending].map(([id, { index, start, end }]) => [id, index, start, end]);

describe('a line', () => {
  test('is JSON with the id and the body, and ends with a line end', () => {
    expect(text(new PartWriter(limits).add({ customId: 'é', body: { a: 1, b: undefined } }).line)).toBe('{"custom_id":"é","body":{"a":1}}\n');
  });

  test('without an id has one by its place among all', () => {
    const writer = new PartWriter({ ...limits, maxRequests: 1 });
    const lines = [{ body: {} }, { customId: 'mine', body: {} }, { body: {} }].map((request) => text(writer.add(request).line));
    expect(lines.map((line) => (JSON.parse(line) as { custom_id: string }).custom_id)).toEqual(['request-1', 'mine', 'request-3']);
  });
});

describe('a part', () => {
  const request = (customId: string): object => ({ customId, body: {} });
  const bytes = text(new PartWriter(limits).add(request('a')).line).length;

  test.each<[string, Partial<typeof limits>, readonly (readonly string[])[]]>([
    ['ends with so many requests', { maxRequests: 2 }, [['a', 'b'], ['c', 'd'], ['e']]],
    ['ends with so many bytes', { maxBytes: 3 * bytes }, [['a', 'b', 'c'], ['d', 'e']]],
    ['is one byte short of a further line', { maxBytes: 3 * bytes - 1 }, [['a', 'b'], ['c', 'd'], ['e']]],
    ['holds a line that is as long as itself', { maxBytes: bytes }, [['a'], ['b'], ['c'], ['d'], ['e']]],
    ['is one where all fit', {}, [['a', 'b', 'c', 'd', 'e']]],
  ])('%s', (_what, more, expected) => {
    const writer = new PartWriter({ ...limits, ...more });
    const parts = ['a', 'b', 'c', 'd', 'e'].map((id) => writer.add(request(id)).full);
    const all = [...parts, writer.end()].filter((part) => part !== undefined);
    expect(all.map(({ pending }) => [...pending.keys()])).toEqual(expected);
    expect(all.map(({ part }) => part)).toEqual([...all.keys()]);
    expect(all.map((part) => part.bytes)).toEqual(expected.map((ids) => ids.length * bytes));
    expect(writer.count).toBe(5);
  });

  test('knows where each of its lines stands', () => {
    const writer = new PartWriter({ ...limits, maxRequests: 2 });
    writer.add(request('a'));
    writer.add(request('bb'));
    const { full } = writer.add(request('c'));
    expect(places(full)).toEqual([
      ['a', 0, 0, bytes],
      ['bb', 1, bytes, 2 * bytes + 1],
    ]);
    expect(places(writer.end())).toEqual([['c', 2, 0, bytes]]);
    expect(writer.end()).toBeUndefined();
  });

  test('has the fingerprint of its bytes, each part for itself', () => {
    const fingerprints = (ids: readonly string[]): (string | undefined)[] => {
      const writer = new PartWriter({ ...limits, maxRequests: 2 });
      return [...ids.map((id) => writer.add(request(id)).full), writer.end()].flatMap((part) => (part ? [part.fingerprint] : []));
    };
    const [first, second] = fingerprints(['a', 'b', 'c', 'd']);
    expect(fingerprints(['a', 'b', 'c', 'd'])).toEqual([first, second]);
    expect(fingerprints(['c', 'd'])).toEqual([second]);
    expect(fingerprints(['b', 'a', 'c', 'd'])).toEqual([expect.not.stringMatching(`^${first!}$`) as string, second]);
  });
});

describe('the model', () => {
  test.each<[string, string | undefined, readonly unknown[], string | undefined]>([
    ['is that of the bodies', undefined, ['m', undefined, 'm'], 'm'],
    ['is the one that was named', 'm', [undefined, null, 'm'], 'm'],
    ['is none', undefined, [undefined, null], undefined],
  ])('%s', (_what, model, models, expected) => {
    const writer = new PartWriter({ ...limits, model });
    for (const each of models) writer.add({ body: { model: each } });
    expect(writer.model).toBe(expected);
  });
});

describe('a request is refused, and its place named', () => {
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  test.each<[request: unknown, what: string]>([
    [undefined, 'is no object'],
    [null, 'is no object'],
    ['text', 'is no object'],
    [{ customId: '', body: {} }, 'has a `customId` that is no text'],
    [{ customId: 7, body: {} }, 'has a `customId` that is no text'],
    [{ customId: null, body: {} }, 'has a `customId` that is no text'],
    [{ customId: 'first', body: {} }, 'has the `customId` of an earlier one'],
    [{}, 'has no `body`'],
    [{ body: null }, 'has no `body`'],
    [{ body: [] }, 'has no `body`'],
    [{ body: { model: 5 } }, 'has a `model` that is no text'],
    [{ body: { model: 'other' } }, 'has another `model`: a job has one'],
    [{ body: circular }, 'has a `body` that is no JSON'],
    [{ body: { big: 1n } }, 'has a `body` that is no JSON'],
    [{ body: { text: 'x'.repeat(10_000) } }, 'is 10045 bytes long; a file holds 10000'],
  ])('%#', (request, what) => {
    const writer = new PartWriter({ ...limits, model: 'm' });
    writer.add({ customId: 'first', body: {} });
    expect(() => writer.add(request)).toThrow(expect.objectContaining({ kind: 'validation', message: `Request 2 of the batch ${what}` }) as Error);
    // Nothing of it is left.
    expect([writer.count, writer.end()?.pending.size]).toEqual([1, 1]);
  });
});

import { describe, expect, test } from 'vitest';
import type { SpoolFile } from '../../../src/index.js';
import { memorySpool } from '../../../src/sources/batch/memorySpool.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function textOf(file: SpoolFile, start: number, end: number): Promise<string> {
  let text = '';
  for await (const piece of file.read(start, end)) text += new TextDecoder().decode(piece);
  return text;
}

describe('a spool in memory', () => {
  test('gives back any range, over the borders of what was appended', async () => {
    const file = await memorySpool().create();
    for (const piece of ['ab', '', 'cde', 'f', 'ghij']) await file.append(bytes(piece));

    const all = 'abcdefghij';
    for (let start = 0; start <= all.length; start++) {
      for (let end = start; end <= all.length; end++) expect(await textOf(file, start, end)).toBe(all.slice(start, end));
    }
  });

  test('holds so many bytes over all its files; more is an error that says what to do', async () => {
    const spool = memorySpool(10);
    const [first, second] = [await spool.create(), await spool.create()];
    await first.append(bytes('123456'));
    await second.append(bytes('1234'));
    expect(() => second.append(bytes('5'))).toThrow(
      expect.objectContaining({ kind: 'limit', message: 'The requests take more than 10 bytes of memory: give a `spool` (fileSpool of rxmistral/node)' }) as Error,
    );

    await first.remove();
    await first.remove();
    await second.append(bytes('567890'));
    expect(() => second.append(bytes('1'))).toThrow();
    expect([await textOf(first, 0, 6), await textOf(second, 0, 10)]).toEqual(['', '1234567890']);
  });
});

import { lastValueFrom } from 'rxjs';
import { expect, test, vi } from 'vitest';
import type { SpoolFile } from '../../../src/index.js';
import { memorySpool } from '../../../src/sources/batch/memorySpool.js';
import { inlineRequests, partContent } from '../../../src/sources/batch/partContent.js';
import { type PartLine, PartWriter } from '../../../src/sources/batch/PartWriter.js';

/** Five lines, each appended by itself. */
async function written(): Promise<{ readonly file: SpoolFile; readonly lines: readonly PartLine[]; readonly texts: readonly string[] }> {
  const writer = new PartWriter({ maxRequests: 10, maxBytes: 1_000, model: undefined });
  const file = await memorySpool().create();
  const texts: string[] = [];
  for (const customId of ['a', 'b', 'ü', 'd', 'e']) {
    const { line } = writer.add({ customId, body: { text: customId } });
    texts.push(new TextDecoder().decode(line));
    await file.append(line);
  }
  return { file, lines: [...writer.end()!.pending.values()], texts };
}

async function textOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

test.each([
  ['all lines', [0, 1, 2, 3, 4]],
  ['one of them', [2]],
  ['some with gaps', [0, 2, 3]],
  ['none', []],
])('the content of %s has their bytes, and tells how many', async (_what, indexes) => {
  const { file, lines, texts } = await written();
  const { content, size } = partContent(file, indexes.map((index) => lines[index]!));
  const expected = indexes.map((index) => texts[index]).join('');
  expect([await textOf(content()), size]).toEqual([expected, Buffer.byteLength(expected)]);
  // Another attempt reads it from the beginning.
  expect(await textOf(content())).toBe(expected);
});

test('neighbours are read in one go', async () => {
  const { file, lines } = await written();
  const read = vi.spyOn(file, 'read');
  await textOf(partContent(file, [lines[0]!, lines[1]!, lines[3]!, lines[4]!]).content());
  expect(read.mock.calls).toEqual([
    [0, lines[1]!.end],
    [lines[3]!.start, lines[4]!.end],
  ]);
});

test('inline requests are what was written, with the SDK’s names', async () => {
  const { file, lines } = await written();
  expect(await lastValueFrom(inlineRequests(file, [lines[0]!, lines[2]!, lines[4]!]))).toEqual(
    ['a', 'ü', 'e'].map((customId) => ({ customId, body: { text: customId } })),
  );
});

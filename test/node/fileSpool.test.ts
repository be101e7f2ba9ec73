import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fileSpool } from '../../src/node/index.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spool-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function read(pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece);
  return Buffer.concat(parts).toString();
}

describe('fileSpool', () => {
  test('gives back what was appended, from any place to any place', async () => {
    const file = await fileSpool(join(directory, 'new', 'deep')).create();
    const text = 'x'.repeat(70_000) + 'y'.repeat(70_000);
    await file.append(Buffer.from(text.slice(0, 5)));
    await file.append(Buffer.from(text.slice(5)));

    expect(await read(file.read(0, 140_000))).toBe(text);
    expect(await Promise.all([read(file.read(69_998, 70_002)), read(file.read(139_999, 140_000)), read(file.read(3, 3))])).toEqual([
      'xxyy',
      'y',
      '',
    ]);
    await file.remove();
  });

  test('leaves nothing in the directory, while it is open either', async () => {
    const spool = fileSpool(directory);
    const files = [await spool.create(), await spool.create()];
    await files[0]?.append(Buffer.from('a'));

    expect(await readdir(directory)).toEqual([]);
    for (const file of files) await file.remove();
    await files[0]?.remove();
    expect(await readdir(directory)).toEqual([]);
  });

  test('says where a directory cannot be made', async () => {
    await writeFile(join(directory, 'file'), '');
    await expect(fileSpool(join(directory, 'file')).create()).rejects.toMatchObject({ code: 'EEXIST' });
  });

  test('wants a path', () => {
    expect(() => fileSpool('')).toThrow(new TypeError('Expected `directory` to be a path, got string'));
  });
});

import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { concat, EMPTY, from, lastValueFrom, map, NEVER, of, throwError, timer, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { pullMap } from '../../src/index.js';
import { readJsonLineKeys, readJsonLines, type ReadJsonLinesOptions, writeJsonLines } from '../../src/node/index.js';
import { eventually } from '../wire/fixtures/cancellationFixtures.js';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lines-'));
  path = join(directory, 'lines.jsonl');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function allOf<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

async function read<T>(text: string | Uint8Array, options?: ReadJsonLinesOptions<T>): Promise<T[]> {
  await writeFile(path, text);
  return allOf(readJsonLines(path, options));
}

describe('readJsonLines', () => {
  it.each<[string, string, unknown[]]>([
    ['nothing', '', []],
    ['a line', '{"a":1}\n', [{ a: 1 }]],
    ['a last line without an end', '1\n2', [1, 2]],
    ['lines that end with CRLF', '1\r\n2\r\n', [1, 2]],
    ['empty lines', '\n1\n \n\n2\n', [1, 2]],
    ['a byte order mark', '\uFEFF{"a":1}\n2\n', [{ a: 1 }, 2]],
    ['values of every kind', 'null\ntrue\n"text"\n[]\n', [null, true, 'text', []]],
    ['letters of several bytes', '"é☃👩‍🚀"\n', ['é☃👩‍🚀']],
  ])('reads %s', async (_what, text, expected) => {
    expect(await read(text)).toEqual(expected);
  });

  it('reads a stream of bytes, of text, and of the web, cut anywhere', async () => {
    const bytes = Buffer.from('"é"\n"☃"\n');
    for (let cut = 0; cut <= bytes.length; cut++) {
      const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)];
      expect(await allOf(readJsonLines(Readable.from(pieces)))).toEqual(['é', '☃']);
    }
    expect(await allOf(readJsonLines(Readable.from(['"é', '"\n"☃"'])))).toEqual(['é', '☃']);
    expect(await allOf(readJsonLines(new Blob([bytes]).stream()))).toEqual(['é', '☃']);
  });

  it('names the line that is no JSON, and quotes nothing of it, behind what came before', async () => {
    const seen: unknown[] = [];
    const reading = async (): Promise<void> => {
      await writeFile(path, '1\n\n{"secret": nonsense}\n4\n');
      for await (const value of readJsonLines(path)) seen.push(value);
    };
    await expect(reading()).rejects.toMatchObject({ kind: 'protocol', message: 'Line 3 is no JSON' });
    expect(seen).toEqual([1]);
  });

  it('names the line that does not fit the schema, and gives what the schema makes', async () => {
    const schema = z.object({ a: z.coerce.number() });
    expect(await read('{"a":"1"}\n', { schema })).toEqual([{ a: 1 }]);
    await expect(read('{"a":1}\n{"b":"secret"}\n', { schema })).rejects.toMatchObject({
      kind: 'validation',
      message: expect.stringMatching(/^Line 2: .*a/) as string,
    });
    await expect(read('{"b":"secret"}\n', { schema })).rejects.not.toThrow(/secret/);
  });

  it.each(['error', 'ignore'] as const)('takes a cut end as the user says: %s', async (cutEnd) => {
    const reading = read('1\n{"a":', { cutEnd });
    if (cutEnd === 'ignore') expect(await reading).toEqual([1]);
    else await expect(reading).rejects.toMatchObject({ kind: 'protocol', message: 'Line 2 is no JSON' });
    expect(await read('1\n{"a":2}', { cutEnd })).toEqual([1, { a: 2 }]);
  });

  it.each([100_000, 11])('has a bound for a line, names the one that is longer, and gives those before it: %i', async (length) => {
    const seen: unknown[] = [];
    const reading = async (): Promise<void> => {
      await writeFile(path, `1\n\n"${'x'.repeat(length)}"\n4\n`);
      for await (const value of readJsonLines(path, { maxLineBytes: length })) seen.push(value);
    };
    await expect(reading()).rejects.toMatchObject({ kind: 'limit', message: `Line 3 is longer than ${length} bytes` });
    expect(seen).toEqual([1]);
  });

  it.each([
    ['whole in a piece', ['"12345678"\n"é2345678"\n3\n']],
    ['that ends in the next piece', ['"12345678"\n"é2345', '678"\n3\n']],
    ['that has not ended', ['"12345678"\n"é23456789']],
    ['that grows', ['"12345678"\n"é', '23', '456', '78901']],
  ])('names a line over its bound, behind those before it: %s', async (_, pieces) => {
    const values: unknown[] = [];
    const reading = (async () => {
      for await (const value of readJsonLines(Readable.from(pieces), { maxLineBytes: 10 })) values.push(value);
    })();
    await expect(reading).rejects.toMatchObject({ kind: 'limit', message: 'Line 2 is longer than 10 bytes' });
    expect(values).toEqual(['12345678']);
  });

  it('closes the file when the loop is left, and begins anew in the next', async () => {
    await writeFile(path, '1\n2\n');
    const stream = createReadStream(path);
    for await (const value of readJsonLines(stream)) {
      expect(value).toBe(1);
      break;
    }
    expect(stream.destroyed).toBe(true);
    const values = readJsonLines(path);
    expect([await allOf(values), await allOf(values)]).toEqual([[1, 2], [1, 2]]);
  });

  it('of no file fails, in the loop', async () => {
    await expect(allOf(readJsonLines(path))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.each<[string, () => unknown]>([
    ['`source`', () => readJsonLines('')],
    ['`source`', () => readJsonLines(5 as unknown as string)],
    ['`source`', () => readJsonLines(null as unknown as string)],
    ['`cutEnd`', () => readJsonLines('a', { cutEnd: 'skip' as 'ignore' })],
    ['`maxLineBytes`', () => readJsonLines('a', { maxLineBytes: 0 })],
    ['`maxLineBytes`', () => readJsonLines('a', { maxLineBytes: '5' as never })],
    ['`schema`', () => readJsonLines('a', { schema: {} as never })],
    ['`schema`', () => readJsonLines('a', { schema: null as never })],
    ['`options`', () => readJsonLines('a', null as never)],
    ['`sync`', () => writeJsonLines('a', { sync: 'yes' as never })],
    ['`path`', () => writeJsonLines('')],
    ['`maxQueued`', () => writeJsonLines('a', { maxQueued: 0 })],
  ])('names %s where it is malformed', (name, act) => {
    expect(act).toThrow(TypeError);
    expect(act).toThrow(name);
  });
});

const lines = (): Promise<string> => readFile(path, 'utf8');

describe('writeJsonLines', () => {
  it('emits each value when it stands in the file, in order, and completes with its source', async () => {
    const seen: (readonly [number, number])[] = [];
    const values = from([1, 2, 3]).pipe(writeJsonLines<number>(path));
    await lastValueFrom(values.pipe(map((value) => seen.push([value, 0]))));
    expect(seen.map(([value]) => value)).toEqual([1, 2, 3]);
    expect(await lines()).toBe('1\n2\n3\n');
    expect(await lastValueFrom(EMPTY.pipe(writeJsonLines(path), toArray()))).toEqual([]);
  });

  it('adds to what is there, for two subscribers of one operator value too', async () => {
    await writeFile(path, '0\n');
    const write = writeJsonLines<number>(path, { sync: true });
    await Promise.all([lastValueFrom(of(1, 2).pipe(write)), lastValueFrom(of(3, 4).pipe(write))]);
    await lastValueFrom(of(5).pipe(write));
    expect((await lines()).split('\n').sort()).toEqual(['', '0', '1', '2', '3', '4', '5']);
  });

  it.each([
    ['takes off what a crash has cut', '1\n{"a":', '1\n9\n'],
    ['takes off what a crash has cut of the first line', '{"a":', '9\n'],
    ['takes off a long line that was cut', `1\n"${'x'.repeat(200_000)}`, '1\n9\n'],
    ['ends a whole line that has no end', '1\n{"a":2}', '1\n{"a":2}\n9\n'],
    ['leaves whole lines as they are', '1\n', '1\n9\n'],
  ])('%s', async (_what, before, after) => {
    await writeFile(path, before);
    await lastValueFrom(of(9).pipe(writeJsonLines(path)));
    expect(await lines()).toBe(after);
  });

  it('is whole, and has the same keys as its reader sees, wherever a crash has cut it', async () => {
    const values = [{ id: 'é' }, { id: '漢', n: 12 }, { id: '🚀' }];
    const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
    for (let cut = 0; cut <= bytes.length; cut++) {
      await writeFile(path, bytes.subarray(0, cut));
      const keys = await readJsonLineKeys(path, ({ id }) => id);
      await lastValueFrom(of({ id: 'next' }).pipe(writeJsonLines(path)));
      const ids = (await allOf(readJsonLines<{ id: string }>(path))).map(({ id }) => id);
      expect(ids, `cut behind ${cut} bytes`).toEqual([...keys, 'next']);
      expect(ids.slice(0, -1)).toEqual(values.slice(0, keys.size).map(({ id }) => id));
    }
  });

  it('lets a place of pullMap be free again when the result is written', async () => {
    const write = writeJsonLines<{ id: number; text: string }>(path);
    let started = 0;
    let ended = 0;
    let most = 0;
    const work = (id: number) => {
      started += 1;
      most = Math.max(most, started - ended);
      return timer(0).pipe(map(() => ({ id, text: 'x'.repeat(1_000) })), write, map((value) => { ended += 1; return value; }));
    };
    const all = await lastValueFrom(pullMap(Array.from({ length: 500 }, (_, id) => id), work, { concurrency: 7 }).pipe(toArray()));
    expect([all.length, most]).toEqual([500, 7]);
    const ids = (await allOf(readJsonLines<{ id: number }>(path))).map(({ id }) => id);
    expect(ids.sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, id) => id));
  });

  it('has a bound for what waits', async () => {
    const values = from(Array.from({ length: 20 }, (_, index) => index));
    await expect(lastValueFrom(values.pipe(writeJsonLines(path, { maxQueued: 5 })))).rejects.toMatchObject({ kind: 'limit' });
  });

  it('has written what had come before an error of its source, and before an unsubscribe', async () => {
    const failing = concat(of(1, 2), throwError(() => new Error('source')));
    await expect(lastValueFrom(failing.pipe(writeJsonLines(path)))).rejects.toThrow('source');
    concat(of(3), NEVER).pipe(writeJsonLines(path)).subscribe().unsubscribe();
    const holds = async (text: string): Promise<void> => {
      let now = '';
      await eventually(() => {
        void lines().then((read) => (now = read), () => undefined);
        return now.includes(text);
      }, text);
    };
    await holds('2\n');
    await holds('3\n');
  });

  it.each<[string, unknown]>([['a value that is none of JSON', undefined], ['a big integer', 1n], ['a cycle', (() => { const a: unknown[] = []; a.push(a); return a; })()]])(
    'fails with %s',
    async (_what, value) => {
      await expect(lastValueFrom(of(value).pipe(writeJsonLines(path)))).rejects.toThrow(TypeError);
    },
  );

  it('fails where the file cannot be written', async () => {
    await expect(lastValueFrom(of(1).pipe(writeJsonLines(join(directory, 'none', 'file'))))).rejects.toMatchObject({ code: 'ENOENT' });
    const write = writeJsonLines<number>(directory);
    for (let round = 0; round < 2; round++) await expect(lastValueFrom(of(1).pipe(write))).rejects.toMatchObject({ code: 'EISDIR' });
  });

  it('leaves whole lines when its process is killed, behind which the next one goes on by key', { timeout: 180_000 }, async () => {
    const program = `
      import { from, mergeMap } from 'rxjs';
      import { pullMap } from 'rxmistral';
      import { readJsonLineKeys, writeJsonLines } from 'rxmistral/node';
      const [path, total, lifetime] = process.argv.slice(1);
      const done = await readJsonLineKeys(path, ({ id }) => id);
      const ids = Array.from({ length: Number(total) }, (_, index) => 'id-' + index).filter((id) => !done.has(id));
      const write = writeJsonLines(path);
      // By itself, or it might have come to its end before anybody else did it.
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(lifetime)).unref();
      pullMap(ids, (id) => from([{ id, text: 'x'.repeat(5_000) }]).pipe(write), { concurrency: 8 }).subscribe();
    `;
    const total = 1_000;
    let kills = 0;
    for (let round = 0; ; round++) {
      const words = ['--input-type=module', '-e', program, path, String(total), String(2 * 10 ** round)];
      const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit'] });
      const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on('exit', (_code, signal) => { resolve(signal); }));
      const signal = await ended;
      const ids = [...(await readJsonLineKeys(path, ({ id }) => id))];
      // Whole, but for the last line.
      const written = await allOf(readJsonLines<{ id: string; text: string }>(path, { cutEnd: 'ignore' })).catch((error: unknown) =>
        (error as { code?: string }).code === 'ENOENT' ? [] : Promise.reject(error as Error),
      );
      expect(written).toHaveLength(ids.length);
      if (signal === 'SIGKILL') kills += 1;
      else {
        expect(ids).toHaveLength(total);
        break;
      }
    }
    expect(kills).toBeGreaterThan(0);
    expect((await lines()).split('\n')).toHaveLength(total + 1);
  });
});

describe('readJsonLineKeys', () => {
  it('tells what is there, without a cut end, and nothing of no file', async () => {
    expect(await readJsonLineKeys(path, ({ id }) => id)).toEqual(new Set());
    await appendFile(path, '{"id":"a"}\n{"id":5}\n{"other":1}\n{"id":"b"}\n{"id":"c"');
    expect(await readJsonLineKeys(path, ({ id }) => id)).toEqual(new Set(['a', 'b']));
  });
});

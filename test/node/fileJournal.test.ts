import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JournalRecord } from '../../src/index.js';
import { fileJournal } from '../../src/node/index.js';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'journal-'));
  path = join(directory, 'run.journal');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const records: readonly JournalRecord[] = [
  { type: 'run', version: 1, runId: 'r', endpoint: '/v1/embeddings' },
  { type: 'creating', key: 'r:0:0' },
  { type: 'created', key: 'r:0:0', jobId: 'job-1' },
];

describe('fileJournal', () => {
  test('of no file is empty', async () => {
    expect(await fileJournal(path).read()).toEqual([]);
  });

  test('gives back, to another process too, what was appended', async () => {
    const journal = fileJournal(path);
    for (const record of records) await journal.append(record);

    expect(await fileJournal(path).read()).toEqual(records);
    expect(await readFile(path, 'utf8')).toBe(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  });

  test('takes off a line that a crash has cut, so that the next one stands alone', async () => {
    const journal = fileJournal(path);
    await journal.append(records[0]!);
    await appendFile(path, '{"type":"crea');

    expect(await journal.read()).toEqual([records[0]]);
    await journal.append(records[1]!);
    expect(await journal.read()).toEqual(records.slice(0, 2));
  });

  test('says which line is no record', async () => {
    await writeFile(path, `${JSON.stringify(records[0])}\nhello\n`);
    await expect(fileJournal(path).read()).rejects.toMatchObject({ kind: 'validation', message: expect.stringMatching(/^Line 2 of the journal/) as string });
  });

  test('fails where the directory is missing', async () => {
    await expect(fileJournal(join(directory, 'none', 'run.journal')).append(records[0]!)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

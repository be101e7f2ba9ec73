import { open, readFile, truncate } from 'node:fs/promises';
import { type BatchJournal, type JournalRecord, RxMistralError } from '../index.js';
import { expectPath } from './fileSpool.js';
import { isMissing } from './isMissing.js';

/**
 * A journal in a file: JSON lines that are only added to, each of them on the disk before the run goes on.
 *
 * A line that a crash has cut is taken off: its step had not begun. The file belongs to one run at a time, and is deleted
 * by nobody: delete it when its results are in safety, or the next run with it will go on with the jobs that it names.
 *
 * @param path The file; it is made where it is missing, in a directory that is there.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { runBatch } from 'rxmistral';
 * import { fileJournal } from 'rxmistral/node';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const requests = [{ body: { messages: [{ role: 'user', content: 'Name three rivers.' }] } }];
 * const journal = fileJournal(`/tmp/rivers-${process.pid}.journal`);
 *
 * runBatch(client, requests, { model: 'mistral-small-latest', journal, interval: 1_000 })
 *   .subscribe((event) => console.log(event.type));
 * ```
 */
export function fileJournal(path: string): BatchJournal {
  expectPath('path', path);
  return {
    async read() {
      const bytes = await readFile(path).catch((error: unknown) => {
        if (isMissing(error)) return Buffer.alloc(0);
        throw error;
      });
      const end = bytes.lastIndexOf('\n') + 1;
      if (end < bytes.length) await truncate(path, end);
      const lines = bytes.toString('utf8', 0, end).split('\n');
      return lines.filter((line) => line !== '').map(parseRecord);
    },
    async append(record) {
      const file = await open(path, 'a', 0o600);
      try {
        await file.appendFile(`${JSON.stringify(record)}\n`);
        await file.datasync();
      } finally {
        await file.close();
      }
    },
  };
}

function parseRecord(line: string, index: number): JournalRecord {
  try {
    return JSON.parse(line) as JournalRecord;
  } catch {
    throw new RxMistralError({ kind: 'validation', message: `Line ${index + 1} of the journal is no JSON: it is no journal, or was changed` });
  }
}

import { lastValueFrom, type Observable } from 'rxjs';
import { describe, expect, test } from 'vitest';
import type { BatchJournal, JournalRecord } from '../../../src/index.js';
import { RunJournal } from '../../../src/sources/batch/RunJournal.js';

const endpoint = '/v1/chat/completions';
const part = { part: 0, requests: 2, bytes: 20, fingerprint: 'abc' };
const lines = (fields: Partial<typeof part> = {}) => {
  const { requests, ...rest } = { ...part, ...fields };
  return { ...rest, pending: new Map(Array.from({ length: requests }, (_, index) => [`r${index}`, { index, start: 0, end: 0 }])) };
};
const run: JournalRecord = { type: 'run', version: 1, runId: 'first', endpoint };
const done = (steps: Observable<never>): Promise<unknown> => lastValueFrom(steps, { defaultValue: 'done' });

function journalOf(records: readonly JournalRecord[]): { readonly journal: BatchJournal; readonly written: JournalRecord[] } {
  const written: JournalRecord[] = [];
  return { journal: { read: () => records, append: (record) => void written.push(record) }, written };
}

async function opened(records: readonly JournalRecord[]): Promise<{ readonly known: RunJournal; readonly written: JournalRecord[] }> {
  const { journal, written } = journalOf(records);
  const known = new RunJournal(journal, endpoint);
  await done(known.open('second'));
  return { known, written };
}

describe('a journal of nothing', () => {
  test('begins a run', async () => {
    const { known, written } = await opened([]);
    expect(written).toEqual([{ ...run, runId: 'second' }]);
    expect([known.key(3, 1), known.jobOf('second:3:1'), known.fileOf('second:3:1'), known.mayHaveCreated('second:3:1'), known.isComplete]).toEqual([
      'second:3:1',
      undefined,
      undefined,
      false,
      false,
    ]);
  });

  test('that does not exist knows what was written all the same', async () => {
    const known = new RunJournal(undefined, endpoint);
    await done(known.open('only'));
    await done(known.write({ type: 'created', key: known.key(0, 0), jobId: 'job-1' }));
    expect(known.jobOf('only:0:0')).toBe('job-1');
  });
});

test('a journal of a run goes on with it, under its name', async () => {
  const { known, written } = await opened([
    run,
    { type: 'part', ...part },
    { type: 'uploaded', key: 'first:0:0', fileId: 'file-1' },
    { type: 'creating', key: 'first:0:0' },
    { type: 'created', key: 'first:0:0', jobId: 'job-1' },
    { type: 'creating', key: 'first:1:0' },
    { type: 'complete' },
  ]);
  await done(known.notePart(lines()));
  expect(written).toEqual([]);
  const key = known.key(0, 0);
  expect([key, known.fileOf(key), known.jobOf(key), known.mayHaveCreated(key)]).toEqual(['first:0:0', 'file-1', 'job-1', true]);
  expect([known.jobOf('first:1:0'), known.mayHaveCreated('first:1:0'), known.isComplete]).toEqual([undefined, true, true]);
  await done(known.notePart(lines({ part: 1 })));
  expect(written).toEqual([{ type: 'part', ...part, part: 1 }]);
});

describe('a journal of another run is refused', () => {
  const refusal = (what: string): unknown => expect.objectContaining({ kind: 'validation', message: `The journal does not belong to this run: ${what}` });

  test.each<[string, object]>([
    ['it is of the endpoint /v1/ocr', { endpoint: '/v1/ocr' }],
    ['it was written by another version of the library', { version: 2 }],
  ])('%s', async (what, fields) => {
    await expect(opened([{ ...run, ...fields }])).rejects.toEqual(refusal(what));
  });

  test.each([{ requests: 3 }, { bytes: 21 }, { fingerprint: 'abd' }])('where a part is another one: %j', async (fields) => {
    const { known } = await opened([run, { type: 'part', ...part }]);
    expect(() => known.notePart(lines(fields))).toThrow(refusal('part 0 of the requests is another one'));
  });

  test('where there are fewer parts', async () => {
    const { known } = await opened([run, { type: 'part', ...part }, { type: 'part', ...part, part: 1 }]);
    known.expectParts(2);
    expect(() => {
      known.expectParts(1);
    }).toThrow(refusal('it has 2 parts, and the requests make 1'));
  });
});

test('records are appended one at a time, in order, and known at once', async () => {
  const steps: string[] = [];
  const known = new RunJournal(
    {
      read: () => Promise.resolve([run]),
      async append(record) {
        steps.push(`begin ${record.type}`);
        await Promise.resolve();
        steps.push(`end ${record.type}`);
      },
    },
    endpoint,
  );
  await done(known.open('second'));
  const writes = [
    known.write({ type: 'creating', key: 'k' }),
    known.write({ type: 'created', key: 'k', jobId: 'j' }),
    known.write({ type: 'complete' }),
  ].map(done);
  expect(known.jobOf('k')).toBe('j');
  await Promise.all(writes);
  expect(steps).toEqual(['creating', 'created', 'complete'].flatMap((type) => [`begin ${type}`, `end ${type}`]));
});

test('what cannot be written is the error of that step', async () => {
  const full = new Error('The disk is full');
  const known = new RunJournal({ read: () => [run], append: () => Promise.reject(full) }, endpoint);
  await done(known.open('second'));
  await expect(done(known.write({ type: 'complete' }))).rejects.toBe(full);
});

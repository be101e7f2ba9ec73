import { describe, expect, it } from 'vitest';
import { decodeDeletedFile, decodeFile, decodeFiles, decodeRetrievedFile } from '../../src/transport/decodeFile.js';

const empty = { object: 'file', filename: '', purpose: '', sampleType: '', source: '', sizeBytes: 0, createdAt: 0 };

describe('a file that the SDK refuses', () => {
  it('has the names of the SDK, and unknown fields and values as they came', () => {
    const json = { id: 'f', object: 'file', bytes: 5, created_at: 1.5, filename: 'a', purpose: 'fun', sample_type: 'new', num_lines: null, source: 's', expires_at: 2, extra: 1 };
    expect(decodeFile(json)).toEqual({ id: 'f', object: 'file', sizeBytes: 5, createdAt: 1.5, filename: 'a', purpose: 'fun', sampleType: 'new', numLines: null, source: 's', expiresAt: 2, extra: 1 });
  });

  it('has the least that the type asks for where fields are missing, null or of another type', () => {
    for (const json of [{ id: 'f' }, { id: 'f', bytes: null, filename: null, source: null, object: null }, { id: 'f', bytes: '5', created_at: 'now' }]) {
      expect(decodeFile(json)).toEqual({ id: 'f', ...empty });
    }
    expect(decodeRetrievedFile({ id: 'f' })).toEqual({ id: 'f', ...empty, deleted: false });
    expect(decodeRetrievedFile({ id: 'f', deleted: true })?.deleted).toBe(true);
  });

  it('is one of a list, without what is none', () => {
    expect(decodeFiles({ data: [{ id: 'f' }, 7, {}], total: 2 })).toEqual({ object: 'list', data: [{ id: 'f', ...empty }], total: 2 });
    expect(decodeFiles({ data: [], total: 'many' })).toEqual({ object: 'list', data: [], total: null });
  });

  it('is deleted unless the answer says that it is not', () => {
    expect(decodeDeletedFile({ id: 'f', object: null })).toEqual({ id: 'f', object: 'file', deleted: true });
    expect(decodeDeletedFile({ id: 'f', deleted: false })?.deleted).toBe(false);
  });

  it.each([[null], ['text'], [[]], [{}], [{ id: 7 }]])('is none: %j', (json) => {
    expect([decodeFile(json), decodeRetrievedFile(json), decodeFiles(json), decodeDeletedFile(json)]).toEqual([undefined, undefined, undefined, undefined]);
  });
});

import { concat, map, of, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { type CallOptions, constantBackoff, RxMistralError, TruncatedStreamError } from '../../../src/index.js';
import { type ResultFile, resultLines } from '../../../src/sources/batch/resultLines.js';
import { type FakeMistral, type FakeMistralScript, fakeMistral, fileDownload, marbles } from '../../../src/testing/index.js';

const lines = ['{"a":1}', '{"b":2}', '{"c":3}'];
const text = lines.map((line) => `${line}\n`).join('');
const retry = { maxRetries: 2, backoff: constantBackoff(1) };
const dropped = new TruncatedStreamError({ kind: 'connection', message: 'dropped' });

/** A download that breaks behind these bytes, or is cut there without a word: its length was not announced. */
const broken = (content: string, size?: number): unknown => fileDownload(concat(of(content), throwError(() => dropped)), { size });
const cut = (content: string): unknown => fileDownload(of(content));

interface Reading {
  /** The lines, and the error last. */
  readonly seen: readonly string[];
  /** Where each download was asked to begin. */
  readonly starts: readonly unknown[];
}

/** Reads to the end. Sources are synchronous here, time is virtual. */
function read(downloads: readonly unknown[], options: CallOptions = { retry }, ...counted: readonly ResultFile['lines'][]): Reading {
  const seen: string[] = [];
  const client: FakeMistral = fakeMistral({ 'files.download': downloads as FakeMistralScript['files.download'] });
  marbles((m) => {
    resultLines(client, { fileId: 'file-1', lines: counted.length === 0 ? 3 : counted[0] }, { ...options, scheduler: m.scheduler }, (some) => some).subscribe({
      next: (line) => seen.push(line),
      error: (error: unknown) => seen.push(String(error)),
    });
  });
  return { seen, starts: client.calls.map((call) => (call.request as { readonly start?: number }).start) };
}

describe('a file is read line by line', () => {
  test.each<[string, string | readonly string[]]>([
    ['whole', text],
    ['by the byte', Array.from(text)],
    ['without the last line end', text.trimEnd()],
    ['with CR LF', text.replaceAll('\n', '\r\n')],
    ['with blank lines', `\n${text.replaceAll('\n', '\n \n')}\n`],
  ])('%s', (_what, content) => {
    expect(read([fileDownload(content)])).toEqual({ seen: lines, starts: [0] });
  });

  test('with lines that are no JSON, which are somebody else’s to judge', () => {
    expect(read([fileDownload('{"a":1}\nhello\n{"b"')])).toEqual({ seen: ['{"a":1}', 'hello', '{"b"'], starts: [0] });
  });

  test('that is empty', () => {
    expect(read([fileDownload('')])).toEqual({ seen: [], starts: [0] });
  });
});

describe('a cut download is continued behind the last whole line, and no line comes twice', () => {
  const rest = (start: number): unknown => fileDownload(text.slice(start), { start });
  test.each<[string, readonly unknown[], readonly number[]]>([
    ['in a line, by a range', [broken(text.slice(0, 10), 24), rest(8)], [0, 8]],
    ['in a line, from the beginning', [broken(text.slice(0, 10), 24), fileDownload(text)], [0, 8]],
    ['in a line, from the beginning, by the byte', [broken(text.slice(0, 10)), fileDownload(Array.from(text))], [0, 8]],
    ['between lines', [broken(text.slice(0, 16), 24), rest(16)], [0, 16]],
    ['before its first byte', [broken('', 24), rest(0)], [0, 0]],
    ['twice', [broken(text.slice(0, 10)), broken(text.slice(0, 20)), rest(16)], [0, 8, 16]],
    ['behind its last byte', [broken(text), throwError(() => new RxMistralError({ kind: 'http', status: 416, message: 'no such range' }))], [0, 24]],
    ['in silence, in a line', [cut(text.slice(0, 10)), rest(8)], [0, 8]],
    ['in silence, between lines', [cut(text.slice(0, 16)), rest(16)], [0, 16]],
    ['in silence, before its first byte', [cut(''), rest(0)], [0, 0]],
  ])('%s', (_what, downloads, starts) => {
    expect(read(downloads)).toEqual({ seen: lines, starts });
  });
});

describe('what only the count, or the last line, speaks against is read once more and then believed', () => {
  test.each<[string, readonly unknown[], readonly string[], number | undefined, readonly number[]]>([
    ['too few lines', [cut(text.slice(0, 16)), cut(text.slice(0, 16))], lines.slice(0, 2), 3, [0, 16]],
    ['a half line', [cut(text.slice(0, 18)), cut(text.slice(0, 18))], [...lines.slice(0, 2), '{"'], 3, [0, 16]],
    ['too few lines, of an announced length', [fileDownload(text.slice(0, 16))], lines.slice(0, 2), 3, [0]],
    ['too few lines, of which none knows how many', [cut(text.slice(0, 16))], lines.slice(0, 2), undefined, [0]],
    ['more lines than were counted', [cut(text)], lines, 1, [0]],
  ])('%s', (_what, downloads, seen, expected, starts) => {
    expect(read(downloads, { retry }, expected)).toEqual({ seen, starts });
  });
});

describe('it fails', () => {
  test.each<[string, readonly unknown[], CallOptions, readonly string[]]>([
    ['when the retries are used up', [broken(text.slice(0, 10)), broken(''), broken('')], { retry }, ['{"a":1}', 'TruncatedStreamError: dropped']],
    ['at the first cut, where none are wanted', [broken(text.slice(0, 10))], { retry: false }, ['{"a":1}', 'TruncatedStreamError: dropped']],
    ['with a 404', [throwError(() => new RxMistralError({ kind: 'http', status: 404, message: 'gone' }))], { retry }, ['RxMistralError: gone']],
    ['with a line that is too long, behind those before it', [fileDownload('{"a":1}\n{"b":"xxxxxxxxx"}\n{"c":3}\n')], { retry, maxEventBytes: 15 }, ['{"a":1}', 'RxMistralError: A line is longer than 15 bytes']],
    ['with a line that is too long, in pieces', [fileDownload(['{"a":', '"xxxxxx', 'xxxxxxxxx', '"}\n'])], { retry, maxEventBytes: 15 }, ['RxMistralError: A line is longer than 15 bytes']],
  ])('%s', (_what, downloads, options, seen) => {
    expect(read(downloads, options).seen).toEqual(seen);
  });
});

test('no more is read before the lines so far are dealt with', () => {
  marbles((m) => {
    const client = m.mistral({ 'files.download': fileDownload(['{"a":1}\n{"b":2}\n', '{"c":3}\n']) });
    const work = m.cold('     ----x|');
    const expected = '        ----a----b|';
    const handled = resultLines(client, { fileId: 'file-1', lines: 3 }, {}, (some) => work.pipe(map(() => some.length)));
    m.expectObservable(handled).toBe(expected, { a: 2, b: 1 });
    m.expectSubscriptions(work.subscriptions).toBe(['^----!', '-----^----!']);
  });
});

test('unsubscribing ends the download', () => {
  const client = fakeMistral({ 'files.download': fileDownload(['{"a":1}\n', '{"b":2}\n']) });
  marbles((m) => {
    const work = m.cold('        -----');
    const unsub = '              ---!';
    m.expectObservable(resultLines(client, { fileId: 'file-1', lines: 2 }, {}, () => work), unsub).toBe('---');
    m.expectSubscriptions(work.subscriptions).toBe('^--!');
  });
  expect(client.calls.map(({ state }) => state)).toEqual(['unsubscribed']);
});

test('a silence between two pieces that is too long is a cut', () => {
  marbles((m) => {
    const silent = fileDownload(m.cold('a-------', { a: text.slice(0, 10) }));
    const client = m.mistral({ 'files.download': [silent, fileDownload(text.slice(8), { start: 8 })] });
    const results = resultLines(client, { fileId: 'file-1', lines: 3 }, { retry, timeouts: { idle: 4 } }, (some) => some);
    m.expectObservable(results).toBe('a----(bc|)', { a: lines[0], b: lines[1], c: lines[2] });
  });
});

import { concatMap, firstValueFrom, type Observable, of, take } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { fakeMistral, fileDownload, marbles } from '../../src/testing/index.js';
import type { FileDownload } from '../../src/transport/FileDownload.js';
import { filesDownloadOperation } from '../../src/transport/operations/filesDownload.js';
import { readDownload } from '../../src/transport/readDownload.js';

const word = (piece: Uint8Array): string => new TextDecoder().decode(piece);
const words = concatMap((file: FileDownload) => readDownload(file, (piece) => [word(piece)]));

/** What a source emits at once; an error is the last of it. */
function emitted<T>(source: Observable<T>): (T | Error)[] {
  const values: (T | Error)[] = [];
  source.subscribe({ next: (value) => values.push(value), error: (error: unknown) => values.push(error as Error) });
  return values;
}

describe('a scripted download', () => {
  test.each<[string, Parameters<typeof fileDownload>[0], readonly string[], number]>([
    ['a text', 'one\ntwo\n', ['one\ntwo\n'], 8],
    ['bytes', new TextEncoder().encode('ä'), ['ä'], 2],
    ['a list, a piece each', ['one\n', new TextEncoder().encode('two\n'), ''], ['one\n', 'two\n'], 8],
    ['nothing', '', [], 0],
  ])('of %s is read', (_what, content, pieces, size) => {
    const call = fileDownload(content);
    expect(emitted(call)).toMatchObject([{ start: 0, size }]);
    // Each call reads it anew.
    for (let i = 0; i < 2; i++) expect(emitted(call.pipe(words))).toEqual(pieces);
  });

  test('says where it begins and how large the file is', () => {
    expect(emitted(fileDownload('12345', { start: 5 }))).toMatchObject([{ start: 5, size: 10 }]);
    expect(emitted(fileDownload('12345', { start: 5, size: 99 }))).toMatchObject([{ start: 5, size: 99 }]);
    expect(emitted(fileDownload(of('12345')))).toMatchObject([{ start: 0, size: undefined }]);
  });

  test('comes in time, and its call stays open until it was read', () => {
    marbles((m) => {
      const mistral = m.mistral({ 'files.download': fileDownload(m.cold('--a-b-|')) });
      const call = mistral.call(filesDownloadOperation, { fileId: 'f' });
      m.expectObservable(call.pipe(words)).toBe('--a-b-|');
      m.flush();
      expect(mistral.calls[0]).toMatchObject({ operation: 'files.download', state: 'completed', endedAt: 6 });
    });
  });

  test('shows that its consumer left', () => {
    const mistral = fakeMistral({ 'files.download': fileDownload('text') });
    mistral.call(filesDownloadOperation, { fileId: 'f' }).pipe(words, take(1)).subscribe();
    expect(mistral.calls[0]!.state).toBe('unsubscribed');
  });

  test('is cut, which its reader is told behind what came, and not its call', () => {
    marbles((m) => {
      const mistral = m.mistral({ 'files.download': fileDownload(m.cold('--a-#')) });
      m.expectObservable(mistral.call(filesDownloadOperation, { fileId: 'f' }).pipe(words)).toBe('--a-#');
      m.flush();
      expect(mistral.calls[0]!.state).toBe('unsubscribed');
    });
  });

  test('that broke is told to whoever asks later', () => {
    marbles((m) => {
      const call = fileDownload(m.cold('                  --#'));
      const asks = m.cold('                               ------a|');
      m.expectObservable(call.pipe(concatMap(({ read }) => asks.pipe(concatMap(read))))).toBe('------#');
    });
  });

  test('is one answer of several, and one with a head', () => {
    const heads: number[] = [];
    const mistral = fakeMistral({
      'files.download': [{ status: 404 }, { status: 206, headers: { 'x-part': '1' }, body: fileDownload('two', { start: 4 }) }],
    });
    const options = { onResponse: ({ status }: { readonly status: number }) => heads.push(status) };
    const read = (start: number): unknown => emitted(mistral.call(filesDownloadOperation, { fileId: 'f', start }, options).pipe(words));
    expect([read(0), read(4)]).toMatchObject([[{ kind: 'http', status: 404 }], ['two']]);
    expect(heads).toEqual([404, 206]);
    expect(mistral.calls.map(({ request }) => request)).toEqual([{ fileId: 'f', start: 0 }, { fileId: 'f', start: 4 }]);
    mistral.assertDone();
  });

  test('is answered by its request', () => {
    const whole = '0123456789';
    const mistral = fakeMistral({ 'files.download': ({ start = 0 }) => fileDownload(whole.slice(start), { start }) });
    expect(emitted(mistral.call(filesDownloadOperation, { fileId: 'f', start: 7 }).pipe(words))).toEqual(['789']);
  });

  test('that was closed says so to whoever reads on, as the real one does', async () => {
    const file = await firstValueFrom(fileDownload('text'));
    await expect(firstValueFrom(file.read())).rejects.toMatchObject({ kind: 'validation', message: expect.stringContaining('was closed') as string });
  });

  test('ends for good', () => {
    const [file] = emitted(fileDownload('')) as FileDownload[];
    expect([emitted(file!.read()), emitted(file!.read())]).toEqual([[], []]);
  });

  test.each([
    [() => fileDownload(7 as never), 'Expected `content` to be a text, bytes, a list of them or an Observable of them, got 7'],
    [() => fileDownload(['a', 7] as never), 'Expected `content` to be a text, bytes, a list of them or an Observable of them, got 7'],
    [() => fileDownload('a', { start: -1 }), 'Expected `start` to be an integer >= 0, got -1'],
    [() => fileDownload('a', { size: 0.5 }), 'Expected `size` to be an integer >= 0, got 0.5'],
  ])('is refused at the call where it cannot be meant', (make, message) => {
    expect(make).toThrow(new TypeError(message));
  });
});

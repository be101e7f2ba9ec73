import type { Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { RxMistralError } from '../../src/index.js';
import type { FileDownload } from '../../src/transport/FileDownload.js';
import { openDownload } from '../../src/transport/openDownload.js';
import { lastOf, watch } from '../wire/fixtures/cancellationFixtures.js';

interface Opened {
  readonly file: FileDownload;
  readonly ends: number;
  push(text: string): void;
  end(): void;
  break(error: Error): void;
  /** What an unsubscribe does. */
  close(): void;
}

function opened(headers: Record<string, string> = {}, status = 200): Opened {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  let ends = 0;
  let isClosed = false;
  const reader = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) }).getReader();
  const file = openDownload({
    status,
    headers: new Headers(headers),
    reader,
    isClosed: () => isClosed,
    describe: () => new RxMistralError({ kind: 'connection', message: 'It broke' }),
    onEnd: () => {
      ends += 1;
    },
  });
  return {
    file,
    get ends() {
      return ends;
    },
    push: (text) => {
      controller.enqueue(new TextEncoder().encode(text));
    },
    end: () => {
      controller.close();
    },
    break: (error) => {
      controller.error(error);
    },
    close: () => {
      isClosed = true;
      // A body that has broken rejects its cancel too.
      reader.cancel().catch(() => undefined);
    },
  };
}

/** The piece that is read, or `undefined` at the end. */
async function textOf(read: Observable<Uint8Array>): Promise<string | undefined> {
  const piece = await lastOf(read).catch((error: unknown) => {
    if (error instanceof Error && error.name === 'EmptyError') return undefined;
    throw error;
  });
  return piece && new TextDecoder().decode(piece);
}

describe('openDownload', () => {
  it('reads a piece for each subscription, none that is empty, and ends for good', async () => {
    const download = opened();
    for (const text of ['one', '', 'two']) download.push(text);
    download.end();
    const read = download.file.read();
    expect([await textOf(read), await textOf(read), download.ends]).toEqual(['one', 'two', 0]);
    expect([await textOf(read), await textOf(read), download.ends]).toEqual([undefined, undefined, 1]);
  });

  it('breaks for good, behind what came', async () => {
    const download = opened();
    download.push('one');
    expect(await textOf(download.file.read())).toBe('one');
    download.break(new Error('socket'));
    for (let i = 0; i < 2; i++) await expect(lastOf(download.file.read())).rejects.toMatchObject({ kind: 'connection', message: 'It broke' });
    expect(download.ends).toBe(1);
  });

  it('asks for nothing before it is subscribed to, and keeps for the next what nobody waited for', async () => {
    const download = opened();
    const read = download.file.read();
    const left = watch(read);
    left.subscription.unsubscribe();
    download.push('one');
    expect(await textOf(read)).toBe('one');
    expect(left.values).toEqual([]);
  });

  it.each([
    ['whose cancelled body reports an end', (download: Opened) => { download.close(); }],
    ['whose cancelled body breaks', (download: Opened) => { download.break(new Error('aborted')); download.close(); }],
  ])('tells a reader of a download that was closed, %s, and of no end', async (_what, close) => {
    const download = opened({ 'content-length': '9' });
    const waiting = watch(download.file.read());
    close(download);
    await Promise.resolve();
    await expect(lastOf(download.file.read())).rejects.toMatchObject({ kind: 'validation' });
    expect(waiting.completed).toBe(false);
    expect(waiting.errors).toMatchObject([{ kind: 'validation' }]);
    expect(download.ends).toBe(0);
  });

  it.each<[string, Record<string, string>, number, Partial<FileDownload>]>([
    ['a length', { 'content-length': '5' }, 200, { start: 0, size: 5 }],
    ['no length', {}, 200, { start: 0, size: undefined }],
    ['a length that is none', { 'content-length': 'long' }, 200, { start: 0, size: undefined }],
    ['an encoding', { 'content-length': '5', 'content-encoding': 'br' }, 200, { start: 0, size: undefined }],
    ['the encoding that is none', { 'content-length': '5', 'content-encoding': 'identity' }, 200, { start: 0, size: 5 }],
    ['a part', { 'content-length': '5', 'content-range': 'bytes 7-11/20' }, 206, { start: 7, size: 20 }],
    ['a part of it is not said how much', { 'content-length': '5', 'content-range': 'bytes 7-11/*' }, 206, { start: 7, size: undefined }],
    ['a range of a whole', { 'content-length': '5', 'content-range': 'bytes 7-11/20' }, 200, { start: 0, size: 5 }],
  ])('takes from the head what it says of %s', (_what, headers, status, expected) => {
    expect(opened(headers, status).file).toMatchObject(expected);
  });

  it.each([[{}], [{ 'content-range': 'lines 1-2/3' }]])('refuses a part that has no place: %j', (headers) => {
    expect(() => opened(headers as Record<string, string>, 206)).toThrow(RxMistralError);
  });

  it('is truncated where it ends before its length, that of a part too', async () => {
    for (const [headers, status] of [[{ 'content-length': '5' }, 200], [{ 'content-length': '5', 'content-range': 'bytes 7-11/20' }, 206]] as const) {
      const download = opened(headers, status);
      download.push('1234');
      download.end();
      expect(await textOf(download.file.read())).toBe('1234');
      await expect(lastOf(download.file.read())).rejects.toMatchObject({ kind: 'truncated', message: 'The file ended after 4 of 5 bytes' });
      expect(download.ends).toBe(1);
    }
  });
});

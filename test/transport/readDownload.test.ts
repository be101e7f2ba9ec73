import { EMPTY, NEVER, type Observable, of, take, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { fileDownload, marbles } from '../../src/testing/index.js';
import type { FileDownload } from '../../src/transport/FileDownload.js';
import { readDownload } from '../../src/transport/readDownload.js';

const word = (piece: Uint8Array): string => new TextDecoder().decode(piece);

/** What a source emits at once; an error is the last of it. */
function emitted<T>(source: Observable<T>): T[] {
  const values: T[] = [];
  source.subscribe({ next: (value) => values.push(value), error: (error: unknown) => values.push(error as T) });
  return values;
}

function fileOf(source: Observable<FileDownload>): FileDownload {
  return emitted(source)[0]!;
}

describe('readDownload', () => {
  it('emits what is made of each piece, and completes at the end of the file', () => {
    marbles((m) => {
      const content = m.cold('     --a-b---|');
      const expected = '           --a-b---|';
      m.expectObservable(readDownload(fileOf(fileDownload(content)), (piece) => [word(piece)])).toBe(expected);
      m.expectSubscriptions(content.subscriptions).toBe('^-------!');
    });
  });

  it('asks for a piece when the work on the last one is done', () => {
    marbles((m) => {
      const content = m.cold('     (abc|)');
      const work = m.cold('        --x-|');
      const subs = ['              ^---!', '----^---!', '--------^---!'];
      const expected = '           --x---x---x-|';
      m.expectObservable(readDownload(fileOf(fileDownload(content)), () => work)).toBe(expected);
      m.expectSubscriptions(work.subscriptions).toBe(subs);
    });
  });

  it('completes on an empty file, and never on one that does not come', () => {
    marbles((m) => {
      m.expectObservable(readDownload(fileOf(fileDownload('')), () => of('x'))).toBe('|');
      m.expectObservable(readDownload(fileOf(fileDownload(NEVER)), () => of('x'))).toBe('-');
      m.expectObservable(readDownload(fileOf(fileDownload(m.cold('---|'))), () => of('x'))).toBe('---|');
    });
  });

  it('fails as the file does, behind what came before', () => {
    marbles((m) => {
      const content = m.cold('     -a-#');
      const work = m.cold('        ----x|');
      const expected = '           -----x#';
      m.expectObservable(readDownload(fileOf(fileDownload(content)), () => work)).toBe(expected);
    });
  });

  it('fails as the project does, and as what it returns does', () => {
    marbles((m) => {
      const broken = new Error('broken');
      const file = (): FileDownload => fileOf(fileDownload(m.cold('-a-b|')));
      m.expectObservable(readDownload(file(), () => { throw broken; })).toBe('-#', {}, broken);
      m.expectObservable(readDownload(file(), () => throwError(() => broken))).toBe('-#', {}, broken);
    });
  });

  it('goes on from a piece of which nothing is made', () => {
    marbles((m) => {
      const content = m.cold('     -a-b-|');
      const expected = '           ---b-|';
      m.expectObservable(readDownload(fileOf(fileDownload(content)), (piece) => (word(piece) === 'a' ? EMPTY : [word(piece)]))).toBe(expected);
    });
  });

  it('stops the work when it is unsubscribed from, and leaves the chain whole', () => {
    marbles((m) => {
      const content = m.cold('     -a---b---|');
      const work = m.cold('        --x---y---|');
      const subs = '               -^---!';
      const unsub = '              -----!';
      const expected = '           ---x--';
      m.expectObservable(readDownload(fileOf(fileDownload(content)), () => work), unsub).toBe(expected);
      m.expectSubscriptions(work.subscriptions).toBe(subs);
    });
  });

  it('reads no more than is taken of a file that is there at once', () => {
    let asked = 0;
    const file: FileDownload = {
      start: 0,
      size: undefined,
      read: () => {
        asked += 1;
        return of(new Uint8Array([asked]));
      },
    };
    const seen = emitted(readDownload(file, (piece) => [piece[0]!]).pipe(take(3)));
    expect([seen, asked]).toEqual([[1, 2, 3], 3]);
  });

  it('reads a thousand pieces that are there at once', () => {
    const pieces = Array.from({ length: 1_000 }, (_, i) => `${i}\n`);
    expect(emitted(readDownload(fileOf(fileDownload(pieces)), (piece) => [word(piece)]))).toEqual(pieces);
  });

  it('leaves a second reader what the first has not read', () => {
    marbles((m) => {
      const file = fileOf(fileDownload(['a', 'b', 'c']));
      m.expectObservable(readDownload(file, (piece) => [word(piece)]).pipe(take(1))).toBe('(a|)');
      m.expectObservable(readDownload(file, (piece) => [word(piece)])).toBe('(bc|)');
    });
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineSplitter } from '../../src/events/LineSplitter.js';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function split(pieces: readonly Uint8Array[], maxLineBytes = 1_000): string[] {
  const splitter = new LineSplitter(maxLineBytes);
  const lines = pieces.flatMap((piece) => splitter.push(piece));
  const last = splitter.end();
  return last === undefined ? lines : [...lines, last];
}

describe('LineSplitter', () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['nothing', [], []],
    ['a line', ['a\n'], ['a']],
    ['lines in one piece', ['a\nb\nc\n'], ['a', 'b', 'c']],
    ['a line over pieces', ['a', 'b', 'c\n'], ['abc']],
    ['a line end on its own', ['a', '\n', 'b\n'], ['a', 'b']],
    ['CRLF', ['a\r\nb\r\n'], ['a', 'b']],
    ['CR and LF in two pieces', ['a\r', '\nb\r', '\n'], ['a', 'b']],
    ['a CR inside a line', ['a\rb\n'], ['a\rb']],
    ['empty lines', ['\n\na\n'], ['', '', 'a']],
    ['a last line without its end', ['a\nb'], ['a', 'b']],
    ['empty pieces', ['', 'a', '', '\n', ''], ['a']],
    ['a byte order mark, which stays', ['\uFEFFa\n\uFEFFb\n'], ['\uFEFFa', '\uFEFFb']],
  ];
  for (const [name, pieces, lines] of cases) {
    test(`takes ${name}`, () => {
      expect(split(pieces.map(encode))).toEqual(lines);
    });
  }

  test('puts characters together that a piece cuts', () => {
    const bytes = encode('é€😀\n€');
    expect(split(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(['é€😀', '€']);
  });

  test('says how many bytes its lines had', () => {
    const splitter = new LineSplitter(100);
    splitter.push(encode('a\n€\nrest'));
    expect(splitter.consumed).toBe(6);
    splitter.push(encode('\n'));
    expect(splitter.consumed).toBe(11);
    splitter.push(encode('end'));
    splitter.end();
    expect(splitter.consumed).toBe(14);
  });

  test('refuses a line over its bound as soon as it is over it', () => {
    const splitter = new LineSplitter(10);
    expect(splitter.push(encode('1234567890'))).toEqual([]);
    expect(() => splitter.push(encode('1'))).toThrow(expect.objectContaining({ kind: 'limit', message: 'A line is longer than 10 bytes' }));
  });

  test('refuses a line over its bound behind those before it, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 8 }), fc.boolean(), fc.integer({ min: 1, max: 50 }), (lengths, endsWhole, size) => {
        const lines = lengths.map((length) => 'x'.repeat(length));
        const bytes = encode(endsWhole ? lines.map((line) => `${line}\n`).join('') : lines.join('\n'));
        const splitter = new LineSplitter(10);
        const seen: string[] = [];
        const read = (): void => {
          for (let start = 0; start < bytes.length; start += size) seen.push(...splitter.push(bytes.subarray(start, start + size)));
          seen.push(...[splitter.end()].filter((line) => line !== undefined));
        };
        const place = lengths.findIndex((length) => length > 10);
        if (place === -1) {
          read();
          return;
        }
        expect(read).toThrow(expect.objectContaining({ kind: 'limit' }));
        expect(seen).toEqual(lines.slice(0, place));
      }),
    );
  });

  test('gives the same lines however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary' }).map((line) => line.replaceAll(/[\r\n]/g, ' '))),
        fc.array(fc.nat(400)),
        (lines, cuts) => {
          const bytes = encode(lines.map((line) => `${line}\n`).join(''));
          const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
          const pieces = places.slice(1).map((place, index) => bytes.subarray(places[index], place));
          expect(split(pieces, 100_000)).toEqual(split([bytes], 100_000));
          expect(split(pieces, 100_000)).toHaveLength(lines.length);
        },
      ),
    );
  });
});

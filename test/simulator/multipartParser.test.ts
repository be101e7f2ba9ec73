import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { MultipartParser, type PartHead } from '../../src/simulator/multipartParser.js';

interface Part {
  readonly head: PartHead;
  readonly content: Buffer[];
}

/** Parses a body that comes in these pieces. */
function parse(pieces: readonly Buffer[], contentType: string): { readonly parser: MultipartParser; readonly parts: readonly Part[] } {
  const parts: Part[] = [];
  const parser = new MultipartParser(contentType, {
    onPart: (head) => {
      parts.push({ head, content: [] });
    },
    // Copied: it is good until the next push only.
    onContent: (bytes) => parts.at(-1)!.content.push(Buffer.from(bytes)),
  });
  for (const piece of pieces) parser.push(piece);
  return { parser, parts };
}

function cutAt(body: Buffer, places: readonly number[]): readonly Buffer[] {
  const ends = [...places.map((place) => place % (body.length + 1)).sort((a, b) => a - b), body.length];
  return ends.map((end, i) => body.subarray(ends[i - 1] ?? 0, end));
}

const contentType = 'multipart/form-data; boundary=b0';
// All that could be mistaken for a boundary, or hide one.
const trap = fc.constantFrom('\r\n--b', '\r\n-', '\r', '\n', '--b0', '\r\n\r\n', '\r\n--b1--', 'a', '\u00e9');
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));

describe('a form that comes in pieces', () => {
  test(`is the same form wherever it is cut (SEED=${seed})`, () => {
    const text = fc.array(trap, { maxLength: 12 }).map((parts) => parts.join('')).filter((joined) => !joined.includes('\r\n--b0'));
    const contents = fc.array(text, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(contents, fc.array(fc.nat(), { maxLength: 20 }), fc.boolean(), (texts, places, hasPreamble) => {
        const parts = texts.map((text, i) => `--b0\r\nContent-Disposition: form-data; name="n${i}"; filename="f"\r\n\r\n${text}\r\n`);
        const body = Buffer.from(`${hasPreamble ? 'preamble\r\n' : ''}${parts.join('')}--b0--\r\nepilogue`);
        const { parser, parts: parsed } = parse(cutAt(body, places), contentType);
        expect(parser.ended).toBe(true);
        expect(parsed.map(({ head }) => head.name)).toEqual(texts.map((_, i) => `n${i}`));
        expect(parsed.map(({ content }) => Buffer.concat(content).toString())).toEqual(texts);
      }),
      { seed },
    );
  });

  test('is handed on as it comes', () => {
    const head = '--b0\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n';
    const { parser, parts } = parse([Buffer.from(head), Buffer.from('x'.repeat(1_000))], contentType);
    expect(parser.ended).toBe(false);
    // All but what could be the beginning of a boundary.
    expect(Buffer.concat(parts[0]!.content)).toHaveLength(1_000 - '\r\n--b0'.length + 1);
  });

  test('is none where headers do not end', () => {
    const { parser } = parse(['--b0\r\n', 'a'.repeat(10_000), 'a'.repeat(10_000)].map((text) => Buffer.from(text)), contentType);
    expect(parser.broken).toBe(true);
  });
});

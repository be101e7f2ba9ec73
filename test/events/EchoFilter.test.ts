import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EchoFilter } from '../../src/events/EchoFilter.js';

function filter(received: string, pieces: readonly string[]): string {
  const echo = new EchoFilter(received);
  return pieces.map((piece) => echo.take(piece)).join('') + echo.end();
}

describe('EchoFilter', () => {
  it.each([
    ['an exact echo is taken off', 'Once upon a ', ['Once', ' upon a ', 'time'], 'time'],
    ['an echo in one piece with what follows', 'Once upon a ', ['Once upon a time'], 'time'],
    ['a trimmed echo, with the white space generated again', 'Once upon a ', ['Once upon a', ' time'], 'time'],
    ['a trimmed echo, with white space of another kind', 'Title\n\n', ['Title', '\n', 'Text'], 'Text'],
    ['a trimmed echo, with none generated again', 'Once upon a ', ['Once upon a', 'gain'], 'gain'],
    ['white space that goes on behind that which was received', 'a\n', ['a', '\n\n', 'b'], '\nb'],
    ['no echo', 'Once upon a ', ['time', ' there'], 'time there'],
    ['no echo, but the same beginning', 'the cat ', ['the', ' end'], 'the end'],
    ['nothing but the echo', 'Once.', ['Once.'], ''],
    ['nothing but a trimmed echo', 'Once. ', ['Once.'], ''],
    ['a finished answer that is shorter than an echo is none', 'ha ha ha', ['ha'], 'ha'],
    ['nothing at all', 'Once', [], ''],
    ['an echo of nothing', '', ['Once'], 'Once'],
    ['an echo of white space', ' \n', [' \nOnce'], 'Once'],
  ])('%s', (_name, received, pieces, expected) => {
    expect(filter(received, pieces)).toBe(expected);
  });

  it('holds nothing back once it is decided', () => {
    const echo = new EchoFilter('ab');
    expect(['a', 'b', 'a', 'b'].map((piece) => echo.take(piece))).toEqual(['', '', 'a', 'b']);
  });

  it('finds the rest of any answer that was cut anywhere and echoed, exactly or trimmed, in any pieces', () => {
    const text = fc.array(fc.constantFrom('a', 'b', ' ', '\n', 'é', '🙂')).map((characters) => characters.join(''));
    fc.assert(
      fc.property(text, text, fc.boolean(), fc.infiniteStream(fc.integer({ min: 1, max: 5 })), (received, rest, trims, sizes) => {
        const whiteSpace = received.slice(received.trimEnd().length);
        const response = (trims ? received.trimEnd() + whiteSpace : received) + rest;
        const pieces: string[] = [];
        for (let at = 0; at < response.length; ) {
          const size = sizes.next().value as number;
          pieces.push(response.slice(at, at + size));
          at += size;
        }
        expect(received + filter(received, pieces)).toBe(received + rest);
      }),
    );
  });
});

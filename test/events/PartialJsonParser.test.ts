import * as fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PartialJsonParser } from '../../src/events/PartialJsonParser.js';
import { isRxMistralError } from '../../src/index.js';
import { isBeginning, isSame, jsonText, mended, mutatedText, piecesOf, signsText, sizes } from './jsonTexts.js';

const limits = { maxDepth: 128, maxLength: 16_777_216 };

/** Every change that the pieces lead to, and the whole value; the fault's message as a string of its own. */
function read(pieces: readonly string[], bounds = limits): { readonly changes: unknown[]; readonly whole: unknown; readonly fault: string } {
  const parser = new PartialJsonParser(bounds);
  const changes: unknown[] = [];
  try {
    for (const piece of pieces) {
      try {
        parser.push(piece);
      } finally {
        const change = parser.takeChange();
        if (change !== undefined) changes.push(change);
      }
    }
    return { changes, whole: parser.end(), fault: '' };
  } catch (error) {
    if (!isRxMistralError(error)) throw error;
    return { changes, whole: undefined, fault: `${error.kind}: ${error.message}` };
  }
}

const byCharacter = (text: string): string[] => Array.from({ length: text.length }, (_, index) => text.charAt(index));
const changesOf = (text: string): unknown[] => read(byCharacter(text)).changes;
const faultOf = (text: string): string => read([text]).fault;

function parsed(text: string): { readonly value: unknown } | { readonly position: number | undefined } {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    const position = /at position (\d+)/.exec((error as Error).message)?.[1];
    return { position: position === undefined ? undefined : Number(position) };
  }
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the value so far', () => {
  it('has a string as it grows', () => {
    expect(changesOf('"abc"')).toEqual(['', 'a', 'ab', 'abc']);
  });

  it('has a number when something stands behind it, or the text has ended', () => {
    expect(changesOf('[1,23 ]')).toEqual([[], [1], [1, 23]]);
    expect(read(['12', '3'])).toEqual({ changes: [], whole: 123, fault: '' });
    expect(read(['-0.5e1', '0'])).toEqual({ changes: [], whole: -0.5e10, fault: '' });
  });

  it('has a literal when its last letter has come', () => {
    expect(changesOf('[true,null]')).toEqual([[], [true], [true, null]]);
  });

  it('has a key from the moment its value begins', () => {
    expect(read(['{"a"', ' : ', '"', 'x"', ',"b":', '-', '1', '}']).changes).toEqual([
      {},
      { a: '' },
      { a: 'x' },
      { a: 'x', b: -1 },
    ]);
  });

  it('has containers as they begin, inside each other', () => {
    expect(changesOf('[[{"a":[]}]]')).toEqual([[], [[]], [[{}]], [[{ a: [] }]]]);
  });

  it('is taken once: a piece without anything new leads to none', () => {
    expect(read([' ', '{', ' ', '"a"', ':', '1', ' ', ',', '}'.slice(1), '"b":[', ']', '}', ' ']).changes).toEqual([
      {},
      { a: 1 },
      { a: 1, b: [] },
    ]);
  });

  it.each([
    ['as it is', '"\ud83d\ude00!"', ['', '😀', '😀!']],
    ['as an escape', '"\\ud83d\\ude00!"', ['', '😀', '😀!']],
    ['as both', '"\ud83d\\uDE00!"', ['', '😀', '😀!']],
    ['without its other half', '"a\\ud83d"', ['', 'a', 'a\ud83d']],
    ['before another', '"\ud83d\ud83d\ude00"', ['', '\ud83d', '\ud83d😀']],
    ['before an escape', '"\ud83d\\n"', ['', '\ud83d\n']],
    ['the wrong way round', '"\ude00\ud83d"', ['', '\ude00', '\ude00\ud83d']],
  ])('holds the first half of a character back, %s', (_, text, expected) => {
    expect(changesOf(text)).toEqual(expected);
  });

  it('begins with the first half of a character in each string anew', () => {
    expect(read(['["\ud83d', '","', '\ude00"]']).whole).toEqual(['\ud83d', '\ude00']);
  });

  it('has the last value of a key that comes twice, where the first stood', () => {
    expect(changesOf('{"a":[1],"b":2,"a":{"c":3}}')).toEqual([
      {},
      { a: [] },
      { a: [1] },
      { a: [1], b: 2 },
      { a: {}, b: 2 },
      { a: { c: 3 }, b: 2 },
    ]);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('has a key %s as a property of its own', (key) => {
    const text = `{"${key}":{"x":[1,{"${key}":"a"}]}}`;
    const { changes, whole } = read(byCharacter(text));

    expect(isSame(whole, JSON.parse(text))).toBe(true);
    for (const change of changes.slice(1)) {
      expect(Object.keys(change as object)).toEqual([key]);
      expect(Object.getPrototypeOf(change)).toBe(Object.prototype);
    }
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  it('is a beginning of the whole one behind every character of 1,000 random texts, and in any pieces', () => {
    fc.assert(
      fc.property(jsonText, sizes, (text, cuts) => {
        const whole: unknown = JSON.parse(text);
        for (const pieces of [byCharacter(text), piecesOf(text, cuts)]) {
          const { changes } = read(pieces);
          for (const change of changes) expect([change, isBeginning(change, whole)]).toEqual([change, true]);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('is the best one behind every character: no more can be known', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        const parser = new PartialJsonParser(limits);
        let latest: unknown;
        for (let length = 1; length <= text.length; length++) {
          parser.push(text.charAt(length - 1));
          const change = parser.takeChange();
          if (change !== undefined) latest = change;
          const best = mended(text.slice(0, length));
          expect([text.slice(0, length), latest, isSame(latest, best)]).toEqual([text.slice(0, length), best, true]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('never changes after it was taken, whatever follows', () => {
    fc.assert(
      fc.property(jsonText, sizes, (text, cuts) => {
        const parser = new PartialJsonParser(limits);
        // Frozen as soon as it is taken: a change of it throws in the parser.
        const kept = piecesOf(text, cuts).map((piece) => {
          parser.push(piece);
          const change = deepFreeze(parser.takeChange());
          return { change, copy: JSON.stringify(change) };
        });
        parser.end();

        for (const { change, copy } of kept) expect(JSON.stringify(change)).toBe(copy);
      }),
    );
  });

  it('shares what has ended with the one before', () => {
    const [, first, second] = read(['[', '[[1]],"', 'a', '"]']).changes as [unknown, [unknown, string], [unknown, string]];

    expect(second[0]).toBe(first[0]);
    expect(second).not.toBe(first);
  });
});

describe('the whole value', () => {
  it.each(['', '{', '[1', '"a', 'tru', '-', '1.', '1e', '1e+', '{"a"', '{"a":', '{"a":1', '{"a":1,', '"\\', '"\\u00', '```', '```json\n'])(
    'is missing behind %j',
    (text) => {
      expect(faultOf(text)).toMatch(/^validation: The JSON text ended too early: expected .+ at position \d+$/);
    },
  );

  it('is that of JSON.parse, for any text and any pieces', () => {
    fc.assert(
      fc.property(jsonText, sizes, (text, cuts) => {
        for (const pieces of [[text], byCharacter(text), piecesOf(text, cuts)]) {
          const { whole, fault } = read(pieces);
          expect([fault, whole, isSame(whole, JSON.parse(text))]).toEqual(['', whole, true]);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['texts that were changed', mutatedText, 4_000],
    ['random characters', signsText, 4_000],
  ] as const)('is refused where JSON.parse refuses it, at the same place: %s', (_, arbitrary, numRuns) => {
    fc.assert(
      fc.property(arbitrary, sizes, (text, cuts) => {
        fc.pre(!/^[ \t\r\n]*`/.test(text)); // a fence is more than JSON
        const expected = parsed(text);
        for (const pieces of [[text], piecesOf(text, cuts)]) {
          const { whole, fault } = read(pieces);
          if ('value' in expected) expect([text, fault, isSame(whole, expected.value)]).toEqual([text, '', true]);
          else {
            expect([text, fault]).toEqual([text, expect.stringMatching(/^validation: .+ at position \d+$/)]);
            if (expected.position !== undefined) expect([text, fault]).toEqual([text, expect.stringMatching(RegExp(`at position ${expected.position}$`))]);
          }
        }
      }),
      { numRuns },
    );
  });

  it('shows the same before a fault, whatever the pieces', () => {
    fc.assert(
      fc.property(mutatedText, (text) => {
        const [whole, inPieces] = [read([text]), read(byCharacter(text))];

        expect(inPieces.fault).toBe(whole.fault);
        expect(isSame(inPieces.changes.at(-1), whole.changes.at(-1))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a fault', () => {
  it.each([
    ['Sure! {"a":1}', 'expected a JSON value at position 0'],
    ['\ufeff{}', 'expected a JSON value at position 0'],
    ['\u00a0{}', 'expected a JSON value at position 0'],
    ['{"a":1} secret', 'expected the end of the text at position 8'],
    ['{"a":1}{"a":1}', 'expected the end of the text at position 7'],
    ['{"a":1}```', 'expected the end of the text at position 7'],
    ['{secret:1}', 'expected a key in double quotes or } at position 1'],
    ['{"a":1,}', 'expected a key in double quotes at position 7'],
    ['{"a" 1}', 'expected a colon at position 5'],
    ['{"a":1 "b":2}', 'expected a comma or } at position 7'],
    ['{"a":}', 'expected a JSON value at position 5'],
    ['[,]', 'expected a JSON value or ] at position 1'],
    ['[1,]', 'expected a JSON value at position 3'],
    ['[1 2]', 'expected a comma or ] at position 3'],
    ['[1}', 'expected a comma or ] at position 2'],
    ['["a\nb"]', 'expected a character of a string or its closing quote at position 3'],
    ['["\\x"]', 'expected one of " \\ / b f n r t u behind a backslash at position 3'],
    ['["\\u12g4"]', 'expected four hexadecimal digits behind \\u at position 6'],
    ['[01]', 'expected a comma or ] at position 2'],
    ['[.5]', 'expected a JSON value or ] at position 1'],
    ['[+1]', 'expected a JSON value or ] at position 1'],
    ['[1.]', 'expected a digit at position 3'],
    ['[--1]', 'expected a digit at position 2'],
    ['[truth]', 'expected true, false or null at position 4'],
    ['[NaN]', 'expected a JSON value or ] at position 1'],
    ["['secret']", 'expected a JSON value or ] at position 1'],
    ['// secret', 'expected a JSON value at position 0'],
    ['``secret', 'expected three backticks at position 2'],
    ['```json {"a":1}```', 'expected the end of the line that opens the fence at position 8'],
    ['```\n1\n```\nsecret', 'expected the end of the text at position 10'],
    ['```\n1\n``` ```', 'expected the end of the text at position 10'],
    ['```\n```', 'expected a JSON value at position 4'],
  ])('in %j is told by its place and what was expected, never by the text', (text, expected) => {
    expect(faultOf(text)).toBe(`validation: The text is not JSON: ${expected}`);
    expect(read(byCharacter(text)).fault).toBe(faultOf(text));
  });
});

describe('a Markdown fence', () => {
  it.each([
    '```json\n{"a":1}\n```',
    '```\n{"a":1}\n```\n',
    ' \n```JSON\r\n{"a":1}```  \n',
    '```json5 \n{"a":1}',
    '```json\n{"a":1}\n``',
    '```x-y.z+1_\t\n\n{"a"\n:1}\n\n```',
  ])('is read over: %j', (text) => {
    expect(read([text])).toEqual({ changes: [{ a: 1 }], whole: { a: 1 }, fault: '' });
    expect(read(byCharacter(text)).whole).toEqual({ a: 1 });
  });

  it('is a part of a string within one', () => {
    expect(read(byCharacter('"```json"')).whole).toBe('```json');
  });
});

describe('a bound', () => {
  it('holds for the depth', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

    expect(read([nested(3)], { ...limits, maxDepth: 3 }).whole).toEqual([[[]]]);
    expect(read([nested(4)], { ...limits, maxDepth: 3 })).toEqual({
      changes: [[[[]]]],
      whole: undefined,
      fault: 'limit: The JSON is nested deeper than `maxDepth` (3) at position 3',
    });
    expect(read(['[{},{},{},[[]]]'], { ...limits, maxDepth: 3 }).fault).toBe('');
  });

  it('holds for the length, white space too, and is the same however the text is cut', () => {
    for (const pieces of [['"123"', ' '], byCharacter('"123" ')]) {
      expect(read(pieces, { ...limits, maxLength: 6 }).whole).toBe('123');
      expect(read(pieces, { ...limits, maxLength: 5 }).fault).toBe('limit: The JSON text is longer than `maxLength` (5)');
    }
  });

  it('may be Infinity: a million arrays inside each other are read', () => {
    const depth = 1_000_000;
    let { whole } = read(['['.repeat(depth), ']'.repeat(depth)], { maxDepth: Infinity, maxLength: Infinity });
    let levels = 0;
    for (; Array.isArray(whole); whole = whole[0] as unknown) levels++;
    expect(levels).toBe(depth);
  });
});

// Time would be measured on a machine that does other things too; what is counted is the work.
describe('the work', () => {
  const list = (length: number): string => JSON.stringify(Array.from({ length }, (_, index) => index % 1_000));
  const texts: readonly (readonly [string, string])[] = [
    ['a long string', JSON.stringify('word '.repeat(20_000))],
    ['a long string of escapes', JSON.stringify('"\n😀'.repeat(15_000))],
    ['a long flat list', list(26_000)],
    ['a long number', `[${'1234567890'.repeat(10_000)}]`],
    ['many keys', JSON.stringify(Object.fromEntries(Array.from({ length: 6_000 }, (_, index) => [`key ${index}`, index])))],
    ['deep nesting', `${'{"a":[1,'.repeat(10_000)}1${']}'.repeat(10_000)}`],
    ['a list of long texts', JSON.stringify(Array.from({ length: 1_000 }, () => 'word '.repeat(20)))],
    ['white space', `[${' '.repeat(100_000)}]`],
  ];

  function charactersLookedAt(pieces: readonly string[]): number {
    let count = 0;
    const { slice, charCodeAt, charAt } = String.prototype;
    const spies = [
      vi.spyOn(String.prototype, 'slice').mockImplementation(function (this: string, start?: number, end?: number) {
        const cut = slice.call(this, start, end);
        count += cut.length;
        return cut;
      }),
      vi.spyOn(String.prototype, 'charCodeAt').mockImplementation(function (this: string, at: number) {
        count += 1;
        return charCodeAt.call(this, at);
      }),
      vi.spyOn(String.prototype, 'charAt').mockImplementation(function (this: string, at: number) {
        count += 1;
        return charAt.call(this, at);
      }),
    ];
    try {
      const parser = new PartialJsonParser({ maxDepth: Infinity, maxLength: Infinity });
      for (const piece of pieces) parser.push(piece);
      parser.end();
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    return count;
  }

  // As the documentation counts: an element 1, a key 48, an array or object 64.
  const costOf = (entries: object): number => 64 + Object.keys(entries).length * (Array.isArray(entries) ? 1 : 48);

  /** What all arrays and objects cost that are in snapshots, each counted once: shared ones were not copied. */
  function copied(text: string, size: number): { readonly cost: number; readonly changes: number } {
    const parser = new PartialJsonParser({ maxDepth: Infinity, maxLength: Infinity });
    const seen = new WeakSet();
    let cost = 0;
    let changes = 0;
    for (const piece of piecesOf(text, [size])) {
      parser.push(piece);
      const unseen = [parser.takeChange()];
      if (unseen[0] !== undefined) changes++;
      while (unseen.length > 0) {
        const next = unseen.pop();
        if (typeof next !== 'object' || next === null || seen.has(next)) continue;
        seen.add(next);
        cost += costOf(next);
        for (const value of Object.values(next) as unknown[]) if (typeof value === 'object') unseen.push(value);
      }
    }
    return { cost, changes };
  }

  it.each(texts)('looks at each character a few times only: %s', (_, text) => {
    for (const size of [4, 64]) expect(charactersLookedAt(piecesOf(text, [size])) / text.length).toBeLessThan(4);
  });

  it.each(texts)('copies no more than it says: %s', (_, text) => {
    for (const size of [4, 64]) {
      // Each array and object of the whole is seen once too, when it has ended: that is no copy.
      const whole = copied(text, text.length).cost;
      expect(copied(text, size).cost - whole).toBeLessThanOrEqual(2 ** 22 + 8 * text.length);
    }
  });

  it('shows every change of an answer of a usual size', () => {
    const items = Array.from({ length: 30 }, (_, id) => ({ id, name: `item ${id}`, tags: ['a', 'b'], price: { amount: 1.5, currency: 'EUR' } }));
    const text = JSON.stringify({ title: 'A list', items });
    const every = byCharacter(text).filter((_, index) => !isSame(mended(text.slice(0, index)), mended(text.slice(0, index + 1)))).length;

    expect(copied(text, 1).changes).toBe(every);
  });

  it('shows a large list as it grows, in small steps', () => {
    const parser = new PartialJsonParser(limits);
    let [shown, farthestBehind] = [0, 0];
    const text = list(80_000);
    piecesOf(text, [4]).forEach((piece, index) => {
      parser.push(piece);
      const change = parser.takeChange();
      if (Array.isArray(change)) shown = change.length;
      farthestBehind = Math.max(farthestBehind, (index * 4) / (text.length / 80_000) - shown);
    });
    // An eighth of what is copied has to be read, in characters.
    expect(farthestBehind).toBeLessThan(80_000 / 8);
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze);
  return value;
}

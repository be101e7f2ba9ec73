import { afterEach, describe, expect, it, vi } from 'vitest';
import { EventStreamParser } from '../../src/events/EventStreamParser.js';
import { isRxMistralError } from '../../src/index.js';

interface Read {
  readonly events: readonly (readonly [data: string, event: string, id: string])[];
  readonly retries: readonly number[];
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Reads a stream in pieces of so many bytes each; all at once without a size. */
function read(stream: string | Uint8Array, size = Infinity, maxEventBytes = 1_000_000): Read {
  const bytes = typeof stream === 'string' ? encode(stream) : stream;
  const events: [string, string, string][] = [];
  const retries: number[] = [];
  const parser = new EventStreamParser(
    {
      onEvent: (data, event, id) => {
        events.push([data, event, id]);
        return true;
      },
      onRetry: (milliseconds) => {
        retries.push(milliseconds);
      },
    },
    maxEventBytes,
  );
  for (let start = 0; start < bytes.length; start += size) parser.push(bytes.subarray(start, start + size));
  return { events, retries };
}

const dataOf = (stream: string | Uint8Array, size?: number): string[] => read(stream, size).events.map(([data]) => data);

afterEach(() => {
  vi.restoreAllMocks();
});

// https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
describe.each([
  ['in one piece', Infinity],
  ['byte by byte', 1],
  ['in pieces of three bytes', 3],
])('EventStreamParser, %s', (_, size) => {
  describe('reads the examples of the text', () => {
    it('three messages, the first of them of three lines', () => {
      const stream = 'data: YHOO\ndata: +2\ndata: 10\n\ndata: a\n\ndata: b\n\n';
      expect(dataOf(stream, size)).toEqual(['YHOO\n+2\n10', 'a', 'b']);
    });

    it('a comment, ids, an empty id, a space', () => {
      const stream = ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n';
      expect(read(`${stream}\n`, size).events).toEqual([
        ['first event', '', '1'],
        ['second event', '', ''],
        [' third event', '', ''],
      ]);
      // Without its blank line the third is discarded.
      expect(dataOf(stream, size)).toEqual(['first event', 'second event']);
    });

    it('two events, and one whose blank line is missing', () => {
      expect(dataOf('data\n\ndata\ndata\n\ndata:', size)).toEqual(['', '\n']);
    });

    it('the space behind the colon', () => {
      expect(dataOf('data:test\n\ndata: test\n\n', size)).toEqual(['test', 'test']);
    });
  });

  it.each([
    ['LF', '\n'],
    ['CR', '\r'],
    ['CRLF', '\r\n'],
  ])('ends lines at %s', (_name, end) => {
    const stream = ['data: a', 'data: b', '', 'event: e', 'data: c', '', ''].join(end);
    expect(read(stream, size).events).toEqual([
      ['a\nb', '', ''],
      ['c', 'e', ''],
    ]);
  });

  it('ends lines at any of them in one stream', () => {
    expect(dataOf('data: a\rdata: b\ndata: c\r\n\rdata: d\n\r\ndata: e\r\r\ndata: f\r\n\r\n', size)).toEqual([
      'a\nb\nc',
      'd',
      'e',
      'f',
    ]);
  });

  it('takes LF behind CR for two line ends only where another CR stands between', () => {
    expect(dataOf('data: a\r\ndata: b\r\n\r\n', size)).toEqual(['a\nb']);
    expect(dataOf('data: a\n\rdata: b\n\n', size)).toEqual(['a', 'b']);
  });

  it('ends no line at other separators', () => {
    expect(dataOf('data: a\u2028b\u2029c\u0085d\ve\ff\n\n', size)).toEqual(['a\u2028b\u2029c\u0085d\ve\ff']);
  });

  it.each([
    ['ignored at the start', '\uFEFFdata: a\n\n', ['a']],
    ['part of the data', 'data: \uFEFFa\n\n', ['\uFEFFa']],
    ['part of a later field name, which is then unknown', 'data: a\n\n\uFEFFdata: b\n\n', ['a']],
    ['ignored once only', '\uFEFF\uFEFFdata: a\n\n', []],
  ])('a byte order mark is %s', (_name, stream, expected) => {
    expect(dataOf(stream, size)).toEqual(expected);
  });

  it.each([
    ['a comment', ':\n: x\n:data: no\ndata: a\n\n', ['a']],
    ['a comment between two lines of data', 'data: a\n: x\ndata: b\n\n', ['a\nb']],
    ['comments alone, which are no event', ': ping\n\n: ping\n\n', []],
    ['data without a colon', 'data\n\n', ['']],
    ['data without a value', 'data:\n\n', ['']],
    ['a value that is one space', 'data: \n\n', ['']],
    ['one leading space only', 'data:   a \n\n', ['  a ']],
    ['no leading tab', 'data:\ta\n\n', ['\ta']],
    ['colons in a value', 'data: a: b:c\n\n', ['a: b:c']],
    ['a colon first in a value', 'data::\n\n', [':']],
    ['empty lines of data', 'data: a\ndata\ndata:\ndata: b\n\n', ['a\n\n\nb']],
    ['unknown fields', 'datum: x\nx\ndata : y\n data: z\nDATA: n\ndata: a\n\n', ['a']],
    ['blank lines', '\n\n\ndata: a\n\n\n\n', ['a']],
    ['no data', 'event: x\nid: 1\n\n', []],
    ['no blank line at the end', 'data: a\n\ndata: b\n', ['a']],
    ['no line end at the end', 'data: a\n\ndata: b', ['a']],
    ['nothing', '', []],
    ['NULL in data', 'data: a\0b\n\n', ['a\0b']],
    ['characters of two, three and four bytes', 'data: ä漢👩‍👩‍👧🏽\n\n', ['ä漢👩‍👩‍👧🏽']],
    ['names of Object.prototype', '__proto__: x\nconstructor: y\ntoString\ndata: __proto__\n\n', ['__proto__']],
  ])('reads %s', (_name, stream, expected) => {
    expect(dataOf(stream, size)).toEqual(expected);
  });

  it('puts U+FFFD where the bytes are no UTF-8', () => {
    expect(dataOf(Uint8Array.of(...encode('data: '), 0xff, 0xe6, 0xbc, ...encode('a\n\n')), size)).toEqual(['\uFFFD\uFFFDa']);
  });

  it('keeps the last id from event to event, and takes an empty one', () => {
    const stream = 'data: a\n\nid: 1\ndata: b\n\ndata: c\n\nid: 2\n\ndata: d\n\nid:\ndata: e\n\n';
    expect(read(stream, size).events.map(([data, , id]) => [data, id])).toEqual([
      ['a', ''],
      ['b', '1'],
      ['c', '1'],
      ['d', '2'],
      ['e', ''],
    ]);
  });

  it('ignores an id with NULL in it', () => {
    expect(read('id: 1\nid: 2\0\ndata: a\n\n', size).events).toEqual([['a', '', '1']]);
  });

  it('takes the last event name of an event, and none for the next', () => {
    const stream = 'event: x\nevent: y\ndata: a\n\ndata: b\n\nevent\ndata: c\n\n';
    expect(read(stream, size).events.map(([data, event]) => [data, event])).toEqual([
      ['a', 'y'],
      ['b', ''],
      ['c', ''],
    ]);
  });

  it('forgets the event name of an event without data', () => {
    expect(read('event: x\n\ndata: a\n\n', size).events).toEqual([['a', '', '']]);
  });

  it('reports retry where its value is digits and nothing else', () => {
    const lines = ['3000', ' 7', '0', '007', '', '-1', '1.5', '1e3', '+1', '5 ', '\uFF11', 'x'];
    expect(read(lines.map((value) => `retry:${value}\n`).join(''), size).retries).toEqual([3_000, 7, 0, 7]);
    expect(read('retry\n', size).retries).toEqual([]);
  });
});

describe('EventStreamParser', () => {
  it('reads nothing more once a handler has asked to stop', () => {
    const seen: string[] = [];
    const parser = new EventStreamParser(
      {
        onEvent: (data) => {
          seen.push(data);
          return data !== 'b';
        },
      },
      1_000,
    );
    expect(parser.push(encode('data: a\n\n'))).toBe(true);
    expect(parser.push(encode('data: b\n\ndata: c\n\n'))).toBe(false);
    expect(seen).toEqual(['a', 'b']);
  });

  it('takes empty pieces, also between CR and LF', () => {
    const pieces = ['', 'data: a\r', '', '\ndata: b\r', '', '\r', '', '\n'];
    const seen: string[] = [];
    const parser = new EventStreamParser({ onEvent: (data) => seen.push(data) > 0 }, 1_000);
    for (const piece of pieces) parser.push(encode(piece));
    expect(seen).toEqual(['a\nb']);
  });

  it('dispatches at the CR of the blank line, without waiting for an LF', () => {
    expect(dataOf('data: a\r\n\r')).toEqual(['a']);
    expect(dataOf('data: a\r\n\r', 1)).toEqual(['a']);
  });
});

describe('where a stream goes on', () => {
  const parserAt = (lastEventId?: string): { readonly parser: EventStreamParser; readonly seen: unknown[] } => {
    const seen: unknown[] = [];
    const parser: EventStreamParser = new EventStreamParser({ onEvent: (data, _, id) => seen.push([data, id, parser.namesId]) > 0 }, 1_000, lastEventId);
    return { parser, seen };
  };

  it('is the id as of the last blank line, whether or not an event stood before it', () => {
    const { parser } = parserAt();
    const places = ['id: 1\n', 'data: a\n\n', 'id: 2\n', '\n', 'id: 3\ndata: b', '\n', '\n', 'id\n\n'].map((piece) => {
      parser.push(encode(piece));
      return parser.lastEventId;
    });
    expect(places).toEqual(['', '1', '1', '2', '2', '2', '3', '']);
  });

  it('begins at the id that was asked for, which the events have until another comes', () => {
    const { parser, seen } = parserAt('7');
    expect(parser.lastEventId).toBe('7');
    parser.push(encode('data: a\n\nid: 8\ndata: b\n\ndata: c\n\n'));
    expect(seen).toEqual([['a', '7', false], ['b', '8', true], ['c', '8', false]]);
  });
});

describe('the bound of an event', () => {
  const outcome = (stream: string, size: number, maxEventBytes: number): 'read' | 'refused' => {
    try {
      read(stream, size, maxEventBytes);
      return 'read';
    } catch (error) {
      expect(isRxMistralError(error) && error.kind).toBe('limit');
      return 'refused';
    }
  };

  it.each([
    ['of one byte each', 'x'],
    ['of two bytes each', 'ä'],
    ['of three bytes each', '漢'],
    ['of four bytes each', '🚀'],
  ])('is the same however the stream is cut, to the byte, with characters %s', (_, character) => {
    const event = `data: ${character.repeat(40)}\n\n`;
    const { length } = encode(event);
    for (let max = length - 20; max <= length + 4; max++) {
      const whole = outcome(event, Infinity, max);
      for (let size = 1; size <= length; size++) {
        expect([max - length, size, outcome(event, size, max)]).toEqual([max - length, size, whole]);
      }
    }
  });

  it.each([Infinity, 7, 1])('lets through what is no larger, in pieces of %s bytes', (size) => {
    const event = `data: ${'漢'.repeat(100)}\n\n`;
    expect(outcome(event.repeat(3), size, encode(event).length)).toBe('read');
  });

  it.each([Infinity, 64, 7, 1])('refuses data that alone is larger, in pieces of %s bytes', (size) => {
    expect(outcome(`data: ${'漢'.repeat(100)}\n\n`, size, 299)).toBe('refused');
  });

  it('holds for one event and not for all of them together', () => {
    const stream = `data: ${'ä'.repeat(10)}\n\n`.repeat(1_000);
    for (const size of [1, 3, 26, 100, Infinity]) expect(outcome(stream, size, 40)).toBe('read');
  });

  it('holds for lines that never end, and for lines of data without a blank one', () => {
    expect(outcome('x'.repeat(101), 10, 100)).toBe('refused');
    expect(outcome('data: x\n'.repeat(20), 10, 100)).toBe('refused');
    expect(outcome('x'.repeat(101), Infinity, 100)).toBe('refused');
  });

  it('counts no comment between two events', () => {
    expect(outcome(': ping\n\n'.repeat(1_000), 5, 100)).toBe('read');
  });

  it('reports the events before the one that is too large', () => {
    const seen: string[] = [];
    const parser = new EventStreamParser({ onEvent: (data) => seen.push(data) > 0 }, 20);
    expect(() => parser.push(encode(`data: a\n\ndata: b\n\ndata: ${'c'.repeat(30)}\n\ndata: d\n\n`))).toThrow(/maxEventBytes/);
    expect(seen).toEqual(['a', 'b']);
  });
});

// Time would be measured on a machine that does other things too; what is counted is the work: each character that the
// parser has the engine look at or copy, by the functions that do so.
describe('the work', () => {
  function charactersLookedAt(bytes: Uint8Array, size: number): number {
    let count = 0;
    const { indexOf } = String.prototype;
    const { join } = Array.prototype;
    const spies = [
      vi.spyOn(String.prototype, 'indexOf').mockImplementation(function (this: string, search: string, from = 0) {
        const found = indexOf.call(this, search, from);
        count += found === -1 ? Math.max(0, this.length - from) : found - from + 1;
        return found;
      }),
      vi.spyOn(Array.prototype, 'join').mockImplementation(function (this: unknown[], separator?: string) {
        const joined = join.call(this, separator);
        count += joined.length;
        return joined;
      }),
    ];
    try {
      const parser = new EventStreamParser({ onEvent: () => true }, 2 ** 30);
      for (let start = 0; start < bytes.length; start += size) parser.push(bytes.subarray(start, start + size));
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    return count;
  }

  const megabyte = 1_000_000;

  it.each([
    ['one event of 10 MB in pieces of 1,400 bytes', `data: ${'x'.repeat(10 * megabyte)}\n\n`, 1_400],
    ['one event of 1 MB byte by byte', `data: ${'x'.repeat(megabyte)}\n\n`, 1],
    ['many small events in one piece', 'data: x\n\n'.repeat(megabyte / 9), Infinity],
    ['many small events with CRLF in one piece', 'data: x\r\n\r\n'.repeat(megabyte / 11), Infinity],
    ['many lines of data in one event', `${'data: x\n'.repeat(megabyte / 8)}\n`, 1_400],
    ['many small events with CR in one piece', 'data: x\r\r'.repeat(20_000), Infinity],
    ['many lines without a colon in one piece', 'data\n\n'.repeat(20_000), Infinity],
    ['many lines of an unknown field in one piece', `${'x\n'.repeat(50_000)}\n`, Infinity],
  ])('is linear: %s', (_, stream, size) => {
    const bytes = encode(stream);
    expect(charactersLookedAt(bytes, size) / bytes.length).toBeLessThan(6);
  });
});

import { firstValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { eventStream, type ServerSentEvent } from '../../src/sse/index.js';
import { seed, seededRandom } from '../wire/fixtures/outcomeOf.js';
import { scriptedFetch, streamOf } from './fixtures/scriptedFetch.js';

// https://html.spec.whatwg.org/multipage/server-sent-events.html, sections 9.2.5 "Parsing an event stream" and 9.2.6
// "Interpreting an event stream". Each case is named by the rule that decides it.

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const bytes = (...parts: readonly (string | number)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...encode(part)])));

type Event = Partial<ServerSentEvent>;
const data = (text: string, rest: Event = {}): ServerSentEvent => ({ event: 'message', data: text, id: '', ...rest });

const rules: readonly (readonly [rule: string, stream: string | Uint8Array, events: readonly ServerSentEvent[]])[] = [
  // The grammar: stream = [ bom ] *event, end-of-line = ( cr lf / cr / lf ).
  ['one leading U+FEFF is ignored', '\uFEFFdata: a\n\n', [data('a')]],
  ['a second U+FEFF belongs to the field name', '\uFEFF\uFEFFdata: a\n\ndata: b\n\n', [data('b')]],
  ['U+FEFF elsewhere is a character', 'data: \uFEFFa\n\n', [data('\uFEFFa')]],
  ['LF ends a line', 'data: a\ndata: b\n\n', [data('a\nb')]],
  ['CR ends a line', 'data: a\rdata: b\r\r', [data('a\nb')]],
  ['CRLF is one line end', 'data: a\r\ndata: b\r\n\r\n', [data('a\nb')]],
  ['LF CR is two line ends', 'data: a\n\rdata: b\n\n', [data('a'), data('b')]],
  ['line ends may be mixed', 'data: a\r\ndata: b\rdata: c\n\r\n', [data('a\nb\nc')]],
  ['no other character ends a line', 'data: a\u2028b\u2029c\u0085d\ve\ff\n\n', [data('a\u2028b\u2029c\u0085d\ve\ff')]],
  ['streams are decoded as UTF-8', 'data: ä漢🚀\n\n', [data('ä漢🚀')]],
  ['what is no UTF-8 becomes U+FFFD', bytes('data: ', 0xff, 0xe6, 0xbc, 'a\n\n'), [data('\uFFFD\uFFFDa')]],
  ['an overlong form is no UTF-8', bytes('data: ', 0xc0, 0xaf, '\n\n'), [data('\uFFFD\uFFFD')]],
  ['a surrogate half is no UTF-8', bytes('data: ', 0xed, 0xa0, 0x80, '\n\n'), [data('\uFFFD\uFFFD\uFFFD')]],

  // "If the line is empty (a blank line): dispatch the event."
  ['a blank line dispatches', 'data: a\n\ndata: b\n\n', [data('a'), data('b')]],
  ['blank lines alone dispatch nothing', '\n\n\r\r\n\n', []],
  ['"If the data buffer is an empty string", nothing is dispatched', 'event: x\nid: 1\n\n', []],
  ['… and the event type buffer is emptied', 'event: x\n\ndata: a\n\n', [data('a')]],
  ['… and the last event ID is set all the same', 'id: 7\n\ndata: a\n\n', [data('a', { id: '7' })]],

  // "If the line starts with a U+003A COLON character (:): ignore the line."
  ['a line that starts with a colon is a comment', ':data: a\n: b\n:\ndata: c\n\n', [data('c')]],
  ['a comment between lines of data changes nothing', 'data: a\n: b\ndata: c\n\n', [data('a\nc')]],

  // "If the line contains a colon: collect the characters before the first, and those after it."
  ['the first colon ends the name', 'data: a: b:c\n\n', [data('a: b:c')]],
  ['one leading space is removed', 'data: a\n\n', [data('a')]],
  ['… and only one', 'data:   a\n\n', [data('  a')]],
  ['… and no space is needed', 'data:a\n\n', [data('a')]],
  ['… and a tab is no space', 'data:\ta\n\n', [data('\ta')]],
  ['a space at the end stays', 'data: a \n\n', [data('a ')]],
  ['a value may begin with a colon', 'data::\n\n', [data(':')]],

  // "Otherwise: the whole line is the field name, and the empty string the value."
  ['a line without a colon is a field with an empty value', 'data\n\n', [data('')]],
  ['… for event too', 'event: x\nevent\ndata: a\n\n', [data('a')]],
  ['… for id too', 'id: 1\ndata: a\n\nid\ndata: b\n\n', [data('a', { id: '1' }), data('b')]],

  // The fields.
  ['field names are compared literally, "with no case folding"', 'DATA: a\nData: b\ndata: c\n\n', [data('c')]],
  ['a space before the colon makes another field', 'data : a\ndata: b\n\n', [data('b')]],
  ['a space before the name makes another field', ' data: a\ndata: b\n\n', [data('b')]],
  ['event sets the type', 'event: x\ndata: a\n\n', [data('a', { event: 'x' })]],
  ['the last event of an event counts', 'event: x\nevent: y\ndata: a\n\n', [data('a', { event: 'y' })]],
  ['the type is the event\'s own', 'event: x\ndata: a\n\ndata: b\n\n', [data('a', { event: 'x' }), data('b')]],
  ['an empty type is message', 'event:\ndata: a\n\n', [data('a')]],
  ['data appends the value and a LF, and the last LF is removed', 'data: a\ndata\ndata:\ndata: b\n\n', [data('a\n\n\nb')]],
  ['two empty lines of data are one LF', 'data\ndata\n\n', [data('\n')]],
  ['data may hold NULL', 'data: a\0b\n\n', [data('a\0b')]],
  ['id sets the last event ID', 'id: 1\ndata: a\n\n', [data('a', { id: '1' })]],
  ['… which stays for the events behind it', 'id: 1\ndata: a\n\ndata: b\n\n', [data('a', { id: '1' }), data('b', { id: '1' })]],
  ['… and is emptied by an empty one', 'id: 1\ndata: a\n\nid:\ndata: b\n\n', [data('a', { id: '1' }), data('b')]],
  ['… wherever in the event it stands', 'data: a\nid: 1\n\n', [data('a', { id: '1' })]],
  ['an id that contains NULL is ignored', 'id: 1\nid: 2\0\ndata: a\n\n', [data('a', { id: '1' })]],
  ['an id is any text', 'id:  ä:1 \ndata: a\n\n', [data('a', { id: ' ä:1 ' })]],
  ['retry of ASCII digits is the reconnection time', 'retry: 1500\ndata: a\n\n', [data('a', { retry: 1500 })]],
  ['retry is in base ten', 'retry: 0010\ndata: a\n\n', [data('a', { retry: 10 })]],
  ['retry with a sign is ignored', 'retry: -1\nretry: +1\ndata: a\n\n', [data('a')]],
  ['retry with a fraction or an exponent is ignored', 'retry: 1.5\nretry: 1e3\ndata: a\n\n', [data('a')]],
  ['retry with white space is ignored', 'retry:  1\nretry: 1 \ndata: a\n\n', [data('a')]],
  ['retry with other digits is ignored', 'retry: \uFF11\ndata: a\n\n', [data('a')]],
  ['an empty retry is ignored', 'retry\nretry:\ndata: a\n\n', [data('a')]],
  ['any other field is ignored', 'datum: x\n__proto__: y\nconstructor\ndata: a\n\n', [data('a')]],

  // "Once the end of the file is reached, any pending data must be discarded."
  ['an event without its blank line is discarded', 'data: a\n\ndata: b\n', [data('a')]],
  ['… with an unfinished line too', 'data: a\n\ndata: b', [data('a')]],
  ['… and a CR is its blank line\'s end', 'data: a\r\n\r', [data('a')]],
  ['an empty stream has no events', '', []],

  // The examples of the text.
  ['example: three lines are one event', 'data: YHOO\ndata: +2\ndata: 10\n\n', [data('YHOO\n+2\n10')]],
  [
    'example: a comment, an id, an empty id, and an event that is not finished',
    ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n',
    [data('first event', { id: '1' }), data('second event')],
  ],
  ['example: two events, and one whose blank line is missing', 'data\n\ndata\ndata\n\ndata:', [data(''), data('\n')]],
  ['example: the space behind the colon', 'data:test\n\ndata: test\n\n', [data('test'), data('test')]],
];

function read(pieces: readonly (string | Uint8Array)[]): Promise<ServerSentEvent[]> {
  const { fetch } = scriptedFetch(streamOf(pieces));
  return firstValueFrom(eventStream('http://localhost/', { fetch, reconnect: false }).pipe(toArray()));
}

/** Cuts bytes into pieces of random sizes, empty ones among them. */
function cut(whole: Uint8Array, random: () => number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const most = 1 + Math.floor(random() * 12);
  for (let start = 0; start < whole.length; ) {
    const end = start + Math.floor(random() * (most + 1));
    pieces.push(whole.subarray(start, end));
    start = end;
  }
  return pieces;
}

describe('an event stream is read by the rules of the WHATWG text', () => {
  it.each(rules)('%s', async (_, stream, events) => {
    const whole = typeof stream === 'string' ? encode(stream) : stream;
    expect(await read([whole])).toEqual(events);
    expect(await read(Array.from(whole, (byte) => Uint8Array.of(byte)))).toEqual(events);
  });

  it(`and is the same in whatever pieces it comes (seed ${seed})`, async () => {
    const random = seededRandom(seed);
    for (let run = 0; run < 40; run++) {
      for (const [rule, stream, events] of rules) {
        const pieces = cut(typeof stream === 'string' ? encode(stream) : stream, random);
        expect(await read(pieces), `${rule}, run ${run} of seed ${seed}`).toEqual(events);
      }
    }
  });
});

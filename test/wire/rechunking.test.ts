import { Mistral } from '@mistralai/mistralai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChatAssembler } from '../../src/events/ChatAssembler.js';
import { EventStreamParser } from '../../src/events/EventStreamParser.js';
import { type ChatEvent, chatStream } from '../../src/index.js';
import { type Fault, type Simulator, startSimulator } from '../../src/simulator/index.js';
import { decodeCompletionChunk } from '../../src/transport/decodeCompletionChunk.js';
import { outcomeOf, seed, seededRandom } from './fixtures/outcomeOf.js';
import { readWhole, recordedAnswers } from './fixtures/recordedAnswers.js';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Each answer as it was recorded, and with other line ends: 5 × 5 streams. */
const lineEnds = [
  ['as recorded', undefined],
  ['LF', ['\n']],
  ['CR', ['\r']],
  ['CRLF', ['\r\n']],
  ['mixed', ['\r\n', '\n', '\r']],
] as const;

function withLineEnds(body: string, ends: readonly string[] | undefined): Uint8Array {
  if (ends === undefined) return encode(body);
  let count = 0;
  const next = (): string => ends[count++ % ends.length]!;
  // A blank line behind a line that ended in CR must not begin with LF: both would be one line end.
  let before = '';
  return encode(
    body.replace(/\r\n|\r|\n/g, () => {
      let end = next();
      if (before === '\r' && end === '\n') end = next();
      before = end;
      return end;
    }),
  );
}

type Sizes = () => number;

interface Read {
  readonly events: readonly ChatEvent[];
  /** Name and id of each event of the stream. */
  readonly ids: readonly string[];
  readonly splits: number;
}

/** What the reader, the decoder and the assembler make of a stream that arrives in pieces of these sizes. */
function eventsOf(bytes: Uint8Array, sizes: Sizes): Read {
  const events: ChatEvent[] = [];
  const ids: string[] = [];
  const assembler = new ChatAssembler('request', 1, (event) => events.push(event));
  const parser = new EventStreamParser(
    {
      onEvent: (data, event, id) => {
        ids.push(`${event} ${id}`);
        if (data === '[DONE]') return false;
        const chunk = decodeCompletionChunk(JSON.parse(data));
        if (chunk === undefined) throw new Error('No chunk');
        assembler.push(chunk);
        return true;
      },
    },
    // Each stream is far smaller than this: the bound must not strike, however the stream is cut.
    bytes.length,
  );
  let splits = 0;
  for (let start = 0; start < bytes.length; splits++) {
    const end = start + sizes();
    if (!parser.push(bytes.subarray(start, end))) break;
    start = end;
  }
  assembler.end();
  return { events, ids, splits };
}

const textOf = ({ events, ids }: Read): string => JSON.stringify([events, ids]);

const streams = recordedAnswers.flatMap((answer) =>
  lineEnds.map(([name, ends]) => ({ name: `${answer.name} (${name})`, answer, bytes: withLineEnds(answer.body, ends) })),
);

describe('a stream in other pieces is the same stream', () => {
  it.each(streams)('$name: as the naive reader has it, cut at every byte and between all of them', ({ answer, bytes }) => {
    const whole = eventsOf(bytes, () => Infinity);
    expect(whole.events.at(-1)).toMatchObject({ type: 'complete', message: answer.message, usage: answer.usage });
    expect(whole.ids).toEqual(readWhole(bytes).map(({ event, id }) => `${event} ${id}`));
    expect(eventsOf(bytes, () => 1)).toMatchObject({ events: whole.events, ids: whole.ids });
    for (let cut = 1; cut < bytes.length; cut++) {
      const sizes = [cut, bytes.length].values();
      expect(eventsOf(bytes, () => sizes.next().value ?? 0).events, `cut at ${cut}`).toEqual(whole.events);
    }
  });

  it(`after a million random splits (seed ${seed})`, { timeout: 600_000 }, () => {
    const random = seededRandom(seed);
    const wholes = streams.map(({ bytes }) => textOf(eventsOf(bytes, () => Infinity)));
    let splits = 0;
    for (let run = 0; splits < 1_000_000; run++) {
      const { bytes, name } = streams[run % streams.length]!;
      // Small pieces, large ones, and pieces of both.
      const most = [1, 3, 8, 64, 300][Math.floor(random() * 5)]!;
      const split = eventsOf(bytes, () => (random() < 0.02 ? 0 : 1 + Math.floor(random() * most)));
      splits += split.splits;
      const same = textOf(split);
      if (same !== wholes[run % streams.length]) throw new Error(`Run ${run} of seed ${seed} differs: ${name}`);
    }
    expect(splits).toBeGreaterThanOrEqual(1_000_000);
  });
});

describe('on the wire', () => {
  let simulator: Simulator;
  let client: Mistral;
  beforeAll(async () => {
    simulator = await startSimulator({ seed });
    client = new Mistral({ serverURL: simulator.url, apiKey: 'any' });
  });
  afterAll(() => simulator.close());

  const ways: readonly (readonly [string, readonly Fault[]])[] = [
    ['a byte in each write', [{ kind: 'split', size: 1 }]],
    ['7 bytes in each write', [{ kind: 'split', size: 7 }]],
    ['random writes', [{ kind: 'split', size: 'random' }]],
    ['one write', [{ kind: 'coalesce' }]],
  ];

  it.each(ways)(`%s: the same events (seed ${seed})`, { timeout: 300_000 }, async (_, fault) => {
    simulator.setFaults({ fault });
    await Promise.all(
      streams.map(async ({ name, bytes }) => {
        const whole = eventsOf(bytes, () => Infinity).events;
        simulator.setReply((_body, _n, { headers }) => ({ raw: streams[Number(headers['x-stream'])]!.bytes }));
        const headers = { 'x-stream': String(streams.findIndex((stream) => stream.name === name)) };
        const request = { model: 'm', messages: [{ role: 'user' as const, content: 'Why?' }] };
        const { events, error } = await outcomeOf(chatStream(client, request, { requestId: 'request', headers }));
        expect(error, name).toBeUndefined();
        expect(events, name).toEqual(whole);
      }),
    );
  });
});

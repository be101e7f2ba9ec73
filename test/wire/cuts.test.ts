import { Mistral } from '@mistralai/mistralai';
import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import { from } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChatAssembler } from '../../src/events/ChatAssembler.js';
import { EventStreamParser } from '../../src/events/EventStreamParser.js';
import { accumulate, type ChatEvent, chatStream, type ChatStreamOptions, constantBackoff } from '../../src/index.js';
import { type Fault, type Simulator, startSimulator } from '../../src/simulator/index.js';
import { decodeCompletionChunk } from '../../src/transport/decodeCompletionChunk.js';
import { outcomeOf, seed, seededRandom } from './fixtures/outcomeOf.js';
import { readWhole, type RecordedAnswer, recordedAnswers } from './fixtures/recordedAnswers.js';

const request = { model: 'm', messages: [{ role: 'user' as const, content: 'Why?' }] };

type Way = 'end' | 'fin' | 'rst';

let simulator: Simulator;
let client: Mistral;

// A call says in a header which answer it wants and where it is to be cut; only its first attempt is.
beforeAll(async () => {
  const cutCalls = new Set<string>();
  simulator = await startSimulator({
    maxRecordedRequests: 10,
    reply: (_body, _n, { headers }) => {
      const { answer } = parseCut(headers['x-cut']);
      return { raw: recordedAnswers[answer]!.body };
    },
    faults: ({ headers }): readonly Fault[] => {
      const call = headers['x-cut']!;
      const { way, position } = parseCut(call);
      if (cutCalls.has(call)) return [];
      cutCalls.add(call);
      const at = { bytes: position };
      return [way === 'end' ? { kind: 'truncate', at } : { kind: 'reset', how: way, at }];
    },
  });
  client = new Mistral({ serverURL: simulator.url, apiKey: 'any' });
});
afterAll(() => simulator.close());

function parseCut(header = ''): { answer: number; way: Way; position: number } {
  const [answer, way, position] = header.split(' ');
  return { answer: Number(answer), way: way as Way, position: Number(position) };
}

function openCut(answer: number, way: Way, position: number, options: ChatStreamOptions = {}, run = '') {
  return chatStream(client, request, { ...options, headers: { 'x-cut': `${answer} ${way} ${position} ${run}` } });
}

/** What a cut answer has to come to: judged by the naive reader, and by the pieces that are written by hand. */
interface Expected {
  readonly text: string;
  readonly thinking: string;
  readonly finished: boolean;
  readonly partial: unknown;
}

function expectedAt({ pieces }: RecordedAnswer, bytes: Uint8Array, position: number): Expected {
  const dispatched = readWhole(bytes.subarray(0, position));
  const arrived = pieces.slice(0, dispatched.length);
  const assembler = new ChatAssembler('', 1, () => undefined);
  for (const { data } of dispatched) if (data !== '[DONE]') assembler.push(decodeData(data));
  return {
    text: arrived.map(({ text = '' }) => text).join(''),
    thinking: arrived.map(({ thinking = '' }) => thinking).join(''),
    finished: arrived.some(({ finishes }) => finishes),
    partial: assembler.partial(),
  };
}

const decodeData = (data: string): CompletionChunk => decodeCompletionChunk(JSON.parse(data))!;
const joined = (events: readonly ChatEvent[], type: 'text-delta' | 'thinking-delta'): string =>
  events.map((event) => (event.type === type ? event.text : '')).join('');

async function atAll(positions: readonly number[], check: (position: number) => Promise<void>, places = 12): Promise<void> {
  const queue = positions.values();
  await Promise.all(
    Array.from({ length: places }, async () => {
      for (const position of queue) await check(position);
    }),
  );
}

const answers = recordedAnswers.map((answer, index) => {
  const bytes = new TextEncoder().encode(answer.body);
  return { ...answer, index, bytes, positions: Array.from({ length: bytes.length + 1 }, (_, position) => position) };
});

describe.each(answers)('$name', (answer) => {
  const { index, bytes, positions, message, finishReason, usage } = answer;
  const expectations = positions.map((position) => expectedAt(answer, bytes, position));
  const { length } = bytes;

  it('whole, it is what was recorded', async () => {
    const { events, error } = await outcomeOf(openCut(index, 'end', length));
    expect(error).toBeUndefined();
    expect(events.at(-1)).toMatchObject({ type: 'complete', message, finishReason, usage });
  });

  // A complete answer, or the right error with the right partial: never a quiet end, nothing lost, nothing twice.
  function checkEnd(position: number, way: 'end' | 'fin', events: readonly ChatEvent[], error: unknown): void {
    const { text, thinking, finished, partial } = expectations[position]!;
    const where = `cut by ${way} at ${position} of ${length}`;
    expect(joined(events, 'text-delta'), where).toBe(text);
    expect(joined(events, 'thinking-delta'), where).toBe(thinking);
    expect(events.some(({ type }) => type === 'complete'), where).toBe(finished);
    if (finished) {
      expect(error, where).toBeUndefined();
      expect(events.at(-1), where).toMatchObject({ message, finishReason });
    } else {
      expect(error, where).toMatchObject({ name: 'TruncatedStreamError', kind: way === 'end' ? 'truncated' : 'connection', partial });
      expect((error as { partial: unknown }).partial, where).toEqual(partial);
    }
  }

  it('cut by a proper end, at every byte', { timeout: 600_000 }, async () => {
    await atAll(positions, async (position) => {
      const { events, error } = await outcomeOf(openCut(index, 'end', position));
      checkEnd(position, 'end', events, error);
    });
  });

  it('cut by a closed socket, at every byte, and restarted: the last snapshot is the whole answer', { timeout: 600_000 }, async () => {
    await atAll(positions, async (position) => {
      const events: ChatEvent[] = [];
      const restarted = openCut(index, 'fin', position, { onDisconnect: 'restart', retry: { backoff: constantBackoff(0) } });
      const outcome = await outcomeOf(restarted, (event) => events.push(event));
      const where = `cut at ${position} of ${length}`;
      expect(outcome.error, where).toBeUndefined();

      const cut = events.findIndex(({ type }) => type === 'retry');
      const retry = events[cut];
      const first = cut === -1 ? events : events.slice(0, cut);
      checkEnd(position, 'fin', first, retry?.type === 'retry' ? retry.error : undefined);

      const snapshots = await outcomeOf(from(events).pipe(accumulate()));
      expect(snapshots.events.at(-1), where).toMatchObject({ message, finishReason, done: true });
      if (cut !== -1) expect(snapshots.events.at(-1)?.usage, where).toEqual(usage);
    });
  });

  it(`cut by a reset, at a sample of bytes: a beginning in whole events, never a quiet end (seed ${seed})`, async () => {
    const random = seededRandom(seed + index);
    const sample = Array.from({ length: 60 }, () => Math.floor(random() * (length + 1)));
    const beginnings = new Set(expectations.map(({ text, thinking }) => JSON.stringify([text, thinking])));
    await atAll([...new Set(sample)], async (position) => {
      const { events, error } = await outcomeOf(openCut(index, 'rst', position));
      const { text, finished } = expectations[position]!;
      const where = `reset at ${position} of ${length}`;
      const seen = joined(events, 'text-delta');
      expect(text.startsWith(seen), where).toBe(true);
      expect(beginnings.has(JSON.stringify([seen, joined(events, 'thinking-delta')])), where).toBe(true);
      if (error === undefined) {
        expect(finished, where).toBe(true);
        expect(events.at(-1), where).toMatchObject({ type: 'complete', message });
      } else {
        expect(error, where).toMatchObject({ kind: 'connection', retryable: true });
      }
    });
  });

  it(`cut by a proper end, at a sample of bytes, and restarted (seed ${seed})`, async () => {
    const random = seededRandom(seed - index);
    const sample = Array.from({ length: 60 }, () => Math.floor(random() * (length + 1)));
    await atAll([...new Set(sample)], async (position) => {
      const restarted = openCut(index, 'end', position, { onDisconnect: 'restart', retry: { backoff: constantBackoff(0) } }, 'restarted');
      const { events, error } = await outcomeOf(restarted.pipe(accumulate()));
      expect(error).toBeUndefined();
      expect(events.at(-1), `cut at ${position}`).toMatchObject({ message, finishReason, done: true });
    });
  });

  it('cut at every byte without the wire: the parser and the assembler alone', () => {
    for (const position of positions) {
      const events: ChatEvent[] = [];
      const assembler = new ChatAssembler('', 1, (event) => events.push(event));
      const parser = new EventStreamParser(
        {
          onEvent: (data) => {
            if (data === '[DONE]') return false;
            assembler.push(decodeData(data));
            return true;
          },
        },
        10_000,
      );
      // In two pieces, so that each byte is an end and a beginning.
      if (parser.push(bytes.subarray(0, position >> 1))) parser.push(bytes.subarray(position >> 1, position));
      const { text, finished, partial } = expectations[position]!;
      expect([position, joined(events, 'text-delta'), assembler.isFinished]).toEqual([position, text, finished]);
      expect(assembler.partial()).toEqual(partial);
    }
  });
});

import { MistralCore } from '@mistralai/mistralai/core.js';
import { from, lastValueFrom, map, mergeMap, type Observable, reduce, share, toArray, zip } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accumulate, chatStream, type ChatStreamOptions, constantBackoff, text } from '../../src/index.js';
import { type Fault, type Simulator, startSimulator } from '../../src/simulator/index.js';
import { pieces, piecesFor } from './fixtures/echoedPieces.js';

const request = { model: 'mistral-small-latest', messages: [{ role: 'user' as const, content: 'Say something.' }] };
const resume: ChatStreamOptions = { onDisconnect: 'resume', retry: { maxRetries: 5, backoff: constantBackoff(0) } };

interface Outcome {
  readonly cut: number;
  readonly text: string;
  readonly joined: string;
  readonly done: boolean;
  readonly strategies: readonly string[];
}

// The call says itself where its first attempts are to be cut: `x-cuts: 120,40`.
function cutAsAsked(how: (bytes: number) => Fault) {
  return (received: { readonly headers: Readonly<Record<string, string>>; readonly body: unknown }): Fault | undefined => {
    const cuts = (received.headers['x-cuts'] ?? '').split(',').filter((cut) => cut !== '');
    const cut = cuts[continuationsIn(received.headers)];
    return cut === undefined ? undefined : how(Number(cut));
  };
}

const attempts = new Map<string, number>();
function continuationsIn(headers: Readonly<Record<string, string>>): number {
  const call = headers['x-call'] ?? '';
  const n = attempts.get(call) ?? 0;
  attempts.set(call, n + 1);
  return n;
}

describe.each(['exact', 'trimmed', 'none'] as const)("onDisconnect: 'resume', the echo %s", (prefixEcho) => {
  let simulator: Simulator;
  let client: MistralCore;
  let whole: string;
  let length: number;

  beforeAll(async () => {
    simulator = await startSimulator({ reply: ({ messages = [] }) => ({ text: piecesFor(messages.at(-1), prefixEcho) }) });
    client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });
    whole = (await lastValueFrom(chatStream(client, request).pipe(accumulate()))).text;
    await simulator.until(({ openRequests }) => openRequests === 0);
    length = simulator.requests.at(-1)?.bytesWritten ?? 0;
    simulator.setFaults(cutAsAsked((bytes) => ({ kind: 'truncate', at: { bytes } })));
  });

  afterAll(() => simulator.close());

  function resumed(cuts: readonly number[]): Observable<Outcome> {
    const headers = { 'x-cuts': cuts.join(','), 'x-call': `${prefixEcho} ${cuts.join(',')}` };
    const events = chatStream(client, request, { ...resume, headers }).pipe(share());
    return zip(
      events.pipe(accumulate(), toArray()),
      events.pipe(text(), reduce((all, piece) => all + piece, '')),
      events.pipe(
        mergeMap((event) => (event.type === 'retry' ? [event.strategy] : [])),
        toArray(),
      ),
    ).pipe(
      map(([snapshots, joined, strategies]) => {
        const last = snapshots.at(-1);
        return { cut: cuts[0] ?? 0, text: last?.text ?? '', joined, done: last?.done ?? false, strategies };
      }),
    );
  }

  it('the answer equals the uncut one, cut at every byte, and so do the joined pieces', async () => {
    expect(length).toBeGreaterThan(1_000);
    expect(whole).toBe(pieces.join(''));
    const outcomes = await lastValueFrom(
      from(Array.from({ length }, (_, cut) => cut)).pipe(
        mergeMap((cut) => resumed([cut]), 8),
        toArray(),
      ),
    );
    expect(outcomes.filter((outcome) => outcome.text !== whole || !outcome.done)).toEqual([]);
    expect(outcomes.filter(({ joined }) => joined !== whole)).toEqual([]);
    expect(new Set(outcomes.flatMap(({ strategies }) => strategies))).toEqual(new Set(['restart', 'resume']));
  }, 900_000);

  it('two and three cuts in one answer are continued one after the other', async () => {
    const cuts = [
      [400, 350],
      [600, 500],
      [400, 380, 360],
      [700, 100, 450],
    ];
    for (const each of cuts) {
      const outcome = await lastValueFrom(resumed(each));
      expect(outcome).toMatchObject({ text: whole, joined: whole, done: true });
      expect(outcome.strategies).toHaveLength(each.length);
    }
  });
});

describe("onDisconnect: 'resume'", () => {
  it('sums the usage over the attempts that said theirs', async () => {
    const simulator = await startSimulator({ answerTokens: 8, seed: 11, faults: { kind: 'truncate', at: { events: 4 }, on: 0 } });
    const client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });

    const last = await lastValueFrom(chatStream(client, request, resume).pipe(accumulate()));

    const [, second] = simulator.requests;
    const direct = await lastValueFrom(chatStream(client, { ...request, messages: messagesOf(second?.body) }).pipe(accumulate()));
    expect(last.usage).toEqual(direct.usage);
    expect(last.usage?.totalTokens).toBeGreaterThan(0);
    await simulator.close();
  });

  it.each([
    ['in thinking', { model: 'magistral-small-latest' }, 4],
    ['in a tool call', { tools: [tool()], toolChoice: 'any' as const }, 3],
    ['with a JSON schema', { responseFormat: jsonSchema() }, 4],
  ])('begins anew %s, and comes to the same answer', async (_name, fields, events) => {
    const simulator = await startSimulator({ seed: 11, toolCallStyle: { shape: 'fragments' } });
    const client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });
    const asked = { ...request, ...fields };
    const whole = await lastValueFrom(chatStream(client, asked).pipe(accumulate()));
    simulator.setFaults({ kind: 'reset', at: { events }, on: 0 });

    const all = await lastValueFrom(chatStream(client, asked, resume).pipe(toArray()));
    const last = await lastValueFrom(from(all).pipe(accumulate()));

    expect(all.find((event) => event.type === 'retry')).toMatchObject({ strategy: 'restart', error: { kind: 'connection' } });
    expect(last).toEqual(whole);
    await simulator.close();
  });
});

function messagesOf(body: unknown) {
  return (body as typeof request).messages;
}

function tool() {
  const parameters = { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } }, required: ['city', 'days'] };
  return { type: 'function' as const, function: { name: 'weather', parameters } };
}

function jsonSchema() {
  const schemaDefinition = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
  return { type: 'json_schema' as const, jsonSchema: { name: 'person', schemaDefinition } };
}

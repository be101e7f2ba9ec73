import { Mistral } from '@mistralai/mistralai';
import { firstValueFrom, lastValueFrom, type Observable, take } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  chatChunks,
  chatComplete,
  chatStream,
  constantBackoff,
  createUsageMeter,
  embeddings,
  trackUsage,
  type UsageMeter,
  type UsageState,
} from '../../src/index.js';
import { type Simulator, startSimulator } from '../../src/simulator/index.js';
import { failureOf } from './fixtures/outcomeOf.js';

// The real SDK and the simulator: what the meter says against what the server counted.

const model = 'mistral-small-latest';
const request = { model, messages: [{ role: 'user' as const, content: 'Why is the sky blue, and why is the sea?' }] };
const retry = { backoff: constantBackoff(1) };

let simulator: Simulator;
let client: Mistral;
let meter: UsageMeter;
beforeEach(async () => {
  simulator = await startSimulator();
  client = new Mistral({ serverURL: simulator.url, apiKey: 'any' });
  meter = createUsageMeter({ prices: { [model]: { input: 1_000_000, output: 2_000_000 } } });
});
afterEach(() => simulator.close());

const state = (): Promise<UsageState> => firstValueFrom(meter.state$);

/** What the server counts for the whole answer. */
async function counted(): Promise<{ readonly promptTokens: number; readonly completionTokens: number }> {
  const { promptTokens = 0, completionTokens = 0 } = (await lastValueFrom(chatComplete(client, request))).usage;
  return { promptTokens, completionTokens };
}

describe('what the server reports', () => {
  it.each<[string, () => Observable<unknown>]>([
    ['chatStream', () => chatStream(client, request)],
    ['chatChunks', () => chatChunks(client, request)],
    ['chatComplete', () => chatComplete(client, request)],
  ])('is what the meter says, and its cost: %s', async (_name, source) => {
    await lastValueFrom(source().pipe(trackUsage(meter)));

    const { promptTokens, completionTokens } = await counted();
    expect(await state()).toMatchObject({
      calls: 1,
      inputTokens: promptTokens,
      outputTokens: completionTokens,
      cost: promptTokens + 2 * completionTokens,
      estimated: { attempts: 0, cost: 0 },
      models: [{ model }],
    });
  });

  it('is one usage for several answers (n)', async () => {
    await lastValueFrom(chatChunks(client, { ...request, n: 3 }).pipe(trackUsage(meter)));

    const { calls, outputTokens, estimated } = await state();
    expect({ calls, attempts: estimated.attempts }).toEqual({ calls: 1, attempts: 0 });
    expect(outputTokens).toBeGreaterThan(0);
  });

  it('is that of embeddings, too, which have no price here', async () => {
    await lastValueFrom(embeddings(client, { model: 'mistral-embed', inputs: ['one', 'two'] }).pipe(trackUsage(meter)));

    const { calls, inputTokens, outputTokens, cost, unpricedCalls, unpricedTokens } = await state();
    expect({ calls, outputTokens, cost, unpricedCalls }).toEqual({ calls: 1, outputTokens: 0, cost: undefined, unpricedCalls: 1 });
    expect(inputTokens).toBeGreaterThan(0);
    expect(unpricedTokens).toBe(inputTokens);
  });
});

describe('what the server does not report', () => {
  // The seventh event brings the sixth token.
  const at = { events: 7 };
  const tokens = 6;

  it('is estimated of an attempt that was restarted: its prompt exactly, its output about', async () => {
    simulator.setFaults({ kind: 'reset', at, times: 1 });

    await lastValueFrom(chatStream(client, request, { onDisconnect: 'restart', retry }).pipe(trackUsage(meter)));

    const { promptTokens, completionTokens } = await counted();
    const { estimated, ...reported } = await state();
    expect(reported).toMatchObject({ calls: 1, retries: 1, inputTokens: promptTokens, outputTokens: completionTokens });
    expect(estimated).toMatchObject({ attempts: 1, inputTokens: promptTokens, unknownInputs: 0 });
    expect(estimated.outputTokens).toBeGreaterThanOrEqual(tokens);
    expect(estimated.outputTokens).toBeLessThanOrEqual(2 * tokens);
  });

  it('is estimated of an attempt that was resumed: nearly all that the server took in and gave out', async () => {
    simulator.setFaults({ kind: 'reset', at, times: 1 });

    await lastValueFrom(chatStream(client, request, { onDisconnect: 'resume', retry }).pipe(trackUsage(meter)));

    const { promptTokens } = await counted();
    const { estimated, retries } = await state();
    expect(retries).toBe(1);
    expect(estimated).toMatchObject({ attempts: 1, unknownInputs: 0 });
    // The estimate of what the second attempt was given stands in for the server's own count of it.
    expect(Math.abs(estimated.inputTokens - promptTokens)).toBeLessThanOrEqual(tokens);
  });

  it('is estimated of a call that failed for good, whose prompt nobody knows', async () => {
    simulator.setFaults({ kind: 'truncate', at });

    await failureOf(chatStream(client, request).pipe(trackUsage(meter)));

    const { estimated, cost } = await state();
    expect(cost).toBe(0);
    expect(estimated).toMatchObject({ attempts: 1, inputTokens: 0, unknownInputs: 1, cost: 2 * estimated.outputTokens });
    expect(estimated.outputTokens).toBeGreaterThanOrEqual(tokens);
  });

  it('is estimated of a call that was cancelled', async () => {
    simulator.setFaults({ kind: 'stall', at });

    await lastValueFrom(chatStream(client, request).pipe(trackUsage(meter), take(4)));

    expect(await state()).toMatchObject({ calls: 1, inputTokens: 0, estimated: { attempts: 1, unknownInputs: 1 } });
    expect((await state()).estimated.outputTokens).toBeGreaterThanOrEqual(3);
  });

  it('is nothing where the server refused', async () => {
    simulator.setFaults({ kind: 'status', status: 401 });

    await failureOf(chatStream(client, request).pipe(trackUsage(meter, { model })));

    expect(await state()).toMatchObject({ calls: 1, cost: 0, estimated: { attempts: 0, cost: 0 }, models: [{ model }] });
  });
});

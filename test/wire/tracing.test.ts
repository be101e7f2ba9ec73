import { Mistral } from '@mistralai/mistralai';
import {
  MISTRAL_SDK_OTEL_TRACER_NAME,
  registerTracerProvider,
} from '@mistralai/mistralai/extra/observability/index.js';
import { context, type Span } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { concatMap, defer, from, lastValueFrom, mergeMap, type Observable, Subject, take } from 'rxjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { currentStage, reenterStage } from '../../src/control/stage.js';
import { chatComplete, chatStream, constantBackoff, type MistralClient, traced } from '../../src/index.js';
import { startSimulator, type Simulator } from '../../src/simulator/index.js';
import { eventually } from './fixtures/cancellationFixtures.js';
import { failureOf } from './fixtures/outcomeOf.js';

// The real SDK with its own tracing on, which makes a span for each request that it sends.

const prompt = 'the secret prompt';
const answer = ['Zephyr', ' quill'];
const apiKey = 'the-secret-key';
const request = { model: 'mistral-small-latest', messages: [{ role: 'user' as const, content: prompt }] };
const retry = { backoff: constantBackoff(1) };

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = provider.getTracer('ours');

let simulator: Simulator;
let client: MistralClient;

beforeAll(() => {
  registerTracerProvider(provider);
});
beforeEach(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  simulator = await startSimulator({ reply: { text: answer } });
  client = new Mistral({ serverURL: simulator.url, apiKey });
});
afterEach(async () => {
  await simulator.close();
  context.disable();
  exporter.reset();
});
afterAll(() => provider.shutdown());

const call = (): Observable<unknown> => chatStream(client, request);
const finished = (): readonly ReadableSpan[] => exporter.getFinishedSpans();
const ours = (): ReadableSpan[] => finished().filter((span) => span.instrumentationScope.name === 'ours');
const idOf = (span: ReadableSpan | undefined): string | undefined => span?.spanContext().spanId;
const parentOf = (span: ReadableSpan | undefined): string | undefined => span?.parentSpanContext?.spanId;
const attemptsOf = (span: ReadableSpan | undefined): ReadableSpan[] => sdkSpans().filter((child) => parentOf(child) === idOf(span));

function sdkSpans(): ReadableSpan[] {
  return finished().filter((span) => span.instrumentationScope.name === MISTRAL_SDK_OTEL_TRACER_NAME);
}

/** The SDK's spans, once there are so many: one of a stream ends when its body has been read to its end. */
async function untilSdkSpans(count: number): Promise<ReadableSpan[]> {
  await eventually(() => sdkSpans().length >= count, `${count} spans of the SDK`);
  return sdkSpans();
}

/** Runs `work` inside a span of the user's own. */
async function insideRoot(work: () => Promise<unknown>): Promise<ReadableSpan | undefined> {
  await tracer.startActiveSpan('root', async (span: Span) => {
    await work();
    span.end();
  });
  return ours().find(({ name }) => name === 'root');
}

describe('a span of ours', () => {
  it.each<[string, () => Observable<unknown>]>([
    ['chatStream', () => chatStream(client, request, { retry })],
    ['chatComplete', () => chatComplete(client, request, { retry })],
  ])("is the one parent of the SDK's spans, one for each attempt: %s", async (_name, source) => {
    simulator.setFaults({ kind: 'status', status: 503, times: 2 });

    const root = await insideRoot(() => lastValueFrom(source().pipe(traced(tracer, { name: 'stage' }))));

    const attempts = await untilSdkSpans(3);
    const stages = ours().filter(({ name }) => name === 'stage');
    expect(simulator.requestCount).toBe(3);
    expect(stages).toHaveLength(1);
    expect(parentOf(stages[0])).toBe(idOf(root));
    expect(attempts.map(parentOf)).toEqual([idOf(stages[0]), idOf(stages[0]), idOf(stages[0])]);
  });

  it('is the parent of the attempt that resumes a cut answer, too', async () => {
    simulator.setFaults({ kind: 'reset', at: { events: 2 }, times: 1 });

    await lastValueFrom(chatStream(client, request, { onDisconnect: 'resume', retry }).pipe(traced(tracer)));

    await untilSdkSpans(2);
    expect(attemptsOf(ours()[0])).toHaveLength(2);
    expect(ours()[0]?.events.map(({ name }) => name)).toEqual([
      'rxmistral.attempt',
      'rxmistral.first_token',
      'rxmistral.retry',
      'rxmistral.attempt',
      'rxmistral.first_token',
    ]);
  });

  it('has no prompt, no answer and no key in it, neither where it ends well nor where it fails', async () => {
    await lastValueFrom(call().pipe(traced(tracer)));
    simulator.setFaults({ kind: 'truncate', at: { events: 2 } });
    await failureOf(call().pipe(traced(tracer)));
    simulator.setFaults({ kind: 'status', status: 401 });
    await failureOf(call().pipe(traced(tracer)));

    const written = ours().map(({ name, attributes, events, status, links }) => JSON.stringify({ name, attributes, events, status, links }));
    expect(written).toHaveLength(3);
    for (const secret of [prompt, ...answer, apiKey]) expect(written.join()).not.toContain(secret);
    // What is looked for is there to be found: the SDK does write prompts.
    expect(JSON.stringify((await untilSdkSpans(3)).map(({ attributes }) => attributes))).toContain(prompt);
  });

  it('has the usage that the server reported', async () => {
    const last = await lastValueFrom(chatComplete(client, request).pipe(traced(tracer)));

    expect(ours()[0]?.attributes).toMatchObject({
      'gen_ai.response.id': last.id,
      'gen_ai.response.model': 'mistral-small-latest',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': last.usage.promptTokens,
      'gen_ai.usage.output_tokens': last.usage.completionTokens,
    });
  });

  it('ends as cancelled when the call is, and the server sees it go', async () => {
    simulator.setFaults({ kind: 'stall', at: { events: 2 } });

    await lastValueFrom(call().pipe(traced(tracer), take(2)));

    await eventually(() => simulator.openRequests === 0, 'the server sees the call go');
    expect(ours()[0]).toMatchObject({ attributes: { 'rxmistral.cancelled': true }, status: { code: 0 } });
  });
});

describe('calls that follow one another', () => {
  it.each([
    ['concatMap', concatMap(() => call().pipe(traced(tracer, { name: 'stage' })))],
    ['mergeMap', mergeMap(() => call().pipe(traced(tracer, { name: 'stage' })), 2)],
  ])('are siblings, not children of each other: %s', async (_name, operator) => {
    const root = await insideRoot(() => lastValueFrom(from([1, 2, 3, 4]).pipe(operator)));

    await untilSdkSpans(4);
    const stages = ours().filter(({ name }) => name === 'stage');
    expect(stages.map(parentOf)).toEqual(stages.map(() => idOf(root)));
    expect(stages.map((stage) => attemptsOf(stage).length)).toEqual([1, 1, 1, 1]);
  });

  it('are siblings inside of a span around all of them', async () => {
    await lastValueFrom(
      from([1, 2, 3]).pipe(
        concatMap(() => call().pipe(traced(tracer, { name: 'stage' }))),
        traced(tracer, { name: 'all' }),
      ),
    );

    const stages = ours().filter(({ name }) => name === 'stage');
    expect(stages).toHaveLength(3);
    expect(new Set(stages.map(parentOf))).toEqual(new Set([idOf(ours().at(-1))]));
  });

  it('are under their own span where another call lets them go on, if they enter their stage again', async () => {
    const gate = new Subject<void>();
    const waiting = defer(() => {
      const stage = currentStage();
      return gate.pipe(
        take(1),
        mergeMap(() => reenterStage(stage, call())),
      );
    });
    const waited = lastValueFrom(waiting.pipe(traced(tracer, { name: 'waiting' })));

    tracer.startActiveSpan('foreign', (span) => {
      gate.next();
      span.end();
    });
    await waited;

    expect((await untilSdkSpans(1)).map(parentOf)).toEqual([idOf(ours().find(({ name }) => name === 'waiting'))]);
  });
});

describe('without a context manager', () => {
  it('there are spans, and no parents', async () => {
    context.disable();

    await lastValueFrom(call().pipe(traced(tracer)));

    expect(ours()).toHaveLength(1);
    expect((await untilSdkSpans(1)).map(parentOf)).toEqual([undefined]);
  });
});

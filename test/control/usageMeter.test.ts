import fc from 'fast-check';
import { type Observer, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { createUsageMeter, type UsageMeter } from '../../src/control/usageMeter.js';
import type { ModelUsage, UsageState } from '../../src/control/UsageState.js';

const prices = { small: { input: 2, output: 6, cachedInput: 0.5 }, large: { input: 10, output: 30 } };
const nothing = {
  calls: 0,
  retries: 0,
  inputTokens: 0,
  outputTokens: 0,
  cost: 0,
  unpricedTokens: 0,
  cachedTokens: 0,
  unpricedCalls: 0,
  estimated: { attempts: 0, inputTokens: 0, outputTokens: 0, cost: 0, unpricedTokens: 0, unknownInputs: 0 },
};

/** An observer that collects, and fails the test on an error. */
const into = <T>(values: T[]): Partial<Observer<T>> => ({
  next: (value) => values.push(value),
  error: (error) => expect.unreachable(String(error)),
});

function stateOf(meter: UsageMeter): UsageState {
  const states: UsageState[] = [];
  meter.state$.pipe(take(1)).subscribe(into(states));
  return states[0]!;
}

const usageOf = (meter: UsageMeter, model: string | undefined): ModelUsage | undefined =>
  stateOf(meter).models.find((usage) => usage.model === model);

describe('createUsageMeter', () => {
  it('starts with nothing', () => {
    expect(stateOf(createUsageMeter())).toEqual({ ...nothing, models: [] });
  });

  it('adds up what it is told, by model and in total', () => {
    const meter = createUsageMeter({ prices });
    meter.record({ model: 'small', inputTokens: 1_000_000, cachedTokens: 400_000, outputTokens: 500_000 });
    meter.record({ model: 'small', retries: 2, inputTokens: 1, outputTokens: 2 });
    meter.record({ model: 'large', calls: 3, inputTokens: 100_000, outputTokens: 0 });

    const small = { calls: 2, retries: 2, inputTokens: 1_000_001, cachedTokens: 400_000, outputTokens: 500_002 };
    const large = { calls: 3, retries: 0, inputTokens: 100_000, cachedTokens: 0, outputTokens: 0 };
    const smallCost = (600_001 * 2 + 400_000 * 0.5 + 500_002 * 6) / 1e6;
    expect(stateOf(meter)).toEqual({
      ...nothing,
      calls: 5,
      retries: 2,
      inputTokens: 1_100_001,
      cachedTokens: 400_000,
      outputTokens: 500_002,
      cost: smallCost + 1,
      models: [
        { ...nothing, model: 'small', ...small, cost: smallCost },
        { ...nothing, model: 'large', ...large, cost: 1 },
      ],
    });
  });

  it('keeps what is estimated apart, and prices it', () => {
    const meter = createUsageMeter({ prices });
    meter.record({ model: 'large', estimated: { attempts: 2, inputTokens: 50_000, outputTokens: 10_000, unknownInputs: 1 } });
    meter.record({ model: 'large', inputTokens: 7 });

    expect(stateOf(meter)).toMatchObject({
      calls: 2,
      inputTokens: 7,
      outputTokens: 0,
      cost: 0.000_07,
      estimated: { attempts: 2, inputTokens: 50_000, outputTokens: 10_000, cost: 0.8, unpricedTokens: 0, unknownInputs: 1 },
    });
  });

  describe('a price that is not known', () => {
    it('is no quiet 0: the cost is undefined where nothing has a price', () => {
      const meter = createUsageMeter();
      meter.record({ model: 'small', inputTokens: 10, outputTokens: 5, estimated: { attempts: 1, outputTokens: 3 } });

      const unknown = {
        cost: undefined,
        unpricedCalls: 1,
        unpricedTokens: 15,
        estimated: { cost: undefined, unpricedTokens: 3 },
      };
      expect(stateOf(meter)).toMatchObject(unknown);
      expect(usageOf(meter, 'small')).toMatchObject(unknown);
    });

    it('shows beside the cost of what has one', () => {
      const meter = createUsageMeter({ prices });
      meter.record({ model: 'large', inputTokens: 100_000 });
      meter.record({ model: 'new', inputTokens: 10, outputTokens: 5 });

      expect(stateOf(meter)).toMatchObject({ calls: 2, cost: 1, unpricedCalls: 1, unpricedTokens: 15 });
      expect(usageOf(meter, 'large')).toMatchObject({ cost: 1, unpricedCalls: 0, unpricedTokens: 0 });
      expect(usageOf(meter, 'new')).toMatchObject({ cost: undefined, unpricedCalls: 1, unpricedTokens: 15 });
    });

    it('is nothing to a call that took no tokens', () => {
      const meter = createUsageMeter();
      meter.record({ calls: 1, retries: 3 });

      expect(stateOf(meter)).toMatchObject({ calls: 1, retries: 3, cost: 0, unpricedCalls: 0, estimated: { cost: 0 } });
    });

    it('is that of a call too of which only is known that it began', () => {
      const meter = createUsageMeter();
      meter.record({ model: 'small', estimated: { attempts: 1, unknownInputs: 1 } });

      expect(stateOf(meter)).toMatchObject({ unpricedCalls: 1, estimated: { unknownInputs: 1 } });
    });

    it('may be 0, which is a price', () => {
      const meter = createUsageMeter({ prices: { free: { input: 0, output: 0 } } });
      meter.record({ model: 'free', inputTokens: 10, outputTokens: 5 });

      expect(stateOf(meter)).toMatchObject({ cost: 0, unpricedCalls: 0, unpricedTokens: 0 });
    });
  });

  it.each(['smal', 'small-latest', 'SMALL', 'small ', '__proto__', 'constructor', 'toString'])(
    'has no price for %s, which is another name',
    (model) => {
      const meter = createUsageMeter({ prices });
      meter.record({ model, inputTokens: 10 });
      expect(usageOf(meter, model)).toMatchObject({ cost: undefined, unpricedTokens: 10 });
    },
  );

  it('reads the prices once', () => {
    const changing = { small: { input: 2, output: 6 } };
    const meter = createUsageMeter({ prices: changing });
    meter.record({ model: 'small', inputTokens: 1_000_000 });
    changing.small.input = 99;
    expect(stateOf(meter).cost).toBe(2);
  });

  it('does not drift: 10,000 times 0.1 is 1,000', () => {
    const meter = createUsageMeter({ prices: { a: { input: 100_000, output: 0 } } });
    for (let call = 0; call < 10_000; call += 1) meter.record({ model: 'a', inputTokens: 1 });
    expect(stateOf(meter).cost).toBe(1_000);
    // What adding up the costs would have given:
    let added = 0;
    for (let call = 0; call < 10_000; call += 1) added += 0.1;
    expect(added).not.toBe(1_000);
  });

  describe('the names of models', () => {
    it('are bounded: 100 without a price, by default, and all others together', () => {
      const meter = createUsageMeter({ prices });
      for (let model = 0; model < 150; model += 1) meter.record({ model: `model-${model}`, inputTokens: 1 });
      meter.record({ model: 'large', inputTokens: 100_000 });
      meter.record({ model: 'model-0', inputTokens: 1 });

      const { models, calls } = stateOf(meter);
      expect(models).toHaveLength(102);
      expect(calls).toBe(152);
      expect(usageOf(meter, undefined)).toMatchObject({ calls: 50, inputTokens: 50, unpricedTokens: 50 });
      expect(usageOf(meter, 'large')).toMatchObject({ cost: 1 });
      expect(usageOf(meter, 'model-0')).toMatchObject({ calls: 2 });
    });

    it('are bounded by maxModels', () => {
      const meter = createUsageMeter({ prices, maxModels: 0 });
      for (const model of ['a', 'b', 'small']) meter.record({ model, inputTokens: 1 });
      expect(stateOf(meter).models.map(({ model }) => model)).toEqual([undefined, 'small']);
    });

    it('are bounded in length, unless they have a price', () => {
      const long = 'm'.repeat(257);
      const meter = createUsageMeter();
      meter.record({ model: long, inputTokens: 1 });
      meter.record({ model: 'm'.repeat(256), inputTokens: 1 });
      expect(stateOf(meter).models.map(({ model }) => model?.length)).toEqual([undefined, 256]);

      const pricing = createUsageMeter({ prices: { [long]: prices.large } });
      pricing.record({ model: long, inputTokens: 100_000 });
      expect(stateOf(pricing).cost).toBe(1);
    });
  });

  it('has totals that are the sums of its models, whatever it is told', () => {
    const count = fc.integer({ min: 0, max: 1_000_000 });
    const record = fc.record({
      model: fc.constantFrom(undefined, 'small', 'large', 'new', 'newer'),
      calls: fc.integer({ min: 0, max: 3 }),
      retries: count,
      inputTokens: count.map((tokens) => tokens + 1_000_000),
      cachedTokens: count,
      outputTokens: count,
      estimated: fc.record({ attempts: count, inputTokens: count, outputTokens: count, unknownInputs: count }),
    });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 30 }), (records) => {
        const meter = createUsageMeter({ prices, maxModels: 1 });
        for (const usage of records) meter.record(usage);
        const { models, ...totals } = stateOf(meter);

        const sum = (pick: (usage: ModelUsage) => number | undefined): number =>
          models.reduce((total, usage) => total + (pick(usage) ?? 0), 0);
        for (const name of ['calls', 'retries', 'inputTokens', 'cachedTokens', 'outputTokens', 'unpricedCalls', 'unpricedTokens'] as const) {
          expect(totals[name]).toBe(sum((usage) => usage[name]));
        }
        for (const name of ['attempts', 'inputTokens', 'outputTokens', 'unknownInputs', 'unpricedTokens'] as const) {
          expect(totals.estimated[name]).toBe(sum(({ estimated }) => estimated[name]));
        }
        for (const name of ['calls', 'retries', 'inputTokens', 'outputTokens'] as const) {
          expect(totals[name]).toBe(records.reduce((total, usage) => total + usage[name], 0));
        }
        const isPriced = records.length === 0 || records.some(({ model }) => model === 'small' || model === 'large');
        expect(totals.cost).toBe(isPriced ? sum(({ cost }) => cost) : undefined);
      }),
    );
  });

  describe('state$', () => {
    it('emits the state now, and at each change', () => {
      const meter = createUsageMeter({ prices });
      const states: UsageState[] = [];
      meter.record({ model: 'small', inputTokens: 1 });
      meter.state$.subscribe(into(states));
      meter.record({ model: 'small', inputTokens: 2 });
      meter.record({ model: 'large', inputTokens: 3 });

      expect(states.map(({ inputTokens }) => inputTokens)).toEqual([1, 3, 6]);
      expect(states.map(({ models }) => models.length)).toEqual([1, 1, 2]);
    });

    it('emits states that never change, and survive JSON', () => {
      const meter = createUsageMeter({ prices });
      const states: UsageState[] = [];
      meter.state$.subscribe(into(states));
      meter.record({ model: 'small', inputTokens: 1 });
      const before = JSON.stringify(states);
      meter.record({ model: 'small', inputTokens: 2, estimated: { attempts: 1 } });

      expect(JSON.stringify(states.slice(0, 2))).toBe(before);
      expect(JSON.parse(JSON.stringify(states))).toEqual(states);
    });

    it('is no Subject: a subscriber cannot write to it', () => {
      expect(createUsageMeter().state$).not.toHaveProperty('next');
    });
  });

  it.each([
    ['options', null],
    ['prices', { prices: [] }],
    ['prices.small', { prices: { small: 3 } }],
    ['prices.small.input', { prices: { small: { output: 1 } } }],
    ['prices.small.input', { prices: { small: undefined } }],
    ['prices.small.output', { prices: { small: { input: 1, output: -1 } } }],
    ['prices.small.cachedInput', { prices: { small: { input: 1, output: 1, cachedInput: NaN } } }],
    ['maxModels', { maxModels: -1 }],
    ['maxModels', { maxModels: Infinity }],
  ])('names the bad option: %s', (name, options) => {
    expect(() => createUsageMeter(options as object)).toThrow(TypeError);
    expect(() => createUsageMeter(options as object)).toThrow(`Expected \`${name}\` to be`);
  });

  it.each([
    ['usage', undefined],
    ['usage', 7],
    ['model', { model: '' }],
    ['calls', { calls: -1 }],
    ['inputTokens', { inputTokens: 0.5 }],
    ['cachedTokens', { inputTokens: 3, cachedTokens: 4 }],
    ['estimated', { estimated: 3 }],
    ['estimated.outputTokens', { estimated: { outputTokens: NaN } }],
  ])('names what is bad in a record, and counts nothing of it: %s', (name, usage) => {
    const meter = createUsageMeter();
    expect(() => {
      meter.record(usage as object);
    }).toThrow(`Expected \`${name}\` to be`);
    expect(stateOf(meter)).toEqual({ ...nothing, models: [] });
  });
});

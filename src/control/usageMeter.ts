import { BehaviorSubject, map, type Observable } from 'rxjs';
import { expectInteger, expectNumber, expectObject, expectText, fail } from '../errors/expect.js';
import type { UsageRecord } from '../events/UsageRecord.js';
import type { ModelPrice } from '../policies/modelPrice.js';
import type { UsageState } from './UsageState.js';
import { totalUsage, UsageTally } from './UsageTally.js';

/** Counts tokens, calls and costs of all the pipelines that share it: see {@link createUsageMeter}. */
export interface UsageMeter {
  /** What was used so far, now and at each change from then on. Never completes, never fails. */
  readonly state$: Observable<UsageState>;
  /**
   * Counts something more: what `trackUsage` calls once for each answer, and a program for what it has from elsewhere
   * (the results of a batch).
   *
   * @throws TypeError when a count is not an integer of at least 0, or more tokens are cached than there were.
   */
  record(usage: UsageRecord): void;
}

/** Options of {@link createUsageMeter}. */
export interface UsageMeterOptions {
  /**
   * What tokens cost, by the name of the model as the server answers with it, to the letter. A model that has no price
   * is counted as unpriced.
   * @defaultValue none: nothing has a price
   */
  readonly prices?: Readonly<Record<string, ModelPrice>> | undefined;
  /**
   * How many models without a price are counted each by itself, at least 0: their names come from the server. All
   * further ones are counted together. Models with a price are always counted each by itself.
   * @defaultValue 100
   */
  readonly maxModels?: number | undefined;
}

// No model has such a name; it bounds what a server can make us hold.
const maxNameLength = 256;

/**
 * A usage meter, to be shared by any number of pipelines: counts calls, retries, tokens and their cost, in total and by
 * model.
 *
 * ```ts
 * const prices = { 'mistral-small-latest': { input: 0.1, cachedInput: 0.01, output: 0.3 } }; // for 1,000,000 tokens
 * const meter = createUsageMeter({ prices });
 * const answers = prompts.map((prompt) => ask(prompt).pipe(trackUsage(meter)));
 * meter.state$.subscribe(({ cost, estimated, unpricedTokens }) => metrics.record({ cost, estimated, unpricedTokens }));
 * ```
 *
 * What the server reports and what has to be estimated are kept apart. `inputTokens`, `outputTokens` and `cost` are
 * exactly what the server said. `estimated` is what attempts have cost that failed or were cancelled after the server
 * had begun to answer: the API says what an answer took only at its end. The sum of both is the best guess at a bill;
 * `unknownInputs` says how many prompts are missing in it.
 *
 * A cost that is not known is never a 0: tokens without a price are in `unpricedTokens`, their calls in `unpricedCalls`,
 * and `cost` is `undefined` where nothing has a price. Names are matched to the letter, not by their beginnings:
 * `codestral-embed` is not `codestral`, and a wrong price would show nowhere. A model that answers under two names
 * wants two lines. Costs are worked out from sums of tokens whenever they are read, so no error of rounding adds up.
 *
 * What is not paid by tokens is not counted, but for the call: pages of OCR, seconds of audio, connectors.
 *
 * Counts only grow, as those of a metrics server do; what an hour took is the difference of two states. What is held is
 * a few numbers for each model, `maxModels` at most beside those in `prices`; a name longer than 256 characters is
 * counted with the unnamed.
 *
 * @throws TypeError when an option is out of its bounds: ``Expected `prices.mistral-small-latest.input` to be a number
 * >= 0, got -1``.
 * @see `trackUsage`, which fills it
 */
export function createUsageMeter(options: UsageMeterOptions = {}): UsageMeter {
  expectObject('options', options);
  const { prices = {}, maxModels = 100 } = options;
  expectPrices(prices);
  expectInteger('maxModels', maxModels, 0);

  const priceOf = new Map(Object.entries(prices).map(([model, price]) => [model, { ...price }]));
  const tallies = new Map<string | undefined, UsageTally>();
  let unpricedModels = 0;

  const tallyOf = (model: string | undefined): UsageTally => {
    const known = tallies.get(model);
    if (known !== undefined) return known;
    const price = model === undefined ? undefined : priceOf.get(model);
    if (model !== undefined && price === undefined) {
      if (unpricedModels >= maxModels || model.length > maxNameLength) return tallyOf(undefined);
      unpricedModels += 1;
    }
    const tally = new UsageTally(price);
    tallies.set(model, tally);
    return tally;
  };

  // Carries no state: it is worked out for those who are told.
  const changes = new BehaviorSubject<undefined>(undefined);
  const readState = (): UsageState => {
    const models = [...tallies].map(([model, tally]) => ({ model, ...tally.read() }));
    return { ...totalUsage(models), models };
  };

  return {
    // `asObservable` first: what a Subject's own `pipe` returns has the Subject's `next`.
    state$: changes.asObservable().pipe(map(readState)),
    record(usage) {
      expectRecord(usage);
      tallyOf(usage.model).add(usage);
      changes.next(undefined);
    },
  };
}

function expectPrices(prices: Readonly<Record<string, ModelPrice>>): void {
  expectObject('prices', prices);
  for (const [model, price] of Object.entries<ModelPrice | undefined>(prices)) {
    const name = `prices.${model}`;
    expectObject(name, price);
    for (const part of ['input', 'output'] as const) {
      if (price?.[part] === undefined) fail(`${name}.${part}`, 'a number >= 0', undefined);
      expectNumber(`${name}.${part}`, price[part], 0);
    }
    expectNumber(`${name}.cachedInput`, price?.cachedInput, 0);
  }
}

const counts = ['calls', 'retries', 'inputTokens', 'cachedTokens', 'outputTokens'] as const;
const estimatedCounts = ['attempts', 'inputTokens', 'outputTokens', 'unknownInputs'] as const;

function expectRecord(usage: UsageRecord | undefined): void {
  if (usage === undefined) fail('usage', 'an object', usage);
  expectObject('usage', usage);
  const { model, inputTokens = 0, cachedTokens = 0, estimated } = usage;
  expectText('model', model);
  expectObject('estimated', estimated);
  for (const name of counts) expectInteger(name, usage[name], 0);
  for (const name of estimatedCounts) expectInteger(`estimated.${name}`, estimated?.[name], 0);
  if (cachedTokens > inputTokens) fail('cachedTokens', `an integer <= ${inputTokens} (the inputTokens)`, cachedTokens);
}

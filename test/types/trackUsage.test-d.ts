import { type MonoTypeOperatorFunction, type Observable, of } from 'rxjs';
import { expectTypeOf, test } from 'vitest';
import { createUsageMeter, type UsageMeter, type UsageMeterOptions } from '../../src/control/usageMeter.js';
import type { ModelUsage, UsageState, UsageTotals } from '../../src/control/UsageState.js';
import type { ChatEvent, ErrorEvent } from '../../src/events/ChatEvent.js';
import type { UsageRecord } from '../../src/events/UsageRecord.js';
import { trackUsage, type TrackUsageOptions } from '../../src/operators/trackUsage.js';
import type { ModelPrice } from '../../src/policies/modelPrice.js';

declare const chat: Observable<ChatEvent>;
declare const withError: Observable<ChatEvent | ErrorEvent>;
declare const meter: UsageMeter;

test('trackUsage() keeps the type of its source', () => {
  expectTypeOf(chat.pipe(trackUsage(meter))).toEqualTypeOf<Observable<ChatEvent>>();
  expectTypeOf(withError.pipe(trackUsage(meter))).toEqualTypeOf<Observable<ChatEvent | ErrorEvent>>();
  expectTypeOf(of(1, 'a').pipe(trackUsage(meter, { model: 'm' }))).toEqualTypeOf<Observable<number | string>>();
  expectTypeOf(trackUsage<string>(meter)).toEqualTypeOf<MonoTypeOperatorFunction<string>>();
});

test('trackUsage() takes a meter, and little else', () => {
  expectTypeOf<Record<keyof TrackUsageOptions, undefined>>().toExtend<TrackUsageOptions>();
  // @ts-expect-error a meter records
  trackUsage({});
  // @ts-expect-error no such option
  trackUsage(meter, { price: 3 });
});

test('createUsageMeter() makes a meter', () => {
  expectTypeOf(createUsageMeter).parameters.toEqualTypeOf<[options?: UsageMeterOptions | undefined]>();
  expectTypeOf(createUsageMeter()).toEqualTypeOf<UsageMeter>();
  expectTypeOf<UsageMeter['state$']>().toEqualTypeOf<Observable<UsageState>>();
  expectTypeOf<Record<keyof UsageMeterOptions, undefined>>().toExtend<UsageMeterOptions>();
  createUsageMeter({ prices: { a: { input: 1, output: 2 } }, maxModels: 3 });
  // @ts-expect-error a price has both parts
  createUsageMeter({ prices: { a: { input: 1 } } });
  expectTypeOf<UsageMeter['state$']>().not.toHaveProperty('next');
});

test('a record may be left out field by field, with undefined too', () => {
  expectTypeOf<Record<keyof UsageRecord, undefined>>().toExtend<UsageRecord>();
  meter.record({});
  meter.record({ model: 'a', inputTokens: 3, estimated: { outputTokens: 2 } });
  // @ts-expect-error no such count
  meter.record({ tokens: 3 });
});

test('a cost may be unknown, in total and by model', () => {
  expectTypeOf<UsageTotals['cost']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<UsageTotals['estimated']['cost']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<UsageState>().toExtend<UsageTotals>();
  expectTypeOf<ModelUsage['model']>().toEqualTypeOf<string | undefined>();
  expectTypeOf<ModelPrice>().toEqualTypeOf<{
    readonly input: number;
    readonly output: number;
    readonly cachedInput?: number | undefined;
  }>();
});

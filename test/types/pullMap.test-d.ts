import type { Observable, ObservedValueOf } from 'rxjs';
import { expectTypeOf, test } from 'vitest';
import { mapSettled, pullMap, type Settled } from '../../src/index.js';

declare const source: AsyncIterable<string>;
declare const stream: ReadableStream<string>;
declare const observable: Observable<string>;

test('pullMap() makes what the project makes', () => {
  expectTypeOf(pullMap(source, (text) => Promise.resolve(text.length), { concurrency: 1 })).toEqualTypeOf<Observable<number>>();
  expectTypeOf(pullMap(stream, (_text, index) => [index], { concurrency: 1, ordered: true })).toEqualTypeOf<Observable<number>>();
  expectTypeOf(pullMap([1, 2], (value) => [value], { concurrency: 1, settle: false })).toEqualTypeOf<Observable<number>>();
});

test('pullMap() settles with input and result', () => {
  const settled = pullMap(source, (text) => [text.length], { concurrency: 1, settle: true });
  expectTypeOf(settled).toEqualTypeOf<Observable<Settled<string, number>>>();
  type Result = ObservedValueOf<typeof settled>;
  expectTypeOf<Extract<Result, { status: 'fulfilled' }>['value']>().toEqualTypeOf<number>();
  expectTypeOf<Extract<Result, { status: 'rejected' }>['reason']>().toEqualTypeOf<unknown>();
  expectTypeOf<Result['input']>().toEqualTypeOf<string>();
});

test('pullMap() takes what can be pulled, and wants a concurrency', () => {
  // @ts-expect-error -- an Observable cannot be told to wait
  void pullMap(observable, (text) => [text], { concurrency: 1 });
  // @ts-expect-error -- how many at once is the user's word
  void pullMap(source, (text) => [text], {});
});

test('mapSettled() is an operator of the same results', () => {
  expectTypeOf(observable.pipe(mapSettled((text) => [text.length], { concurrency: 1 }))).toEqualTypeOf<Observable<Settled<string, number>>>();
});

import { inspect } from 'node:util';
import { lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { RxMistralError } from '../../src/errors/RxMistralError.js';
import type { StandardSchemaIssue, StandardSchemaResult, StandardSchemaV1 } from '../../src/events/StandardSchemaV1.js';
import { validateWith } from '../../src/events/validateWith.js';

type Answer = StandardSchemaResult<unknown> | PromiseLike<StandardSchemaResult<unknown>>;

const schema = (validate: (value: unknown) => Answer): StandardSchemaV1 => ({ '~standard': { version: 1, vendor: 'test', validate } });
const refusing = (...issues: readonly StandardSchemaIssue[]): StandardSchemaV1 => schema(() => ({ issues }));

async function refusal(given: StandardSchemaV1, value: unknown): Promise<RxMistralError> {
  const error: unknown = await lastValueFrom(validateWith(given, value)).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(RxMistralError);
  expect(error).toMatchObject({ kind: 'validation', retryable: false });
  return error as RxMistralError;
}

describe('validateWith', () => {
  it('emits the output at once where the validator answers at once', () => {
    const events: unknown[] = [];
    validateWith(schema((value) => ({ value: [value] })), 1).subscribe({
      next: (value) => events.push(value),
      error: (error: unknown) => events.push(error),
      complete: () => events.push('complete'),
    });
    expect(events).toEqual([[1], 'complete']);
  });

  it('emits the output of a Promise, and of anything that has a `then`', async () => {
    const later = schema((value) => Promise.resolve({ value: [value] }));
    const then = (resolve: (result: StandardSchemaResult<unknown>) => unknown): unknown => resolve({ value: [1] });
    const thenable = schema(() => ({ then }) as PromiseLike<StandardSchemaResult<unknown>>);

    expect(await lastValueFrom(validateWith(later, 1))).toEqual([1]);
    expect(await lastValueFrom(validateWith(thenable, 1))).toEqual([1]);
  });

  it('drops the result of a Promise when it is unsubscribed', async () => {
    const seen: unknown[] = [];
    const later = Promise.resolve({ value: 1 });

    validateWith(schema(() => later), 1)
      .subscribe({ next: (value) => seen.push(value), error: (error: unknown) => seen.push(error) })
      .unsubscribe();
    await later;
    await Promise.resolve();

    expect(seen).toEqual([]);
  });

  it('calls the validator for each subscription, and not before', async () => {
    let calls = 0;
    const result = validateWith(schema((value) => ({ value: [value, ++calls] })), 'a');

    expect(calls).toBe(0);
    expect([await lastValueFrom(result), await lastValueFrom(result)]).toEqual([['a', 1], ['a', 2]]);
  });

  it.each<[string, StandardSchemaV1]>([
    ['throws', schema(() => { throw new TypeError('broken'); })],
    ['rejects', schema(() => Promise.reject(new TypeError('broken')))],
  ])('names the error of a validator that %s, with a copy as its cause', async (_, given) => {
    const error = await refusal(given, { secret: 'never-seen' });

    expect(error.message).toBe("The schema's validator failed (TypeError)");
    expect(error.cause).toMatchObject({ name: 'TypeError', message: 'broken' });
    expect(inspect(error, { showHidden: true, depth: Infinity })).not.toContain('never-seen');
  });

  it.each([undefined, null, 7, 'text'])('takes the answer %j for a fault of the validator', async (answer) => {
    expect((await refusal(schema(() => answer as never), 1)).message).toBe("The schema's validator failed (TypeError)");
  });

  it('takes an error of this library that a validator throws for one too', async () => {
    const thrown = new RxMistralError({ kind: 'connection', message: 'reset', retryable: true });

    expect((await refusal(schema(() => { throw thrown; }), 1)).cause).toMatchObject({ message: 'reset' });
  });
});

describe('the error of a value that was refused', () => {
  const message = async (value: unknown, ...issues: readonly StandardSchemaIssue[]): Promise<string> =>
    (await refusal(refusing(...issues), value)).message.replace('The value does not match the schema: ', '');

  it.each<[StandardSchemaIssue['path'], string]>([
    [undefined, 'no'],
    [[], 'no'],
    [['items', 0, 'price'], 'items[0].price: no'],
    [[{ key: 'items' }, { key: 0 }, { key: '0' }], 'items[0].0: no'],
    [[1, 'a b', 'c'], '[1]["a b"].c: no'],
    [['', '"'], '[""]["\\""]: no'],
    [[Symbol('s')], '["Symbol(s)"]: no'],
  ])('tells where: %j', async (path, expected) => {
    expect(await message({}, { message: 'no', path })).toBe(expected);
  });

  it('tells the first five issues, and how many more there are', async () => {
    const issues = Array.from({ length: 7 }, (_, index) => ({ message: `no ${index}`, path: [index] }));

    expect(await message([], ...issues)).toBe('[0]: no 0; [1]: no 1; [2]: no 2; [3]: no 3; [4]: no 4; and 2 more');
  });

  it('is bounded', async () => {
    const path = Array.from({ length: 100_000 }, () => 'x');
    const long = await message({}, ...Array.from({ length: 100 }, () => ({ message: 'y'.repeat(1_000_000), path })));

    expect(long.length).toBeLessThan(1_700);
  });

  it.each<[unknown, string, string]>([
    ['tulip-42', 'Expected number but received "tulip-42"', 'Expected number but received "…"'],
    ['a "b"\n', 'must be a number (was "a \\"b\\"\\n")', 'must be a number (was "…")'],
    ['a "b"\n', 'received "a "b"\n"', 'received "…"'],
    ['a', 'a string, not "a", as in aa or bank', '… string, not "…", as in aa or bank'],
    ['a.*', 'not a.* but aab', 'not … but aab'],
    ['$&', 'not "$&"', 'not "…"'],
    [1234, 'less than 12345, not 1234', 'less than 12345, not …'],
    [-1.5, 'not -1.5', 'not …'],
    ['', 'expected "x"', 'expected "x"'],
    [null, 'not null', 'not null'],
    [true, 'not true', 'not true'],
  ])('does not quote what stands there: %j', async (value, text, expected) => {
    expect(await message({ items: [value] }, { message: text, path: ['items', 0] })).toBe(`items[0]: ${expected}`);
    expect(await message(value, { message: text })).toBe(expected);
  });

  it('has nothing of the value, whatever else an issue carries', async () => {
    const issue = { message: 'no', path: ['a'], input: 'tulip-42', received: 'tulip-42', path2: [{ value: 'tulip-42' }] };
    const error = await refusal(refusing(issue), { a: 'tulip-42' });

    expect(inspect(error, { showHidden: true, depth: Infinity }) + JSON.stringify(error)).not.toContain('tulip-42');
  });

  it('tells of zod what is wrong and where', async () => {
    const Order = z.object({ items: z.array(z.object({ price: z.number().max(10) })), size: z.enum(['s', 'm']) });

    expect((await refusal(Order, { items: [{ price: 'tulip-42' }, { price: 11 }], size: 'tulip-42' })).message).toBe(
      'The value does not match the schema: items[0].price: Invalid input: expected number, received string; ' +
        'items[1].price: Too big: expected number to be <=10; size: Invalid option: expected one of "s"|"m"',
    );
  });
});

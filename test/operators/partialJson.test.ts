import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { catchError, concat, concatMap, from, lastValueFrom, map, NEVER, Observable, of, Subject, take, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { RxMistralError } from '../../src/errors/RxMistralError.js';
import type { StandardSchemaResult, StandardSchemaV1 } from '../../src/events/StandardSchemaV1.js';
import { partialJson } from '../../src/operators/partialJson.js';
import { isBeginning, isSame, jsonText, piecesOf, sizes } from '../events/jsonTexts.js';
import {
  complete,
  errorEvent,
  failure,
  inVirtualTime,
  retry,
  start,
  textDelta,
  thinkingDelta,
  toolCall,
  toolCallDelta,
  valuesOf,
} from './chatEvents.js';

type City = { readonly name: string; readonly size: number };

/** A schema without a library: what it is given comes back with a mark on it, or later, or not at all. */
const schema = <Output>(
  validate: (value: City) => StandardSchemaResult<Output> | PromiseLike<StandardSchemaResult<Output>>,
): StandardSchemaV1<City, Output> => ({
  '~standard': { version: 1, vendor: 'test', validate: (value) => validate(value as City) },
});
const valid = schema((city) => ({ value: { ...city, valid: true } }));

const pieces = { a: '{"name":"Par', b: 'is","size":1', c: '05}', x: 'Sure! ', w: ' ' };
const values = {
  x: { name: 'Par' },
  y: { name: 'Paris' },
  z: { name: 'Paris', size: 105 },
  v: { name: 'Paris', size: 105, valid: true },
};
const message = { role: 'assistant' as const, content: '' };
const events = {
  s: start(1),
  n: start(2), // the next attempt
  a: textDelta(pieces.a),
  b: textDelta(pieces.b),
  c: textDelta(pieces.c),
  R: retry('restart'),
  r: retry('resume'),
  e: complete(message),
  l: complete(message, 'length'),
  t: complete(message, 'tool_calls'),
  h: thinkingDelta('{"name":"no"}'),
  d: toolCallDelta('1', 'weather', '{"name":"no"}'),
  D: toolCall('1', 'weather', '{"name":"no"}'),
  E: errorEvent(),
  u: { type: 'handoff', text: 'of a type that is unknown here' },
};

const validation = (text: string): RxMistralError => new RxMistralError({ kind: 'validation', message: text });
const endedEarly = (where: string): RxMistralError => validation(`The JSON text ended too early: expected ${where}`);

/** All that is emitted, and how it ended. */
async function outcome(source: Observable<unknown>): Promise<unknown[]> {
  const seen: unknown[] = [];
  await new Promise<void>((resolve) => {
    source.subscribe({
      next: (value) => seen.push(value),
      error: (error: unknown) => {
        seen.push(error);
        resolve();
      },
      complete: () => {
        seen.push('complete');
        resolve();
      },
    });
  });
  return seen;
}

describe('partialJson', () => {
  it('emits the best value so far at each piece, and the validated one at the end', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b-c-|', pieces);
      const subs = '       ^------!';
      const expected = '   -x-y-z-(v|)';

      expectObservable(source.pipe(partialJson(valid))).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('emits the whole value at the end where there is no schema', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b-c-|', pieces);
      const subs = '       ^------!';
      const expected = '   -x-y-z-(z|)';

      expectObservable(source.pipe(partialJson())).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('emits nothing for a piece that shows nothing new', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('wa-w--b-c-w|', { ...pieces, w: '' });
      const subs = '       ^----------!';
      const expected = '   -x----y-z--(v|)';

      expectObservable(source.pipe(partialJson(valid))).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('reads the text of a chat, whose answer ends at `complete`', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c-e-|', events);
      const subs = '       ^----------!';
      const expected = '   ---x-y-z-v-|';

      expectObservable(source.pipe(partialJson(valid))).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('ends an answer with the source where no `complete` comes', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c-|', events);
      const subs = '       ^--------!';
      const expected = '   ---x-y-z-(v|)';

      expectObservable(source.pipe(partialJson(valid))).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('begins anew when the answer is begun anew', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-R-n-a-b-R-a-b-c-e|', events);
      const subs = '       ^---------------------!';
      const expected = '   ---x-----x-y---x-y-z-v|';

      expectObservable(source.pipe(partialJson(valid))).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('begins anew at a start that no resume announced', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-n-a-r-s-a-r-R-a-b-c-e|', events);
      const subs = '       ^-------------------------!';
      const expected = '   ---x---x-----x-----x-y-z-v|';

      expectObservable(source.pipe(partialJson(valid))).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('goes on when the answer is resumed', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-r-n-b-c-e|', events);
      const subs = '       ^-------------!';
      const expected = '   ---x-----y-z-v|';

      expectObservable(source.pipe(partialJson(valid))).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('reads one answer after the other', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c-e-s-a-b-c-e|', events);
      const subs = '       ^-------------------!';
      const expected = '   ---x-y-z-v---x-y-z-v|';

      expectObservable(source.pipe(partialJson(valid))).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('passes an answer over that is tool calls and no text', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-d-D-t-s-w-t-s-a-b-c-e|', { ...events, w: textDelta('\n') });
      const subs = '       ^-----------------------!';
      const expected = '   -----------------x-y-z-v|';

      expectObservable(source.pipe(partialJson(valid))).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('ignores thinking, tool calls, error events and unknown types', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-h-a-d-E-u-b-c-e|', events);
      const subs = '       ^-----------------!';
      const expected = '   -----x-------y-z-v|';

      expectObservable(source.pipe(partialJson(valid))).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('completes with an empty source', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('|', pieces);
      const subs = '       (^!)';
      const expected = '   |';

      expectObservable(source.pipe(partialJson(valid))).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('emits nothing of a source that never emits', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-', pieces);
      const subs = '       ^';
      const expected = '   -';

      expectObservable(source.pipe(partialJson(valid))).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('passes the error of the source, and does not take what came for an answer', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b-c-#', pieces, failure);
      const subs = '       ^------!';
      const expected = '   -x-y-z-#';

      expectObservable(source.pipe(partialJson(valid))).toBe(expected, values, failure);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('passes an error that is thrown before it, and unsubscribes from the source', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const thrown = new TypeError('thrown by a callback');
      const source = cold('-a-b-c-|', pieces);
      const subs = '       ^--!';
      const expected = '   -x-#';
      const result = source.pipe(
        map((piece) => {
          if (piece === pieces.b) throw thrown;
          return piece;
        }),
        partialJson(valid),
      );

      expectObservable(result).toBe(expected, values, thrown);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('fails with what the validator throws, and unsubscribes from the source', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-b-c-e-s-a-|', events);
      const subs = '       ^--------!';
      const expected = '   ---x-y-z-(E|)';
      const throwing = schema(() => {
        throw new TypeError('broken');
      });
      const told = { ...values, E: ['validation', "The schema's validator failed (TypeError)", 'broken'] };
      const result = source.pipe(
        partialJson(throwing),
        // Its cause has a stack, which a marble cannot have.
        catchError((error: unknown) => {
          const { kind, message: text, cause } = error as RxMistralError;
          return of([kind, text, cause?.message]);
        }),
      );

      expectObservable(result).toBe(expected, told);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('fails where the schema refuses the value', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b-c-|', pieces);
      const subs = '       ^------!';
      const expected = '   -x-y-z-#';
      const refusing = schema(() => ({ issues: [{ message: 'too small: 105', path: ['size'] }] }));

      expectObservable(source.pipe(partialJson(refusing))).toBe(
        expected,
        values,
        validation('The value does not match the schema: size: too small: …'),
      );
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('fails at the piece where the text is no JSON, behind what came before, and unsubscribes from the source', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b-c-x-a-|', { ...pieces, c: '05} thanks' });
      const subs = '       ^----!';
      const expected = '   -x-y-(z#)';

      expectObservable(source.pipe(partialJson(valid))).toBe(
        expected,
        values,
        validation('The text is not JSON: expected the end of the text at position 28'),
      );
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('fails at the end where the value is not whole', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b-|', pieces);
      const subs = '       ^----!';
      const expected = '   -x-y-#';

      expectObservable(source.pipe(partialJson(valid))).toBe(expected, values, endedEarly('a comma or } at position 24'));
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('unsubscribes from the source when it is unsubscribed', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b-c-|', pieces);
      const subs = '       ^---!';
      const expected = '   -x-y-';
      const unsub = '      ----!';

      expectObservable(source.pipe(partialJson(valid)), unsub).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('does not break the chain when it is unsubscribed from behind', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b-c-|', pieces);
      const subs = '       ^---!';
      const expected = '   -x-y-';
      const unsub = '      ----!';
      const result = source.pipe(
        concatMap((piece) => of(piece)),
        partialJson(valid),
        concatMap((value) => of(value)),
      );

      expectObservable(result, unsub).toBe(expected, values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('stops a synchronous source when enough has been taken', async () => {
    let produced = 0;
    const firehose = new Observable<string>((subscriber) => {
      while (!subscriber.closed && produced < 1_000) {
        produced += 1;
        subscriber.next('[');
      }
    });

    expect(await valuesOf(firehose.pipe(partialJson(), take(3)))).toEqual([[], [[]], [[[]]]]);
    expect(produced).toBe(3);
  });

  it('gives two subscribers of one result the same', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b-c-|', pieces);
      const subs = [
        '                  ^------!',
        '                  ----^------!',
      ];
      const expected = [
        '                  -x-y-z-(v|)',
        '                  -----x-y-z-(v|)',
      ] as const;
      const second = '     ----^';
      const result = source.pipe(partialJson(valid));

      expectObservable(result).toBe(expected[0], values);
      expectObservable(result, second).toBe(expected[1], values);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('can be used twice as one value', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const one = cold('-a-b-c-|', pieces);
      const two = cold('-s-a-b-c-e|', events);
      const operator = partialJson(valid);

      expectObservable(one.pipe(operator)).toBe('-x-y-z-(v|)', values);
      expectObservable(two.pipe(operator)).toBe('---x-y-z-v|', values);
      expectSubscriptions(one.subscriptions).toBe('^------!');
      expectSubscriptions(two.subscriptions).toBe('^---------!');
    });
  });
});

describe('an answer', () => {
  const answer = (...texts: readonly string[]) => texts.map((each) => textDelta(each));

  it.each([
    ['length', '; the answer ran out of length, and may be whole with a larger `maxTokens`'],
    ['model_length', '; the answer ran out of the length that the model has'],
    ['stop', ''],
    ['tool_calls', ''],
  ])('that was cut says why where the finish reason is %s', async (reason, addition) => {
    const source = from([...answer('{"name":"Par'), complete(message, reason)]);

    const expected = endedEarly(`a character of a string or its closing quote at position 12${addition}`);
    expect(await outcome(source.pipe(partialJson(valid)))).toEqual([{ name: 'Par' }, expected]);
  });

  it('that is whole is fine, whatever the finish reason', async () => {
    const source = from([...answer('{"name":"Paris","size":105}'), complete(message, 'length')]);

    expect(await outcome(source.pipe(partialJson(valid)))).toEqual([values.z, values.v, 'complete']);
  });

  it('that has no text is an error, unless it is tool calls', async () => {
    const expected = endedEarly('a JSON value at position 0');

    expect(await outcome(of(start(), complete(message)).pipe(partialJson(valid)))).toEqual([expected]);
    expect(await outcome(of('').pipe(partialJson(valid)))).toEqual([expected]);
    expect(await outcome(of(start()).pipe(partialJson(valid)))).toEqual(['complete']);
  });

  it('may be a number, which only the end makes whole', async () => {
    expect(await outcome(of('1', '2').pipe(partialJson()))).toEqual([12, 'complete']);
    expect(await outcome(of('null').pipe(partialJson()))).toEqual([null, null, 'complete']);
  });

  it('may stand in a Markdown fence', async () => {
    const source = from(['```json\n{"name":"Paris"', ',"size":105}\n', '```']);

    expect(await outcome(source.pipe(partialJson(valid)))).toEqual([values.y, values.z, values.v, 'complete']);
  });

  it('comes to the value of JSON.parse by values that are beginnings of it, in any pieces', async () => {
    await fc.assert(
      fc.asyncProperty(jsonText, sizes, async (json, cuts) => {
        const whole: unknown = JSON.parse(json);
        const source = [start(), ...piecesOf(json, cuts).map((piece) => textDelta(piece)), complete(message)];

        const all = await valuesOf(from(source).pipe(partialJson()));

        expect([json, isSame(all.at(-1), whole)]).toEqual([json, true]);
        for (const value of all) expect([json, value, isBeginning(value, whole)]).toEqual([json, value, true]);
      }),
    );
  });

  it('is held to `maxDepth` and `maxLength`, each by itself', async () => {
    const two = [...answer('[1', '2]'), complete(message), ...answer('[3', '4]'), complete(message)];

    expect(await outcome(from(two).pipe(partialJson(undefined, { maxDepth: 1, maxLength: 4 })))).toEqual(
      [[], [12], [12], [], [34], [34], 'complete'],
    );
    expect(await outcome(from(two).pipe(partialJson(undefined, { maxLength: 3 })))).toMatchObject([[], { kind: 'limit' }]);
    expect(await outcome(of('[', '[').pipe(partialJson(undefined, { maxDepth: 1 })))).toMatchObject([[], { kind: 'limit' }]);
    expect(await outcome(of('['.repeat(129)).pipe(partialJson(), take(1), map(() => 'a value')))).toEqual(['a value', 'complete']);
    expect((await outcome(of('['.repeat(129)).pipe(partialJson()))).at(-1)).toMatchObject({ kind: 'limit' });
    expect((await outcome(of(' '.repeat(2 ** 24), '1').pipe(partialJson()))).at(-1)).toMatchObject({ kind: 'limit' });
  });

  it('leaves nothing of its text in an error', async () => {
    const faults = ['{"a":"tulip-42', 'tulip-42', '{"a":tulip-42', '{"tulip-42"}', '{"tulip-42":1,}', '{"a":"tulip-42"} tulip-42'];
    const refusing = schema((value) => ({ issues: [{ message: `received "${value.name}"`, path: ['name'] }] }));
    const seen = await Promise.all([
      ...faults.map((each) => outcome(of(each).pipe(partialJson(valid)))),
      outcome(of('{"name":"tulip-42"}').pipe(partialJson(refusing))),
    ]);

    for (const error of seen.map((all) => all.at(-1))) {
      expect(error).toBeInstanceOf(RxMistralError);
      expect(inspect(error, { showHidden: true, depth: Infinity }) + JSON.stringify(error)).not.toContain('tulip');
    }
  });
});

describe('the schema', () => {
  it('may be one of zod, with defaults and transformations: the last value has them', async () => {
    const City = z.object({
      name: z.string().transform((name) => name.toUpperCase()),
      size: z.number(),
      country: z.string().default('FR'),
    });

    const all = await valuesOf(from(Object.values(pieces).slice(0, 3)).pipe(partialJson(City)));

    expect(all).toEqual([values.x, values.y, values.z, { name: 'PARIS', size: 105, country: 'FR' }]);
  });

  it('may be one of zod that answers later', async () => {
    const City = z.object({ name: z.string().refine((name) => Promise.resolve(name === 'Paris')), size: z.number() });
    const source = from([pieces.a, pieces.b, pieces.c]);

    expect(await outcome(source.pipe(partialJson(City)))).toEqual([values.x, values.y, values.z, values.z, 'complete']);
    expect(await outcome(of('{"name":"Rome","size":1}').pipe(partialJson(City)))).toEqual([
      { name: 'Rome', size: 1 },
      validation('The value does not match the schema: name: Invalid input'),
    ]);
  });

  it('is not asked before the end, and once', async () => {
    const seen: unknown[] = [];
    const noting = schema((value) => {
      seen.push(value);
      return { value };
    });

    await valuesOf(from([pieces.a, pieces.b, pieces.c]).pipe(partialJson(noting)));

    expect(seen).toEqual([values.z]);
  });

  it('may be a function, as those of some libraries are', async () => {
    const callable = Object.assign(() => undefined, valid);

    expect(await lastValueFrom(of('{"name":"Paris","size":105}').pipe(partialJson(callable)))).toEqual(values.v);
  });
});

describe('a validator that answers later', () => {
  const later = schema((city) => Promise.resolve({ value: { ...city, valid: true } }));
  const two = [events.s, events.a, events.b, events.c, events.e, events.s, events.a, events.b, events.c, events.e];
  const answers = [values.x, values.y, values.z, values.v, values.x, values.y, values.z, values.v];

  it('holds what follows until it has answered', async () => {
    expect(await outcome(from(two).pipe(partialJson(later)))).toEqual([...answers, 'complete']);
  });

  it('holds an error of the source too', async () => {
    const source = concat(from(two), throwError(() => failure));

    expect(await outcome(source.pipe(partialJson(later)))).toEqual([...answers, failure]);
  });

  it('holds an error of the text too', async () => {
    const source = from([...two.slice(0, 5), textDelta('no')]);

    expect(await outcome(source.pipe(partialJson(later)))).toEqual([
      ...answers.slice(0, 4),
      validation('The text is not JSON: expected true, false or null at position 1'),
    ]);
  });

  it('is left alone when the result is unsubscribed: nothing is emitted', async () => {
    const answer = new Subject<StandardSchemaResult<unknown>>();
    const pending = schema(() => lastValueFrom(answer));
    const seen: unknown[] = [];

    const subscription = concat(of('{}'), NEVER.pipe(take(0))).pipe(partialJson(pending), toArray()).subscribe({
      next: (value) => seen.push(value),
      error: (error: unknown) => seen.push(error),
    });
    subscription.unsubscribe();
    answer.next({ value: 1 });
    answer.complete();
    await new Promise((resolve) => setImmediate(resolve));

    expect(seen).toEqual([]);
  });

  it('may be waited for by 65,536 values, and no more', async () => {
    const never = schema(() => new Promise<never>(() => undefined));
    const source = new Subject<{ readonly type: string }>();
    const seen: unknown[] = [];
    source.pipe(partialJson(never)).subscribe({ next: (value) => seen.push(value), error: (error: unknown) => seen.push(error) });
    source.next(textDelta('1'));
    source.next(complete(message));
    source.next(textDelta('"'));

    for (let waiting = 1; waiting < 65_536; waiting++) source.next(textDelta('x'));
    expect(seen).toEqual([]);
    source.next(textDelta('x'));
    expect(seen).toMatchObject([{ kind: 'limit', message: expect.stringMatching('65536') as string }]);
    expect(source.observed).toBe(false);
    await Promise.resolve();
  });
});

describe('from tool calls', () => {
  const call = (toolCallId: string, value: unknown, done = false, name = 'weather') => ({ toolCallId, name, value, done });
  const read = (source: readonly { readonly type: string }[], name?: string) =>
    outcome(from(source).pipe(partialJson(valid, { from: 'tool-call', name })));

  it('the arguments of each call are read by themselves, however they come', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-s-a-k-b-l-(ABe)|', {
        ...events,
        a: toolCallDelta('1', 'weather', pieces.a),
        k: toolCallDelta('2', 'weather', '{"name":"Ro'),
        b: toolCallDelta('1', '', pieces.b + pieces.c),
        l: toolCallDelta('2', '', 'me","size":3}'),
        A: toolCall('1', 'weather', 'not read again'),
        B: toolCall('2', 'weather', 'not read again'),
      });
      const subs = '       ^---------------!';
      const expected = '   ---x-u-y-v-(AB)-|';

      expectObservable(source.pipe(partialJson(valid, { from: 'tool-call' }))).toBe(expected, {
        x: call('1', { name: 'Par' }),
        u: call('2', { name: 'Ro' }),
        y: call('1', values.z),
        v: call('2', { name: 'Rome', size: 3 }),
        A: call('1', values.v, true),
        B: call('2', { name: 'Rome', size: 3, valid: true }, true),
      });
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('text is not read, and pieces of text neither', async () => {
    expect(await read([events.s, events.a, events.h, events.e])).toEqual(['complete']);
    expect(await outcome(of('{').pipe(partialJson(valid, { from: 'tool-call' }) as never))).toEqual(['complete']);
  });

  it('only those of the named tool are read', async () => {
    const whole = '{"name":"Paris","size":105}';
    const source = [
      toolCallDelta('1', 'other', 'no JSON at all'),
      toolCallDelta('2', 'weather', whole),
      toolCall('1', 'other', 'no JSON at all'),
      toolCall('2', 'weather', whole),
      toolCallDelta('3', 'other', '{'),
      complete(message, 'length'),
    ];

    expect(await read(source, 'weather')).toEqual([call('2', values.z), call('2', values.v, true), 'complete']);
  });

  it('a name that comes late is waited for where only its calls are wanted', async () => {
    const source = [
      toolCallDelta('1', '', pieces.a),
      toolCallDelta('2', '', 'no JSON'),
      toolCallDelta('1', 'weather', pieces.b),
      toolCallDelta('1', '', pieces.c),
      toolCall('2', 'other', 'no JSON'),
      toolCall('1', 'weather', ''),
      toolCallDelta('3', '', '{"name":"Paris"'),
      toolCall('3', 'weather', '{"name":"Paris","size":105}'),
      toolCallDelta('4', '', '{'),
    ];

    expect(await read(source, 'weather')).toEqual([
      call('1', values.y),
      call('1', values.z),
      call('1', values.v, true),
      call('3', values.v, true),
      'complete',
    ]);
    expect(await read([toolCallDelta('1', '', pieces.a), toolCallDelta('1', 'weather', pieces.b)])).toEqual([
      call('1', values.x, false, ''),
      call('1', values.y),
      endedEarly('a comma or } at position 24'),
    ]);
  });

  it('a call that comes whole is read at once, one without arguments too', async () => {
    const source = [
      toolCall('1', 'weather', '{"name":"Paris","size":105}'),
      toolCallDelta('2', 'weather', ''),
      toolCall('2', 'weather', '{}'),
    ];

    expect(await read(source)).toEqual([call('1', values.v, true), call('2', { valid: true }, true), 'complete']);
  });

  it('a call that is told twice is read once', async () => {
    const whole = toolCall('__proto__', 'weather', '{"name":"Paris","size":105}');

    expect(await read([whole, whole, toolCallDelta('__proto__', 'weather', '}')])).toEqual([
      call('__proto__', values.v, true),
      'complete',
    ]);
  });

  it('a call that was cut is an error, which says why', async () => {
    const open = [toolCallDelta('1', 'weather', pieces.a)];
    const expected = 'a character of a string or its closing quote at position 12';

    expect(await read(open)).toEqual([call('1', values.x), endedEarly(expected)]);
    expect(await read([...open, complete(message, 'length')])).toEqual([
      call('1', values.x),
      endedEarly(`${expected}; the answer ran out of length, and may be whole with a larger \`maxTokens\``),
    ]);
  });

  it('a call that nothing announced as whole ends with the answer', async () => {
    const open = [toolCallDelta('1', 'weather', '{"name":"Paris","size":105}')];

    expect(await read(open)).toEqual([call('1', values.z), call('1', values.v, true), 'complete']);
    expect(await read([...open, events.t])).toEqual([call('1', values.z), call('1', values.v, true), 'complete']);
  });

  it('calls are forgotten when the answer is begun anew, or has ended', async () => {
    const open = [toolCallDelta('1', 'weather', pieces.a)];
    const whole = [toolCallDelta('1', 'weather', '{"name":"Paris","size":105}'), toolCall('1', 'weather', ''), events.t];
    const read1 = [call('1', values.z), call('1', values.v, true)];

    expect(await read([...open, events.R, ...whole])).toEqual([call('1', values.x), ...read1, 'complete']);
    expect(await read([...open, events.n, ...whole, ...whole])).toEqual([call('1', values.x), ...read1, ...read1, 'complete']);
    expect(await read([...open, events.r, events.n, toolCallDelta('1', '', pieces.b + pieces.c)])).toEqual([
      call('1', values.x),
      ...read1,
      'complete',
    ]);
  });

  it('all calls of an answer together are held to `maxLength`, with their ids', async () => {
    const bound = (source: readonly { readonly type: string }[], maxLength: number, name?: string) =>
      outcome(from(source).pipe(partialJson(undefined, { from: 'tool-call', name, maxLength })));
    const limit = new RxMistralError({ kind: 'limit', message: 'The tool calls of the answer are longer than `maxLength` (5)' });
    const one = toolCallDelta('1', 'weather', '[]');
    const two = toolCallDelta('2', 'weather', '[]');

    expect((await bound([one, two], 6)).at(-1)).toBe('complete');
    expect(await bound([one, two], 5)).toEqual([call('1', []), limit]);
    expect((await bound([one, complete(message), two], 5)).at(-1)).toBe('complete');
    expect((await bound([toolCallDelta('1', '', 'xxxxx')], 5, 'weather')).at(-1)).toEqual(limit);
    expect((await bound([toolCallDelta('123456', 'other', '')], 5, 'weather')).at(-1)).toEqual(limit);
    expect((await bound([toolCallDelta('1', 'other', 'xxxxx')], 5, 'weather')).at(-1)).toBe('complete');
    expect((await bound([toolCall('1', 'weather', '[1,2]')], 5)).at(-1)).toEqual(limit);
  });

  it('strings of one call can be given instead', async () => {
    const source = from(['1', '', '2'].map((name) => toolCallDelta('1', name, '7')));

    expect(await outcome(source.pipe(map((event) => event.argumentsText), partialJson()))).toEqual([777, 'complete']);
  });
});

describe('partialJson throws at the call', () => {
  const refusal = (...args: readonly unknown[]): string => {
    try {
      (partialJson as (...all: readonly unknown[]) => unknown)(...args);
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError);
      return (error as Error).message;
    }
    return 'taken';
  };

  it.each([null, 7, 'schema', {}, [], () => undefined, { '~standard': null }, { '~standard': {} }, { '~standard': { validate: 1 } }])(
    'for the schema %j',
    (given) => {
      expect(refusal(given)).toMatch(/^Expected `schema` to be a Standard Schema, got /);
    },
  );

  it.each<[string, unknown]>([
    ['options', null],
    ['options', 'text'],
    ['from', 'tool-calls'],
    ['from', null],
    ['maxDepth', 0],
    ['maxDepth', 1.5],
    ['maxDepth', '128'],
    ['maxLength', 0],
    ['maxLength', Number.NaN],
    ['name', 'weather'],
  ])('for %s: %j', (name, value) => {
    expect(refusal(undefined, name === 'options' ? value : { [name]: value })).toMatch(RegExp(`^Expected \`${name}\` to be .+, got `));
  });

  it.each([null, '', 7])('for the name %j', (name) => {
    expect(refusal(undefined, { from: 'tool-call', name })).toMatch(/^Expected `name` to be .+, got /);
  });

  it('nothing for what is left out', () => {
    const absent = { from: undefined, name: undefined, maxDepth: undefined, maxLength: undefined };

    expect(refusal(undefined, absent)).toBe('taken');
    expect(refusal(z.unknown(), { maxDepth: Infinity, maxLength: Infinity })).toBe('taken');
    expect(refusal(z.unknown(), undefined)).toBe('taken');
  });
});

import type { ChatCompletionRequest } from '@mistralai/mistralai/models/components/chatcompletionrequest.js';
import type { ChatCompletionStreamRequest } from '@mistralai/mistralai/models/components/chatcompletionstreamrequest.js';
import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import { catchError, concat, EMPTY, firstValueFrom, from, lastValueFrom, NEVER, Observable, of, take, throwError, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { RxMistralError } from '../../src/errors/RxMistralError.js';
import { answer, chunk, completion, fakeMistral, type FakeMistralScript, marbles } from '../../src/testing/index.js';
import { httpError } from '../../src/transport/httpError.js';
import type { ResponseMeta, TransportOptions } from '../../src/transport/MistralTransport.js';
import { chatCompleteOperation } from '../../src/transport/operations/chatComplete.js';
import { chatStreamOperation } from '../../src/transport/operations/chatStream.js';

const request: ChatCompletionStreamRequest & ChatCompletionRequest = {
  model: 'mistral-small-latest',
  messages: [{ role: 'user', content: 'Hi' }],
};

const a = chunk.text('Hel');
const b = chunk.text('lo');
const events = { a, b };

function stream(script: FakeMistralScript, options?: TransportOptions): Observable<CompletionChunk> {
  return fakeMistral(script).stream(chatStreamOperation, request, options);
}

/** All values of a source that completes. */
async function valuesOf<T>(source: Observable<T>): Promise<T[]> {
  return await lastValueFrom(source.pipe(toArray()), { defaultValue: [] });
}

/** The error of a source that fails before its first value. */
async function errorOf(source: Observable<unknown>): Promise<unknown> {
  return await firstValueFrom(source.pipe(catchError((error: unknown) => of(error))), { defaultValue: 'no error' });
}

describe('answers', () => {
  test('an Observable answers every call, in virtual time', () => {
    marbles((m) => {
      const reply = m.cold('  --a-b-|', events);
      const subs = ['        ^-----!', '---^-----!'];
      const first = '        --a-b-|';
      const second = '       -----a-b-|';
      const mistral = m.mistral({ 'chat.stream': reply });
      const source = mistral.stream(chatStreamOperation, request);

      m.expectObservable(source).toBe(first, events);
      m.expectObservable(source, '---^').toBe(second, events);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('a list answers one call each, in order, whatever each answer is', async () => {
    const mistral = fakeMistral({
      'chat.stream': [[a, b], of(b), { status: 200, body: [a] }, { status: 503 }, Promise.resolve(a)],
    });
    const source = mistral.stream(chatStreamOperation, request).pipe(
      catchError((error: unknown) => of((error as RxMistralError).status)),
      toArray(),
    );

    const answers: unknown[] = [];
    for (let call = 0; call < 5; call++) answers.push(...(await valuesOf(source)));

    expect(answers).toEqual([[a, b], [b], [a], [503], [a]]);
    mistral.assertDone();
  });

  test('a function answers with the request, the number of the call and the options', async () => {
    const seen: unknown[] = [];
    const mistral = fakeMistral({
      'chat.stream': (received, n, options) => {
        seen.push([received, n, options]);
        return [chunk.text(String(n))];
      },
      'chat.complete': (_request, n) => completion({ text: String(n) }),
    });
    const options = { headers: { 'x-test': '1' } };

    await valuesOf(mistral.stream(chatStreamOperation, request, options));
    await valuesOf(mistral.call(chatCompleteOperation, request));
    const second = await valuesOf(mistral.stream(chatStreamOperation, request));

    expect(seen).toEqual([
      [request, 0, options],
      [request, 1, {}],
    ]);
    expect(second).toEqual([chunk.text('1')]);
  });

  test('an error that a function throws is the error of its call', async () => {
    const thrown = new Error('from the script');
    const mistral = fakeMistral({
      'chat.stream': () => {
        throw thrown;
      },
    });

    expect(await errorOf(mistral.stream(chatStreamOperation, request))).toBe(thrown);
    expect(mistral.calls[0]?.state).toBe('errored');
  });

  test('an async generator made by a function answers each call anew', async () => {
    async function* generate(): AsyncGenerator<CompletionChunk> {
      yield a;
      yield await Promise.resolve(b);
    }
    const mistral = fakeMistral({ 'chat.stream': () => generate() });
    const source = mistral.stream(chatStreamOperation, request);

    expect(await valuesOf(source)).toEqual([a, b]);
    expect(await valuesOf(source)).toEqual([a, b]);
  });

  test.each([
    ['the value itself', completion({ text: 'Hi' })],
    ['an Observable', of(completion({ text: 'Hi' }))],
    ['a Promise', Promise.resolve(completion({ text: 'Hi' }))],
    ['a response', { status: 200, body: completion({ text: 'Hi' }) }],
    ['a list', [completion({ text: 'Hi' })]],
    ['a function', () => completion({ text: 'Hi' })],
  ])('a single response may be scripted as %s', async (_kind, script) => {
    const mistral = fakeMistral({ 'chat.complete': script });

    expect(await valuesOf(mistral.call(chatCompleteOperation, request))).toEqual([completion({ text: 'Hi' })]);
  });

  test('a response without a body is an empty stream', async () => {
    expect(await valuesOf(stream({ 'chat.stream': { status: 200 } }))).toEqual([]);
  });

  test('an error after some events comes through as it is', () => {
    marbles((m) => {
      const error = new RxMistralError({ kind: 'connection', message: 'reset' });
      const reply = m.cold('--a-#', events, error);
      const subs = '        ^---!';
      const expected = '    --a-#';

      m.expectObservable(m.mistral({ 'chat.stream': reply }).stream(chatStreamOperation, request)).toBe(expected, events, error);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });

  test('a synchronous firehose stops where the consumer stops', async () => {
    let produced = 0;
    const endless = new Observable<CompletionChunk>((subscriber) => {
      while (!subscriber.closed) {
        produced++;
        subscriber.next(a);
      }
    });
    const mistral = fakeMistral({ 'chat.stream': endless });

    await valuesOf(mistral.stream(chatStreamOperation, request).pipe(take(3)));

    expect(produced).toBe(3);
    expect(mistral.calls[0]?.state).toBe('unsubscribed');
  });
});

describe('responses', () => {
  const limited = {
    status: 429,
    headers: { 'Retry-After': '7', 'mistral-correlation-id': 'abc' },
    body: { object: 'error', message: 'Rate limit exceeded', type: 'rate_limited', param: null, code: '1300' },
  };

  test('a 429 is the error that the real transport makes of it', async () => {
    const error = await errorOf(stream({ 'chat.stream': limited }));

    expect(error).toMatchObject({
      kind: 'rate-limit',
      message: 'Rate limit exceeded',
      status: 429,
      code: '1300',
      requestId: 'abc',
      retryable: true,
      retryAfterMs: 7_000,
    });
    const real = httpError({ ...limited, headers: new Headers(limited.headers), body: JSON.stringify(limited.body), now: 0 });
    expect((error as RxMistralError).toJSON()).toEqual(real.toJSON());
  });

  test('the body of an error may be text', async () => {
    const html = { status: 502, body: '<html>Bad Gateway</html>' };

    expect(await errorOf(stream({ 'chat.stream': html }))).toMatchObject({ kind: 'http', status: 502, retryable: true });
  });

  test('a Retry-After date counts from the virtual time', () => {
    const caught: unknown[] = [];
    marbles((m) => {
      const later = { status: 429, headers: { 'retry-after': 'Thu, 01 Jan 1970 00:01:00 GMT' } };
      const source = m.mistral({ 'chat.stream': later }).stream(chatStreamOperation, request).pipe(
        catchError((error: unknown) => {
          caught.push(error);
          return EMPTY;
        }),
      );
      m.expectObservable(source, '1s ^').toBe('1s |');
    });
    expect(caught).toMatchObject([{ retryAfterMs: 59_000 }]);
  });

  test('a scripted head reaches onResponse when the call is made, a bare one with the first event', () => {
    const heads: unknown[] = [];
    marbles((m) => {
      const observe = (label: string): TransportOptions => ({
        onResponse: ({ status, headers }: ResponseMeta) => heads.push([label, m.scheduler.now(), status, [...headers]]),
      });
      const body = m.cold('    --a-b|', events);
      const expected = '       --a-b|';
      const mistral = m.mistral({ 'chat.stream': [{ status: 201, headers: { 'x-a': '1' }, body }, body, m.cold('---|')] });

      m.expectObservable(mistral.stream(chatStreamOperation, request, observe('scripted'))).toBe(expected, events);
      m.expectObservable(mistral.stream(chatStreamOperation, request, observe('bare'))).toBe(expected, events);
      m.expectObservable(mistral.stream(chatStreamOperation, request, observe('empty'))).toBe('---|');
    });
    expect(heads).toEqual([
      ['scripted', 0, 201, [['x-a', '1']]],
      ['bare', 2, 200, []],
      ['empty', 3, 200, []],
    ]);
  });

  test("an error's head reaches onResponse before the error", async () => {
    const log: unknown[] = [];
    const onResponse = ({ status, headers }: ResponseMeta): unknown => log.push([status, headers.get('retry-after')]);

    await errorOf(stream({ 'chat.stream': limited }, { onResponse }).pipe(catchError((error: unknown) => of(log.push((error as Error).name)))));

    expect(log).toEqual([[429, '7'], 'RxMistralError']);
  });

  test('a connection that fails has no head', async () => {
    const heads: unknown[] = [];
    const failing = throwError(() => new RxMistralError({ kind: 'connection', message: 'refused' }));

    await errorOf(stream({ 'chat.stream': failing }, { onResponse: (head) => heads.push(head) }));

    expect(heads).toEqual([]);
  });

  test('what onResponse throws is the error of the call', async () => {
    const thrown = new Error('from onResponse');
    const onResponse = (): never => {
      throw thrown;
    };

    expect(await errorOf(stream({ 'chat.stream': of(a) }, { onResponse }))).toBe(thrown);
    expect(await errorOf(stream({ 'chat.stream': { status: 200, body: [a] } }, { onResponse }))).toBe(thrown);
  });
});

describe('calls', () => {
  test('nothing is called before a subscription, and each subscription is one call', async () => {
    const mistral = fakeMistral({ 'chat.stream': of(a) });
    const source = mistral.stream(chatStreamOperation, request);
    expect(mistral.calls).toEqual([]);

    await Promise.all([valuesOf(source), valuesOf(source)]);

    expect(mistral.calls.map(({ operation, index }) => [operation, index])).toEqual([
      ['chat.stream', 0],
      ['chat.stream', 1],
    ]);
  });

  test('a call holds request, options and times, and its index counts those of its operation', () => {
    const options = { headers: { 'x-test': '1' } };
    let calls: unknown;
    marbles((m) => {
      const mistral = m.mistral({ 'chat.stream': m.cold('--a|', events), 'chat.complete': completion() });
      ({ calls } = mistral);
      m.expectObservable(mistral.call(chatCompleteOperation, request)).toBe('(r|)', { r: completion() });
      m.expectObservable(mistral.stream(chatStreamOperation, request, options), '-----^').toBe('-------a|', events);
    });
    expect(calls).toEqual([
      { operation: 'chat.complete', request, options: {}, index: 0, subscribedAt: 0, endedAt: 0, state: 'completed' },
      { operation: 'chat.stream', request, options, index: 0, subscribedAt: 5, endedAt: 8, state: 'completed' },
    ]);
  });

  test('the state of a call is live', () => {
    marbles((m) => {
      const mistral = m.mistral({ 'chat.stream': [m.cold('--a-b-|', events), m.cold('--#'), m.cold('--|'), NEVER] });
      const source = mistral.stream(chatStreamOperation, request);
      const states = (): string[] => mistral.calls.map(({ state }) => state);

      m.expectObservable(source, '^--!').toBe('--a', events);
      m.expectObservable(source).toBe('  --#');
      m.expectObservable(source).toBe('  --|');
      m.expectObservable(source).toBe('  ---');
      m.scheduler.schedule(() => { expect(states()).toEqual(['open', 'open', 'open', 'open']); }, 1);
      m.flush();

      expect(states()).toEqual(['unsubscribed', 'errored', 'completed', 'open']);
      expect(mistral.calls.map(({ endedAt }) => endedAt)).toEqual([3, 2, 2, undefined]);
    });
  });

  test('the state has changed before the consumer hears of the end', () => {
    const mistral = fakeMistral({ 'chat.stream': [of(a), { status: 500 }] });
    const source = mistral.stream(chatStreamOperation, request);
    const seen: unknown[] = [];

    const record = (): unknown => seen.push(mistral.calls.at(-1)?.state);
    source.subscribe({ complete: record, error: record });
    source.subscribe({ complete: record, error: record });

    expect(seen).toEqual(['completed', 'errored']);
  });

  test('each fake counts its own calls and request ids', () => {
    const [one, other] = [fakeMistral({}), fakeMistral({})];
    const { createRequestId } = one;

    expect([createRequestId(), createRequestId(), other.createRequestId()]).toEqual(['request-1', 'request-2', 'request-1']);
  });
});

describe('a script that is not played as written', () => {
  test('an operation that is not scripted is an error at subscription that lists those that are', async () => {
    const mistral = fakeMistral({ 'chat.complete': completion() });
    const source = mistral.stream(chatStreamOperation, request);

    const error = await errorOf(source);

    expect(error).toEqual(new Error('No answer is scripted for `chat.stream` (scripted: `chat.complete`)'));
    expect(mistral.calls).toMatchObject([{ operation: 'chat.stream', state: 'errored' }]);
    expect(() => { mistral.assertDone(); }).toThrow('No answer is scripted for `chat.stream`');
    expect(await errorOf(stream({}))).toMatchObject({ message: expect.stringContaining('scripted: nothing') });
    expect(await errorOf(stream({ 'chat.stream': undefined }))).toMatchObject({ message: expect.stringContaining('scripted: nothing') });
  });

  test('a call beyond its list is an error, which assertDone reports even where it was swallowed', async () => {
    const mistral = fakeMistral({ 'chat.stream': [of(a)] });
    const source = mistral.stream(chatStreamOperation, request);

    const values = await valuesOf(concat(source, source).pipe(catchError(() => of('swallowed'))));

    expect(values).toEqual([a, 'swallowed']);
    expect(await errorOf(source)).toMatchObject({ message: 'No answer is left for `chat.stream`: 1 scripted, this is call 2 or later' });
    expect(() => { mistral.assertDone(); }).toThrow('No answer is left for `chat.stream`');
  });

  test('assertDone throws while an answer of a list was not used', async () => {
    const mistral = fakeMistral({ 'chat.stream': [of(a), of(b)], 'chat.complete': completion() });
    const assertDone = (): void => { mistral.assertDone(); };
    expect(assertDone).toThrow('`chat.stream` was called 0 times, 2 answers are scripted');

    await valuesOf(mistral.stream(chatStreamOperation, request));
    expect(assertDone).toThrow('`chat.stream` was called once, 2 answers are scripted');
    expect(assertDone).toThrow(expect.objectContaining({ name: 'AssertionError' }));

    await valuesOf(mistral.stream(chatStreamOperation, request));
    expect(assertDone).not.toThrow();
  });
});

describe('a bad script throws a TypeError that names the key', () => {
  const rows: readonly (readonly [unknown, string])[] = [
    [undefined, 'Expected `script` to be an object, got undefined'],
    [[], 'Expected `script` to be an object'],
    [{ 'chat.stream': 'Hello' }, "Expected `script['chat.stream']` to be"],
    [{ 'chat.stream': null }, "Expected `script['chat.stream']` to be"],
    [{ 'chat.stream': [of(a), 'Hello'] }, "Expected `script['chat.stream'][1]` to be"],
    [{ 'chat.stream': { status: 0 } }, "Expected `script['chat.stream'].status` to be an integer from 200 to 299 or from 400 to 599, got 0"],
    [{ 'chat.stream': { status: 302 } }, "`script['chat.stream'].status`"],
    [{ 'chat.stream': [{ status: 429.5 }] }, "`script['chat.stream'][0].status`"],
    [{ 'chat.stream': { status: 429, headers: { 'bad name': '1' } } }, "`script['chat.stream'].headers`"],
    [{ 'chat.stream': { status: 429, body: () => 'text' } }, "`script['chat.stream'].body`"],
  ];

  test.each(rows)('%o', (script, message) => {
    expect(() => fakeMistral(script as FakeMistralScript)).toThrow(TypeError);
    expect(() => fakeMistral(script as FakeMistralScript)).toThrow(message);
  });

  test('what is known only at the call is the error of the call', async () => {
    const cases: readonly (readonly [unknown, string])[] = [
      [answer('Hello world'), "Expected `script['chat.stream'][0]` to be the events of one call"],
      [() => 'Hello', "Expected `the answer of script['chat.stream']` to be an answer"],
      [() => ({ status: 99 }), "`the answer of script['chat.stream'].status`"],
      [{ status: 200, body: 'Hello' }, "Expected `script['chat.stream'].body` to be the events"],
    ];
    for (const [script, message] of cases) {
      const error = await errorOf(stream({ 'chat.stream': script } as FakeMistralScript));
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toContain(message);
    }
    const missing = fakeMistral({ 'chat.complete': { status: 200 } });
    expect(await errorOf(missing.call(chatCompleteOperation, request))).toMatchObject({
      message: expect.stringContaining("Expected `script['chat.complete'].body` to be the answer"),
    });
  });
});

test('an Observable of another library is an answer', async () => {
  const foreign = {
    '@@observable': () => from([a, b]),
  };
  const script = { 'chat.stream': foreign } as unknown as FakeMistralScript;

  expect(await valuesOf(stream(script))).toEqual([a, b]);
});

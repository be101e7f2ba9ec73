import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import {
  isRxMistralError,
  RxMistralError,
  type RxMistralErrorInit,
  type RxMistralErrorKind,
  TruncatedStreamError,
} from '../../src/errors/RxMistralError.js';

const kinds: readonly RxMistralErrorKind[] = [
  'connection',
  'timeout',
  'truncated',
  'http',
  'rate-limit',
  'protocol',
  'stream',
  'batch-job',
  'tool',
  'validation',
  'limit',
];
const partial = { role: 'assistant', content: 'Hel' } as const;
const full = {
  message: 'm',
  status: 503,
  code: '3505',
  requestId: 'r',
  retryable: true,
  retryAfterMs: 7,
  which: 'idle',
  partial,
  cause: new TypeError('below', { cause: new Error('deeper') }),
} as const satisfies Omit<RxMistralErrorInit, 'kind'>;

const throughJson = (error: RxMistralError): RxMistralError => RxMistralError.fromJSON(JSON.parse(JSON.stringify(error)));

describe('RxMistralError', () => {
  it('is an Error with the fields that it was given', () => {
    const error = new RxMistralError({ kind: 'http', ...full });
    expect(error).toBeInstanceOf(Error);
    const { cause, ...fields } = full;
    expect(error).toMatchObject({ kind: 'http', ...fields });
    expect(error.cause).toMatchObject({ name: 'TypeError', message: cause.message, cause: { name: 'Error', message: 'deeper' } });
    expect(String(error)).toBe('RxMistralError: m');
    expect(error.stack).toContain('RxMistralError.test');
  });

  it('shows no field that it was not given', () => {
    const error = new RxMistralError({ kind: 'http', message: 'm' });
    expect(Object.keys(error).sort()).toEqual(['kind', 'retryable']);
    expect(JSON.parse(JSON.stringify(error))).toEqual({ name: 'RxMistralError', kind: 'http', message: 'm', retryable: false });
    expect(inspect(error)).not.toContain('undefined');
  });

  it('keeps a copy of its cause, not the cause', () => {
    const cause = Object.assign(new Error('c'), { request: { key: 'secret' } });
    const error = new RxMistralError({ kind: 'connection', message: 'm', cause });
    expect(error.cause).not.toBe(cause);
    expect(inspect(error, { showHidden: true, depth: Infinity })).not.toContain('secret');
  });

  it.each(kinds)('comes back from JSON as it was: kind %s', (kind) => {
    const error = new RxMistralError({ kind, ...full });
    const back = throughJson(error);
    expect(isRxMistralError(back)).toBe(true);
    expect(back).toBeInstanceOf(RxMistralError);
    expect(JSON.stringify(back)).toBe(JSON.stringify(error));
    const { cause, ...fields } = error;
    expect(back).toMatchObject(fields);
    expect(back.cause).toEqual({ name: 'TypeError', message: cause!.message, cause: { name: 'Error', message: 'deeper' } });
    expect([back.message, back.name]).toEqual([error.message, error.name]);
    expect(throughJson(new RxMistralError({ kind, message: '' })).kind).toBe(kind);
  });

  it.each(['truncated', 'connection'] as const)('comes back from JSON as a TruncatedStreamError: kind %s', (kind) => {
    const back = throughJson(new TruncatedStreamError({ kind, message: 'm', partial, retryable: false }));
    expect(back).toBeInstanceOf(TruncatedStreamError);
    expect(back).toMatchObject({ kind, retryable: false, partial, name: 'TruncatedStreamError' });
  });

  it('passes on nothing that others have hung on it', () => {
    const error = Object.assign(new RxMistralError({ kind: 'http', ...full }), { request: 'secret' });
    expect(JSON.stringify(error)).not.toContain('secret');
    expect(error.with({ message: 'n' })).not.toHaveProperty('request');
  });

  it('has no stack in its JSON, at any depth', () => {
    expect(JSON.stringify(new RxMistralError({ kind: 'http', ...full }))).not.toContain('RxMistralError.test');
  });

  it.each([undefined, null, 'x', 7, [], {}, { kind: 'http' }, { message: 'm' }, { kind: 1, message: 'm' }, { kind: 'http', message: null }])(
    'throws a TypeError for the JSON %j',
    (json) => {
      expect(() => RxMistralError.fromJSON(json)).toThrow(TypeError);
    },
  );

  it('takes nothing else from JSON than its fields', () => {
    const back = RxMistralError.fromJSON(
      JSON.parse('{"kind":"http","message":"m","__proto__":{"polluted":1},"extra":1,"stack":"s","toString":"t"}'),
    );
    expect(Object.keys(back).sort()).toEqual(['kind', 'retryable']);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  describe('with', () => {
    it('changes the given fields and keeps the others, the stack too', () => {
      const error = new RxMistralError({ kind: 'http', ...full });
      const changed = error.with({ partial: { role: 'assistant', content: 'x' }, retryable: false });
      expect(changed).not.toBe(error);
      expect(JSON.parse(JSON.stringify(changed))).toEqual({
        ...(JSON.parse(JSON.stringify(error)) as object),
        partial: { role: 'assistant', content: 'x' },
        retryable: false,
      });
      expect(changed.stack).toBe(error.stack);
    });

    it('keeps the old message out of the stack', () => {
      const changed = new RxMistralError({ kind: 'http', message: 'the key is secret' }).with({ message: 'the key is [redacted]' });
      expect(changed.stack).not.toContain('secret');
      expect(changed.stack).toContain('RxMistralError.test');
      expect(inspect(changed, { showHidden: true })).not.toContain('secret');
    });

    it('takes fields away', () => {
      const changed = new RxMistralError({ kind: 'http', ...full }).with({ cause: undefined, partial: undefined });
      expect([changed.cause, changed.partial]).toEqual([undefined, undefined]);
    });

    it('keeps the class where the kind allows it', () => {
      const error = new TruncatedStreamError({ message: 'm' });
      expect(error.with({ partial })).toBeInstanceOf(TruncatedStreamError);
      expect(error.with({ kind: 'connection' })).toBeInstanceOf(TruncatedStreamError);
      expect(error.with({ kind: 'http' })).not.toBeInstanceOf(TruncatedStreamError);
      expect(new RxMistralError({ kind: 'truncated', message: 'm' }).with({ partial })).not.toBeInstanceOf(TruncatedStreamError);
    });

    it('leaves the original as it was', () => {
      const error = new RxMistralError({ kind: 'http', ...full });
      const before = JSON.stringify(error);
      error.with({ kind: 'stream', message: 'n' });
      expect(JSON.stringify(error)).toBe(before);
    });
  });
});

describe('TruncatedStreamError', () => {
  it('is retryable, and of kind truncated, unless it says otherwise', () => {
    expect(new TruncatedStreamError({ message: 'm' })).toMatchObject({ kind: 'truncated', retryable: true });
    expect(new TruncatedStreamError({ message: 'm', kind: 'connection', retryable: false })).toMatchObject({
      kind: 'connection',
      retryable: false,
    });
    expect(String(new TruncatedStreamError({ message: 'm' }))).toBe('TruncatedStreamError: m');
  });
});

describe('isRxMistralError', () => {
  it.each([undefined, null, 'x', 7, {}, [], new Error('m'), { kind: 'http', message: 'm' }, Symbol.for('rxmistral.error')])(
    'is false for %s',
    (value) => {
      expect(isRxMistralError(value)).toBe(false);
    },
  );

  it('knows the errors of another copy of the package, both ways', async () => {
    vi.resetModules();
    const copy = await import('../../src/errors/RxMistralError.js');
    expect(copy.RxMistralError).not.toBe(RxMistralError);

    const theirs = new copy.TruncatedStreamError({ message: 'm' });
    expect(theirs).not.toBeInstanceOf(RxMistralError);
    expect(isRxMistralError(theirs)).toBe(true);
    expect(copy.isRxMistralError(new RxMistralError({ kind: 'http', message: 'm' }))).toBe(true);
    expect(isRxMistralError(theirs.with({ partial }))).toBe(true);
  });

  it('shows its marker nowhere', () => {
    const error = new RxMistralError({ kind: 'http', message: 'm' });
    expect(JSON.stringify(error)).not.toContain('rxmistral');
    expect(inspect(error)).not.toContain('Symbol');
    expect(Object.getOwnPropertySymbols(Object.assign({}, error))).toEqual([]);
  });
});

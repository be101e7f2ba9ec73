import { NEVER, timeout } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { RxMistralError } from '../../src/errors/RxMistralError.js';
import { toRxMistralError } from '../../src/errors/toRxMistralError.js';

describe('toRxMistralError', () => {
  it('passes its own on as they are', () => {
    const error = new RxMistralError({ kind: 'http', message: 'm' });
    expect(toRxMistralError(error)).toBe(error);
  });

  it('takes the TimeoutError of rxjs for a timeout', async () => {
    const thrown = await new Promise((resolve) => {
      NEVER.pipe(timeout(1)).subscribe({ error: resolve });
    });
    expect(toRxMistralError(thrown)).toMatchObject({ kind: 'timeout', retryable: true });
  });

  it.each([new TypeError('quotes the secret'), 'the secret', null, undefined, { message: 'secret' }])(
    'wraps what else was thrown, and quotes none of it in the message: %#',
    (thrown) => {
      const error = toRxMistralError(thrown);
      expect(error).toMatchObject({ kind: 'validation', retryable: false });
      expect(error.message).not.toContain('secret');
    },
  );
});

import { lastValueFrom } from 'rxjs';
import { describe, expect, test, vi } from 'vitest';
import { chatComplete, createRateLimiter, type PermitRequest, type RateLimiter } from '../../src/index.js';
import { completion, fakeMistral, marbles } from '../../src/testing/index.js';

const request = { model: 'mistral-small-latest', messages: [{ role: 'user' as const, content: 'Hi' }], maxTokens: 59 };

/** What a call asks this limiter for, in tokens. */
async function tokensAsked(limiter: RateLimiter): Promise<unknown> {
  const acquire = vi.fn((asked?: PermitRequest) => limiter.acquire(asked));
  await lastValueFrom(chatComplete(fakeMistral({ 'chat.complete': completion() }), request, { limiter: { ...limiter, acquire } }));
  const tokens = acquire.mock.lastCall?.[0]?.tokens;
  return typeof tokens === 'function' ? tokens() : tokens;
}

describe('the permit of a call', () => {
  test('is asked for with what the limiter estimates of the request', async () => {
    const estimateTokens = vi.fn(() => 7);

    expect(await tokensAsked({ ...createRateLimiter(), estimateTokens })).toBe(7);
    expect(estimateTokens).toHaveBeenCalledWith(request);
  });

  test('is asked for with nothing where the limiter estimates nothing', async () => {
    expect(await tokensAsked({ ...createRateLimiter(), estimateTokens: undefined })).toBe(0);
  });

  test('costs the texts of the request and all that the answer may have', async () => {
    expect(await tokensAsked(createRateLimiter())).toBe(60);
  });

  test('is waited for where tokens are limited', () => {
    marbles((m) => {
      const limiter = createRateLimiter({ tokens: { limit: 60, interval: 3 } });
      const answers = { r: completion({ text: 'Hello', usage: { promptTokens: 1, completionTokens: 59 } }) };
      const reply = m.cold('  (r|)   ', answers);
      const subs = ['         (^!)   ', '---(^!)'];
      const first = '         (r|)   ';
      const second = '        ---(r|)';
      const ask = () => chatComplete(m.mistral({ 'chat.complete': [reply] }), request, { limiter });

      m.expectObservable(ask()).toBe(first, answers);
      m.expectObservable(ask()).toBe(second, answers);
      m.expectSubscriptions(reply.subscriptions).toBe(subs);
    });
  });
});

import { describe, expect, it } from 'vitest';
import { isRxMistralError } from '../../src/index.js';
import { redirectTarget } from '../../src/transport/redirect.js';

const url = 'https://api.mistral.ai/v1/chat/completions';

function target(status: number, location: string | undefined, { method = 'POST', from = url } = {}): string | undefined {
  const request = new Request(from, { method });
  const response = new Response(null, { status, ...(location === undefined ? {} : { headers: { location } }) });
  return redirectTarget(request, response)?.href;
}

function refusal(...args: Parameters<typeof target>): string {
  try {
    target(...args);
  } catch (error) {
    expect(isRxMistralError(error) && error.kind).toBe('http');
    return (error as Error).message;
  }
  throw new Error('It was not refused');
}

describe('redirectTarget', () => {
  it.each([200, 204, 300, 304, 305, 306, 400, 500])('is undefined for %i, which is no redirect', (status) => {
    expect(target(status, '/v2')).toBeUndefined();
  });

  it.each([307, 308])('follows %i on the same host', (status) => {
    expect(target(status, '/v2/chat')).toBe('https://api.mistral.ai/v2/chat');
    expect(target(status, 'completions/')).toBe('https://api.mistral.ai/v1/chat/completions/');
    expect(target(status, `${url}?a=b`)).toBe(`${url}?a=b`);
    expect(target(status, '//api.mistral.ai:443/x')).toBe('https://api.mistral.ai/x');
  });

  it.each([301, 302, 303])('refuses %i for a POST, which would become a GET', (status) => {
    expect(refusal(status, '/v2')).toContain('POST into GET');
    expect(target(status, '/v2', { method: 'GET' })).toBe('https://api.mistral.ai/v2');
  });

  it.each([
    'https://evil.example/v1',
    '//evil.example/v1',
    'https://api.mistral.ai.evil.example/',
    'https://api.mistral.ai@evil.example/',
    'https://api.mistral.ai:8443/v1',
    'https://mistral.ai/v1',
    'http://api.mistral.ai/v1',
    'ftp://api.mistral.ai/v1',
    'data:text/plain,x',
    'javascript:alert(1)',
    'file:///etc/passwd',
    '\\\\evil.example\\v1',
  ])('sends nothing to %s', (location) => {
    refusal(307, location);
  });

  it('allows the change from http to https on one host', () => {
    expect(target(308, 'https://localhost/v1', { from: 'http://localhost/v1' })).toBe('https://localhost/v1');
  });

  it('refuses a location that would put credentials into the URL', () => {
    refusal(307, 'https://user:password@api.mistral.ai/v1');
  });

  it.each([undefined, '', 'http://', 'https://[', ' '])('refuses the location %j, or stays on the host', (location) => {
    if (location === undefined || !URL.canParse(location, url)) {
      expect(refusal(307, location)).toContain('usable location');
    } else {
      expect(new URL(target(307, location)!).host).toBe('api.mistral.ai');
    }
  });

  it('names no path and no query of the location in its message', () => {
    expect(refusal(307, 'https://evil.example/path?key=secret')).not.toMatch(/secret|path/);
  });
});

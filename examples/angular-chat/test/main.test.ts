import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const app = fileURLToPath(new URL('..', import.meta.url));

it('the server starts without a key, says where it is, answers, and ends when it is told to', async () => {
  const server = spawn(process.execPath, ['--import', 'tsx', 'server/main.ts'], {
    cwd: app,
    env: { ...process.env, MISTRAL_API_KEY: '', PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
    const url = /http:\S+/.exec(line)?.[0] ?? '';
    expect(await (await fetch(url)).text()).toContain('<chat-page>');
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'a-key-of-this-test' };
    const body = JSON.stringify({ messages: [{ role: 'user', content: 'What is the weather in Tokyo?' }] });
    expect(await (await fetch(`${url}/chat`, { method: 'POST', headers, body })).text()).toContain('"type":"turn-complete"');
    expect((await fetch(`${url}/chat`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status).toBe(400);
    expect((await fetch(`${url}/chat`, { method: 'POST', headers: { ...headers, 'idempotency-key': 'another-key-of-this' }, body: '{}' })).status).toBe(400);
    expect((await fetch(`${url}/../package.json`)).status).toBe(404);
  } finally {
    server.kill('SIGTERM');
  }
  expect(await once(server, 'exit')).toEqual([0, null]);
});

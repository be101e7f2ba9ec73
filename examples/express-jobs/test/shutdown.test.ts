import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startTestServer } from './fixtures/testServer.js';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

function run(...words: readonly string[]) {
  return spawn(process.execPath, ['--import', 'tsx', main, ...words], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, PORT: '0' } });
}

describe('a shutdown', () => {
  it('takes no new jobs, finishes all that were taken, delivers their webhooks, and closes', async () => {
    const server = await startTestServer({ latency: 500, faults: { kind: 'stall', at: { events: 2 }, on: ({ body }) => JSON.stringify(body).includes('stall') } });
    const callbackUrl = `${server.url}/hook`;
    // The server is there until this one is cancelled.
    const { body: endless } = await server.post({ prompt: 'stall' });
    // More than five: some wait when the signal comes.
    const jobs = await Promise.all(Array.from({ length: 8 }, (_, index) => server.post({ prompt: `job ${index}`, callbackUrl })));
    const events = Promise.all(jobs.map(({ body }) => server.events(body.jobId)));
    server.drain();
    const refused = await server.post({ prompt: 'late' });
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '5']);
    assert.match(refused.body.message, /about to stop/);
    assert.equal((await server.ask(`/jobs/${jobs[7]!.body.jobId}`)).status, 200);
    for (const one of await events) assert.equal(one.at(-1)?.type, 'job-completed');
    await server.ask(`/jobs/${endless.jobId}`, { method: 'DELETE' });
    await server.closed;
    assert.deepEqual(server.webhooks.map(({ id }) => id).sort(), jobs.map(({ body }) => `msg_${body.jobId}`).sort());
    await server.simulator.close();
  });

  it('at SIGTERM ends the process, behind what was running', { timeout: 300_000 }, async () => {
    const child = run('--serve');
    const ended = once(child, 'exit');
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const [, url] = /listens on (\S+?);/.exec(String((await lines.next()).value)) ?? [];
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url ?? ''}/jobs`, { method: 'POST', headers, body: JSON.stringify({ prompt: 'x', callbackUrl: `${url ?? ''}/hook` }) });
    assert.equal(response.status, 202);
    child.kill('SIGTERM');
    const rest: string[] = [];
    for (let line = await lines.next(); line.done !== true; line = await lines.next()) rest.push(line.value);
    assert.deepEqual(await ended, [0, null]);
    assert.deepEqual([rest.filter((line) => line.includes('[receiver]')).length, rest.at(-1)], [1, 'All that was taken is done.']);
  });

  it('is the last step of the way that `npm start` shows', { timeout: 300_000 }, async () => {
    const child = run();
    const ended = once(child, 'exit');
    let output = '';
    for await (const piece of child.stdout) output += String(piece);
    assert.deepEqual(await ended, [0, null]);
    // What the receiver hears may come between any two lines.
    const steps = output.replaceAll(/^ {2}\[receiver\].*\n/gm, '');
    for (const line of [
      /^ {2}no second job$/m,
      /^ {2}1 job-queued, 2 job-started, 3 start, 4 text-delta, 5 text-delta$/m,
      /^ {2}(\d+) events = 5 \+ \d+$/m,
      /^ {2}completed, \d+ tokens: "/m,
      /^ {2}400 \{"message":"`prompt` is empty; `callbackUrl` is no http or https URL"\}$/m,
      /attempt 1 failed \(503\), again in (1\d{3}|2000) ms\n.* job-completed after 2 attempts/,
      /job-failed after 3 attempts/,
      /not delivered: msg_\S+: webhook-address/,
      /calls to the model that are open: 1\n.*"cancelled"\}; open: 0$/m,
      /^ {2}503 .* \(Retry-After: 5\)$/m,
    ]) assert.match(steps, line);
    const [, all, before, behind] = /(\d+) events = (\d+) \+ (\d+)/.exec(steps) ?? [];
    assert.equal(Number(all), Number(before) + Number(behind));
    assert.equal(output.match(/\[receiver\] msg_\S+: job\.(completed|failed)/g)?.length, 3);
    assert.match(output, /All that was taken is done\.\n$/);
  });
});

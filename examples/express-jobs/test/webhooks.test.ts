import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { postWebhook } from 'rxmistral/node';
import { lastValueFrom, of } from 'rxjs';
import type { DeadLetter } from '../src/JobQueue.js';
import { eventually, secret, startReceiver, startTestServer, type TestServer } from './fixtures/testServer.js';

let server: TestServer;
afterEach(() => server.close());

async function deadLetters(): Promise<readonly DeadLetter[]> {
  return ((await server.ask('/dead-letters')).body as unknown as { webhooks: DeadLetter[] }).webhooks;
}

describe('the webhook at the end of a job', () => {
  it('brings its state to who ordered it, signed, under an id that is made of the job\'s', async () => {
    server = await startTestServer();
    const { body } = await server.post({ prompt: 'x', callbackUrl: `${server.url}/hook` });
    await eventually(() => server.webhooks.length === 1, 'the webhook is there');
    const [{ id, payload }] = server.webhooks as [TestServer['webhooks'][number]];
    assert.deepEqual([id, payload.type, payload.data], [`msg_${body.jobId}`, 'job.completed', JSON.parse(JSON.stringify(await server.view(body.jobId)))]);
    assert.deepEqual(await deadLetters(), []);
  });

  it('is repeated for a receiver that fails five times, under the same id', async () => {
    server = await startTestServer();
    const receiver = await startReceiver((attempt) => (attempt <= 5 ? 500 : 200));
    const { body } = await server.post({ prompt: 'x', callbackUrl: receiver.url });
    await eventually(() => receiver.ids.length === 6, 'it was delivered');
    receiver.close();
    assert.deepEqual(new Set(receiver.ids), new Set([`msg_${body.jobId}`]));
    assert.deepEqual(await deadLetters(), []);
  });

  it('that cannot be delivered is a dead letter, which is there to be posted again', async () => {
    server = await startTestServer();
    const receiver = await startReceiver((attempt) => (attempt <= 6 ? 500 : 200));
    const { body } = await server.post({ prompt: 'x', callbackUrl: receiver.url });
    await eventually(async () => (await deadLetters()).length === 1, 'it was given up');
    const [letter] = await deadLetters();
    assert.deepEqual([letter?.jobId, letter?.attempts, letter?.error.status], [body.jobId, 6, 500]);
    assert.equal((await server.view(body.jobId)).status, 'completed');
    assert.equal((await server.ask(`/dead-letters/${letter?.webhookId ?? ''}`, { method: 'POST' })).status, 202);
    await eventually(() => receiver.ids.length === 7, 'it came once more');
    receiver.close();
    assert.deepEqual([new Set(receiver.ids).size, await deadLetters()], [1, []]);
    assert.equal((await server.ask('/dead-letters/none', { method: 'POST' })).status, 404);
  });

  for (const host of ['10.0.0.1', '[::ffff:10.0.0.1]', '169.254.169.254', 'localhost']) {
    it(`does not go to ${host}`, async () => {
      server = await startTestServer({}, { allow: { http: true } });
      await server.post({ prompt: 'x', callbackUrl: `http://${host}/hook` });
      await eventually(async () => (await deadLetters()).length === 1, 'it was given up');
      const [letter] = await deadLetters();
      assert.deepEqual([letter?.attempts, letter?.error.code], [1, 'webhook-address']);
    });
  }
});

describe('the receiver, on the raw body of Express', () => {
  const send = (value: unknown, options: { secret?: string; id?: () => string } = {}) =>
    lastValueFrom(of(value).pipe(postWebhook({ url: `${server.url}/hook`, secret, retry: false, allow: { http: true, addresses: ['127.0.0.1'] }, ...options })));

  it('hears once of what comes twice', async () => {
    server = await startTestServer();
    for (const _ of [1, 2]) assert.equal((await send({ text: 'é ☃' }, { id: () => 'msg_1' })).type, 'webhook-delivered');
    assert.deepEqual(server.webhooks, [{ id: 'msg_1', payload: { text: 'é ☃' } }]);
  });

  it('refuses what is signed by another secret, or not at all', async () => {
    server = await startTestServer();
    const event = await send({}, { secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}` });
    assert.ok(event.type === 'webhook-failed');
    assert.equal(event.error.status, 400);
    for (const body of ['{"type":"job.completed"}', '']) {
      const { status, body: answer } = await server.ask('/hook', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      assert.deepEqual([status, answer.message], [400, 'webhook-headers']);
    }
    assert.deepEqual(server.webhooks, []);
  });
});

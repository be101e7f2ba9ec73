import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { constantBackoff } from 'rxmistral';
import { eventStream, remoteChat } from 'rxmistral/sse';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import { isJobEnd, type JobEvent } from '../src/JobEvent.js';
import { eventually, patience, rawEvents, startTestServer, type TestServer } from './fixtures/testServer.js';

let server: TestServer;
afterEach(() => server.close());

describe('POST /jobs', () => {
  it('answers 202 with the id at once, and does the job later', async () => {
    server = await startTestServer({ faults: { kind: 'stall', at: { events: 2 }, on: ({ body }) => JSON.stringify(body).includes('stall') } });
    const { status, headers, body: endless } = await server.post({ prompt: 'stall' });
    assert.deepEqual([status, endless], [202, { jobId: endless.jobId, status: 'queued' }]);
    assert.equal(headers.get('location'), `/jobs/${endless.jobId}`);
    assert.ok(['queued', 'running'].includes((await server.view(endless.jobId)).status));
    await server.ask(`/jobs/${endless.jobId}`, { method: 'DELETE' });
    const { body } = await server.post({ prompt: 'Name three rivers.' });
    await eventually(async () => (await server.view(body.jobId)).status === 'completed', 'the job is done');
    const { result, attempts } = await server.view(body.jobId);
    assert.equal(attempts, 1);
    assert.equal(result?.finishReason, 'stop');
    assert.ok(result.text.length > 20);
    assert.ok((result.usage?.totalTokens ?? 0) > 20);
  });

  it('with an `Idempotency-Key` makes one job, however often it comes', async () => {
    server = await startTestServer();
    const order = { prompt: 'Name three rivers.' };
    const answers = await Promise.all([1, 2, 3].map(() => server.post(order, { 'idempotency-key': 'k' })));
    await server.events(answers[0]!.body.jobId);
    answers.push(await server.post(order, { 'idempotency-key': 'k' }));
    assert.deepEqual(answers.map(({ status }) => status), [202, 202, 202, 202]);
    assert.equal(new Set(answers.map(({ body }) => body.jobId)).size, 1);
    assert.equal(server.simulator.requestCount, 1);
    const { status, body } = await server.post({ prompt: 'Another.' }, { 'idempotency-key': 'k' });
    assert.deepEqual([status, body.message], [422, 'The `Idempotency-Key` was used for another request']);
    const others = [await server.post(order), await server.post(order)];
    assert.notEqual(others[0]!.body.jobId, others[1]!.body.jobId);
  });

  const bad: readonly (readonly [what: string, body: unknown, message: RegExp, headers?: Record<string, string>])[] = [
    ['no JSON', '{"prompt"', /^The body is no JSON$/],
    ['another content type', 'prompt=x', /^The body is no JSON: send `content-type: application\/json`$/, { 'content-type': 'text/plain' }],
    ['no prompt', {}, /^`prompt` /],
    ['an empty prompt', { prompt: '  ' }, /^`prompt` is empty$/],
    ['a prompt that is no text', { prompt: 7 }, /^`prompt` .*string/],
    ['a prompt that is too long', { prompt: 'x'.repeat(100_001) }, /^`prompt` has more than 100,000 characters$/],
    ['a callback that is no URL', { prompt: 'x', callbackUrl: '/hook' }, /^`callbackUrl` is no http or https URL$/],
    ['a callback by another protocol', { prompt: 'x', callbackUrl: 'file:///etc/passwd' }, /^`callbackUrl` is no http or https URL$/],
    ['a field that nobody knows', { prompt: 'x', model: 'large' }, /model/],
    ['a key that is none', { prompt: 'x' }, /^The `Idempotency-Key` has to be/, { 'idempotency-key': 'a b' }],
  ];
  for (const [what, body, message, headers] of bad) {
    it(`answers 400 to ${what}, and says what is wrong`, async () => {
      server = await startTestServer();
      const answer = await server.post(body, headers);
      assert.equal(answer.status, 400);
      assert.match(answer.body.message, message);
      assert.equal(server.simulator.requestCount, 0);
    });
  }

  it('takes no http callback where none is allowed', async () => {
    server = await startTestServer({}, { allow: undefined });
    const { status, body } = await server.post({ prompt: 'x', callbackUrl: 'http://hook.example/' });
    assert.deepEqual([status, body.message], [400, '`callbackUrl` is no https URL']);
  });

  it('answers 413 to a body that is too large', async () => {
    server = await startTestServer();
    assert.equal((await server.post({ prompt: 'x'.repeat(300_000) })).status, 413);
  });

  it('answers 503 where no place is free, and forgets the oldest that has ended for a new one', async () => {
    server = await startTestServer({ faults: { kind: 'stall', at: { events: 2 }, on: ({ body }) => JSON.stringify(body).includes('stall') } }, { maxJobs: 2 });
    const { body: ended } = await server.post({ prompt: 'a' });
    await server.events(ended.jobId);
    const { body: first } = await server.post({ prompt: 'stall 1' });
    const { body: second } = await server.post({ prompt: 'stall 2' });
    const full = await server.post({ prompt: 'b' });
    assert.deepEqual([full.status, full.headers.get('retry-after')], [503, '10']);
    assert.equal((await server.ask(`/jobs/${ended.jobId}`)).status, 404);
    await server.ask(`/jobs/${first.jobId}`, { method: 'DELETE' });
    const { body: last } = await server.post({ prompt: 'c' });
    assert.equal((await server.events(last.jobId)).at(-1)?.type, 'job-completed');
    assert.equal((await server.ask(`/jobs/${first.jobId}`)).status, 404);
    // It would keep the server from its end.
    await server.ask(`/jobs/${second.jobId}`, { method: 'DELETE' });
  });
});

describe('the queue', () => {
  it('has five jobs under way at once, and the next when one has ended', async () => {
    server = await startTestServer({ faults: { kind: 'stall', at: { events: 2 } } });
    const jobs = await Promise.all(Array.from({ length: 7 }, (_, index) => server.post({ prompt: `job ${index}` })));
    const ids = jobs.map(({ body }) => body.jobId);
    const statuses = async () => (await Promise.all(ids.map((id) => server.view(id)))).map(({ status }) => status);
    await eventually(() => server.simulator.openRequests === 5, 'five are under way');
    assert.deepEqual((await statuses()).filter((status) => status === 'queued').length, 2);
    // Whichever came first.
    const running = (await Promise.all(ids.map((id) => server.view(id)))).find(({ status }) => status === 'running');
    await server.ask(`/jobs/${running!.jobId}`, { method: 'DELETE' });
    await eventually(() => server.simulator.requestCount === 6, 'the sixth is under way');
    await server.simulator.until(({ openRequests }) => openRequests === 5, { timeout: patience });
    assert.deepEqual((await statuses()).filter((status) => status === 'running').length, 5);
    for (const id of ids) await server.ask(`/jobs/${id}`, { method: 'DELETE' });
  });

  it('starts no more than ten calls a second', async () => {
    server = await startTestServer({ answerTokens: 1 });
    const jobs = await Promise.all(Array.from({ length: 16 }, (_, index) => server.post({ prompt: `job ${index}` })));
    for (const { body } of jobs) assert.equal((await server.events(body.jobId)).at(-1)?.type, 'job-completed');
    const starts = server.simulator.requests.map(({ receivedAt }) => receivedAt);
    // 15 steps of 100 ms, of which the first call may have lost some on its way; without the limit all of them would take 50 ms.
    assert.ok(Math.max(...starts) - Math.min(...starts) > 750);
  });

  it('tries a job three times, and shows what it failed with', async () => {
    server = await startTestServer({ faults: [
      { kind: 'status', status: 503, on: ({ body }) => JSON.stringify(body).includes('twice'), times: 2 },
      { kind: 'status', status: 503, on: ({ body }) => JSON.stringify(body).includes('always') },
    ] });
    const { body: twice } = await server.post({ prompt: 'twice' });
    assert.equal((await server.events(twice.jobId)).at(-1)?.type, 'job-completed');
    assert.equal((await server.view(twice.jobId)).attempts, 3);
    const { body: always } = await server.post({ prompt: 'always' });
    const events = await server.events(always.jobId);
    assert.deepEqual(events.map(({ type }) => type), ['job-queued', 'job-started', 'retry', 'retry', 'job-failed']);
    const { status, attempts, error, result } = await server.view(always.jobId);
    assert.deepEqual([status, attempts, error?.kind, error?.status, result], ['failed', 3, 'http', 503, undefined]);
    const { body } = await server.ask('/dead-letters');
    assert.deepEqual((body as unknown as { jobs: { jobId: string }[] }).jobs.map(({ jobId }) => jobId), [always.jobId]);
  });

  it('begins an answer anew that was cut, and counts it once', async () => {
    server = await startTestServer({ faults: { kind: 'reset', at: { events: 4 }, on: 0 } });
    const { body } = await server.post({ prompt: 'cut' });
    const events = await server.events(body.jobId);
    assert.deepEqual(events.filter(({ type }) => ['start', 'retry', 'complete'].includes(type)).map(({ type }) => type), ['start', 'retry', 'start', 'complete']);
    const { result } = await server.view(body.jobId);
    const last = events.find((event) => event.type === 'complete');
    assert.equal(last?.message.content, result?.text);
  });
});

describe('GET /jobs/:id/events', () => {
  it('gives each reader all of it, whenever it comes, and the model is asked once', async () => {
    server = await startTestServer({ chunkDelay: 5 });
    const { body } = await server.post({ prompt: 'x' });
    const early = server.events(body.jobId);
    await eventually(async () => (await server.view(body.jobId)).status !== 'queued', 'it was begun');
    const joined = server.events(body.jobId);
    const [first, second] = await Promise.all([early, joined]);
    const late = await server.events(body.jobId);
    assert.deepEqual([second, late], [first, first]);
    const types = first.map(({ type }) => type);
    assert.deepEqual([types.slice(0, 3), types.slice(-2)], [['job-queued', 'job-started', 'start'], ['complete', 'job-completed']]);
    assert.equal(server.simulator.requestCount, 1);
  });

  it('goes on behind Last-Event-ID, wherever a reader was cut', async () => {
    server = await startTestServer({ chunkDelay: 3 });
    const { body } = await server.post({ prompt: 'x' });
    const url = `${server.url}/jobs/${body.jobId}/events`;
    // Cut behind each event, over and over, while the job runs.
    const pieces: string[] = [];
    let lastEventId = '';
    for (;;) {
      const [event] = await firstValueFrom(eventStream(url, { lastEventId, reconnect: false }).pipe(take(1), toArray()));
      if (event === undefined) break;
      pieces.push(event.data);
      lastEventId = event.id;
      if (isJobEnd(JSON.parse(event.data) as JobEvent)) break;
    }
    const whole = await lastValueFrom(rawEvents(url));
    assert.deepEqual(pieces, whole.map(({ data }) => data));
    assert.deepEqual(whole.map(({ id }) => Number(id)), whole.map((_, index) => index + 1));
    // Whoever had everything is told that there is no more.
    assert.equal((await server.ask(`/jobs/${body.jobId}/events`, { headers: { 'last-event-id': lastEventId } })).status, 204);
  });

  it('a reader that goes does not end the job', async () => {
    server = await startTestServer({ chunkDelay: 5 });
    const { body } = await server.post({ prompt: 'x' });
    await firstValueFrom(eventStream(`${server.url}/jobs/${body.jobId}/events`).pipe(take(4), toArray()));
    await eventually(async () => (await server.view(body.jobId)).status === 'completed', 'the job is done');
    assert.equal(server.simulator.requests[0]?.outcome, 'completed');
  });

  it('is read by remoteChat, with its errors as they were', async () => {
    server = await startTestServer({ faults: { kind: 'status', status: 401 } });
    const { body } = await server.post({ prompt: 'x' });
    const events = remoteChat<JobEvent>(`${server.url}/jobs/${body.jobId}/events`, undefined, { isLast: isJobEnd, reconnect: { backoff: constantBackoff(1) } });
    const end = await lastValueFrom(events);
    assert.ok(end.type === 'job-failed');
    assert.deepEqual([end.error.name, end.error.kind, end.error.status], ['RxMistralError', 'http', 401]);
    assert.ok(!JSON.stringify(end).includes('any'), 'no key');
  });

  it('of a job that is not there is 404', async () => {
    server = await startTestServer();
    for (const [method, path] of [['GET', '/jobs/none'], ['GET', '/jobs/none/events'], ['DELETE', '/jobs/none'], ['GET', '/']] as const) {
      const { status, body } = await server.ask(path, { method });
      assert.equal(status, 404);
      assert.ok(body.message.startsWith('There is no'));
    }
  });
});

describe('DELETE /jobs/:id', () => {
  it('cancels a job that runs: its call to the model is closed, its readers are told', async () => {
    server = await startTestServer({ faults: { kind: 'stall', at: { events: 3 } } });
    const { body } = await server.post({ prompt: 'x', callbackUrl: `${server.url}/hook` });
    const events = server.events(body.jobId);
    await eventually(() => server.simulator.openRequests === 1, 'the model is asked');
    const { status, body: answer } = await server.ask(`/jobs/${body.jobId}`, { method: 'DELETE' });
    assert.deepEqual([status, answer], [200, { jobId: body.jobId, status: 'cancelled' }]);
    await server.simulator.until(({ openRequests }) => openRequests === 0, { timeout: patience });
    assert.equal(server.simulator.requests[0]?.outcome, 'client-closed');
    assert.equal((await events).at(-1)?.type, 'job-cancelled');
    // Once more changes nothing, and no webhook comes twice.
    assert.equal((await server.ask(`/jobs/${body.jobId}`, { method: 'DELETE' })).status, 200);
    await eventually(() => server.webhooks.length === 1, 'the webhook is there');
    assert.equal(server.webhooks[0]?.payload.type, 'job.cancelled');
  });

  it('cancels a job that waits: the model is never asked', async () => {
    server = await startTestServer({ faults: { kind: 'stall', at: { events: 1 } } });
    const jobs = await Promise.all(Array.from({ length: 6 }, (_, index) => server.post({ prompt: `job ${index}` })));
    const ids = jobs.map(({ body }) => body.jobId);
    await eventually(() => server.simulator.openRequests === 5, 'five are under way');
    const waiting = (await Promise.all(ids.map((id) => server.view(id)))).filter(({ status }) => status === 'queued');
    assert.equal(waiting.length, 1);
    await server.ask(`/jobs/${waiting[0]!.jobId}`, { method: 'DELETE' });
    assert.deepEqual((await server.events(waiting[0]!.jobId)).map(({ type }) => type), ['job-queued', 'job-cancelled']);
    for (const id of ids) await server.ask(`/jobs/${id}`, { method: 'DELETE' });
    await server.simulator.until(({ openRequests }) => openRequests === 0, { timeout: patience });
    assert.equal(server.simulator.requestCount, 5);
  });

  it('is too late for a job that has ended', async () => {
    server = await startTestServer();
    const { body } = await server.post({ prompt: 'x' });
    await server.events(body.jobId);
    const { status, body: answer } = await server.ask(`/jobs/${body.jobId}`, { method: 'DELETE' });
    assert.deepEqual([status, answer.message], [409, 'The job has ended already: completed']);
  });
});

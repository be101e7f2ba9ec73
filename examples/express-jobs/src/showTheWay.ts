import { once } from 'node:events';
import { firstValueFrom, lastValueFrom, map, take, tap, toArray } from 'rxjs';
import type { Simulator } from 'rxmistral/simulator';
import { eventStream, remoteChat } from 'rxmistral/sse';
import { isJobEnd, type JobEvent } from './JobEvent.js';
import type { JobView } from './Job.js';

/** A client that shows the whole way of the job API, step by step, and then stops the server as a platform would: by SIGTERM. */
export async function showTheWay(url: string, simulator: Simulator): Promise<void> {
  const callbackUrl = `${url}/hook`;
  const events = (id: string) => remoteChat<JobEvent>(`${url}/jobs/${id}/events`, undefined, { isLast: isJobEnd });

  step('A job is taken at once, and done later');
  const order = { prompt: 'Name three rivers.', callbackUrl };
  const first = await post(order, 'order-1');
  step('The same request again, by its key: the same job');
  const again = await post(order, 'order-1');
  console.log(`  ${again.jobId === first.jobId ? 'no second job' : 'A SECOND JOB'}`);

  step('Its events as they come; the connection is lost behind the fifth');
  const seen = await lastValueFrom(eventStream(`${url}/jobs/${first.jobId}/events`).pipe(take(5), toArray()));
  console.log(`  ${seen.map(({ id, data }) => `${id} ${typeOf(data)}`).join(', ')}`);
  const lastEventId = seen.at(-1)?.id ?? '';
  step(`Back with Last-Event-ID ${lastEventId}: what was missed, and then what comes`);
  const rest = await lastValueFrom(remoteChat<JobEvent>(`${url}/jobs/${first.jobId}/events`, undefined, { lastEventId, isLast: isJobEnd }).pipe(toArray()));
  console.log(`  ${rest.length} more events, the last: ${rest.at(-1)?.type ?? 'none'}`);
  step('One who comes late has all of it');
  const all = await lastValueFrom(events(first.jobId).pipe(toArray()));
  console.log(`  ${all.length} events = ${seen.length} + ${rest.length}`);

  step('Its state, with result and usage');
  const view = await get(`/jobs/${first.jobId}`);
  console.log(`  ${view.status}, ${view.result?.usage?.totalTokens ?? 0} tokens: ${JSON.stringify(view.result?.text)}`);

  step('What is no job is refused, with the reason');
  await post({ prompt: ' ', callbackUrl: 'nowhere' });

  step('A busy server is asked again, from 2 s on; and where that does not help, the job fails behind its third attempt');
  const busy = await post({ prompt: 'What is a busy day?' });
  const failing = await post({ prompt: 'What is a bad day?', callbackUrl });
  // An address that is not public, and that nobody has allowed: its webhook is a dead letter.
  const inward = await post({ prompt: 'Who is there?', callbackUrl: 'http://10.0.0.1/hook' });
  for (const { jobId } of [busy, failing, inward]) {
    const retries = events(jobId).pipe(tap((event) => {
      if (event.type === 'retry') console.log(`  ${jobId}: attempt ${event.attempt} failed (${String(event.error.status)}), again in ${event.delayMs} ms`);
    }));
    const { type } = await lastValueFrom(retries);
    console.log(`  ${jobId}: ${type} after ${(await get(`/jobs/${jobId}`)).attempts} attempts`);
  }

  step('Nothing is lost without a word');
  const letters = (await (await fetch(`${url}/dead-letters`)).json()) as { jobs: JobView[]; webhooks: { webhookId: string; error: { code: string } }[] };
  for (const { jobId, error } of letters.jobs) console.log(`  failed: ${jobId}: ${error?.message ?? ''}`);
  for (const { webhookId, error } of letters.webhooks) console.log(`  not delivered: ${webhookId}: ${error.code}`);

  step('A job is cancelled: the call to the model is closed');
  const unwanted = await post({ prompt: 'A very long story, please.' });
  await firstValueFrom(events(unwanted.jobId).pipe(map(({ type }) => type), take(4), toArray()));
  console.log(`  calls to the model that are open: ${simulator.openRequests}`);
  const cancelled = await fetch(`${url}/jobs/${unwanted.jobId}`, { method: 'DELETE' });
  await simulator.until(() => simulator.openRequests === 0);
  console.log(`  ${cancelled.status} ${await cancelled.text()}; open: ${simulator.openRequests}`);

  step('SIGTERM: no new jobs, and what is running comes to its end');
  const running = await post({ prompt: 'One more.', callbackUrl });
  const signal = once(process, 'SIGTERM');
  process.kill(process.pid, 'SIGTERM');
  await signal;
  await post({ prompt: 'Too late.' });
  console.log(`  ${running.jobId}: ${(await lastValueFrom(events(running.jobId))).type}`);

  async function post(body: object, key?: string): Promise<{ readonly jobId: string }> {
    const headers = { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) };
    const response = await fetch(`${url}/jobs`, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await response.text();
    const retryAfter = response.headers.get('retry-after');
    console.log(`  ${response.status} ${text}${retryAfter === null ? '' : ` (Retry-After: ${retryAfter})`}`);
    return JSON.parse(text) as { readonly jobId: string };
  }

  async function get(path: string): Promise<JobView> {
    return (await (await fetch(url + path)).json()) as JobView;
  }
}

function step(title: string): void {
  console.log(title);
}

function typeOf(data: string): string {
  return (JSON.parse(data) as JobEvent).type;
}

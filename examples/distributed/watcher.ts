/**
 * The watcher's process: asks all questions over the API, and reads the answers as they come, as browsers on bad lines do: each
 * connection is left behind some events, and the next one goes on behind the last of them.
 */
import { defer, filter, from, lastValueFrom, map, mergeMap, repeat, share, take, takeWhile, tap, timer, toArray } from 'rxjs';
import { accumulate, type ChatEvent } from 'rxmistral';
import type { EnqueuedJob, JobEvent } from 'rxmistral/bullmq';
import { eventStream } from 'rxmistral/sse';
import { placeOfThis, type Question, tell } from './messages.js';

const { apiUrl = '' } = placeOfThis();
const questions = Array.from({ length: Number(process.argv[3]) }, (_, n): Question => ({ content: `Question ${n + 1}: what is worth knowing?` }));

let tokens = 0;
let connections = 0;

async function ask(question: Question): Promise<string> {
  const response = await fetch(`${apiUrl}/jobs`, { method: 'POST', body: JSON.stringify(question) });
  const { jobId } = (await response.json()) as EnqueuedJob;
  return jobId;
}

async function watch(jobId: string): Promise<void> {
  const ids: string[] = [];
  const connection = defer(() => {
    connections += 1;
    return eventStream(`${apiUrl}/jobs/${jobId}/events`, { lastEventId: ids.at(-1) }).pipe(take(10 + Math.floor(Math.random() * 30)));
  });
  const events = connection.pipe(
    tap(({ id }) => ids.push(id)),
    repeat({ delay: () => timer(Math.random() * 300) }),
    map(({ data }) => JSON.parse(data) as JobEvent<ChatEvent>),
    takeWhile(({ type }) => type !== 'job-complete' && type !== 'job-failed', true),
    share(),
  );
  const text = events.pipe(
    filter((event) => event.type === 'job-value'),
    map(({ value }) => value),
    tap(({ type }) => {
      if (type === 'text-delta') tokens += 1;
    }),
    accumulate(),
    map((snapshot) => snapshot.text),
  );
  tell({ type: 'seen', jobId, text: await lastValueFrom(text, { defaultValue: '' }), ids });
}

const reporting = setInterval(() => {
  tell({ type: 'watching', tokens, connections });
}, 200);
await lastValueFrom(from(questions).pipe(mergeMap(ask, 4), mergeMap(watch), toArray()));
clearInterval(reporting);
tell({ type: 'watching', tokens, connections });
process.disconnect();

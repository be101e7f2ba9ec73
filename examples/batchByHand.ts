/**
 * What people write today: a file of JSON lines, an upload, a job, a loop that polls, a download, a join by hand. Beside it,
 * batch.ts does the same to the same server.
 *
 * What this one does not know of: the error file, lines that are in no file, a poll that fails, a job that never ends, a
 * process that is killed, and that the same create, tried again, makes a second job.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Mistral } from '@mistralai/mistralai';
import { ProgressLine } from './progressLine.js';
import { requests, startServer } from './batchServer.js';

const server = await startServer();
const client = new Mistral({ apiKey: 'any', serverURL: server.url });
const view = new ProgressLine(process.stdout);
const startedAt = Date.now();

const lines = requests.map(({ customId, body }) => JSON.stringify({ custom_id: customId, body }));
const content = new Blob([lines.join('\n')]);
const file = await client.files.upload({ file: { fileName: 'requests.jsonl', content }, purpose: 'batch' });
let job = await client.batch.jobs.create({ inputFiles: [file.id], endpoint: '/v1/chat/completions', model: 'mistral-small-latest' });

for (;;) {
  job = await client.batch.jobs.get({ jobId: job.id });
  const { completedRequests: done, totalRequests: total, failedRequests: failed } = job;
  view.show({ done, total, failed, remainingMs: done === 0 ? undefined : ((Date.now() - startedAt) / done) * (total - done) });
  if (job.status === 'SUCCESS') break;
  if (job.status === 'FAILED') throw new Error('The job failed');
  await sleep(200); // 30 seconds, where jobs take hours
}
view.end();

const answers = new Map<string, string>();
const text = await new Response(await client.files.download({ fileId: job.outputFile ?? '' })).text();
for (const line of text.trim().split('\n')) {
  const { custom_id, response } = JSON.parse(line) as { custom_id: string; response: { body: { choices: { message: { content: string } }[] } } };
  answers.set(custom_id, response.body.choices[0]?.message.content ?? '');
}

const unanswered = requests.filter(({ customId }) => !answers.has(customId));
console.log(`${answers.size} of ${requests.length} answered; of ${unanswered.length} nobody knows what became`);
await server.close();

/**
 * Asks a NestJS service of its own, three times: `npm start`. Without MISTRAL_API_KEY the model is a simulator in this process.
 */
import { lastValueFrom, take, toArray } from 'rxjs';
import { accumulate } from 'rxmistral';
import { eventStream, remoteChat } from 'rxmistral/sse';
import { createChatApp } from './createChatApp.js';
import { cutOnce } from './cutOnce.js';
import { openModel } from './openModel.js';

const model = await openModel();
const app = await createChatApp(model.client);
await app.listen(0, '127.0.0.1');
const url = await app.getUrl();

console.log('An answer of one connection, by @Sse():');
const answer = await lastValueFrom(remoteChat(`${url}/chat`, { prompt: 'Why is the sky blue?' }).pipe(accumulate()));
console.log(`  ${answer.text}\n`);

console.log('An answer that outlives its connection, with a store:');
const reconnect = { onReconnect: ({ lastEventId }: { readonly lastEventId: string }) => { console.log(`  the connection was lost; on it goes behind event ${lastEventId}`); } };
const cut = await lastValueFrom(
  remoteChat(`${url}/chat/answers`, { prompt: 'Name three rivers.' }, { fetch: cutOnce(fetch, 2_000), reconnect }).pipe(accumulate()),
);
console.log(`  ${cut.text}\n`);

console.log('What was asked, by @Sse() with ids:');
const log = await lastValueFrom(eventStream(`${url}/chat/log`).pipe(take(2), toArray()));
for (const { id, event, data } of log) console.log(`  ${id} ${event} ${data}`);
if (model.simulator !== undefined) console.log(`\nThe model was called ${model.simulator.requestCount} times.`);

await app.close();
await model.simulator?.close();

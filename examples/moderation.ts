/** What goes in and comes out is moderated and classified, all at once. */
import { MistralCore } from '@mistralai/mistralai/core.js';
import { forkJoin, lastValueFrom } from 'rxjs';
import { classify, moderate, moderateChat } from 'rxmistral';
import { startSimulator } from 'rxmistral/simulator';

const simulator = await startSimulator();
const client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });
const question = 'Where is my parcel?';

const { text, chat, intent } = await lastValueFrom(
  forkJoin({
    text: moderate(client, { model: 'mistral-moderation-latest', inputs: [question] }),
    chat: moderateChat(client, { model: 'mistral-moderation-latest', inputs: [{ role: 'user', content: question }] }),
    intent: classify(client, { model: 'ft:classifier:ministral-3b-latest:intents', inputs: [question] }),
  }),
);
console.log('text:', Object.keys(text.results[0]?.categories ?? {}).length, 'categories');
console.log('chat:', Object.keys(chat.results[0]?.categories ?? {}).length, 'categories');
console.log('intent:', intent.results[0]);

await simulator.close();

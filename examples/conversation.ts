/**
 * A conversation that is not lost: the server forgets it between two turns (Mistral keeps conversations for a while only), and the
 * process is left and begun anew; it goes on from the store, a SQLite database.
 *
 * Without a key it talks to the embedded simulator; with MISTRAL_API_KEY to Mistral, which is told to forget by deleting.
 */
import { MistralCore } from '@mistralai/mistralai/core.js';
import { betaConversationsDelete } from '@mistralai/mistralai/funcs/betaConversationsDelete.js';
import Database from 'libsql';
import { firstValueFrom, lastValueFrom, tap } from 'rxjs';
import { type Conversation, conversation, type TurnCompleteEvent } from 'rxmistral';
import { type AnswerReply, type CompletionBody, startSimulator } from 'rxmistral/simulator';
import { sqliteConversationStore } from 'rxmistral/stores';

const { MISTRAL_API_KEY: apiKey = '', MISTRAL_MODEL: model = 'mistral-small-latest' } = process.env;
const simulator = apiKey === '' ? await startSimulator({ reply: remembers }) : undefined;
const client = new MistralCore(simulator ? { apiKey: 'any', serverURL: simulator.url } : { apiKey });

const database = new Database(':memory:'); // a path keeps it
const store = sqliteConversationStore(database);

const open = () => conversation(client, { id: 'support-17', model, instructions: 'Answer in one sentence.', store, retry: {}, onDisconnect: 'restart' });

async function say(support: Conversation<never>, words: string): Promise<TurnCompleteEvent> {
  console.log(`user:  ${words}`);
  process.stdout.write('model: ');
  const events = support.send(words).pipe(
    tap((event) => {
      if (event.type === 'text-delta') process.stdout.write(event.text);
      else if (event.type === 'conversation-rebuilt') process.stdout.write(`[begun anew with ${event.entries} entries] `);
    }),
  );
  const end = await lastValueFrom(events);
  console.log();
  return end as TurnCompleteEvent;
}

const first = open();
await say(first, 'My name is Ada.');
const { conversationId = '' } = await say(first, 'I live in Nantes.');
first.close();

await betaConversationsDelete(client, { conversationId });
console.log('--- the server has forgotten it, and the process was begun anew ---');

const second = open();
await say(second, 'What is my name?');
await say(second, 'And where do I live?');

const entries = await firstValueFrom(second.history());
console.log(`${entries.length} entries in the store, ${entries.filter(({ type }) => type === 'turn.done').length} turns`);
second.close();
database.close();
await simulator?.close();

// Knows what it was told in this conversation, and nothing else.
function remembers({ messages = [] }: CompletionBody): AnswerReply {
  const said = messages.filter(({ role }) => role === 'user').map(({ content }) => (typeof content === 'string' ? content : ''));
  const known = (pattern: RegExp): string => said.map((words) => pattern.exec(words)?.[1]).find((word) => word !== undefined) ?? 'I do not know';
  const asked = said.at(-1) ?? '';
  if (asked.includes('name?')) return { text: `${known(/name is (\w+)/)}.` };
  if (asked.includes('live?')) return { text: `${known(/live in (\w+)/)}.` };
  return { text: 'Noted.' };
}

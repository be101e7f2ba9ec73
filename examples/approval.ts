/**
 * Approval by a person who is not there: the turn is put aside as JSON, and goes on in another process, another day.
 *
 * Without a key it talks to the embedded simulator, whose answers are scripted; with MISTRAL_API_KEY to Mistral.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MistralCore } from '@mistralai/mistralai/core.js';
import { lastValueFrom, tap } from 'rxjs';
import { type AgentEvent, agentTurn, type PendingTurn, resumeTurn, tool } from 'rxmistral';
import { type AnswerReply, type CompletionBody, startSimulator } from 'rxmistral/simulator';
import { z } from 'zod';

const { MISTRAL_API_KEY: apiKey = '', MISTRAL_MODEL: model = 'mistral-small-latest' } = process.env;
const simulator = apiKey === '' ? await startSimulator({ reply: clerk }) : undefined;
const client = new MistralCore(simulator ? { apiKey: 'any', serverURL: simulator.url } : { apiKey });

const lookUp = tool({
  name: 'look_up_order',
  description: 'The price of an order, in euros.',
  parameters: z.object({ order: z.number() }),
  execute: ({ order }) => ({ order, euros: order * 10 }),
});
const refund = tool({
  name: 'refund',
  description: 'Pays an amount back, in euros.',
  parameters: z.object({ order: z.number(), euros: z.number() }),
  // Small amounts are nobody's business.
  needsApproval: ({ euros }) => euros > 20,
  execute: ({ order, euros }, { toolCallId }) => {
    console.log(`  pays ${euros} euros for order ${order} (key ${toolCallId})`);
    return 'paid';
  },
});
const options = { tools: [lookUp, refund], retry: {} };

const log = tap((event: AgentEvent) => {
  if (event.type === 'tool-result') console.log(`  ${event.name}: ${event.text}`);
  else if (event.type === 'tool-error') console.log(`  ${event.name} not run: ${event.text}`);
  else if (event.type === 'approval-required') console.log(`  a person has to decide: ${event.toolCall.name} ${event.toolCall.arguments}`);
  else if (event.type === 'turn-complete') console.log(`  ${event.ending}: ${JSON.stringify(event.message.content)}`);
});

const directory = await mkdtemp(join(tmpdir(), 'approval-'));
const file = join(directory, 'pending.json');

console.log('Monday');
const monday = await lastValueFrom(
  agentTurn(client, { model, messages: [{ role: 'user', content: 'Refund orders 1, 7 and 9: look them up first.' }] }, options).pipe(log),
);
if (monday.type !== 'turn-complete' || monday.pending === undefined) throw new Error('Nothing was put aside');
await writeFile(file, JSON.stringify(monday.pending));
console.log(`  put aside: ${monday.pending.waiting.length} calls wait`);

console.log('Friday');
const pending = JSON.parse(await readFile(file, 'utf8')) as PendingTurn;
// The person allows up to 80 euros.
const decisions = Object.fromEntries(
  pending.toolCalls
    .filter(({ id }) => pending.waiting.includes(id))
    .map(({ id, arguments: text }) => {
      const { euros } = JSON.parse(text) as { readonly euros: number };
      return [id, euros <= 80 ? ('allow' as const) : { decision: 'deny' as const, reason: 'too much' }];
    }),
);
await lastValueFrom(resumeTurn(client, pending, decisions, options).pipe(log));

await rm(directory, { recursive: true });
await simulator?.close();

// Looks three orders up, asks for three refunds, and says what was done.
function clerk({ messages = [] }: CompletionBody): AnswerReply {
  const results = messages.filter(({ role }) => role === 'tool').map(({ content }) => (typeof content === 'string' ? content : ''));
  if (results.length === 0) return { toolCalls: [1, 7, 9].map((order) => ({ name: 'look_up_order', arguments: { order } })) };
  if (results.length === 3) return { toolCalls: results.map((text) => ({ name: 'refund', arguments: JSON.parse(text) as unknown })) };
  const refunds = results.slice(3);
  return { text: `${refunds.filter((text) => text === 'paid').length} of ${refunds.length} orders were refunded.` };
}

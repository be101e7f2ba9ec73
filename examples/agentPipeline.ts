/**
 * Several agents by plain rxjs: one after the other (concatMap), side by side (forkJoin), again until one is content (expand), and
 * agents that hand over to each other (expand again).
 *
 * Without a key it talks to the embedded simulator, whose answers are scripted; with MISTRAL_API_KEY to Mistral.
 */
import { MistralCore } from '@mistralai/mistralai/core.js';
import { concatMap, EMPTY, expand, filter, forkJoin, last, lastValueFrom, map, type Observable, take, takeWhile, tap } from 'rxjs';
import { accumulate, agentTurn, type AgentTurnRequest, chatStream, tool, type TurnMessage } from 'rxmistral';
import { type AnswerReply, type CompletionBody, startSimulator } from 'rxmistral/simulator';
import { z } from 'zod';

const { MISTRAL_API_KEY: apiKey = '', MISTRAL_MODEL: model = 'mistral-small-latest' } = process.env;
const simulator = apiKey === '' ? await startSimulator({ reply: scripted, latency: 20 }) : undefined;
const client = new MistralCore(simulator ? { apiKey: 'any', serverURL: simulator.url } : { apiKey });

const roles = {
  writer: 'You are a writer. Write two sentences about what you are given.',
  critic: 'You are a critic. Say in one sentence what is wrong with the text. If nothing is, say APPROVED and nothing else.',
  editor: 'You are an editor. You are given a text and a criticism. Give the better text, and nothing else.',
  facts: 'You are a reviewer of facts. Rate the text from 1 to 5, the number first.',
  style: 'You are a reviewer of style. Rate the text from 1 to 5, the number first.',
  length: 'You are a reviewer of length. Rate the text from 1 to 5, the number first.',
} as const;

/** An agent is a function: it is told something, and answers. Cold and cancellable, as all of it. */
function ask(role: keyof typeof roles, content: string): Observable<string> {
  const messages = [{ role: 'system' as const, content: roles[role] }, { role: 'user' as const, content }];
  return chatStream(client, { model, messages }, { retry: {}, onDisconnect: 'resume' }).pipe(
    accumulate(),
    last(),
    map(({ text }) => text),
    tap((text) => { console.log(`  ${role}: ${text}`); }),
  );
}

console.log('One after the other');
const edited = ask('writer', 'lighthouses').pipe(
  concatMap((text) => ask('critic', text).pipe(concatMap((criticism) => ask('editor', `${text}\n---\n${criticism}`)))),
);
const text = await lastValueFrom(edited);

console.log('Side by side');
const reviews = await lastValueFrom(forkJoin({ facts: ask('facts', text), style: ask('style', text), length: ask('length', text) }));
const marks = Object.values(reviews).map((review) => Number.parseInt(review, 10));
console.log(`  ${marks.join(' + ')} = ${marks.reduce((sum, mark) => sum + mark, 0)} of 15`);

console.log('Until the critic is content');
const maxRounds = 5;
interface Draft {
  readonly text: string;
  readonly criticism: string;
}
const criticised = (draft: string): Observable<Draft> => ask('critic', draft).pipe(map((criticism) => ({ text: draft, criticism })));
const drafts = criticised(text).pipe(
  expand((draft) => ask('editor', `${draft.text}\n---\n${draft.criticism}`).pipe(concatMap(criticised))),
  take(maxRounds),
  takeWhile(({ criticism }) => !criticism.includes('APPROVED'), true),
);
let rounds = 0;
const final = await lastValueFrom(drafts.pipe(tap(() => { rounds += 1; })));
console.log(`  ${final.criticism.includes('APPROVED') ? 'approved' : 'given up'} after ${rounds} rounds`);

console.log('Handed over');
const desks = {
  reception: 'You are the reception. You answer nothing yourself: hand over to billing or engineering.',
  billing: 'You are billing. Answer what is about money; hand over the rest.',
  engineering: 'You are engineering. Answer what is about the product; hand over the rest.',
} as const;
type Desk = keyof typeof desks;

const handOver = tool({
  name: 'hand_over',
  description: 'Lets another desk answer.',
  parameters: z.object({ to: z.enum(['reception', 'billing', 'engineering']) }),
  execute: ({ to }) => to,
});

interface Visit {
  readonly desk: Desk;
  readonly messages: readonly TurnMessage[];
  /** The desk that is to go on. */
  readonly next?: Desk | undefined;
  readonly answer?: string;
}

// All desks see the same messages; each has instructions of its own. A turn is stopped where it hands over.
function visit({ desk, messages }: Visit): Observable<Visit> {
  const request: AgentTurnRequest = { model, messages: [{ role: 'system', content: desks[desk] }, ...messages] };
  let next: Desk | undefined;
  return agentTurn(client, request, { tools: [handOver], stopWhen: () => next !== undefined, retry: {} }).pipe(
    tap((event) => {
      if (event.type === 'tool-result') next = event.result;
    }),
    filter((event) => event.type === 'turn-complete'),
    map((event) => ({ desk, next, messages: event.messages.slice(1), answer: textOf(event.message.content) })),
    tap(({ answer }) => { console.log(next === undefined ? `  ${desk}: ${answer}` : `  ${desk} hands over to ${next}`); }),
  );
}

const question: Visit = { desk: 'reception', messages: [{ role: 'user', content: 'Why was I charged twice?' }] };
await lastValueFrom(
  visit(question).pipe(
    expand(({ next, messages }) => (next === undefined ? EMPTY : visit({ desk: next, messages }))),
    take(maxRounds),
  ),
);
await simulator?.close();

// What the agents say: the critic is content with the second text that it sees.
function scripted({ messages = [] }: CompletionBody): AnswerReply {
  const [system = '', user = ''] = [messages[0], messages.findLast(({ role }) => role === 'user')].map((message) => textOf(message?.content));
  const role = /^You are (?:a |an |the )?([\w ]+?)\. /.exec(system)?.[1] ?? '';
  switch (role) {
    case 'writer':
      return { text: 'A lighthouse stands on a rock. It is very, very, very tall.' };
    case 'critic':
      return { text: user.includes('very, ') ? 'It says "very" more than once.' : user.includes('metres') ? 'APPROVED' : 'It should say how tall.' };
    case 'editor':
      return { text: user.includes('how tall') ? 'A lighthouse stands on a rock. It is 40 metres tall.' : 'A lighthouse stands on a rock. It is tall.' };
    case 'reception':
      return { toolCalls: [{ name: 'hand_over', arguments: { to: 'engineering' } }] };
    case 'engineering':
      return { toolCalls: [{ name: 'hand_over', arguments: { to: 'billing' } }] };
    case 'billing':
      return { text: `One of the two charges was a reservation; it goes away. (${messages.length - 1} messages read)` };
    default:
      return { text: `${role.length % 5} of 5: fine.` };
  }
}

function textOf(content: unknown): string {
  return typeof content === 'string' ? content : '';
}

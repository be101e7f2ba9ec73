/**
 * Several chats at once, at most three at a time, over whatever goes wrong: `npm run demo`.
 *
 * Without a key it starts the embedded simulator, which cuts two answers (one is begun anew, one is continued) and turns
 * one call away; with MISTRAL_API_KEY the same program talks to Mistral (and MISTRAL_MODEL names the model).
 */
import { MistralCore } from '@mistralai/mistralai/core.js';
import { connect, from, lastValueFrom, map, merge, mergeMap, type Observable, scan } from 'rxjs';
import { accumulate, chatStream, errorAsEvent } from 'rxmistral';
import { type RecordedRequest, startSimulator } from 'rxmistral/simulator';
import { type Chat, type Happening, step } from './chat.js';
import { show, summarise } from './view.js';

const questions = [
  { prompt: 'Why is the sky blue?' },
  { prompt: 'Name three rivers and where they end.', onDisconnect: 'restart' },
  { prompt: 'What is a monad, in one paragraph?' },
  { prompt: 'Write a toast for a retiring lighthouse keeper.', onDisconnect: 'resume' },
  { prompt: 'How does a heat pump work?' },
  { prompt: 'Explain backpressure to a plumber.' },
] as const;

const { MISTRAL_API_KEY: apiKey = '', MISTRAL_MODEL: model = 'mistral-small-latest' } = process.env;
const simulator = apiKey === '' ? await startTroubledServer() : undefined;
const client = new MistralCore(simulator ? { apiKey: 'any', serverURL: simulator.url } : { apiKey });

function answer({ prompt, onDisconnect = 'resume' }: { prompt: string; onDisconnect?: 'restart' | 'resume' }): Observable<Happening> {
  return chatStream(
    client,
    { model, messages: [{ role: 'user', content: prompt }], maxTokens: 120 },
    { retry: { maxRetries: 4 }, onDisconnect, timeouts: { firstEvent: 20_000, idle: 10_000 } },
  ).pipe(
    errorAsEvent(),
    connect((events) => merge(events, events.pipe(accumulate()))),
  );
}

const chats = from(questions).pipe(
  mergeMap((question, index) => answer(question).pipe(map((happening) => ({ index, happening }))), 3),
  scan(
    (all: readonly Chat[], { index, happening }) => all.map((chat, at) => (at === index ? step(chat, happening) : chat)),
    questions.map(({ prompt }): Chat => ({ prompt, state: 'waiting', text: '', attempts: 0, resumed: 0 })),
  ),
);

console.log(simulator ? `Simulator at ${simulator.url} (set MISTRAL_API_KEY for the real one)\n` : `Mistral, ${model}\n`);
const final = await lastValueFrom(chats.pipe(show(process.stdout)), { defaultValue: [] });
await simulator?.close();
console.log(`\n${summarise(final)}`);
process.exitCode = final.every(({ state }) => state === 'done') ? 0 : 1;

// The answers about rivers and the lighthouse are cut by the server, each once; the monad comes too early, and is told to
// wait for two seconds.
function startTroubledServer() {
  const first = (word: string) => (request: RecordedRequest) =>
    request.attempt === 1 && JSON.stringify(request.body).includes(word) && !JSON.stringify(request.body).includes('prefix');
  return startSimulator({
    seed: 7,
    latency: 200,
    tokensPerSecond: 25,
    answerTokens: 45,
    faults: [
      { kind: 'truncate', at: { events: 12 }, on: first('rivers') },
      { kind: 'reset', at: { events: 20 }, on: first('lighthouse') },
      { kind: 'status', status: 429, headers: { 'retry-after': '2' }, on: first('monad') },
    ],
  });
}

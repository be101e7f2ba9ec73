/**
 * The code reviewer: an agent that searches the codebase before it says anything, and rates what it finds.
 *
 * Without a key it talks to the embedded simulator, whose answers are scripted; with MISTRAL_API_KEY to Mistral (MISTRAL_MODEL names
 * the model), where it creates the agent `rxmistral-code-reviewer` or takes the one that is there.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MistralCore } from '@mistralai/mistralai/core.js';
import { concatMap, lastValueFrom, tap } from 'rxjs';
import { conversationTurn, ensureAgent, functionTools, tool } from 'rxmistral';
import { type AnswerReply, type CompletionBody, startSimulator } from 'rxmistral/simulator';
import { z } from 'zod';

const { MISTRAL_API_KEY: apiKey = '', MISTRAL_MODEL: model = 'mistral-medium-latest' } = process.env;
const simulator = apiKey === '' ? await startSimulator({ reply: reviewerOfScript, tokensPerSecond: 60 }) : undefined;
const client = new MistralCore(simulator ? { apiKey: 'any', serverURL: simulator.url } : { apiKey });

const source = join(import.meta.dirname, '../src');
const maxPlaces = 8;

const searchCodebase = tool({
  name: 'search_codebase',
  description: 'Finds the lines of the codebase that hold a text, with file and line number.',
  parameters: z.object({ query: z.string().min(3).describe('The text to look for, such as the name of a function.') }),
  execute: async ({ query }, { signal }) => {
    const places: string[] = [];
    for (const file of (await readdir(source, { recursive: true })).filter((name) => name.endsWith('.ts')).toSorted()) {
      const lines = (await readFile(join(source, file), { encoding: 'utf8', signal })).split('\n');
      for (const [index, line] of lines.entries()) if (line.includes(query)) places.push(`src/${file}:${index + 1}: ${line.trim()}`);
      if (places.length >= maxPlaces) break;
    }
    return { query, places: places.slice(0, maxPlaces) };
  },
});

const reviewer = ensureAgent(client, {
  name: 'rxmistral-code-reviewer',
  model,
  description: 'Reviews functions against the codebase that they belong to.',
  instructions: [
    'You review a function for a codebase. First search the codebase for what the function should have used, all searches at once.',
    'Then write one finding a line, the worst first: `[critical]`, `[major]` or `[minor]`, what is wrong, and what to do about it.',
  ].join('\n'),
  completionArgs: { temperature: 0 },
  tools: functionTools([searchCodebase]),
});

const functionToReview = `
async function download(url: string, attempts = 3) {
  for (let attempt = 0; attempt <= attempts; attempt++) {
    try {
      return await fetch(url);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1_000 * 2 ** attempt));
    }
  }
}`;

let review = '';
await lastValueFrom(
  reviewer.pipe(
    concatMap(({ id }) =>
      conversationTurn(
        client,
        { agentId: id, inputs: `Review this function:\n${functionToReview}` },
        { tools: [searchCodebase], toolTimeout: 60_000, retry: {}, onDisconnect: 'restart' },
      ),
    ),
    tap((event) => {
      switch (event.type) {
        case 'tool-start':
          console.log(`searches: ${event.toolCall.arguments}`);
          break;
        case 'tool-result':
          console.log(`found:    ${event.result.places.length} places of ${event.result.query}`);
          break;
        case 'retry':
          console.log(`\n[${event.error.kind}, again in ${event.delayMs} ms]`);
          break;
        case 'text-delta':
          process.stdout.write(event.text);
          break;
        case 'turn-complete':
          review = typeof event.message.content === 'string' ? event.message.content : '';
          console.log(`\n\n${event.steps} steps, ${event.usage?.totalTokens ?? 0} tokens`);
          break;
      }
    }),
  ),
);

const ratings = ['critical', 'major', 'minor'] as const;
console.log(ratings.map((rating) => `${review.split(`[${rating}]`).length - 1} ${rating}`).join(', '));
await simulator?.close();

// Searches twice at once, and then cites what the tool has found.
function reviewerOfScript({ messages = [] }: CompletionBody): AnswerReply {
  if (messages.at(-1)?.role !== 'tool') {
    const queries = ['export function retryWithBackoff', 'export function exponentialBackoff'];
    return { toolCalls: queries.map((query) => ({ name: 'search_codebase', arguments: { query } })) };
  }
  const found = messages.filter(({ role }) => role === 'tool').map(({ content }) => JSON.parse(typeof content === 'string' ? content : '{}') as { readonly places: readonly string[] });
  const [retry, backoff] = found.map(({ places }) => /^[^:]+/.exec(places[0] ?? '')?.[0] ?? 'nowhere');
  return {
    text: [
      `[critical] After the last attempt the error is swallowed, and the caller gets undefined: use retryWithBackoff (${retry ?? ''}).`,
      '[major] A status of 503 counts as success: check the response before returning it.',
      `[major] All clients wait the same time and come back together: use exponentialBackoff with its jitter (${backoff ?? ''}).`,
      '[minor] `attempts = 3` makes four of them: say what it counts.',
    ].join('\n'),
  };
}

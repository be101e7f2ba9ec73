/**
 * What calls that are open hold: many streams at once, each of which has begun and goes on slowly.
 *
 * npm run bench:open-calls -- [--calls 2000] [--rate 1]      tokens a second each
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { MistralCore } from '@mistralai/mistralai/core.js';
import type { Subscription } from 'rxjs';
import { accumulate, chatStream } from 'rxmistral';
import { firstMessage, start } from '../processes.js';

const { values: args } = parseArgs({ options: { calls: { type: 'string', default: '2000' }, rate: { type: 'string', default: '1' } } });
const calls = Number(args.calls);
if (!Number.isInteger(calls) || calls < 1) throw new TypeError(`Expected --calls to be an integer >= 1, got ${args.calls}`);

const server = start(new URL('slowServer.ts', import.meta.url), [args.rate]);
const { url: serverURL } = await firstMessage<{ readonly url: string }>(server);
const client = new MistralCore({ serverURL, apiKey: 'any' });

let tokens = 0;

async function open(count: number): Promise<() => void> {
  const subscriptions: Subscription[] = [];
  let begun = 0;
  for (let n = 0; n < count; n += 1) {
    let isFirst = true;
    const call = chatStream(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content: `Question ${n}?` }] });
    subscriptions.push(
      call.pipe(accumulate()).subscribe({
        next: () => {
          tokens += 1;
          if (isFirst) begun += 1;
          isFirst = false;
        },
        error: (error: unknown) => {
          throw error;
        },
      }),
    );
    // In waves: a listener has a queue for those who knock, and it is short.
    while (n - begun > 100) await sleep(5);
  }
  while (begun < count) await sleep(5);
  return () => {
    for (const subscription of subscriptions) subscription.unsubscribe();
  };
}

async function collected(): Promise<{ readonly heap: number; readonly resident: number }> {
  for (let round = 0; round < 4; round += 1) {
    globalThis.gc?.();
    await sleep(20);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, resident: rss };
}

// What is loaded and compiled at the first use is no call's.
(await open(50))();
const before = await collected();
const close = await open(calls);
const during = await collected();
const cpuStart = process.cpuUsage();
const [tokensBefore, startedAt] = [tokens, performance.now()];
await sleep(5_000);
const { user, system } = process.cpuUsage(cpuStart);
const milliseconds = performance.now() - startedAt;
const taken = tokens - tokensBefore;
console.log(`${calls} open calls: ${((during.heap - before.heap) / calls / 1_024).toFixed(1)} KiB of heap each, ${((during.resident - before.resident) / calls / 1_024).toFixed(1)} KiB resident, a socket each`);
console.log(`${Math.round((taken * 1_000) / milliseconds)} tokens a second take ${((user + system) / 10 / milliseconds).toFixed(1)} % of a core: ${((user + system) / taken).toFixed(0)} µs a token`);
close();
server.kill();

/**
 * Reads the same JSON answers while they come, with `partialJson` and with other parsers; prints CPU per answer.
 *
 * npm run bench:json -- [--rounds 5] [--markdown]
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { firstMessage, start } from '../processes.js';
import { asMarkdown, asText } from '../render.js';
import { type Comparison, comparisons, pieceSizes } from './comparisons.js';
import { documents } from './documents.js';
import type { Measurement, Task } from './messages.js';
import { type Series, tableOf } from './table.js';

const { values: args } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, markdown: { type: 'boolean', default: false } },
});
const rounds = Number(args.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new TypeError(`Expected --rounds to be an integer >= 1, got ${args.rounds}`);

console.log(`Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'CPU'}, rounds: ${rounds}`);
for (const comparison of comparisons) {
  const table = tableOf(comparison, await compare(comparison));
  console.log(`\n${comparison.title}\n\n${args.markdown ? asMarkdown(table) : asText(table)}`);
}

/** Measures each contender in turn, so that what disturbs the machine disturbs all of them. */
async function compare({ title, lengths, contenders }: Comparison): Promise<readonly Series[]> {
  const all = documents.flatMap((document) =>
    pieceSizes.flatMap((pieceSize) =>
      contenders.map((contender) => ({ document, pieceSize, contender, measurements: lengths.map((): Measurement[] => []) })),
    ),
  );
  for (let round = 0; round < rounds; round++) {
    for (const { document, pieceSize, contender, measurements } of all) {
      for (const [index, length] of lengths.entries()) {
        progress(`${title}, round ${round + 1} of ${rounds}: ${document.title}, ${contender.name}, ${length}`);
        const task: Task = { contender: contender.name, document: document.name, length, pieceSize };
        measurements[index]?.push(await measure(task));
      }
    }
  }
  progress('');
  return all;
}

function measure(task: Task): Promise<Measurement> {
  return firstMessage(start(new URL('client.ts', import.meta.url), [JSON.stringify(task)]));
}

function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}

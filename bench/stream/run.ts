/**
 * Reads the same chat streams with this library and with what users would pick instead; prints CPU per event.
 *
 * npm run bench:stream -- [--rounds 7] [--only 20000-coalesced] [--skip-slow] [--markdown]
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { asMarkdown, asText } from '../render.js';
import { contenders } from './contenders/index.js';
import type { Measurement } from './messages.js';
import { measure, startServer } from './processes.js';
import { type Scenario, scenarioNamed, scenarios } from './scenarios.js';
import { tableOf } from './table.js';

const { values: args } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    only: { type: 'string', multiple: true },
    'skip-slow': { type: 'boolean', default: false },
    markdown: { type: 'boolean', default: false },
  },
});
const rounds = Number(args.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new TypeError(`Expected --rounds to be an integer >= 1, got ${args.rounds}`);

const pairs = (args.only?.map(scenarioNamed) ?? scenarios).flatMap((scenario) =>
  contenders
    .filter(({ name }) => !scenario.without?.includes(name) && !(args['skip-slow'] && isSlow(name, scenario)))
    .map((contender) => ({ scenario, contender, measurements: [] as Measurement[] })),
);

const { child: server, served } = await startServer();
try {
  for (let round = 0; round < rounds; round++) {
    for (const { scenario, contender, measurements } of pairs) {
      if (round > 0 && isSlow(contender.name, scenario)) continue;
      progress(`round ${round + 1} of ${rounds}: ${scenario.name}, ${contender.name}`);
      measurements.push(await measure({ contender: contender.name, scenario: scenario.name, served }));
    }
  }
} finally {
  server.kill();
  progress('');
}

const table = tableOf(
  pairs.map(({ scenario, contender, measurements }) => ({
    scenario: scenario.title,
    contender: contender.name,
    title: contender.title,
    measurements,
  })),
);
console.log(`Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'CPU'}, rounds: ${rounds}\n`);
console.log(args.markdown ? asMarkdown(table) : asText(table));

function isSlow(contender: string, scenario: Scenario): boolean {
  return scenario.slow?.includes(contender) ?? false;
}

function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}

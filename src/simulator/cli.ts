#!/usr/bin/env node
import { readFileSync } from 'node:fs';

import { helpText, parseCommandLine, type Command } from './cliArguments.js';
import type { SimulatorOptions } from './options.js';
import { startSimulator } from './simulator.js';

const badUsage = 2;

function complain(error: unknown, exitCode: number): void {
  process.stderr.write(`rxmistral-simulator: ${error instanceof Error ? error.message : String(error)}\n`);
  if (exitCode === badUsage) process.stderr.write('Try --help.\n');
  process.exitCode = exitCode;
}

function version(): string {
  // The same distance from src/simulator and from dist/simulator.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

async function start(options: SimulatorOptions): Promise<void> {
  const simulator = await startSimulator(options);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // With the last socket gone nothing keeps the process alive.
    process.once(signal, () => void simulator.close());
  }
  process.stdout.write(`Mistral simulator listening on ${simulator.url}\n`);
  process.stdout.write(`Point the SDK at it: new Mistral({ serverURL: '${simulator.url}', apiKey: 'any' })\n`);
}

async function run(): Promise<void> {
  let command: Command;
  try {
    command = parseCommandLine(process.argv.slice(2));
  } catch (error) {
    complain(error, badUsage);
    return;
  }
  if (command.name === 'help') process.stdout.write(helpText);
  else if (command.name === 'version') process.stdout.write(`${version()}\n`);
  else {
    try {
      await start(command.options);
    } catch (error) {
      // Options are refused with a TypeError; anything else, a taken port above all, is no fault of the usage.
      complain(error, error instanceof TypeError ? badUsage : 1);
    }
  }
}

await run();

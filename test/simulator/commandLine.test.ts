import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from 'vitest';

import { parseCommandLine } from '../../src/simulator/cliArguments.js';
import { faultKinds } from '../../src/simulator/faultScript.js';
import { startSimulator } from '../../src/simulator/index.js';

interface Run {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs the command from its source; `onOutput` may act on the process. */
function run(words: readonly string[], onOutput?: (output: string, kill: (signal: NodeJS.Signals) => void) => void): Promise<Run> {
  const file = fileURLToPath(new URL('../../src/simulator/cli.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (piece: Buffer) => {
    output += piece.toString();
    onOutput?.(output, (signal) => child.kill(signal));
  });
  child.stderr.on('data', (piece: Buffer) => {
    errors += piece.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, output, errors });
    });
  });
}

describe.concurrent('the command', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('serves until %s, and exits with 0', async (signal) => {
    let answered: Promise<number> | undefined;
    const { code, output } = await run(['--port', '0'], (soFar, kill) => {
      const url = /serverURL: '(http:[^']+)'/.exec(soFar)?.[1];
      if (url === undefined || answered) return;
      answered = fetch(`${url}/v1/models`, { headers: { authorization: 'Bearer any' } }).then(async (response) => {
        await response.text();
        kill(signal);
        return response.status;
      });
    });
    expect(await answered).toBe(200);
    expect(code).toBe(0);
    expect(output).toMatch(/^Mistral simulator listening on http:\/\/127\.0\.0\.1:\d+\n/);
  });

  test('tells its version and its usage', async () => {
    const [version, help] = await Promise.all([run(['--version']), run(['--help'])]);
    expect(version).toMatchObject({ code: 0, output: expect.stringMatching(/^\d+\.\d+\.\d+/) as string });
    expect(help).toMatchObject({ code: 0, output: expect.stringContaining('--tokens-per-second') as string });
  });

  test('refuses what it does not understand with exit code 2', async () => {
    const [unknown, outOfRange] = await Promise.all([run(['--bogus']), run(['--latency=-1'])]);
    expect(unknown).toMatchObject({ code: 2, output: '', errors: expect.stringContaining("Unknown option '--bogus'") as string });
    expect(outOfRange).toMatchObject({ code: 2, errors: expect.stringContaining('Expected `latency` to be a number >= 0, got -1') as string });
  });
});

describe('a command line', () => {
  test('becomes options', () => {
    const words = ['--port', '0', '--seed', 'abc', '--latency', '5', '--tokens-per-second', '50', '--rate-limit', '60/60000', '--token-limit', '9/10', '--api-key', 'k'];
    expect(parseCommandLine(words)).toMatchObject({
      name: 'start',
      options: {
        port: 0,
        seed: 'abc',
        latency: 5,
        tokensPerSecond: 50,
        rateLimit: { requests: { limit: 60, interval: 60_000 }, tokens: { limit: 9, interval: 10 } },
        apiKey: 'k',
      },
    });
    expect(parseCommandLine([])).toMatchObject({ options: { port: 4010, faults: [] } });
    expect(parseCommandLine(['--seed', '7'])).toMatchObject({ options: { seed: 7 } });
  });

  test('names faults with a value and a probability', () => {
    const words = ['reset:0.1', 'status=503:0.05', 'split=random', 'line-ends=cr', 'truncate=3'].flatMap((word) => ['--fault', word]);
    expect(parseCommandLine(words)).toMatchObject({
      options: {
        faults: [
          { kind: 'reset', probability: 0.1 },
          { kind: 'status', status: 503, probability: 0.05 },
          { kind: 'split', size: 'random' },
          { kind: 'line-ends', ends: 'cr' },
          { kind: 'truncate', at: { events: 3 } },
        ],
      },
    });
  });

  test('can name every kind of fault', async () => {
    for (const kind of faultKinds) {
      const command = parseCommandLine(['--port', '0', '--fault', kind === 'status' ? 'status=500' : kind]);
      if (command.name !== 'start') throw new Error('expected to start');
      await (await startSimulator(command.options)).close();
    }
  });

  test.each([
    [['--port', 'abc'], "Expected --port to be a number, got 'abc'"],
    [['--rate-limit', '60'], 'Expected --rate-limit to be <count>/<milliseconds>'],
    [['--fault', 'explode'], 'Expected --fault to begin with one of truncate, '],
    [['--fault', 'status'], 'Expected --fault status=<number>'],
    [['--fault', 'reset:often'], "Expected --fault to be a number, got 'often'"],
    [['stray'], 'Unexpected argument'],
  ])('%j is refused', (words, message) => {
    expect(() => parseCommandLine(words)).toThrow(message);
  });
});

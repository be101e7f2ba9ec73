import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startSimulator } from '../../src/simulator/index.js';
import { isDownload, jobsOf } from './fixtures/batchFixtures.js';
import type { LargeRunReport } from './fixtures/largeRun.js';

const program = fileURLToPath(new URL('fixtures/largeRun.ts', import.meta.url));
const count = 200_000;

const numberOf = (customId: string | null): number => Number(customId?.slice(1));
const isFirstRound = ({ metadata }: { readonly metadata: Readonly<Record<string, string>> | null }): boolean => metadata?.['rxmistral']?.endsWith(':0') === true;

it(`${count} requests in 3 jobs, 2 % failing, 0.1 % missing, in any order and with a download that is cut: sums exact, heap flat`, { timeout: 900_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'large-'));
  const simulator = await startSimulator({
    fileRanges: true,
    batch: {
      answer: 'short',
      faults: [
        { kind: 'fail-requests', which: (id) => numberOf(id) % 100 === 1, status: 400 },
        { kind: 'fail-requests', which: (id) => numberOf(id) % 100 === 2, status: 503, on: isFirstRound },
        { kind: 'lose-lines', which: (id) => numberOf(id) % 1_000 === 3 },
      ],
    },
    faults: { kind: 'reset', at: { bytes: 5_000_000 }, how: 'fin', times: 1, on: isDownload },
  });
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--import', 'tsx', program, simulator.url, directory, String(count), '70000']);
    const { told, mixedUp, summary, heap, seconds } = JSON.parse(stdout) as LargeRunReport;

    expect([told, mixedUp]).toEqual([{ 1: count }, 0]);
    expect(summary).toMatchObject({ requests: count, fulfilled: 197_800, rejected: 2_000, missing: 200, resubmitted: 2_400, surplus: 0 });
    // Three parts; what failed retryably in a second round, what is lost in a third.
    expect((await jobsOf(simulator)).map(({ totalRequests }) => totalRequests).toSorted((a, b) => b - a)).toEqual([70_000, 70_000, 60_000, 770, 770, 660, 70, 70, 60]);
    expect(simulator.requests.filter(isDownload).filter(({ outcome }) => outcome === 'server-cut')).toHaveLength(1);
    console.log(`heap in MiB: ${heap.before} before, ${heap.prepared} prepared, then ${heap.tenths.join(', ')}; ${seconds} s`);
    // What is held of a request is its id and place, and they go as they are answered.
    expect(Math.max(...heap.tenths)).toBeLessThan(heap.prepared + 10);
    expect(heap.prepared - heap.before).toBeLessThan((count * 250) / 2 ** 20);
  } finally {
    await simulator.close();
    await rm(directory, { recursive: true, force: true });
  }
});

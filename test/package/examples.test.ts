import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Ending, root, run } from './programs.js';

function example(name: string): Promise<Ending> {
  // No key: the examples that can talk to Mistral take the simulator.
  return run(join(root, 'examples', name), { MISTRAL_API_KEY: '' });
}

describe.concurrent('examples', { timeout: 60_000 }, () => {
  it('accumulate.ts shows the answer as it grows', async () => {
    const { code, output } = await example('accumulate.ts');
    expect(output).toMatch(/\d+ characters…\n/);
    expect(code).toBe(0);
  });

  it('eventBus.ts goes on when one of the chats fails', async () => {
    const { code, output } = await example('eventBus.ts');
    expect(output.match(/tokens, as the server counted them/g)).toHaveLength(3);
    expect(output).toMatch(/truncated, after "\w+/);
    expect(code).toBe(0);
  });

  it('retry.ts gets over a busy server, a limit and a cut', async () => {
    const { code, output } = await example('retry.ts');
    expect(output).toMatch(/http: again in \d+ ms\nrate-limit: again in 1\d\d\d ms\nattempt 3 answers\nconnection: again/);
    expect(output).toMatch(/attempt 4 answers\n\w/);
    expect(code).toBe(0);
  });

  it('retryWithBackoff.ts repeats a download', async () => {
    const { code, output } = await example('retryWithBackoff.ts');
    expect(output).toBe('retry 1 in 100 ms\nretry 2 in 100 ms\nthe file\n');
    expect(code).toBe(0);
  });

  it('resume.ts goes on where the answer was cut, twice', async () => {
    const { code, output } = await example('resume.ts');
    expect(output).toMatch(/\S \[connection, resume\] [\s\S]*\[truncated, resume\] [\s\S]*\n\d+ tokens over all attempts\n$/);
    expect(code).toBe(0);
  });

  it.each([
    ['agents.ts', /^agent reviewer is ag_\w+\nstreamed: \w[\s\S]*\nwhole: "\w/],
    ['fim.ts', /^streamed: (".+")\nwhole: \1\n$/],
    ['embeddings.ts', /^2000 vectors of 1024, \d+ tokens, 5 calls\n$/],
    ['moderation.ts', /^text: \d+ categories\nchat: \d+ categories\nintent: \{/],
    ['documents.ts', /^\d+ models\npage 0: /],
    ['audio.ts', /^whole \(en\): \w[\s\S]*\nstreamed: \w[\s\S]*\nspeech: [1-9]\d+ bytes\n$/],
  ])('%s runs to its end', async (name, expected) => {
    const { code, output } = await example(name);
    expect(output).toMatch(expected);
    expect(code).toBe(0);
  });

  it('the demo answers all chats, over cuts and a limit, in plain lines where there is no terminal', async () => {
    const { code, output } = await example('demo/main.ts');
    expect(output).toMatch(/#3 rate limited; again in 2\.\d s/);
    expect(output).toMatch(/#2 cut by the server; again in \d\.\d s \(after ".+"\)/);
    expect(output).toMatch(/#4 cut by the server; goes on in \d\.\d s \(after ".+"\)/);
    expect(output).toMatch(/#4 goes on behind ".+"/);
    expect(output).toMatch(/6 of 6 answered, 2 begun anew, 1 continued; \d+ tokens in, \d+ tokens out\./);
    expect(output).not.toContain('\u001B');
    expect(code).toBe(0);
  });
});

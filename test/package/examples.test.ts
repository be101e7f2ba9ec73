import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Ending, root, run } from './programs.js';

function example(name: string): Promise<Ending> {
  // No key: the examples that can talk to Mistral take the simulator.
  return run(join(root, 'examples', name), { MISTRAL_API_KEY: '' });
}

describe.concurrent('examples', { timeout: 300_000 }, () => {
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

  it('jobQueue.ts settles its jobs in order, over a busy server, and tells of each by a webhook', async () => {
    const { code, output } = await example('jobQueue.ts');
    const order = [...output.matchAll(/job (\d+)(?::| failed)/g)].map(([, job]) => Number(job));
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(output).toMatch(/job 8 failed: RxMistralError: Service tier capacity exceeded/);
    expect(output.match(/tokens/g)).toHaveLength(19);
    expect(output).toMatch(/^20 webhooks delivered, [1-9]\d* of them again\n$/m);
    expect(code).toBe(0);
  });

  it('semaphore.ts asks every prompt of a file', async () => {
    const { code, output } = await example('semaphore.ts');
    expect(output).toMatch(/400 of 400 done, 0 failed; heap \d+\.\d MiB\n$/);
    expect(code).toBe(0);
  });

  it('batchByHand.ts shows what the loop of today leaves in the dark', async () => {
    const { code, output } = await example('batchByHand.ts');
    expect(output).toMatch(/^ *\d+ % {2}\d+ succeeded, \d+ failed/);
    expect(output).toMatch(/^100 % {2}194 succeeded, 6 failed, 0 s left$/m);
    expect(output).toMatch(/^193 of 200 answered; of 7 nobody knows what became\n$/m);
    expect(code).toBe(0);
  });

  it('batch.ts brings every request to its end, and shows the way in plain lines where there is no terminal', async () => {
    const { code, output } = await example('batch.ts');
    expect(output.match(/^3 of part [01] are sent again$/gm)).toHaveLength(2);
    expect(output).toMatch(/^question-13 failed: \w/m);
    expect(output).toMatch(/\n100 % {2}199 succeeded, 1 failed, 0 s left\n199 of 200 answered, 1 failed, 0 missing; 4 jobs\n$/);
    expect(output).not.toContain('\r');
    expect(output).not.toContain('\u001B');
    expect(code).toBe(0);
  });

  it('batchRestart.ts is killed twice, and has each request once, with one job for each part', async () => {
    const { code, output } = await example('batchRestart.ts');
    expect(output.match(/killed \(SIGKILL\)/g)).toHaveLength(2);
    // Parts are sent side by side, and any may be the first; what is sure is that the job of part 1 was there when the first life ended.
    expect(output.match(/^life \d: job of part 1 is new$/gm)).toEqual(['life 1: job of part 1 is new']);
    expect(output).toMatch(/^life [23]: job of part 1 is there already$/m);
    expect(output).toMatch(/life 3: done\n300 results of 300 requests, 3 jobs; in the directory: batch\.journal, results\.jsonl\n$/);
    expect(code).toBe(0);
  });

  it('completeMany.ts has the same results live and as a batch', async () => {
    const { code, output } = await example('completeMany.ts');
    const [, live] = /^live: 40 results, 40 calls\n([\s\S]*)batch: /.exec(output) ?? [];
    expect(live).toMatch(/^ {2}What is 7\? RxMistralError: .*temperature.*\n {2}What is 8\? ".+"\n$/);
    expect(output).toMatch(/^batch: 40 results, 1 job$/m);
    expect(output).toContain(`1 job\n${live ?? 'nothing'}the same, at half the price\n`);
    expect(code).toBe(0);
  });

  it('codeReviewer.ts searches twice at once, and rates what it has found', async () => {
    const { code, output } = await example('codeReviewer.ts');
    expect(output).toMatch(/^searches: .*retryWithBackoff.*\nsearches: .*exponentialBackoff.*\nfound: {4}1 places of .*\nfound: {4}1 places of /);
    // What the tool found in this package has come back in the model's answer.
    expect(output).toMatch(/^\[critical\] .*\(src\/operators\/retryWithBackoff\.ts\)\.\n\[major\] .*\n\[major\] .*\(src\/policies\/backoff\.ts\)\.\n\[minor\] /m);
    expect(output).toMatch(/^2 steps, [1-9]\d+ tokens\n1 critical, 2 major, 1 minor\n$/m);
    expect(code).toBe(0);
  });

  it('agentPipeline.ts lets agents work one after the other, side by side, again, and hand over', async () => {
    const { code, output } = await example('agentPipeline.ts');
    expect(output).toMatch(/^One after the other\n {2}writer: .*\n {2}critic: .*\n {2}editor: .*\nSide by side\n/);
    expect(output.match(/^ {2}(facts|style|length): [1-5] of 5/gm)).toHaveLength(3);
    expect(output).toMatch(/Until the critic is content\n {2}critic: It should.*\n {2}editor: .*40 metres.*\n {2}critic: APPROVED\n {2}approved after 2 rounds\n/);
    expect(output).toMatch(/Handed over\n {2}reception hands over to engineering\n {2}engineering hands over to billing\n {2}billing: .*\(5 messages read\)\n$/);
    expect(code).toBe(0);
  });

  it('conversation.ts goes on from its store, where the server has forgotten', async () => {
    const { code, output } = await example('conversation.ts');
    expect(output).toMatch(/What is my name\?\nmodel: \[begun anew with 5 entries\] Ada\.\nuser: {2}And where do I live\?\nmodel: Nantes\.\n14 entries in the store, 4 turns\n$/);
    expect(code).toBe(0);
  });

  it('approval.ts pays on Friday what a person allowed, and nothing twice', async () => {
    const { code, output } = await example('approval.ts');
    const [monday = '', friday = ''] = output.split('Friday');
    expect(monday).toMatch(/pays 10 euros for order 1 /);
    expect(monday).toMatch(/deferred: .*\n {2}put aside: 2 calls wait\n$/);
    expect(friday.match(/pays .*/g)).toEqual([expect.stringContaining('pays 70 euros for order 7')]);
    expect(friday).toMatch(/not run: The user did not allow this call: too much\n {2}answered: "2 of 3 orders were refunded\."\n$/);
    expect(code).toBe(0);
  });

  it('shaping.ts shows JSON as it grows', async () => {
    const { code, output } = await example('shaping.ts');
    expect(output).toMatch(/^Pancakes: 0 steps/m);
    expect(output).toMatch(/Pancakes: 3 steps, the last: Fry thin\.\n$/);
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

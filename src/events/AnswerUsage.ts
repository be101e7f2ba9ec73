import { estimateTokens } from './estimateTokens.js';
import type { TokenCounts, UsageRecord } from './UsageRecord.js';

/**
 * Adds up what an answer costs over its attempts. Pure: no rxjs, no clock.
 *
 * The server reports the usage with the last chunk of an answer, so that of an attempt that was cut only the text is
 * known. Its output is estimated from that. Its input is that of the attempt which came to the end: all attempts are
 * given the same prompt, and one that resumes is given what had come before it too, which is as much as the output of
 * the attempts before.
 */
export class AnswerUsage {
  #model: string | undefined;
  #retries = 0;
  #isAnswering = false;
  // The text of the attempt that is answering.
  #characters = 0;
  #pieces = 0;
  // How much of the answer the attempt was given.
  #prefixTokens = 0;
  // The attempts that were lost: how many, and the sums of what they gave and were given.
  #lost = 0;
  #lostOutput = 0;
  #lostPrefixes = 0;

  /** Whether anything of the answer has been seen. */
  get hasBegun(): boolean {
    return this.#isAnswering || this.#lost > 0;
  }

  /** The server has begun to answer; of an attempt that was under way nothing more will come. */
  start(model: unknown): void {
    if (this.#isAnswering) this.#lose('restart');
    this.begin(model);
  }

  /** Something of the answer has come. */
  begin(model: unknown): void {
    this.#isAnswering = true;
    if (typeof model === 'string' && model !== '') this.#model = model;
  }

  /** A piece of the answer has come. */
  add(characters: number): void {
    this.#isAnswering = true;
    this.#characters += characters;
    this.#pieces += 1;
  }

  /** The attempt has failed, and there will be another. */
  retry(strategy: 'restart' | 'resume'): void {
    this.#retries += 1;
    this.#lose(strategy);
  }

  /** The answer has come to its end. */
  complete(usage: TokenCounts | undefined): UsageRecord {
    if (usage === undefined) return this.fail();
    // Nothing is asked without a prompt: a count of 0 is one that the server left out.
    return { ...this.#record(usage.inputTokens === 0 ? undefined : usage.inputTokens - this.#prefixTokens), ...usage };
  }

  /** Nothing more will come, and the server has reported nothing. */
  fail(): UsageRecord {
    this.#lose('restart');
    return this.#record(undefined);
  }

  #lose(strategy: 'restart' | 'resume'): void {
    const output = estimateTokens(this.#characters, this.#pieces);
    if (this.#isAnswering) {
      this.#lost += 1;
      this.#lostOutput += output;
      this.#lostPrefixes += this.#prefixTokens;
    }
    this.#prefixTokens = strategy === 'resume' ? this.#prefixTokens + output : 0;
    this.#isAnswering = false;
    this.#characters = 0;
    this.#pieces = 0;
  }

  #record(promptTokens: number | undefined): UsageRecord {
    const estimated = {
      attempts: this.#lost,
      inputTokens: promptTokens === undefined ? 0 : this.#lost * Math.max(0, promptTokens) + this.#lostPrefixes,
      outputTokens: this.#lostOutput,
      unknownInputs: promptTokens === undefined ? this.#lost : 0,
    };
    return { model: this.#model, calls: 1, retries: this.#retries, ...(this.#lost === 0 ? {} : { estimated }) };
  }
}

import { describe, expect, it } from 'vitest';
import { AnswerUsage } from '../../src/events/AnswerUsage.js';

const usage = { inputTokens: 100, cachedTokens: 10, outputTokens: 20 };

/** An answer whose first attempt has begun, and given as many pieces of 4 characters, each of about a token. */
function begun(pieces: number): AnswerUsage {
  const answer = new AnswerUsage();
  answer.start('model');
  addPieces(answer, pieces);
  return answer;
}

function addPieces(answer: AnswerUsage, pieces: number): void {
  for (let piece = 0; piece < pieces; piece += 1) answer.add(4);
}

describe('AnswerUsage', () => {
  it('is the reported usage of an answer that came to its end at once', () => {
    expect(begun(7).complete(usage)).toEqual({ model: 'model', calls: 1, retries: 0, ...usage });
  });

  it('estimates an attempt that was restarted: its output from its text, its input as that of the last one', () => {
    const answer = begun(7);
    answer.retry('restart');
    answer.start('model');
    addPieces(answer, 9);

    expect(answer.complete(usage)).toEqual({
      model: 'model',
      calls: 1,
      retries: 1,
      ...usage,
      estimated: { attempts: 1, inputTokens: 100, outputTokens: 7, unknownInputs: 0 },
    });
  });

  it('takes off what a resumed attempt was given of the answer', () => {
    const answer = begun(7);
    answer.retry('resume');
    answer.start('model');
    addPieces(answer, 5);
    answer.retry('resume');
    answer.start('model');

    // The last attempt was given the prompt and 12 tokens: the prompt has 88, the second attempt was given 88 + 7.
    expect(answer.complete(usage).estimated).toEqual({ attempts: 2, inputTokens: 88 + 95, outputTokens: 12, unknownInputs: 0 });
  });

  it('has nothing to take off after a restart', () => {
    const answer = begun(7);
    answer.retry('resume');
    answer.start('model');
    addPieces(answer, 5);
    answer.retry('restart');
    answer.start('model');

    expect(answer.complete(usage).estimated).toEqual({ attempts: 2, inputTokens: 100 + 107, outputTokens: 12, unknownInputs: 0 });
  });

  it('estimates nothing for an attempt that failed before the server began to answer', () => {
    const answer = new AnswerUsage();
    answer.retry('restart');
    answer.retry('restart');
    answer.start('model');

    expect(answer.complete(usage)).toEqual({ model: 'model', calls: 1, retries: 2, ...usage });
  });

  it('counts the input of an attempt that was cut before its first token', () => {
    const answer = begun(0);
    answer.retry('restart');
    answer.start('model');

    expect(answer.complete(usage).estimated).toEqual({ attempts: 1, inputTokens: 100, outputTokens: 0, unknownInputs: 0 });
  });

  it('takes a start that no retry announced for another attempt', () => {
    const answer = begun(7);
    answer.start('model');

    expect(answer.complete(usage)).toMatchObject({ retries: 0, estimated: { attempts: 1, inputTokens: 100, outputTokens: 7 } });
  });

  it('does not know the input of an answer that failed for good', () => {
    const answer = begun(7);
    answer.retry('resume');
    answer.start('model');
    addPieces(answer, 5);

    expect(answer.fail()).toEqual({
      model: 'model',
      calls: 1,
      retries: 1,
      estimated: { attempts: 2, inputTokens: 0, outputTokens: 12, unknownInputs: 2 },
    });
  });

  it('is a call and nothing more where it failed before it was answered', () => {
    const answer = new AnswerUsage();

    expect(answer.hasBegun).toBe(false);
    expect(answer.fail()).toEqual({ model: undefined, calls: 1, retries: 0 });
  });

  it('is estimated where it came to its end and the server reported nothing', () => {
    expect(begun(7).complete(undefined).estimated).toEqual({ attempts: 1, inputTokens: 0, outputTokens: 7, unknownInputs: 1 });
  });

  it('does not take a prompt of 0 tokens for known', () => {
    const answer = begun(7);
    answer.retry('restart');
    answer.start('model');

    const { inputTokens, estimated } = answer.complete({ inputTokens: 0, cachedTokens: 0, outputTokens: 20 });
    expect(inputTokens).toBe(0);
    expect(estimated).toEqual({ attempts: 1, inputTokens: 0, outputTokens: 7, unknownInputs: 1 });
  });

  it('never takes off more than there was', () => {
    const answer = begun(500);
    answer.retry('resume');
    answer.start('model');

    expect(answer.complete(usage).estimated?.inputTokens).toBe(0);
  });

  it('keeps the model where a later attempt names none', () => {
    const answer = begun(1);
    answer.retry('restart');
    answer.start('');
    expect(answer.complete(usage).model).toBe('model');

    answer.begin('another');
    answer.begin(42);
    expect(answer.complete(usage).model).toBe('another');
  });

  it('has begun where a piece came and no start', () => {
    const answer = new AnswerUsage();
    answer.add(400);

    expect(answer.hasBegun).toBe(true);
    expect(answer.fail().estimated).toMatchObject({ attempts: 1, outputTokens: 100 });
    expect(answer.hasBegun).toBe(true);
  });
});

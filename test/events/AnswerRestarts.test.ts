import { describe, expect, it } from 'vitest';
import { AnswerRestarts } from '../../src/events/AnswerRestarts.js';
import type { ChatEvent } from '../../src/events/ChatEvent.js';
import { complete, retry, start, textDelta } from '../operators/chatEvents.js';

const events: Readonly<Record<string, ChatEvent>> = {
  s: start(1),
  n: start(2), // the next attempt
  R: retry('restart'),
  r: retry('resume'),
  a: textDelta('a'),
  c: complete({ role: 'assistant', content: 'a' }),
};

describe('AnswerRestarts', () => {
  it.each([
    ['the first start', 's', 'y'],
    ['a restart, and the start of its attempt', 'saRna', 'y-yy-'],
    ['a resume', 'sarna', 'y----'],
    ['a start that nothing announced', 'sansa', 'y-yy-'],
    ['the second start behind a resume', 'sarnana', 'y----y-'],
    ['a first attempt behind a resume: the call was made again', 'sarsa', 'y--y-'],
    ['a restart behind a resume that did not come about', 'sarRn', 'y--yy'],
    ['another answer', 'sacsac', 'y--y--'],
  ])('tells where an answer begins anew: %s', (_, given, expected) => {
    const restarts = new AnswerRestarts();

    const told = Array.from(given, (name) => (restarts.isRestart(events[name]!) ? 'y' : '-')).join('');

    expect(told).toBe(expected);
  });
});

import { fimComplete } from '@mistralai/mistralai/funcs/fimComplete.js';
import { fimStream } from '@mistralai/mistralai/funcs/fimStream.js';
import { describe, expect, test } from 'vitest';

import { accepted, acceptedEvents, core, deltaText, request } from './standaloneSdk.js';
import { withSimulator } from './rawClient.js';

const asked = { model: 'codestral-latest', prompt: 'function sum(items) {\n', suffix: '\nreturn total;\n}' };

describe('a completion in the middle', () => {
  test('is code, the same streamed and whole', async () => {
    await withSimulator({}, async (simulator) => {
      const whole = await accepted(fimComplete(core(simulator), asked));
      const code = whole.choices[0]?.message?.content as string;
      const events = await acceptedEvents(fimStream(core(simulator), asked));
      expect(deltaText(events)).toBe(code);
      expect(events.at(-1)?.data).toMatchObject({ choices: [{ finishReason: 'stop' }], usage: whole.usage, model: 'codestral-latest' });
      expect(code).toMatch(/[;{]\n/);
      expect(code.match(/\{/g)?.length).toBe(code.match(/\}/g)?.length);
    });
  });

  test('depends on prompt and suffix, counts both, and goes on for min_tokens', async () => {
    await withSimulator({}, async (simulator) => {
      const whole = await accepted(fimComplete(core(simulator), asked));
      const unsuffixed = await accepted(fimComplete(core(simulator), { ...asked, suffix: null }));
      expect(unsuffixed.choices[0]?.message?.content).not.toBe(whole.choices[0]?.message?.content);
      expect(whole.usage.promptTokens).toBeGreaterThan(unsuffixed.usage.promptTokens!);
      const long = await accepted(fimComplete(core(simulator), { ...asked, minTokens: 500 }));
      expect(long.usage.completionTokens).toBeGreaterThanOrEqual(500);
    });
  });

  test('is cut by max_tokens and by a stop', async () => {
    await withSimulator({ answerTokens: 60 }, async (simulator) => {
      const cut = await accepted(fimComplete(core(simulator), { ...asked, maxTokens: 3 }));
      expect(cut).toMatchObject({ choices: [{ finishReason: 'length' }], usage: { completionTokens: 3 } });
      const stopped = await accepted(fimComplete(core(simulator), { ...asked, stop: ['\n'] }));
      expect(stopped.choices[0]?.message?.content).toMatch(/^[^\n]+$/);
    });
  });

  test('can be scripted, by a function of the prompt too', async () => {
    await withSimulator({ reply: (body) => `// ${String(body['prompt'])}` }, async (simulator) => {
      const whole = await accepted(fimComplete(core(simulator), { ...asked, prompt: 'here' }));
      expect(whole.choices[0]?.message?.content).toBe('// here');
      simulator.setReply({ events: [], done: false });
      expect(await acceptedEvents(fimStream(core(simulator), asked))).toEqual([]);
    });
  });

  test.each<[string, object, readonly string[]]>([
    ['no prompt', { model: 'codestral-latest' }, ['body', 'prompt']],
    ['a suffix that is no text', { ...asked, suffix: 1 }, ['body', 'suffix']],
    ['no model', { prompt: 'x' }, ['body', 'model']],
  ])('is refused with a 422 for %s', async (_what, body, loc) => {
    await withSimulator({}, async (simulator) => {
      const response = await request(simulator, '/v1/fim/completions', body);
      expect([response.status, await response.json()]).toMatchObject([422, { detail: [{ loc }] }]);
    });
  });
});

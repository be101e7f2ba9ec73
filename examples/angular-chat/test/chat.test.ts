import type { Browser } from 'playwright-core';
import type { CompletionBody, SimulatorOptions } from 'rxmistral/simulator';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { simulatedReply } from '../server/simulatedReply.js';
import { contrastFaults } from './contrastFaults.js';
import { launchBrowser } from './launchBrowser.js';
import { type OpenChat, openChat, patience, secret } from './openChat.js';

// Nothing in it is Markdown: the page shows it character for character.
const story = `The lighthouse keeper — her name was Zoë — kept two books. One was for ships; the other, she said, was for weather.

${Array.from({ length: 12 }, (_, night) => `Night ${night + 1}: wind from the ${['north', 'west', 'south'][night % 3]}, ${night + 3} ships, "all well" 🌊.`).join('\n')}

In the morning she closed both, and went to bed.`;
// With three pauses, and what the page shows at each: the words before the mark.
const pausedStory = story.replaceAll(/Night (?:4|8|12):/g, '^$&');
const parts = [...pausedStory.matchAll(/\^/g)].map(({ index }) => pausedStory.slice(0, index).trimEnd());
// An answer that has begun, and never comes to its end.
const endless = { kind: 'stall', at: { events: 60 } } as const;

let browser: Browser;
let chat: OpenChat;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());
afterEach(() => chat.close());

const open = async (options: SimulatorOptions = {}, context: Parameters<typeof openChat>[2] = {}) => {
  chat = await openChat(browser, options, context);
};
const calls = () => chat.simulator.requests.length;

describe('an answer', () => {
  it('grows on the page as it comes, and is the text of the model', async () => {
    await open({ reply: pausedStory });
    await chat.ask('Tell me a story.');
    for (const part of parts) {
      await chat.shows(part);
      expect(await chat.state.textContent()).toBe('Answering');
      chat.model.goOn();
    }
    await chat.ended('done');
    expect(await chat.text.textContent()).toBe(pausedStory);
    expect(calls()).toBe(1);
    expect(await chat.state.textContent()).toBe('Ready');
  });

  it('tells what it cost, and the header what all cost', async () => {
    await open({ reply: { text: 'Yes.', usage: { prompt_tokens: 21, completion_tokens: 4, total_tokens: 25 } } });
    await chat.ask('Really?');
    await chat.ended('done');
    await expect.poll(() => chat.answer.locator('.usage').textContent()).toBe('21 tokens in, 4 out');
    await chat.ask('Really?');
    await chat.ended('done');
    await expect.poll(() => chat.page.locator('.total').textContent()).toBe('50 tokens');
  });

  it('has its thinking folded away', async () => {
    await open({ reply: { thinking: 'They want a number.\n\nForty-two.', text: '42' }, tokensPerSecond: 30 });
    await chat.ask('What is the answer?');
    const fold = chat.answer.locator('.thinking');
    const thoughts = fold.locator('p');
    await fold.waitFor();
    expect(await thoughts.isVisible()).toBe(false);
    await chat.ended('done');
    expect(await thoughts.isVisible()).toBe(false);
    expect(await chat.text.textContent()).toBe('42');
    await fold.locator('summary').click();
    await thoughts.waitFor();
    expect(await thoughts.textContent()).toBe('They want a number.\n\nForty-two.');
  });

  it('shows the tools that were called, with what they said', async () => {
    await open({ reply: simulatedReply });
    await chat.page.getByRole('button', { name: 'Look up' }).click();
    await chat.ended('done');
    const tool = chat.answer.locator('.tool');
    expect(await tool.locator('summary').innerText()).toMatch(/get_weather\s*Oslo\s*done/);
    expect(await tool.locator('dl').isVisible()).toBe(false);
    await tool.locator('summary').click();
    await tool.locator('dl').waitFor();
    expect(await tool.locator('dd').allInnerTexts()).toEqual([
      '{\n  "city": "Oslo"\n}',
      '{\n  "city": "Oslo",\n  "unit": "celsius",\n  "temperature": 4,\n  "sky": "light snow"\n}',
    ]);
    expect(await chat.text.innerText()).toBe('In Oslo it is 4 °C with light snow. Take a coat.');
    expect(calls()).toBe(2);
  });

  it('sends what was said before along with the next question', async () => {
    await open({ reply: ({ messages = [] }) => `${messages.length} messages, the last: ${JSON.stringify(messages.at(-1)?.content)}` });
    await chat.ask('One');
    await chat.ended('done');
    await chat.ask('Two');
    await chat.ended('done');
    // With the instructions, which the server puts in front.
    expect(await chat.text.textContent()).toBe('4 messages, the last: "Two"');
  });
});

describe('a lost connection', () => {
  it('costs no word, and no second call of the model', async () => {
    await open({ reply: pausedStory });
    await chat.ask('Tell me a story.');
    const [first = ''] = parts;
    await chat.shows(first);
    chat.network.cut();
    await chat.page.getByText('The connection is lost.').waitFor();
    expect(await chat.state.textContent()).toBe('Reconnecting');
    // The model goes on while nobody hears it.
    chat.model.goOn(parts.length);
    await expect.poll(() => chat.model.answers).toBe(1);
    await expect.poll(() => chat.network.refusals).toBeGreaterThan(0);
    expect(await chat.text.textContent()).toBe(first);

    chat.network.mend();
    await chat.ended('done');
    expect(await chat.text.textContent()).toBe(pausedStory);
    expect(calls()).toBe(1);
    expect(chat.simulator.requests[0]?.outcome).toBe('completed');
    expect(await chat.page.getByText('The connection is lost.').isVisible()).toBe(false);
  });

  it('may happen again and again', async () => {
    await open({ reply: pausedStory });
    await chat.ask('Tell me a story.');
    for (const part of parts) {
      await chat.shows(part);
      chat.network.cut();
      await chat.page.getByText('The connection is lost.').waitFor();
      chat.network.mend();
      await chat.page.getByText('The connection is lost.').waitFor({ state: 'hidden' });
      chat.model.goOn();
    }
    await chat.ended('done');
    expect(await chat.text.textContent()).toBe(pausedStory);
    expect(calls()).toBe(1);
  });

  it('can be stopped while it lasts, which keeps what had come', async () => {
    await open({ reply: story, faults: endless });
    await chat.ask('Tell me a story.');
    const before = await chat.shown(50);
    chat.network.cut();
    await chat.page.getByText('The connection is lost.').waitFor();
    await chat.stop.click();
    await chat.ended('stopped');
    const kept = (await chat.text.textContent()) ?? '';
    expect(story.startsWith(kept)).toBe(true);
    expect(kept.length).toBeGreaterThanOrEqual(before.length);
  });

  it('of a server that has begun anew is an error that says so, and what had come is kept', async () => {
    await open({ reply: story, faults: { ...endless, on: 0 } });
    await chat.ask('Tell me a story.');
    const before = await chat.shown(120);
    await chat.restartServer();
    await chat.ended('failed');
    const alert = chat.page.getByRole('alert');
    expect(await alert.innerText()).toMatch(/The answer was lost on the server\.\s+It was restarted.*What had come is kept\.\s+Try again/s);
    const kept = (await chat.text.textContent()) ?? '';
    expect(story.startsWith(kept)).toBe(true);
    expect(kept.length).toBeGreaterThanOrEqual(before.length);
    await alert.getByRole('button', { name: 'Try again' }).click();
    await chat.ended('done');
    expect(await chat.text.textContent()).toBe(story);
  });
});

describe('stop', () => {
  it("closes the server's call to Mistral", async () => {
    await open({ reply: story, faults: endless });
    await chat.ask('Tell me a story.');
    await chat.shown(40);
    const [call] = chat.simulator.requests;
    expect(call?.outcome).toBe('open');
    const clickedAt = performance.now();
    await chat.stop.click();
    await chat.ended('stopped');
    await chat.simulator.until(() => call?.outcome !== 'open', { timeout: patience });
    expect(call?.outcome).toBe('client-closed');
    console.log(`The call is closed ${Math.round((call?.closedByClientAt ?? NaN) - clickedAt)} ms after \`Stop\`, with the time that the browser takes to click.`);
  });

  it('is also what Escape does, and leaves what had come with a way to ask again', async () => {
    await open({ reply: story, faults: { ...endless, on: 0 } });
    await chat.ask('Tell me a story.');
    await chat.shown(60);
    await chat.page.keyboard.press('Escape');
    await chat.ended('stopped');
    const kept = (await chat.text.textContent()) ?? '';
    expect(story.startsWith(kept)).toBe(true);
    expect(kept.length).toBeLessThan(story.length);
    expect(await chat.answer.locator('.meta').innerText()).toMatch(/Stopped/);
    await chat.simulator.until(({ requests }) => requests[0]?.outcome === 'client-closed', { timeout: patience });
    await chat.answer.getByRole('button', { name: 'Answer again' }).click();
    await chat.ended('done');
    expect(await chat.text.textContent()).toBe(story);
    expect(calls()).toBe(2);
  });
});

describe('an error', () => {
  it.each([
    { status: 401, says: 'Mistral did not let the server in.' },
    { status: 429, says: 'Too much is being asked at the moment.' },
    { status: 400, says: 'This did not work.' },
  ])('of status $status is told in words, and the question can be asked again', async ({ status, says }) => {
    // Longer than the server waits for a 429.
    await open({ reply: story, faults: { kind: 'status', status, headers: { 'retry-after': '999' } } });
    await chat.ask('Tell me a story.');
    await chat.ended('failed');
    expect(await chat.page.getByRole('alert').innerText()).toContain(says);
    expect(await chat.state.textContent()).toBe('Not answered');
    chat.simulator.setFaults();
    await chat.page.getByRole('button', { name: 'Try again' }).click();
    await chat.ended('done');
    expect(await chat.page.getByRole('alert').count()).toBe(0);
    expect(await chat.text.textContent()).toBe(story);
    expect(await chat.page.getByRole('article', { name: 'You' }).count()).toBe(1);
  });
});

describe('by keyboard alone', () => {
  it('a question of two lines is written, sent, stopped and asked again, and the focus is never lost', async () => {
    await open({ reply: ({ messages = [] }) => `You said ${JSON.stringify(messages.at(-1)?.content)}. ${story}`, faults: { ...endless, on: 0 } });
    const { keyboard } = chat.page;
    const focused = () => chat.page.evaluate(() => {
      const { id, textContent } = document.activeElement!;
      return id === '' ? textContent.trim() : id;
    });
    await expect.poll(focused).toBe('question');
    await keyboard.type('First');
    await keyboard.press('Shift+Enter');
    await keyboard.type('second');
    expect(await chat.question.inputValue()).toBe('First\nsecond');
    await keyboard.press('Enter');
    await chat.shown(60);
    expect(await chat.question.inputValue()).toBe('');
    expect(await chat.text.textContent()).toContain('You said "First\\nsecond".');
    await keyboard.type('A thought meanwhile');
    await keyboard.press('Enter');
    expect(await chat.question.inputValue()).toBe('A thought meanwhile');
    await keyboard.press('Tab');
    expect(await focused()).toBe('Stop');
    await keyboard.press('Enter');
    await chat.ended('stopped');
    expect(await focused()).toBe('question');
    await keyboard.press('Shift+Tab');
    expect(await focused()).toBe('Answer again');
    await keyboard.press('Enter');
    await chat.ended('done');
    expect(await focused()).toBe('question');
    expect(calls()).toBe(2);
  });

  it('a suggestion is taken, thinking unfolded, and what has the focus is seen to have it', async () => {
    await open({ reply: simulatedReply });
    const { keyboard } = chat.page;
    // The last suggestion but one is two steps before the field.
    for (let step = 0; step < 3; step += 1) await keyboard.press('Shift+Tab');
    const ring = () => chat.page.evaluate(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement!);
      return `${outlineStyle} ${outlineWidth}`;
    });
    expect(await ring()).toBe('solid 2px');
    await keyboard.press('Enter');
    await chat.ended('done');
    await chat.answer.locator('.thinking summary').focus();
    await keyboard.press('Space');
    await chat.answer.locator('.thinking p').waitFor();
    await chat.question.focus();
    // The field's ring is that of the box around it, and grows.
    await expect.poll(() => chat.page.locator('.composer').evaluate((box) => getComputedStyle(box).boxShadow)).not.toBe('none');
  });
});

describe('to a screen reader', () => {
  it('an answer is told twice, that it comes and when it is whole, and not word by word', async () => {
    await open({ reply: pausedStory });
    await chat.page.evaluate(() => {
      const told: string[] = [];
      Object.assign(window, { told });
      for (const region of document.querySelectorAll('[aria-live], [role=status]')) {
        new MutationObserver(() => told.push(region.textContent.trim())).observe(region, { childList: true, characterData: true, subtree: true });
      }
    });
    await chat.ask('Tell me a story.');
    for (const part of parts) {
      await chat.shows(part);
      chat.model.goOn();
    }
    await chat.ended('done');
    const told = () => chat.page.evaluate(() => (window as unknown as { told: string[] }).told);
    await expect.poll(told).toEqual(['Answering.', `Answer: ${pausedStory}`]);
    expect(await chat.page.locator('main [aria-live], main[aria-live], [role=log]').count()).toBe(0);
  });
});

describe('where one has scrolled to', () => {
  it('stays when the answer grows, and its end is followed again from the end', async () => {
    const half = story.replaceAll('\n', '\n\n').repeat(2);
    await open({ reply: `${half}\n\n^${half}` }, { viewport: { width: 600, height: 500 }, reducedMotion: 'reduce' });
    await chat.ask('Tell me a story.');
    await chat.shows(half);
    const main = chat.page.locator('main');
    const fromEnd = () => main.evaluate(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight);
    const height = () => main.evaluate(({ scrollHeight }) => scrollHeight);
    const before = await height();
    expect(before).toBeGreaterThan(900);
    expect(await fromEnd()).toBeLessThan(24);
    await main.hover();
    await chat.page.mouse.wheel(0, -250);
    await chat.page.getByRole('button', { name: 'Latest' }).waitFor();
    const top = await main.evaluate(({ scrollTop }) => scrollTop);
    chat.model.goOn();
    await chat.ended('done');
    expect(await height()).toBeGreaterThan(before + 100);
    expect(await main.evaluate(({ scrollTop }) => scrollTop)).toBe(top);
    await chat.page.getByRole('button', { name: 'Latest' }).click();
    await expect.poll(fromEnd).toBeLessThan(24);
  });
});

const long = {
  thinking: 'x'.repeat(300),
  text: `A${'b'.repeat(400)}c\n\n- ${'item'.repeat(60)}\n\n\`\`\`\n${'let veryLongName = 1; '.repeat(20)}\n${'y'.repeat(300)}\n\`\`\`\n\nand \`${'code'.repeat(50)}\``,
};

describe('on a phone of 360 pixels', () => {
  it('nothing is wider than the screen', async () => {
    const reply = (body: CompletionBody) => (JSON.stringify(body.messages?.at(-1)).includes('long') ? long : simulatedReply(body));
    await open({ reply }, { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
    const overflow = () => chat.page.evaluate(() =>
      [document.documentElement, ...document.querySelectorAll('main, main *, .foot *')]
        .filter((element) => !element.closest('.hidden, .gist') && element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1)
        .map((element) => `${element.tagName}.${element.className}`)
        .concat(document.documentElement.scrollWidth > innerWidth ? 'the page' : []),
    );
    expect(await overflow()).toEqual([]);
    await chat.page.getByRole('button', { name: 'Look up' }).click();
    await chat.ended('done');
    await chat.answer.locator('.tool summary').click();
    expect(await overflow()).toEqual([]);
    await chat.ask(`long ${'w'.repeat(200)}`);
    await chat.ended('done');
    await chat.answer.locator('.thinking summary').click();
    expect(await overflow()).toEqual([]);
    // What a finger has to meet.
    for (const button of await chat.page.getByRole('button').all()) {
      const box = await button.boundingBox();
      expect(box?.height, await button.innerText()).toBeGreaterThanOrEqual(32);
    }
  });
});

describe.each(['light', 'dark'] as const)('in the %s', (colorScheme) => {
  it('every text can be read: contrast as WCAG AA has it', async () => {
    const isStory = (last: unknown) => JSON.stringify(last).includes('story');
    const reply = (body: CompletionBody) => (isStory(body.messages?.at(-1)) ? story : simulatedReply(body));
    await open({ reply, faults: { ...endless, on: ({ body }) => isStory(body) } }, { colorScheme, reducedMotion: 'reduce' });
    const ground = await chat.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(ground).toBe(colorScheme === 'light' ? 'rgb(250, 248, 244)' : 'rgb(22, 21, 19)');
    expect(await contrastFaults(chat.page)).toEqual([]);
    for (const name of ['Think', 'Look up', 'Write code']) {
      await chat.page.getByRole('button', { name }).click();
      await chat.ended('done');
      for (const summary of await chat.answer.locator('summary').all()) await summary.click();
      expect(await contrastFaults(chat.page), name).toEqual([]);
      await chat.page.getByRole('button', { name: 'New chat' }).click();
      await chat.page.locator('.welcome').waitFor();
    }
    await chat.ask('Tell me a story.');
    await chat.shown(100);
    chat.network.cut();
    await chat.page.getByText('The connection is lost.').waitFor();
    expect(await contrastFaults(chat.page), 'reconnecting').toEqual([]);
    await chat.restartServer();
    chat.network.mend();
    await chat.ended('failed');
    expect(await contrastFaults(chat.page), 'failed').toEqual([]);
  });
});

describe('who asks for less motion', () => {
  it('sees none', async () => {
    await open({ reply: story, faults: endless }, { reducedMotion: 'reduce' });
    await chat.ask('Tell me a story.');
    await chat.shown(40);
    expect(await chat.page.evaluate(() => document.getAnimations().length)).toBe(0);
    chat.network.cut();
    await chat.page.getByText('The connection is lost.').waitFor();
    expect(await chat.page.evaluate(() => document.getAnimations().length)).toBe(0);
  });
});

describe('the browser', () => {
  it('is never sent the key or the instructions', async () => {
    await open({ reply: simulatedReply });
    await chat.ask('What is the weather in Paris?');
    await chat.ended('done');
    chat.simulator.setFaults({ kind: 'status', status: 401 });
    await chat.ask('And now?');
    await chat.ended('failed');
    // The key was used, and the answer did come this way.
    expect(chat.simulator.requests[0]?.headers['authorization']).toBe(`Bearer ${secret}`);
    expect(JSON.stringify(chat.simulator.requests[0]?.body)).toContain('friendly assistant');
    const found = ['light jacket', secret, 'friendly assistant'].filter((text) => chat.network.received.includes(text));
    expect(found).toEqual(['light jacket']);
  });
});

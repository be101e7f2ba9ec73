import { createParser } from 'eventsource-parser';
import { type Contender, openStream } from '../Contender.js';

/** The practical limit: the fastest reader to be had, by hand. No checks, no errors, no cancel. */
export const read: Contender = async (url) => {
  let deltas = 0;
  let text = '';
  const parser = createParser({
    onEvent: ({ data }) => {
      if (data === '[DONE]') return;
      const chunk = JSON.parse(data) as { choices: [{ delta: { content?: string } }] };
      const { content } = chunk.choices[0].delta;
      if (content === undefined || content === '') return;
      deltas += 1;
      text += content;
    },
  });
  const decoder = new TextDecoder();
  const reader = await openStream(url);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { deltas, text };
    parser.feed(decoder.decode(value, { stream: true }));
  }
};

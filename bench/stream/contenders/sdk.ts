import { Mistral } from '@mistralai/mistralai';
import { apiKey, type Contender, request } from '../Contender.js';

/** The official client, as its README shows it. */
export const read: Contender = async (serverURL) => {
  const client = new Mistral({ serverURL, apiKey });
  let deltas = 0;
  let text = '';
  for await (const { data } of await client.chat.stream(request)) {
    const content = data.choices[0]?.delta.content;
    if (typeof content !== 'string' || content === '') continue;
    deltas += 1;
    text += content;
  }
  return { deltas, text };
};

const charactersPerToken = 4;

/**
 * About how many tokens a text has that came in `pieces` deltas: one for each 4 characters, and at least one for each
 * delta, since a server sends no part of a token. The second bound holds where the first is far too low: Chinese or
 * Japanese has about a character a token, and such text is mostly streamed token by token.
 *
 * Four is the rule of thumb for English of OpenAI's tokenizers; of Mistral's first one the statistics of a corpus of 65
 * billion tokens say 3.7. Code and other languages have fewer.
 *
 * @param characters The length of the text in UTF-16 units.
 * @see https://help.openai.com/en/articles/4936856-what-are-tokens-and-how-to-count-them
 * @see https://huggingface.co/datasets/manu/english-60b/blob/main/dataset_stats.md
 */
export function estimateTokens(characters: number, pieces: number): number {
  return Math.max(pieces, Math.ceil(characters / charactersPerToken));
}

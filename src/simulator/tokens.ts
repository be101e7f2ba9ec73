/**
 * Cuts text the way a model's tokens do: words with the whitespace before them, long ones in pieces. Joined, the tokens
 * are the text. (No real vocabulary: counts are plausible, not Mistral's.)
 */
export function tokenise(text: string): readonly string[] {
  return text.match(/\s*\S{1,7}|\s+/gu) ?? [];
}

export function countTokens(text: string): number {
  return tokenise(text).length;
}

/** What a message says of a finish reason that explains why a JSON text was cut; `''` where it explains nothing. */
export function outOfLength(finishReason: string): string {
  if (finishReason === 'length') return '; the answer ran out of length, and may be whole with a larger `maxTokens`';
  return finishReason === 'model_length' ? '; the answer ran out of the length that the model has' : '';
}

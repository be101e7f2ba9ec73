const encoder = /* @__PURE__ */ new TextEncoder();

/**
 * About how many tokens a text has: one for every three bytes of UTF-8, and for every word at least. It is rather too many
 * (English has four characters to a token), because an estimate that is too low is refused by the server.
 */
export function estimateTokens(text: string): number {
  return Math.max(Math.ceil(encoder.encode(text).byteLength / 3), text.split(/\s+/).length);
}

const textFields: readonly string[] = ['messages', 'prompt', 'suffix', 'inputs', 'input', 'content', 'text', 'thinking', 'arguments'];

/**
 * About how many tokens a request will cost: those of its texts, and all that `maxTokens` allows the answer. Images and
 * recordings count nothing; the usage settles it.
 */
export function estimateRequestTokens(request: unknown): number {
  if (typeof request !== 'object' || request === null) return 0;
  const maxTokens = 'maxTokens' in request && typeof request.maxTokens === 'number' ? request.maxTokens : 0;
  return Math.max(0, maxTokens) + tokensWithin(request, maxDepth);
}

// Messages, their content, its parts, their thinking.
const maxDepth = 8;

function tokensWithin(value: unknown, depth: number): number {
  if (typeof value === 'string') return value === '' ? 0 : estimateTokens(value);
  if (typeof value !== 'object' || value === null || depth === 0) return 0;
  const parts: readonly unknown[] = Array.isArray(value)
    ? value
    : Object.entries(value).flatMap(([name, part]) => (textFields.includes(name) ? [part as unknown] : []));
  return parts.reduce<number>((sum, part) => sum + tokensWithin(part, depth - 1), 0);
}

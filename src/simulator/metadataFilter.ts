import { isFields, type Fields } from './fieldChecks.js';

/** Whether metadata has all that a list's query asks of it: `metadata={"key":"value"}`, as the SDK writes it. What is no JSON asks nothing. */
export function hasMetadata(metadata: Fields | null | undefined, query: URLSearchParams): boolean {
  const asked = parsed(query.get('metadata'));
  return !isFields(asked) || Object.entries(asked).every(([name, value]) => JSON.stringify(metadata?.[name]) === JSON.stringify(value));
}

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

import { bounded } from '../errors/describeCause.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import { isRecord } from '../errors/isRecord.js';
import type { StandardSchemaIssue } from './StandardSchemaV1.js';

const maxIssues = 5;
const maxMessageLength = 200;
const maxPathLength = 100;

/**
 * The error of a value that a schema refused: the first 5 issues, with their paths (100 characters at most) and messages
 * (200). Some schema libraries quote the value in a message (`received "…"`): a string or number at the issue's path is
 * taken out of it.
 */
export function schemaError(issues: readonly StandardSchemaIssue[], value: unknown): RxMistralError {
  const shown = issues.slice(0, maxIssues).map((issue) => describeIssue(issue, value));
  const more = issues.length - shown.length;
  return new RxMistralError({
    kind: 'validation',
    message: `The value does not match the schema: ${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
  });
}

function describeIssue({ message, path = [] }: StandardSchemaIssue, value: unknown): string {
  const keys = path.map((segment) => (typeof segment === 'object' ? segment.key : segment));
  const text = bounded(withoutQuoted(message, valueAt(value, keys)), maxMessageLength);
  return keys.length === 0 ? text : `${bounded(describePath(keys), maxPathLength)}: ${text}`;
}

// items[0].price, or ["a key"] where a name would not do
function describePath(keys: readonly PropertyKey[]): string {
  return keys
    .map((key, index) => {
      if (typeof key === 'number') return `[${key}]`;
      const name = String(key);
      if (!/^[\w$]+$/.test(name)) return `[${JSON.stringify(name)}]`;
      return index === 0 ? name : `.${name}`;
    })
    .join('');
}

function valueAt(value: unknown, keys: readonly PropertyKey[]): unknown {
  let at = value;
  for (const key of keys) {
    if (!isRecord(at) || !Object.hasOwn(at, key)) return undefined;
    at = at[key as string];
  }
  return at;
}

function withoutQuoted(message: string, value: unknown): string {
  if ((typeof value !== 'string' && typeof value !== 'number') || value === '') return message;
  const text = String(value);
  const quotations = new Set([text, JSON.stringify(text).slice(1, -1)]);
  return [...quotations].reduce((rest, quotation) => rest.replaceAll(quotation, standingAlone), message);
}

// An `a` in the middle of a word is no quotation of "a".
function standingAlone(found: string, at: number, message: string): string {
  return isWithinWord(message, at) || isWithinWord(message, at + found.length) ? found : '…';
}

function isWithinWord(text: string, at: number): boolean {
  return /^\w\w$/.test(text.slice(Math.max(0, at - 1), at + 1));
}

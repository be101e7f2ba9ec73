const maxDepth = 4;
const maxEntries = 20;

/** A value as a person reads it, cut at `maxLength` characters. Safe for cycles and for depth. */
export function showValue(value: unknown, maxLength = 160): string {
  const text = show(value, []);
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`;
}

function show(value: unknown, parents: readonly object[]): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return `[function ${value.name === '' ? 'anonymous' : value.name}]`;
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value);
  if (parents.includes(value)) return '[circular]';
  if (parents.length >= maxDepth) return Array.isArray(value) ? '[…]' : '{…}';
  return showObject(value, [...parents, value]);
}

function showObject(value: object, parents: readonly object[]): string {
  const fields = (): string => list('{', showFields(value, parents), '}');
  if (Array.isArray(value)) return list('[', value.slice(0, maxEntries + 1).map((item) => show(item, parents)), ']');
  if (isError(value)) {
    const own = showFields(value, parents).filter((field) => !/^(?:name|message|stack): /u.test(field));
    return `${value.name}: ${value.message}${own.length === 0 ? '' : ` ${list('{', own, '}')}`}`;
  }
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Date(invalid)' : `Date(${value.toISOString()})`;
  if (value instanceof Map) {
    const entries = [...value].slice(0, maxEntries + 1);
    return list('Map {', entries.map(([key, item]) => `${show(key, parents)} => ${show(item, parents)}`), '}');
  }
  if (value instanceof Set) return list('Set {', [...value].slice(0, maxEntries + 1).map((item) => show(item, parents)), '}');
  if (value instanceof RegExp) return String(value);
  const { constructor } = value as { readonly constructor?: unknown };
  const className = typeof constructor === 'function' ? constructor.name : 'Object';
  return className === 'Object' ? fields() : `${className} ${fields()}`;
}

function showFields(value: object, parents: readonly object[]): string[] {
  return Object.entries(value)
    .slice(0, maxEntries + 1)
    .map(([key, item]: [string, unknown]) => `${/^[\w$]+$/u.test(key) ? key : JSON.stringify(key)}: ${show(item, parents)}`);
}

function list(open: string, items: readonly string[], close: string): string {
  if (items.length === 0) return `${open}${close}`;
  const shown = items.length > maxEntries ? [...items.slice(0, maxEntries), '…'] : items;
  return open === '[' ? `[${shown.join(', ')}]` : `${open} ${shown.join(', ')} ${close}`;
}

/** Whether `value` is an error, also one of another realm (test runners make such). */
export function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

/**
 * What the model is told of a result: text as it is, anything else as JSON. It never fails: what JSON cannot hold is put in
 * words (a cycle, a big integer, a Map or Set, an error, bytes). What is longer than `maxLength` characters is cut, and says so.
 */
export function resultText(result: unknown, maxLength: number): string {
  const text = typeof result === 'string' ? result : (jsonText(result) ?? unwritable);
  if (text.length <= maxLength) return text;
  // Not between the two halves of a character.
  const end = /[\uD800-\uDBFF]/.test(text.charAt(maxLength - 1)) ? maxLength - 1 : maxLength;
  return `${text.slice(0, end)}\n[cut: ${end} of ${text.length} characters]`;
}

/** `event`, which goes through JSON whatever a tool has put into this field: what JSON cannot hold is put in words. */
export function writable<Event extends object>(event: Event, field: keyof Event): Event {
  const toJSON = (): Event => ({ ...event, [field]: plainly(event[field]) });
  return Object.defineProperty(event, 'toJSON', { value: toJSON });
}

function plainly(value: unknown): unknown {
  try {
    JSON.stringify(value);
    return value;
  } catch {
    return JSON.parse(jsonText(value) ?? JSON.stringify(unwritable)) as unknown;
  }
}

const unwritable = '[a result that cannot be written as JSON]';

function jsonText(value: unknown): string | undefined {
  try {
    // `undefined`, against its type, for what JSON knows nothing of.
    const text: unknown = JSON.stringify(value, withoutCycles());
    return typeof text === 'string' ? text : 'null';
  } catch {
    // A getter or `toJSON` of it has thrown.
    return undefined;
  }
}

// JSON.stringify goes down first: the objects above a value are those since the one that holds it.
function withoutCycles(): (this: Readonly<Record<string, unknown>>, key: string, value: unknown) => unknown {
  const above: unknown[] = [];
  return function (key, value) {
    while (above.length > 0 && above.at(-1) !== this) above.pop();
    // Bytes of Node have a `toJSON`, which makes a list of them.
    const plain = plainOf(ArrayBuffer.isView(this[key]) ? this[key] : value);
    if (typeof plain !== 'object' || plain === null) return plain;
    if (above.includes(plain)) return '[circular]';
    above.push(plain);
    return plain;
  };
}

function plainOf(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, entry]) => [String(key), entry as unknown]));
  if (value instanceof Set) return [...value];
  if (value instanceof Error) return { name: value.name, message: value.message };
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  return value;
}

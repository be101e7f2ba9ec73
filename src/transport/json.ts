/** A JSON object. */
export type Json = Record<string, unknown>;

/** Whether `value` is a JSON object (an array is not). */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Renames the fields that stand in `names` from the API's snake_case to the SDK's camelCase, in place. */
export function renameFields(object: Json, names: readonly string[]): void {
  for (const name of names) {
    if (!(name in object)) continue;
    object[name.replace(/_./g, ([, letter = '']) => letter.toUpperCase())] = object[name];
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- the names are constants of the decoders
    delete object[name];
  }
}

/** The same for times: ISO texts become `Date`s. What is no such text stays under the API's name, as it came; null is null. */
export function renameDates(object: Json, names: readonly string[]): void {
  for (const name of names) {
    const date = dateOf(object[name]);
    if (date === undefined) continue;
    object[name] = date;
    renameFields(object, [name]);
  }
}

/** The `Date` of an ISO text; null of null, and `undefined` of anything else. */
export function dateOf(value: unknown): Date | null | undefined {
  if (typeof value !== 'string') return value === null ? null : undefined;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** What `text` is the JSON of; `undefined` where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A JSON object. */
export type Json = Record<string, unknown>;

/** Whether `value` is a JSON object (an array is not). */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Renames the fields that stand in `names`, in place. */
export function renameFields(object: Json, names: Readonly<Record<string, string>>): void {
  for (const [from, to] of Object.entries(names)) {
    if (!(from in object)) continue;
    object[to] = object[from];
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- the names are constants of the decoders
    delete object[from];
  }
}

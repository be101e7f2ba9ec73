/** A JSON object. */
export type Json = Record<string, unknown>;

/** Whether `value` is a JSON object (an array is not). */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How long the JSON of a value is, in characters; `undefined` where it has none. */
export function jsonLength(value: unknown): number | undefined {
  try {
    return (JSON.stringify(value) as string | undefined)?.length;
  } catch {
    return undefined;
  }
}

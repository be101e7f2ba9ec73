/**
 * A short text that is the same for the same data, and another one for other data, by all odds: FNV-1a with 64 bits over its
 * JSON, in which the order of fields does not count, and a field that is `undefined` is absent. It tells honest changes,
 * not attacks.
 *
 * @see http://www.isthe.com/chongo/tech/comp/fnv/
 */
export function fingerprint(data: unknown): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(JSON.stringify(sorted(data)))) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}

function sorted(data: unknown): unknown {
  if (Array.isArray(data)) return data.map(sorted);
  if (typeof data !== 'object' || data === null || 'toJSON' in data) return data;
  // By code units: the order of the locale is another one on another machine.
  const fields = Object.entries(data).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(fields.map(([name, value]) => [name, sorted(value)]));
}

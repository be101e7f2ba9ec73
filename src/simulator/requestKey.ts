import type { Fields } from './fieldChecks.js';

/** A text that is the same for the same request, in whatever order its fields stand. */
export function requestKey(body: Fields): string {
  return JSON.stringify(Object.entries(body).sort(([a], [b]) => (a < b ? -1 : 1)));
}

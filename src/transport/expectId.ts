import { RxMistralError } from '../errors/RxMistralError.js';

/**
 * Throws unless `id` can stand in a path. The SDK encodes it, but an empty one and those of dots alone still lead to another
 * endpoint: `/v1/batch/jobs/..` is `/v1/batch`.
 */
export function expectId(name: string, id: unknown): void {
  if (typeof id === 'string' && !/^\.{0,2}$/.test(id)) return;
  throw new RxMistralError({ kind: 'validation', message: `Expected \`${name}\` to be an id` });
}

import { hexText } from '../policies/hexText.js';

/** 32 hexadecimal digits that nobody guesses. Not `randomUUID`, which browsers keep from pages that came without TLS. */
export function randomKey(): string {
  return hexText(crypto.getRandomValues(new Uint8Array(16)));
}

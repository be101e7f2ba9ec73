import { expectInteger, expectObject, fail } from '../errors/expect.js';
import { isRecord } from '../errors/isRecord.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import type { ConversationEntry, ListConversationsOptions, StoredConversation } from './ConversationStore.js';

/**
 * What all stores have in common: an entry is kept as its JSON text, one record each, and a conversation is the records in
 * their order. The checks throw a `TypeError` at the call, so that the same is refused by every store.
 */

const maxIdLength = 512;

/** Throws unless `id` is one that every database can hold, and tell from every other. */
export function expectConversationId(id: unknown, name = 'id'): asserts id is string {
  // Half of a surrogate pair has no UTF-8: two ids that differ in it alone would be one. PostgreSQL has no NUL.
  if (typeof id === 'string' && id !== '' && id.length <= maxIdLength && !/[\0\p{Surrogate}]/u.test(id)) return;
  fail(name, `an id of 1 to ${maxIdLength} characters, with no NUL and no half of a surrogate pair`, id);
}

/** The JSON texts of `entries`, when all arguments of an `append` are in order. */
export function recordsToAppend(id: unknown, entries: unknown, expectedVersion: unknown): string[] {
  expectConversationId(id);
  if (!Array.isArray(entries)) fail('entries', 'an array', entries);
  if (expectedVersion === undefined) fail('expectedVersion', 'an integer >= 0', expectedVersion);
  expectInteger('expectedVersion', expectedVersion, 0);
  return Array.from(entries, (entry: unknown, index) => recordOf(entry) ?? fail(`entries[${index}]`, 'plain JSON with a `type`', entry));
}

/** The limits of a list, when its options are in order. */
export function rangeOf(options: ListConversationsOptions = {}): { readonly limit: number; readonly after: string | undefined } {
  expectObject('options', options);
  const { limit = 100, after } = options;
  expectInteger('limit', limit, 1);
  if (after !== undefined) expectConversationId(after, 'after');
  return { limit, after };
}

/** The conversation that the records are, all of them, in their order. */
export function conversationOf(id: string, records: readonly string[]): StoredConversation {
  return { id, version: records.length, entries: records.map(entryOf) };
}

/** The error of a conversation that is not as it was written. It does not say what is there: that is the users'. */
export function corruptedConversation(detail: string): RxMistralError {
  return new RxMistralError({ kind: 'protocol', message: `The stored conversation is damaged: ${detail}` });
}

/**
 * Compares ids in the order of code points, which is that of their UTF-8 bytes and so that of the databases. `<` has the
 * order of code units, in which the characters beyond U+FFFF come before some that are below.
 */
export function compareIds(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const difference = rank(left.charCodeAt(index)) - rank(right.charCodeAt(index));
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

// A surrogate is a part of a character beyond U+FFFF.
function rank(codeUnit: number): number {
  return codeUnit >= 0xd800 && codeUnit <= 0xdfff ? codeUnit + 0x10000 : codeUnit;
}

function recordOf(entry: unknown): string | undefined {
  if (!isEntry(entry)) return undefined;
  try {
    return JSON.stringify(entry);
  } catch {
    // A cycle or a BigInt; the engine's own message would name the fields.
    return undefined;
  }
}

function entryOf(record: string, index: number): ConversationEntry {
  const entry = parsed(record);
  if (!isEntry(entry)) throw corruptedConversation(`record ${index} is no entry`);
  return entry;
}

function parsed(record: string): unknown {
  try {
    return JSON.parse(record);
  } catch {
    return undefined;
  }
}

// The types of a later version of the library are passed on: it is for the reader to know what they mean.
function isEntry(value: unknown): value is ConversationEntry {
  return isRecord(value) && typeof value['type'] === 'string';
}

import { asyncScheduler } from 'rxjs';
import { ConversationConflictError } from '../errors/ConversationConflictError.js';
import { expectFunction, expectInteger, expectObject } from '../errors/expect.js';
import { RxMistralError } from '../errors/RxMistralError.js';
import { compareIds, conversationOf, expectConversationId, rangeOf, recordsToAppend } from '../events/conversationRecords.js';
import type { SynchronousConversationStore } from '../events/ConversationStore.js';

/** Options of {@link memoryConversationStore}. */
export interface MemoryConversationStoreOptions {
  /**
   * The most that is kept, in characters of the entries' JSON and of the ids: an integer of at least 1, or `Infinity`. An
   * `append` beyond it adds nothing and is an error of kind `limit`: nothing is forgotten to make room.
   * @defaultValue 134,217,728 (128 to 256 MiB)
   */
  readonly maxCharacters?: number | undefined;
  /**
   * The clock of `updatedAt`, in milliseconds since 1970.
   * @defaultValue that of `asyncScheduler`
   */
  readonly now?: (() => number) | undefined;
}

interface Kept {
  readonly records: string[];
  updatedAt: number;
}

/**
 * A store of conversations in memory, for tests and for programs whose conversations may end with the process. It answers
 * at once, so it works in virtual time.
 *
 * What it keeps is JSON text, as a database does: nobody can change it through what they gave or got, and what JSON does
 * not carry (`undefined`, dates) does not come back from it either. A list sorts all ids.
 *
 * @throws TypeError at once when an option is out of range.
 *
 * @example
 * ```ts
 * import { memoryConversationStore } from 'rxmistral';
 *
 * const store = memoryConversationStore();
 * const version = store.append('support-17', [{ type: 'message.input', role: 'user', content: 'Hello!' }], 0);
 * store.append('support-17', [{ type: 'message.output', content: 'Good morning.' }, { type: 'turn.done' }], version);
 *
 * console.log(store.load('support-17')?.entries.length, store.list());
 * ```
 */
export function memoryConversationStore(options: MemoryConversationStoreOptions = {}): SynchronousConversationStore {
  expectObject('options', options);
  const { maxCharacters = 2 ** 27, now = () => asyncScheduler.now() } = options;
  expectInteger('maxCharacters', maxCharacters, 1, true);
  expectFunction('now', now);

  const conversations = new Map<string, Kept>();
  let characters = 0;

  return {
    load(id) {
      expectConversationId(id);
      const kept = conversations.get(id);
      return kept && conversationOf(id, kept.records);
    },
    append(id, entries, expectedVersion) {
      const added = recordsToAppend(id, entries, expectedVersion);
      const kept = conversations.get(id) ?? { records: [], updatedAt: 0 };
      const actualVersion = kept.records.length;
      if (actualVersion !== expectedVersion) throw new ConversationConflictError({ expectedVersion, actualVersion });
      if (added.length === 0) return actualVersion;

      const grown = characters + lengthOf(added) + (actualVersion === 0 ? id.length : 0);
      if (grown > maxCharacters) {
        throw new RxMistralError({ kind: 'limit', message: `The store in memory would hold more than ${maxCharacters} characters (maxCharacters)` });
      }
      kept.updatedAt = now();
      characters = grown;
      for (const record of added) kept.records.push(record);
      conversations.set(id, kept);
      return kept.records.length;
    },
    delete(id) {
      expectConversationId(id);
      const kept = conversations.get(id);
      if (kept === undefined) return false;
      characters -= id.length + lengthOf(kept.records);
      return conversations.delete(id);
    },
    list(options) {
      const { limit, after } = rangeOf(options);
      return [...conversations]
        .filter(([id]) => after === undefined || compareIds(id, after) > 0)
        .sort(([left], [right]) => compareIds(left, right))
        .slice(0, limit)
        .map(([id, { records, updatedAt }]) => ({ id, version: records.length, updatedAt }));
    },
  };
}

function lengthOf(records: readonly string[]): number {
  return records.reduce((length, record) => length + record.length, 0);
}

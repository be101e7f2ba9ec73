import { ConversationConflictError } from '../../src/errors/ConversationConflictError.js';
import type { ConversationEntry, ConversationStore } from '../../src/events/ConversationStore.js';

/** Reads, and appends one entry, until nobody else was quicker. */
export async function appendWithRetry(store: ConversationStore, id: string, entry: ConversationEntry): Promise<number> {
  for (;;) {
    const version = (await store.load(id))?.version ?? 0;
    try {
      return await store.append(id, [entry], version);
    } catch (error) {
      if (!(error instanceof ConversationConflictError)) throw error;
    }
  }
}

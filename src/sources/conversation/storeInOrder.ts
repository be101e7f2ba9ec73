import type { ConversationStore } from '../../events/ConversationStore.js';

/** What a conversation uses of its store. */
export type ConversationKeeper = Pick<ConversationStore, 'load' | 'append'>;

/**
 * `store`, whose reading waits for the writing before it: an addition goes on where its turn was unsubscribed from, and the next turn
 * would find it to be somebody else's.
 */
export function storeInOrder(store: ConversationStore): ConversationKeeper {
  let written: number | PromiseLike<number> = 0;
  return {
    load: (id) => (typeof written === 'number' ? store.load(id) : settled(written).then(() => store.load(id))),
    append(id, entries, expectedVersion) {
      written = store.append(id, entries, expectedVersion);
      return written;
    },
  };
}

// However it came out: whoever reads sees it.
async function settled(writing: PromiseLike<number>): Promise<void> {
  try {
    await writing;
  } catch {
    // Told where it was made.
  }
}

import { noop } from 'rxjs';
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
    // However that came out: whoever reads sees it.
    load: (id) => (typeof written === 'number' ? store.load(id) : written.then(noop, noop).then(() => store.load(id))),
    append(id, entries, expectedVersion) {
      written = store.append(id, entries, expectedVersion);
      return written;
    },
  };
}

import { conversationOf, corruptedConversation } from '../events/conversationRecords.js';
import type { StoredConversation } from '../events/ConversationStore.js';

/** A row of a conversation joined with its entries; without any entry, the row of the conversation alone. */
export interface NumberedRow {
  readonly version: unknown;
  readonly position: unknown;
  readonly entry: unknown;
}

/** The conversation that the rows of a database are, in the order of their positions: none of them missing. */
export function numberedConversation(id: string, rows: readonly NumberedRow[]): StoredConversation | undefined {
  const [first] = rows;
  if (first === undefined) return undefined;
  const records = rows.map(({ position, entry }, index) => {
    // A driver may give integers as BigInt or as text.
    if (Number(position) !== index || typeof entry !== 'string') throw corruptedConversation(`record ${index} is missing`);
    return entry;
  });
  if (Number(first.version) !== records.length) throw corruptedConversation(`record ${records.length} is missing`);
  return conversationOf(id, records);
}

import type { JsonReading } from './JsonReading.js';
import type { PartialJsonParser } from './PartialJsonParser.js';

/** Reads a piece: the value that it leads to. What stood before a fault in it comes before the fault is thrown. */
export function* readJsonPiece(
  parser: PartialJsonParser,
  text: string,
  toolCall: JsonReading['toolCall'],
): Generator<JsonReading> {
  try {
    parser.push(text);
  } finally {
    const value = parser.takeChange();
    if (value !== undefined) yield { value, done: false, toolCall };
  }
}

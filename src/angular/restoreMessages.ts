import { fail } from '../errors/expect.js';
import { isRecord } from '../errors/isRecord.js';
import { isRxMistralError, RxMistralError } from '../errors/RxMistralError.js';
import type { ChatMessage } from './Chat.js';

/**
 * Messages as a chat begins with them: an answer that was cut off when the page was left is a stopped one, and errors that came
 * from JSON are errors again.
 *
 * @throws TypeError where they are no messages.
 */
export function restoreMessages(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  if (!Array.isArray(messages) || !messages.every(isMessage)) fail('messages', 'an array of ChatMessage', messages);
  return messages.map((message) => {
    const { status, error } = message;
    return {
      ...message,
      status: status === 'streaming' ? 'stopped' : status,
      ...(error === undefined || isRxMistralError(error) ? {} : { error: RxMistralError.fromJSON(error) }),
    };
  });
}

function isMessage(value: unknown): value is ChatMessage {
  return isRecord(value) && typeof value['id'] === 'string' && typeof value['text'] === 'string' && Array.isArray(value['toolCalls']);
}

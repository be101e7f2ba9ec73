import type { Message } from './reply.js';

/** The text of a message's content, whichever shape it has. */
export function contentText(content: Message['content']): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map((chunk) => (typeof chunk['text'] === 'string' ? chunk['text'] : '')).join('');
}

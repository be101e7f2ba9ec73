import type { ChatEvent, ChatSnapshot, ErrorEvent } from 'rxmistral';

/** One of the demo's chats, as far as it has come. */
export interface Chat {
  readonly prompt: string;
  readonly state: 'waiting' | 'answering' | 'pausing' | 'done' | 'failed';
  readonly text: string;
  readonly attempts: number;
  /** How many of the attempts went on where the one before was cut. */
  readonly resumed: number;
  /** What happened last, for the person who watches. */
  readonly note?: string;
  readonly tokens?: { readonly prompt: number; readonly completion: number };
}

/** What happens to a chat: its events, and the answer as it grows. */
export type Happening = ChatEvent | ErrorEvent | ChatSnapshot;

/** The chat after something happened. */
export function step(chat: Chat, happening: Happening): Chat {
  if (!('type' in happening)) {
    // The empty snapshot says that the answer begins anew; what there was is shown until then.
    return happening.text === '' ? chat : { ...chat, text: happening.text };
  }
  switch (happening.type) {
    case 'start':
      return { ...chat, state: 'answering', attempts: happening.attempt };
    case 'retry': {
      const { strategy, delayMs, error } = happening;
      const what = strategy === 'resume' ? 'goes on' : 'again';
      const note = `${reason(error)}; ${what} in ${(delayMs / 1000).toFixed(1)} s`;
      return { ...chat, state: 'pausing', note, resumed: chat.resumed + (strategy === 'resume' ? 1 : 0) };
    }
    case 'complete': {
      const { promptTokens = 0, completionTokens = 0 } = happening.usage ?? {};
      return { ...chat, state: 'done', tokens: { prompt: promptTokens, completion: completionTokens } };
    }
    case 'error':
      return { ...chat, state: 'failed', note: happening.error.message };
    default:
      return chat;
  }
}

function reason({ kind, message }: ErrorEvent['error']): string {
  switch (kind) {
    case 'rate-limit':
      return 'rate limited';
    case 'truncated':
    case 'connection':
      return 'cut by the server';
    default:
      return message;
  }
}

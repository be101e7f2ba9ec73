import type { ChatMessage } from 'rxmistral/angular';

/** An error in the words of the page. */
export interface Explanation {
  readonly title: string;
  readonly detail: string;
}

/** What an error means to the person who asked, and what helps. */
export function explainError({ kind, status, message }: NonNullable<ChatMessage['error']>): Explanation {
  if (status === 404 || status === 410) {
    return { title: 'The answer was lost on the server.', detail: 'It was restarted, or kept the answer no longer.' };
  }
  if (status === 401 || status === 403) return { title: 'Mistral did not let the server in.', detail: 'Its key is missing, wrong or not allowed to do this.' };
  switch (kind) {
    case 'connection':
    case 'timeout':
      return { title: 'The server cannot be reached.', detail: 'Check your connection.' };
    case 'rate-limit':
      return { title: 'Too much is being asked at the moment.', detail: 'Wait a little before you try again.' };
    case 'truncated':
      return { title: 'The answer was cut off.', detail: 'It ended before it was finished.' };
    default:
      return { title: 'This did not work.', detail: `${message}${/[.!?]$/.test(message) ? '' : '.'}` };
  }
}

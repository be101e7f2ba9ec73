import { bootstrapApplication } from '@angular/platform-browser';
import type { Backoff } from 'rxmistral';
import { provideRxMistral } from 'rxmistral/angular';
import { ChatPage } from './app/ChatPage';

// For about a minute, as long as the server goes on without a reader: the waits grow from 0.4 s to 5 s.
const backoff: Backoff = {
  next: ({ attempt, random }) => ({ delayMs: Math.min(5_000, 400 * 2 ** (attempt - 1)) * (0.8 + 0.2 * random()), next: backoff }),
};

bootstrapApplication(ChatPage, {
  providers: [provideRxMistral({ endpoint: 'chat', reconnect: { maxRetries: 15, backoff }, idleTimeout: 15_000 })],
}).catch((error: unknown) => {
  console.error(error);
});

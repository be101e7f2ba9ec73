import type { Observable } from 'rxjs';
import { type AgentEvent, agentTurn, type MistralClient } from 'rxmistral';
import type { ChatRequest } from './chatRequest.js';
import { shownEvents } from './shownEvents.js';
import { tools } from './tools.js';

const instructions = 'You are a friendly assistant. Answer briefly, in the language of the question. Use little Markdown.';

/** The answer to a conversation: the model is asked, its tools are run, and it is asked again until it has answered. */
export function answerChat(client: MistralClient, model: string, { messages }: ChatRequest): Observable<AgentEvent> {
  return agentTurn(
    client,
    { model, messages: [{ role: 'system', content: instructions }, ...messages] },
    {
      tools,
      maxSteps: 4,
      toolTimeout: 10_000,
      retry: { maxRetries: 2 },
      // An answer that is cut between Mistral and this server goes on where it was cut.
      onDisconnect: 'resume',
      timeouts: { firstEvent: 60_000, idle: 60_000 },
    },
  ).pipe(shownEvents());
}

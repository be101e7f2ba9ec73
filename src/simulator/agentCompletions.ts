import type { Agent } from './agentRegistry.js';
import { agentNotFound } from './agents.js';
import { completionAnswer } from './completion.js';
import { validationFailed } from './errorBodies.js';
import { string } from './fieldChecks.js';
import type { CompletionBody, Message } from './reply.js';
import { completionComplaints, contradictionIn, messagesComplaints } from './requestChecks.js';
import type { Route } from './route.js';

/** `POST /v1/agents/completions`, streamed and whole. Agents that nobody has created answer too, as a model alone does. */
export const agentCompletionRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/agents/completions',
    handle({ body, record }, { settings, answers, agents }) {
      const complaints = [...completionComplaints(body, { required: { agent_id: string } }), ...messagesComplaints(body)];
      if (complaints.length > 0) return validationFailed(complaints, settings.validationErrors);

      const given = body as CompletionBody & { readonly agent_id: string };
      if (agents.isDeleted(given.agent_id)) return agentNotFound(given.agent_id);
      const request = asAgent(given, agents.get(given.agent_id));
      return contradictionIn(request) ?? answers.answer(completionAnswer, request, record);
    },
  },
];

/** The chat request that an agent makes of one: its model, its instructions, and its tools and parameters as defaults. */
function asAgent(request: CompletionBody, agent: Agent | undefined): CompletionBody {
  if (agent === undefined) return { ...request, model: 'mistral-medium-latest' };
  const given = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== null));
  const instructions: readonly Message[] = agent.instructions ? [{ role: 'system', content: agent.instructions }] : [];
  return {
    ...agent.completion_args,
    ...(agent.tools.length > 0 && { tools: agent.tools }),
    ...given,
    messages: [...instructions, ...(request.messages ?? [])],
    model: agent.model,
  };
}

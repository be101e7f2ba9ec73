import type { Agent, AgentDefinition } from './agentRegistry.js';
import { jsonAnswer, type Answer } from './answer.js';
import { errorBody, validationFailed } from './errorBodies.js';
import { fieldComplaints, list, object, string, type Check, type FieldChecks } from './fieldChecks.js';
import type { Route } from './route.js';

/** `POST /v1/agents`; `GET /v1/agents`, its successor `GET /v1/agents/pages`, and `GET /v1/agents/:id`. */
export const agentRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/agents',
    handle({ body }, { settings, agents }) {
      const complaints = fieldComplaints(body, definitionChecks);
      if (complaints.length > 0) return validationFailed(complaints, settings.validationErrors);
      const definition = body as AgentDefinition;
      const agent = agents.prepare(definition);
      return {
        ...counted(agent),
        onAdmitted: () => {
          agents.remember(agent, definition);
        },
      };
    },
  },
  {
    method: 'GET',
    path: '/v1/agents',
    handle({ query }, { settings, agents }) {
      const complaints = fieldComplaints(Object.fromEntries(query), { optional: { page: digits, page_size: digits } }, 'query');
      if (complaints.length > 0) return validationFailed(complaints, settings.validationErrors);
      const pageSize = Number(query.get('page_size') ?? 20);
      const start = Number(query.get('page') ?? 0) * pageSize;
      return counted(agents.all.filter((agent) => isSought(agent, query)).slice(start, start + pageSize));
    },
  },
  {
    // Before the route below, which would take `pages` for an id.
    method: 'GET',
    path: '/v1/agents/pages',
    handle({ query }, { settings, agents }) {
      const complaints = fieldComplaints(Object.fromEntries(query), { optional: { page_token: digits, page_size: digits } }, 'query');
      if (complaints.length > 0) return validationFailed(complaints, settings.validationErrors);
      const sought = agents.all.filter((agent) => isSought(agent, query));
      // The token of a page is where it starts.
      const start = Number(query.get('page_token') ?? 0);
      const end = start + Number(query.get('page_size') ?? 20);
      return counted({ object: 'list', data: sought.slice(start, end), next_page_token: end < sought.length ? String(end) : null });
    },
  },
  {
    method: 'GET',
    path: '/v1/agents/:id',
    handle({ parameters, query }, { agents }) {
      const agent = agents.get(parameters['id'] ?? '');
      const version = query.get('agent_version');
      if (agent && (version === null || version === String(agent.version))) return counted(agent);
      return jsonAnswer(404, errorBody(`Agent not found: ${parameters['id'] ?? ''}`, 'not_found', null));
    },
  },
];

const definitionChecks: FieldChecks = {
  required: { model: string, name: string },
  optional: {
    instructions: string,
    description: string,
    tools: list,
    completion_args: object,
    guardrails: list,
    handoffs: list,
    metadata: object,
    version_message: string,
  },
};

const digits: Check = (value) =>
  /^\d{1,9}$/.test(String(value)) ? undefined : { type: 'int_parsing', msg: 'Input should be a valid integer, unable to parse string as an integer' };

/** Costs no tokens, but is a request. */
function counted(body: unknown): Answer {
  return { ...jsonAnswer(200, body), tokens: 0 };
}

function isSought({ id, name, description }: Agent, query: URLSearchParams): boolean {
  const words = (query.get('search') ?? '').toLowerCase();
  const text = `${name} ${description ?? ''}`.toLowerCase();
  return (query.get('id') ?? id) === id && (query.get('name') ?? name) === name && text.includes(words);
}

import { updatedAt, type Agent, type AgentAlias, type AgentDefinition } from './agentRegistry.js';
import { emptyAnswer, jsonAnswer, type Answer } from './answer.js';
import { errorBody, validationFailed } from './errorBodies.js';
import { boolean, digits, fieldComplaints, list, object, string, type FieldChecks } from './fieldChecks.js';
import { hasMetadata } from './metadataFilter.js';
import type { Route, RouteRequest } from './route.js';
import type { Simulation } from './simulation.js';

/**
 * `POST` and `GET /v1/agents`, and the list's successor `GET /v1/agents/pages`; `GET`, `PATCH` and `DELETE /v1/agents/:id`; its
 * versions and their aliases.
 */
export const agentRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/agents',
    handle({ body }, { settings, agents }) {
      const complaints = fieldComplaints(body, { required: { model: string, name: string }, optional: definitionChecks });
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
    handle(request, simulation) {
      const { query } = request;
      return checked(request, simulation, { optional: { page: digits, page_size: digits } }, () =>
        counted(pageOf(simulation.agents.all.filter((agent) => isSought(agent, query)), query)),
      );
    },
  },
  {
    // Before the routes below, which would take `pages` for an id.
    method: 'GET',
    path: '/v1/agents/pages',
    handle(request, simulation) {
      const { query } = request;
      return checked(request, simulation, { optional: { page_token: digits, page_size: digits } }, () => {
        const sought = simulation.agents.all.filter((agent) => isSought(agent, query));
        // The token of a page is where it starts.
        const start = Number(query.get('page_token') ?? 0);
        const end = start + Number(query.get('page_size') ?? 20);
        return counted({ object: 'list', data: sought.slice(start, end), next_page_token: end < sought.length ? String(end) : null });
      });
    },
  },
  {
    method: 'GET',
    path: '/v1/agents/:id',
    handle: (request, simulation) => withAgent(request, simulation, counted, request.query.get('agent_version')),
  },
  {
    method: 'PATCH',
    path: '/v1/agents/:id',
    handle(request, simulation) {
      const complaints = fieldComplaints(request.body, { optional: { ...definitionChecks, model: string, name: string, deployment_chat: boolean } });
      if (complaints.length > 0) return validationFailed(complaints, simulation.settings.validationErrors);
      return withAgent(request, simulation, (agent) => {
        const updated = simulation.agents.prepareUpdate(agent, request.body as Readonly<Record<string, unknown>>);
        return {
          ...counted(updated),
          onAdmitted: () => {
            simulation.agents.rememberUpdate(updated);
          },
        };
      });
    },
  },
  {
    method: 'DELETE',
    path: '/v1/agents/:id',
    handle: (request, simulation) =>
      withAgent(request, simulation, ({ id }) => ({
        ...emptyAnswer,
        onAdmitted: () => {
          simulation.agents.remove(id);
        },
      })),
  },
  {
    method: 'PATCH',
    path: '/v1/agents/:id/version',
    handle: (request, simulation) =>
      checked(request, simulation, { required: { version: digits } }, () =>
        withAgent(request, simulation, (agent) => ({
          ...counted(agent),
          onAdmitted: () => {
            simulation.agents.switchTo(agent);
          },
        }), request.query.get('version')),
      ),
  },
  {
    method: 'GET',
    path: '/v1/agents/:id/versions',
    handle: (request, simulation) =>
      checked(request, simulation, { optional: { page: digits, page_size: digits } }, () =>
        withAgent(request, simulation, ({ id }) => counted(pageOf(simulation.agents.versionsOf(id) ?? [], request.query))),
      ),
  },
  {
    method: 'GET',
    path: '/v1/agents/:id/versions/:version',
    handle: (request, simulation) => withAgent(request, simulation, counted, request.parameters['version']),
  },
  {
    method: 'GET',
    path: '/v1/agents/:id/aliases',
    handle: (request, simulation) => withAgent(request, simulation, ({ id }) => counted(simulation.agents.aliasesOf(id))),
  },
  {
    method: 'PUT',
    path: '/v1/agents/:id/aliases',
    handle: (request, simulation) =>
      checked(request, simulation, { required: { alias: string, version: digits } }, () =>
        withAgent(request, simulation, (agent) => {
          const alias = aliasOf(agent, request, simulation);
          return {
            ...counted(alias),
            onAdmitted: () => {
              simulation.agents.setAlias(agent.id, alias);
            },
          };
        }, request.query.get('version')),
      ),
  },
  {
    method: 'DELETE',
    path: '/v1/agents/:id/aliases',
    handle: (request, simulation) =>
      checked(request, simulation, { required: { alias: string } }, () =>
        withAgent(request, simulation, ({ id }) => ({
          ...emptyAnswer,
          onAdmitted: () => {
            simulation.agents.removeAlias(id, request.query.get('alias') ?? '');
          },
        })),
      ),
  },
];

const definitionChecks: FieldChecks['optional'] = {
  instructions: string,
  description: string,
  tools: list,
  completion_args: object,
  guardrails: list,
  handoffs: list,
  metadata: object,
  version_message: string,
};

/** The answer to a query that is all right. */
function checked({ query }: RouteRequest, { settings }: Simulation, checks: FieldChecks, answer: () => Answer): Answer {
  const complaints = fieldComplaints(Object.fromEntries(query), checks, 'query');
  return complaints.length > 0 ? validationFailed(complaints, settings.validationErrors) : answer();
}

function withAgent({ parameters }: RouteRequest, { agents }: Simulation, answer: (agent: Agent) => Answer, version?: string | null): Answer {
  const id = parameters['id'] ?? '';
  const agent = agents.get(id, version);
  return agent ? answer(agent) : agentNotFound(id);
}

/** The 404 for an agent, or a version of one, that does not exist. */
export function agentNotFound(id: string): Answer {
  return jsonAnswer(404, errorBody(`Agent not found: ${id}`, 'not_found', null));
}

function aliasOf({ id, version }: Agent, { query }: RouteRequest, { agents }: Simulation): AgentAlias {
  const alias = query.get('alias') ?? '';
  const first = agents.versionsOf(id)?.[0];
  const now = first ? updatedAt(first, version) : '';
  return { alias, version, created_at: agents.aliasesOf(id)?.find((each) => each.alias === alias)?.created_at ?? now, updated_at: now };
}

function pageOf(agents: readonly Agent[], query: URLSearchParams): readonly Agent[] {
  const pageSize = Number(query.get('page_size') ?? 20);
  const start = Number(query.get('page') ?? 0) * pageSize;
  return agents.slice(start, start + pageSize);
}

/** Costs no tokens, but is a request. */
function counted(body: unknown): Answer {
  return { ...jsonAnswer(200, body), tokens: 0 };
}

function isSought({ id, name, description, metadata }: Agent, query: URLSearchParams): boolean {
  const words = (query.get('search') ?? '').toLowerCase();
  const text = `${name} ${description ?? ''}`.toLowerCase();
  return (
    (query.get('id') ?? id) === id && (query.get('name') ?? name) === name && text.includes(words) && hasMetadata(metadata, query)
  );
}

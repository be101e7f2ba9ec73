import type { Agent } from '@mistralai/mistralai/models/components/agent.js';
import type { CreateAgentRequest } from '@mistralai/mistralai/models/components/createagentrequest.js';
import type { UpdateAgentRequest } from '@mistralai/mistralai/models/components/updateagentrequest.js';
import { catchError, concatMap, defer, filter, map, type Observable, of, toArray } from 'rxjs';
import { retryWithBackoff } from '../operators/retryWithBackoff.js';
import { fingerprint } from '../policies/fingerprint.js';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { type CallOptions, expectCallOptions, retryConfigOf } from './CallOptions.js';
import { createAgent } from './createAgent.js';
import { deleteAgent } from './deleteAgent.js';
import { expectField } from './expectRequest.js';
import { listAgents } from './listAgents.js';
import { updateAgent } from './updateAgent.js';

/**
 * An agent as the program wants it: the SDK's request without its `versionMessage`. A field that is absent is empty: where
 * the agent has it from an earlier definition, it goes.
 */
export interface AgentDefinition {
  /** What the agent is known by: the program's one agent of that name. */
  readonly name: string;
  readonly model: string;
  readonly instructions?: string | null | undefined;
  readonly description?: string | null | undefined;
  readonly tools?: CreateAgentRequest['tools'] | undefined;
  readonly completionArgs?: CreateAgentRequest['completionArgs'] | undefined;
  /** The ids of the agents that it may hand over to: those that other calls of {@link ensureAgent} have emitted. */
  readonly handoffs?: CreateAgentRequest['handoffs'] | undefined;
  readonly guardrails?: CreateAgentRequest['guardrails'] | undefined;
  /** Any but `rxmistral`, where the fingerprint is kept. */
  readonly metadata?: Readonly<Record<string, unknown>> | null | undefined;
}

/** The name, in the metadata of an agent, of the fingerprint of its definition. */
const fingerprintName = 'rxmistral';

/**
 * The agent of a definition that stands in the program: created where there is none of its name, updated where it is of
 * another definition, else left as it is. To be called at every start; mostly that is one call, for the list.
 *
 * ```
 * there is none:       list, create, list   ------------(a|)
 * of another content:  list, update         --------(a|)
 * as it is defined:    list                 ----(a|)
 * ```
 *
 * A fingerprint of the definition, in the agent's metadata, decides. So an agent that was changed elsewhere (in Mistral's
 * console) stays as it was changed there, until the definition changes; one without the fingerprint, made elsewhere, is
 * taken over. An update makes a new version of the agent, and the old ones stay with Mistral. Two programs with different
 * definitions under one name undo each other's at each start.
 *
 * **Two processes at once.** The API has no names that are unique, so both may find none and create one. Therefore a
 * process that has created an agent lists them again, and where there is an older one deletes its own and takes that one.
 * As long as the list shows what was created before, one agent is left, and all processes have it.
 *
 * **Two agents of the name**, however it came to that, are no error: of those with a fingerprint, else of all, it is the
 * oldest one that counts, in every process. The others are left alone.
 *
 * Cold; unsubscribing ends the call that is under way. Emits the agent as the SDK has it, and completes; fails with an
 * `RxMistralError`. `retry` begins anew with the list, so an agent that was created although the answer was lost is found;
 * `timeouts` hold for each call.
 *
 * @throws TypeError at once when the client is none, the definition has no model or no name, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { concatMap } from 'rxjs';
 * import { agentsComplete, ensureAgent } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * const reviewer = ensureAgent(client, {
 *   name: 'reviewer',
 *   model: 'mistral-medium-latest',
 *   instructions: 'You review code, and say what is wrong first.',
 * }, { retry: {} });
 *
 * reviewer
 *   .pipe(concatMap(({ id }) => agentsComplete(client, { agentId: id, messages: [{ role: 'user', content: 'x = x' }] })))
 *   .subscribe(({ choices }) => console.log(choices[0]?.message?.content));
 * ```
 *
 * @see {@link createAgent}, {@link updateAgent}
 */
export function ensureAgent(client: MistralClient, definition: AgentDefinition, options: CallOptions = {}): Observable<Agent> {
  const transport = transportOf(client);
  expectField(definition, 'model');
  expectField(definition, 'name');
  expectCallOptions(options);
  const once: CallOptions = { ...options, retry: false };
  const retry = retryConfigOf(options);
  const content = contentOf(definition);
  const wanted = fingerprint(content);
  const metadata = { ...content.metadata, [fingerprintName]: wanted };

  const settled = (agent: Agent): Observable<Agent> =>
    fingerprintOf(agent) === wanted
      ? of(agent)
      : updateAgent(transport, { agentId: agent.id, updateAgentRequest: { ...absent, ...content, metadata } }, once);

  const counting = listAgents(transport, { name: definition.name, pageSize: 100 }, once).pipe(
    // Looked at here, too: a filter may take the name for a part of one.
    filter(({ name }) => name === definition.name),
    toArray(),
    map((agents) => agents.sort(byPrecedence)[0]),
  );

  const created = createAgent(transport, { ...content, metadata }, once).pipe(
    concatMap((own) =>
      counting.pipe(
        concatMap((agent = own) => {
          if (agent.id === own.id) return of(own);
          // One too many is no reason to fail.
          const removed = deleteAgent(transport, { agentId: own.id }, once).pipe(catchError(() => of(undefined)));
          return removed.pipe(concatMap(() => settled(agent)));
        }),
      ),
    ),
  );

  const ensured = defer(() => counting.pipe(concatMap((agent) => (agent === undefined ? created : settled(agent)))));
  return retry === undefined ? ensured : ensured.pipe(retryWithBackoff(retry));
}

/** What takes the place of a field that an earlier definition had. */
const absent: UpdateAgentRequest = {
  instructions: null,
  description: null,
  tools: [],
  completionArgs: {},
  handoffs: [],
  guardrails: null,
};

/** What counts of a definition; `null` is the same as nothing. */
function contentOf(definition: AgentDefinition): CreateAgentRequest {
  const { name, model, instructions, description, tools, completionArgs, handoffs, guardrails, metadata } = definition;
  const optional = { instructions, description, tools, completionArgs, handoffs, guardrails, metadata };
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined && value !== null));
  return { name, model, ...given };
}

function fingerprintOf({ metadata }: Agent): unknown {
  return metadata?.[fingerprintName];
}

/** Those of a definition first, then the older ones; the id decides where they are of the same time. */
function byPrecedence(left: Agent, right: Agent): number {
  return placeOf(left) - placeOf(right) || timeOf(left) - timeOf(right) || (left.id < right.id ? -1 : 1);
}

function placeOf(agent: Agent): number {
  return typeof fingerprintOf(agent) === 'string' ? 0 : 1;
}

// An agent that the SDK's own check has refused may be without.
function timeOf({ createdAt }: Partial<Agent>): number {
  return createdAt?.getTime() ?? 0;
}

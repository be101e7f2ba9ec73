import type { Agent } from '@mistralai/mistralai/models/components/agent.js';
import type { AgentListPage } from '@mistralai/mistralai/models/components/agentlistpage.js';
import type { AgentsApiV1AgentsListPagesRequest } from '@mistralai/mistralai/models/operations/agentsapiv1agentslistpages.js';
import { concatMap, defer, EMPTY, expand, map, type Observable, throwError } from 'rxjs';
import { RxMistralError } from '../errors/RxMistralError.js';
import { type MistralClient, transportOf } from '../transport/MistralClient.js';
import { betaAgentsListPagesOperation } from '../transport/operations/betaAgentsListPages.js';
import { type CallOptions, expectCallOptions } from './CallOptions.js';
import { callOnce } from './callOnce.js';
import { expectRequest } from './expectRequest.js';

/** Which agents to list, as the SDK's `betaAgentsListPages` takes it. A `pageToken` is where to begin. */
export type ListAgentsRequest = AgentsApiV1AgentsListPagesRequest;

/**
 * The agents that the key may see, one by one, over all pages.
 *
 * ```
 * pages:       --p----q         p has a and b, q is the last one and has c
 * listAgents:  --(ab)-(c|)
 * ```
 *
 * Cold. A page is asked for when the one before has come, whatever its agents are used for: `take(1)` ends it before the
 * second one. Unsubscribing ends the call that is under way. `retry` and `timeouts` are as in {@link chatComplete}, for each
 * page anew.
 *
 * **Fails** with an `RxMistralError`; of kind `protocol` where a page points to one that came before.
 *
 * @param request Which agents; `{}` lists all. `pageSize` is how many come in one call.
 * @throws TypeError at once when the client is none, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { listAgents } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * listAgents(client, { search: 'review' }).subscribe(({ id, name, version }) => console.log(id, name, version));
 * ```
 *
 * @see {@link getAgent}
 */
export function listAgents(client: MistralClient, request: ListAgentsRequest = {}, options: CallOptions = {}): Observable<Agent> {
  const transport = transportOf(client);
  expectRequest(request);
  expectCallOptions(options);

  const page = (changes: ListAgentsRequest): Observable<AgentListPage> =>
    callOnce(transport, betaAgentsListPagesOperation, { ...request, ...changes }, options).pipe(map(({ result }) => result));

  return defer(() => {
    const seen = new Set<string>();
    return page({}).pipe(
      expand(({ nextPageToken }) => {
        if (nextPageToken === undefined || nextPageToken === null || nextPageToken === '') return EMPTY;
        if (seen.has(nextPageToken)) return throwError(() => circle());
        seen.add(nextPageToken);
        return page({ pageToken: nextPageToken });
      }),
      concatMap(({ data }) => data),
    );
  });
}

function circle(): RxMistralError {
  return new RxMistralError({ kind: 'protocol', message: 'The list of agents goes in a circle: a page points to one that came before' });
}

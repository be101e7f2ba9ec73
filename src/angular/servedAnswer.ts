import { defer, type Observable, tap } from 'rxjs';
import { fail } from '../errors/expect.js';
import type { AgentEvent } from '../events/AgentEvent.js';
import { randomKey } from '../sse/randomKey.js';
import { remoteChat } from '../sse/remoteChat.js';
import type { RxMistralConfig } from './RxMistralConfig.js';

/** What is told of the connection of an answer. */
export interface ConnectionWatch {
  readonly onOpen?: (() => void) | undefined;
  readonly onReconnect?: (() => void) | undefined;
}

/**
 * The events of one answer. Who unsubscribes before its end closes the connection and tells the server, which could take it for a
 * lost one and go on.
 */
export function servedAnswer(config: RxMistralConfig, body: unknown, watch: ConnectionWatch = {}): Observable<AgentEvent> {
  const { endpoint, fetch, idleTimeout, maxEventBytes, endOnStop = true, createKey = randomKey } = config;
  return defer(() => {
    // To `remoteChat`, which then joins an answer, it would be none.
    if (body === undefined) fail('body', 'a value that has JSON', body);
    const headers = new Headers(typeof config.headers === 'function' ? config.headers() : config.headers);
    headers.set('idempotency-key', createKey());
    const reconnect = watchReconnect(config.reconnect, watch);
    const init = { headers, fetch, idleTimeout, maxEventBytes, reconnect, onOpen: watch.onOpen, isLast: lastOf() };
    return remoteChat<AgentEvent>(endpoint, body, init).pipe(
      tap({
        unsubscribe: () => {
          if (endOnStop) void endAnswer(config, headers);
        },
      }),
    );
  });
}

// An agent's turn goes on behind the answer of a step.
function lastOf(): (event: AgentEvent) => boolean {
  let last = 'complete';
  return ({ type }) => {
    if (type === 'step-start') last = 'turn-complete';
    return type === last;
  };
}

function watchReconnect(reconnect: RxMistralConfig['reconnect'], { onReconnect }: ConnectionWatch): RxMistralConfig['reconnect'] {
  if (reconnect === false || onReconnect === undefined) return reconnect;
  return {
    ...reconnect,
    onReconnect: (reconnection) => {
      onReconnect();
      reconnect?.onReconnect?.(reconnection);
    },
  };
}

// It outlives the page. Where it does not arrive, the server's grace period ends the answer.
async function endAnswer({ endpoint, fetch: send = fetch }: RxMistralConfig, headers: Headers): Promise<void> {
  try {
    const request = new Request(endpoint, { method: 'DELETE', headers, keepalive: true });
    const response = await send(request, { signal: new AbortController().signal });
    await response.body?.cancel();
  } catch {
    // There is nobody to tell, and nothing more to do.
  }
}

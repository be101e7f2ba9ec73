import { concatMap, EMPTY, type Observable, of, type OperatorFunction } from 'rxjs';
import type { AgentEvent } from 'rxmistral';

/** What the page shows of a turn. What was said to the model (the instructions, above all) stays on the server. */
export function shownEvents(): OperatorFunction<AgentEvent, AgentEvent> {
  return (turn) => turn.pipe(concatMap(shownOf));
}

function shownOf(event: AgentEvent): Observable<AgentEvent> {
  if (event.type === 'step-complete') return EMPTY;
  if (event.type === 'turn-complete') return of({ ...event, messages: [] });
  return of(event);
}

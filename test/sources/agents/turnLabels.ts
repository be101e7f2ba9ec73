import { filter, map, type OperatorFunction } from 'rxjs';
import type { AgentEvent } from '../../../src/index.js';

/** What an event says, in a few characters: for marbles that a person can read. */
export function labelOf(event: AgentEvent): string {
  switch (event.type) {
    case 'step-start':
      return `step ${event.step}`;
    case 'text-delta':
      return event.text;
    case 'tool-call':
      return `calls ${event.toolCall.name}`;
    case 'tool-start':
      return `runs ${event.toolCall.name}`;
    case 'tool-progress':
      return `${event.name}… ${String(event.value)}`;
    case 'tool-result':
      return `${event.name}: ${event.text}`;
    case 'tool-error':
      return `${event.name}! ${event.text}`;
    case 'approval-required':
      return `may ${event.toolCall.name}?`;
    case 'step-complete':
      return `step ${event.step} done`;
    case 'turn-complete':
      return event.ending;
    case 'handoff':
      return `handoff ${event.state} ${event.agentName}`;
    case 'server-tool':
      return `${event.name} ${event.state}`;
    default:
      return event.type;
  }
}

const framing: readonly string[] = ['start', 'tool-call-delta', 'tool-call', 'complete'];

/** The story of a turn, without what frames each answer. */
export function story(): OperatorFunction<AgentEvent, string> {
  return (events) =>
    events.pipe(
      filter(({ type }) => !framing.includes(type)),
      map(labelOf),
    );
}

import type { ChatStreamOptions } from '../CallOptions.js';
import type { TurnOptions } from './TurnOptions.js';

/** The options of a step's call: those of the turn, whose total is looked after by the turn itself. */
export function stepOptions(options: TurnOptions, requestId: string): ChatStreamOptions {
  const { headers, timeouts, limiter, retry, maxEventBytes, scheduler, onDisconnect } = options;
  const { firstEvent, idle } = timeouts ?? {};
  return { headers, timeouts: { firstEvent, idle }, limiter, retry, maxEventBytes, scheduler, onDisconnect, requestId };
}

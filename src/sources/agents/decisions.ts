import { expectOneOf, fail } from '../../errors/expect.js';
import { isRecord } from '../../errors/isRecord.js';
import type { DecidedCall } from './runCalls.js';
import type { Decision } from './TurnOptions.js';

/** What was decided, by the id of the call: the decision alone, or with what the model is to be told of a refusal. */
export type Decisions = Readonly<Record<string, Decision | { readonly decision: Decision; readonly reason?: string | undefined }>>;

/**
 * Looks decisions up, among their own alone: an id may be `__proto__`.
 *
 * @throws TypeError where they are none.
 */
export function decisionsById(decisions: Decisions): (toolCallId: string) => DecidedCall | undefined {
  if (!isRecord(decisions)) fail('decisions', 'an object of decisions by call id', decisions);
  const made = new Map<string, DecidedCall>();
  for (const [id, given] of Object.entries(decisions)) {
    const decision: unknown = isRecord(given) ? given.decision : given;
    expectOneOf(`decisions.${id}`, decision ?? null, ['allow', 'deny', 'defer']);
    made.set(id, typeof given === 'string' ? { decision: given } : given);
  }
  return (id) => made.get(id);
}

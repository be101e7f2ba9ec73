import type { TransportOptions } from '../transport/MistralTransport.js';
import type { OperationName, OperationRequest } from './FakeMistralScript.js';

/**
 * How a call stands: `open` while it is subscribed, then how it ended. `unsubscribed`: the consumer left before the
 * answer was at its end, which against the real API closes the socket.
 */
export type FakeCallState = 'open' | 'completed' | 'errored' | 'unsubscribed';

interface FakeCallOf<Name extends OperationName> {
  readonly operation: Name;
  /** The request as it was given: the same object, no copy. */
  readonly request: OperationRequest<Name>;
  /** Headers and the like; an empty object where none were given. */
  readonly options: TransportOptions;
  /** Counts the calls of this operation from 0. */
  readonly index: number;
  /** When the call was made, in milliseconds: the frame inside a marble test, else the time since 1970. */
  readonly subscribedAt: number;
  /** When the call ended, on the same clock. */
  readonly endedAt: number | undefined;
  readonly state: FakeCallState;
}

/** One call of a fake. A live view: `state` and `endedAt` change as the call goes on. */
export type FakeCall = { [Name in OperationName]: FakeCallOf<Name> }[OperationName];

import { RxMistralError, type RxMistralErrorInit } from './RxMistralError.js';

/**
 * Somebody else has written to a stored conversation since it was read. Nothing was added: read it again, and decide
 * anew what to add.
 */
export class ConversationConflictError extends RxMistralError {
  static override readonly errorName: string = 'ConversationConflictError';

  /** The version that the writer had read. */
  readonly expectedVersion: number;
  /** The version that is there, where the store knows it. */
  readonly actualVersion: number | undefined;

  constructor(init: Pick<RxMistralErrorInit, 'cause'> & {
    readonly expectedVersion: number;
    readonly actualVersion?: number | undefined;
  }) {
    const { expectedVersion, actualVersion, cause } = init;
    super({
      kind: 'conflict',
      message: `The stored conversation has another version (${actualVersion ?? 'unknown'}) than the one that was read (${expectedVersion})`,
      cause,
    });
    this.expectedVersion = expectedVersion;
    this.actualVersion = actualVersion;
  }
}

/** What made-up answers carry where a test does not care: the same each time, so that tests can compare whole events. */
export const defaultId = 'completion-1';
export const defaultConversationId = 'conversation-1';
export const defaultModel = 'mistral-small-latest';
/** Seconds since 1970. */
export const defaultCreated = 1_700_000_000;

/** Why an answer ended. The named ones are known; the API may send others. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'model_length' | 'error' | (string & Record<never, never>);

/** A tool call as the makers take it. `arguments` is JSON text or an object: the API sends both. */
export interface ToolCallFields {
  readonly id: string;
  readonly name: string;
  /** @defaultValue `'{}'` */
  readonly arguments?: string | Readonly<Record<string, unknown>> | undefined;
  /** Where the call stands among the answer's calls. @defaultValue none, as the API may leave it out */
  readonly index?: number | undefined;
}

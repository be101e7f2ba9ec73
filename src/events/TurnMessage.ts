import type { ChatCompletionStreamRequestMessage } from '@mistralai/mistralai/models/components/chatcompletionstreamrequest.js';

/** A message of a turn, ready to be sent: system, user, assistant or tool, as the SDK has them. */
export type TurnMessage = ChatCompletionStreamRequestMessage;

import { inject } from '@angular/core';
import { definedFields } from '../errors/definedFields.js';
import { fail } from '../errors/expect.js';
import type { AgentEvent } from '../events/AgentEvent.js';
import type { ChatMessage } from './Chat.js';
import { expectConfig, type RxMistralConfig, rxMistralConfig } from './RxMistralConfig.js';

/** Options of {@link injectChat}: those of `provideRxMistral`, in the place of what was said there, and these. */
export interface ChatOptions extends Partial<RxMistralConfig> {
  /**
   * What is sent, as JSON: from all messages so far, the question last.
   * @defaultValue `{ messages: [{ role, content }, …] }`, without answers of which no text came
   */
  readonly body?: ((messages: readonly ChatMessage[]) => unknown) | undefined;
  /** The messages to begin with, from JSON perhaps: a chat that goes on. @defaultValue none */
  readonly messages?: readonly ChatMessage[] | undefined;
  /**
   * Called with each event of an answer, behind what it changes: also those of an agent of which no signal tells (`handoff`,
   * `approval-required`). What it throws fails the answer.
   */
  readonly onEvent?: ((event: AgentEvent) => void) | undefined;
}

/** What a chat was asked for. */
export type ChatConfig = RxMistralConfig & Pick<ChatOptions, 'body' | 'messages' | 'onEvent'>;

/**
 * The connection that the options name, with what was provided for the application. Wants an injection context.
 *
 * @throws TypeError that names the option.
 */
export function withProvided({ endpoint, headers, fetch, reconnect, idleTimeout, maxEventBytes, endOnStop, createKey }: Partial<RxMistralConfig>): RxMistralConfig {
  const options = definedFields({ endpoint, headers, fetch, reconnect, idleTimeout, maxEventBytes, endOnStop, createKey });
  expectConfig(options);
  const config: Partial<RxMistralConfig> = { ...inject(rxMistralConfig, { optional: true }), ...options };
  if (config.endpoint === undefined) fail('endpoint', 'a URL, here or in `provideRxMistral`', undefined);
  return { ...config, endpoint: config.endpoint };
}

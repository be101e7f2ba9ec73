import type { FunctionTool } from '@mistralai/mistralai/models/components/functiontool.js';
import type { Tool } from '../../events/Tool.js';

/**
 * What the model is told of tools, in the SDK's form: for the definition of an agent, which knows them from then on.
 *
 * Conversations with an agent need it, because Mistral takes tools there from the agent alone. Turns on completions, and
 * conversations with a model, tell them by themselves.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { concatMap } from 'rxjs';
 * import { conversationTurn, ensureAgent, functionTools, text, tool } from 'rxmistral';
 * import { z } from 'zod';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 * const weather = tool({ name: 'weather', parameters: z.object({ city: z.string() }), execute: ({ city }) => `21 °C in ${city}` });
 * const tools = [weather];
 *
 * ensureAgent(client, { name: 'forecaster', model: 'mistral-medium-latest', tools: functionTools(tools) })
 *   .pipe(
 *     concatMap(({ id }) => conversationTurn(client, { agentId: id, inputs: 'How warm is it in Nantes?' }, { tools })),
 *     text(),
 *   )
 *   .subscribe((piece) => process.stdout.write(piece));
 * ```
 *
 * @see {@link ensureAgent}
 */
export function functionTools(tools: readonly Tool[]): (FunctionTool & { type: 'function' })[] {
  return tools.map(({ name, description, parameters }) => ({
    type: 'function',
    function: { name, parameters: { ...parameters }, ...(description !== undefined && { description }) },
  }));
}

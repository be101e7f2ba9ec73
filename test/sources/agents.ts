import type { Agent } from '@mistralai/mistralai/models/components/agent.js';

/** An agent as the SDK has it. */
export function agent(fields: Partial<Agent> = {}): Agent {
  return {
    id: 'ag_1',
    model: 'mistral-medium-latest',
    name: 'reviewer',
    object: 'agent',
    version: 0,
    versions: [0],
    createdAt: new Date(1_000),
    updatedAt: new Date(1_000),
    deploymentChat: false,
    source: 'api',
    ...fields,
  };
}

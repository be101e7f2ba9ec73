import type { Fields } from './fieldChecks.js';
import { hexDigits, randomFrom } from './random.js';

/** An agent as the API writes it. */
export interface Agent {
  readonly id: string;
  readonly name: string;
  readonly model: string;
  readonly version: number;
  readonly description: string | null;
  readonly instructions: string | null;
  readonly tools: readonly unknown[];
  readonly completion_args: Fields;
  readonly [field: string]: unknown;
}

/** What agents are made from, checked. */
export interface AgentDefinition {
  readonly name: string;
  readonly model: string;
  readonly description?: string | null | undefined;
  readonly instructions?: string | null | undefined;
  readonly tools?: readonly unknown[] | null | undefined;
  readonly completion_args?: Fields | null | undefined;
  readonly [field: string]: unknown;
}

const mostAgents = 10_000;

/** The agents that were created, the latest 10,000 of them. */
export class AgentRegistry {
  readonly #seed: number | string;
  readonly #agents = new Map<string, Agent>();
  /** How many were made of each definition. */
  readonly #made = new Map<string, number>();

  constructor(seed: number | string) {
    this.#seed = seed;
  }

  /** Oldest first. */
  get all(): readonly Agent[] {
    return [...this.#agents.values()];
  }

  get(id: string): Agent | undefined {
    return this.#agents.get(id);
  }

  /** An agent by this definition, not yet remembered. Its id depends on the definition, and on how many it has made already. */
  prepare(definition: AgentDefinition): Agent {
    const text = JSON.stringify(definition);
    for (let n = this.#made.get(text) ?? 0; ; n += 1) {
      const random = randomFrom(this.#seed, 'agent', text, n);
      const id = `ag_${random.text(32, hexDigits)}`;
      if (this.#agents.has(id)) continue;
      // Some second of the year 2025.
      const createdAt = new Date(random.integer(1_735_689_600, 1_767_225_599) * 1000).toISOString();
      return {
        description: null,
        instructions: null,
        guardrails: null,
        handoffs: null,
        metadata: null,
        version_message: null,
        ...definition,
        tools: definition.tools ?? [],
        completion_args: definition.completion_args ?? {},
        object: 'agent',
        id,
        version: 0,
        versions: [0],
        owner_id: null,
        created_at: createdAt,
        updated_at: createdAt,
        deployment_chat: false,
        source: 'api',
      } as Agent;
    }
  }

  remember(agent: Agent, definition: AgentDefinition): void {
    const text = JSON.stringify(definition);
    this.#agents.set(agent.id, agent);
    this.#made.set(text, (this.#made.get(text) ?? 0) + 1);
    forgetOldest(this.#agents);
    forgetOldest(this.#made);
  }
}

function forgetOldest(map: Map<string, unknown>): void {
  const [oldest] = map.keys();
  if (map.size > mostAgents && oldest !== undefined) map.delete(oldest);
}

import type { Fields } from './fieldChecks.js';
import { hexDigits, randomFrom } from './random.js';

/** An agent as the API writes it. */
export interface Agent {
  readonly id: string;
  readonly name: string;
  readonly model: string;
  readonly version: number;
  readonly versions: readonly number[];
  readonly description: string | null;
  readonly instructions: string | null;
  readonly tools: readonly unknown[];
  readonly completion_args: Fields;
  readonly handoffs: readonly string[] | null;
  readonly metadata: Fields | null;
  readonly created_at: string;
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

/** A name for a version. */
export interface AgentAlias {
  readonly alias: string;
  readonly version: number;
  readonly created_at: string;
  readonly updated_at: string;
}

interface Entry {
  /** By their numbers, which count from 0. */
  readonly versions: readonly Agent[];
  /** The one that answers: the latest, or the one that was switched to. */
  readonly current: Agent;
  readonly aliases: ReadonlyMap<string, AgentAlias>;
}

const mostAgents = 10_000;

/** The agents that were created, the latest 10,000 of them, with all their versions. */
export class AgentRegistry {
  readonly #seed: number | string;
  readonly #agents = new Map<string, Entry>();
  readonly #deleted = new Map<string, true>();
  /** How many were made of each definition. */
  readonly #made = new Map<string, number>();
  /** How many there have been. */
  #remembered = 0;

  constructor(seed: number | string) {
    this.#seed = seed;
  }

  /** Oldest first. */
  get all(): readonly Agent[] {
    return [...this.#agents.values()].map(currentOf);
  }

  /** The agent as it is now, or in a version, by its number or alias. */
  get(id: string, version?: string | number | null): Agent | undefined {
    const entry = this.#agents.get(id);
    if (entry === undefined) return undefined;
    if (version === undefined || version === null) return currentOf(entry);
    const wanted = entry.aliases.get(String(version))?.version ?? Number(version);
    const agent = entry.versions[wanted];
    return agent && withVersions(agent, entry);
  }

  /** Every version, oldest first. */
  versionsOf(id: string): readonly Agent[] | undefined {
    const entry = this.#agents.get(id);
    return entry?.versions.map((agent) => withVersions(agent, entry));
  }

  aliasesOf(id: string): readonly AgentAlias[] | undefined {
    const entry = this.#agents.get(id);
    return entry && [...entry.aliases.values()];
  }

  /** Whether there was one once. */
  isDeleted(id: string): boolean {
    return this.#deleted.has(id);
  }

  /** An agent by this definition, not yet remembered. Its id depends on the definition, and on how many it has made already. */
  prepare(definition: AgentDefinition): Agent {
    const text = JSON.stringify(definition);
    for (let n = this.#made.get(text) ?? 0; ; n += 1) {
      const random = randomFrom(this.#seed, 'agent', text, n);
      const id = `ag_${random.text(32, hexDigits)}`;
      if (this.#agents.has(id) || this.#deleted.has(id)) continue;
      // A second after the one before, from the middle of 2025 on.
      const createdAt = new Date(Date.UTC(2025, 6) + this.#remembered * 1000).toISOString();
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
    this.#agents.set(agent.id, { versions: [agent], current: agent, aliases: new Map() });
    this.#made.set(text, (this.#made.get(text) ?? 0) + 1);
    this.#remembered += 1;
    forgetOldest(this.#agents);
    forgetOldest(this.#made);
  }

  /** The agent's next version, not yet remembered: what the changes name is changed, the rest stays. */
  prepareUpdate(agent: Agent, changes: Fields): Agent {
    const version = this.#agents.get(agent.id)?.versions.length ?? 1;
    return {
      ...agent,
      ...changes,
      tools: (changes['tools'] as Agent['tools'] | null | undefined) ?? agent.tools,
      completion_args: (changes['completion_args'] as Fields | null | undefined) ?? agent.completion_args,
      version_message: changes['version_message'] ?? null,
      id: agent.id,
      version,
      versions: Array.from({ length: version + 1 }, (_, i) => i),
      created_at: agent.created_at,
      updated_at: updatedAt(agent, version),
    };
  }

  rememberUpdate(agent: Agent): void {
    this.#change(agent.id, ({ versions, ...rest }) => ({ ...rest, versions: [...versions, agent], current: agent }));
  }

  /** Makes a version that there is the one that answers. */
  switchTo(agent: Agent): void {
    this.#change(agent.id, (entry) => ({ ...entry, current: agent }));
  }

  setAlias(id: string, alias: AgentAlias): void {
    this.#change(id, ({ aliases, ...rest }) => ({ ...rest, aliases: new Map(aliases).set(alias.alias, alias) }));
  }

  removeAlias(id: string, name: string): void {
    this.#change(id, ({ aliases, ...rest }) => ({ ...rest, aliases: new Map([...aliases].filter(([each]) => each !== name)) }));
  }

  remove(id: string): void {
    if (!this.#agents.delete(id)) return;
    this.#deleted.set(id, true);
    forgetOldest(this.#deleted);
  }

  #change(id: string, change: (entry: Entry) => Entry): void {
    const entry = this.#agents.get(id);
    if (entry) this.#agents.set(id, change(entry));
  }
}

function currentOf(entry: Entry): Agent {
  return withVersions(entry.current, entry);
}

function withVersions(agent: Agent, { versions }: Entry): Agent {
  return { ...agent, versions: versions.map(({ version }) => version) };
}

/** A minute later with each version: real clocks would make answers differ from run to run. */
export function updatedAt({ created_at }: Agent, version: number): string {
  return new Date(Date.parse(created_at) + version * 60_000).toISOString();
}

function forgetOldest(map: Map<string, unknown>): void {
  const [oldest] = map.keys();
  if (map.size > mostAgents && oldest !== undefined) map.delete(oldest);
}

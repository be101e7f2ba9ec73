import type { Agent } from '@mistralai/mistralai/models/components/agent.js';
import { delay, merge, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type AgentDefinition, constantBackoff, ensureAgent, RxMistralError } from '../../src/index.js';
import { type FakeMistralScript, marbles } from '../../src/testing/index.js';
import { agent } from './agents.js';

const definition: AgentDefinition = {
  name: 'reviewer',
  model: 'mistral-medium-latest',
  instructions: 'You review code.',
  tools: [{ type: 'function', function: { name: 'search', parameters: { type: 'object' } } }],
};

// The API, as far as it goes: agents in a list, whose answers take 2 ms and show what was there when they were asked for.
function api(agents: Agent[] = []): FakeMistralScript {
  let made = 0;
  return {
    'beta.agents.listPages': ({ name } = {}) => {
      const data = agents.filter((each) => each.name.startsWith(name ?? ''));
      return of({ result: { object: 'list' as const, data } }).pipe(delay(2));
    },
    'beta.agents.create': (request) => {
      const created = agent({ ...(request as Partial<Agent>), id: `ag_${++made}`, createdAt: new Date(10_000 + made) });
      agents.push(created);
      return of(created).pipe(delay(2));
    },
    'beta.agents.update': ({ agentId, updateAgentRequest }) => {
      const index = agents.findIndex(({ id }) => id === agentId);
      const old = agents[index]!;
      agents[index] = { ...old, ...(updateAgentRequest as Partial<Agent>), version: old.version + 1 };
      return of(agents[index]).pipe(delay(2));
    },
    'beta.agents.delete': ({ agentId }) => {
      agents.splice(agents.findIndex(({ id }) => id === agentId), 1);
      return of(undefined).pipe(delay(2));
    },
  };
}

/** Notes what is emitted; an error, too, where none is expected. */
function into(emitted: unknown[]) {
  const note = (value: unknown): void => {
    emitted.push(value);
  };
  return { next: note, error: note };
}

/** The agents behind `ensureAgent(definition)`, run to its end. */
function ensured(agents: Agent[], wanted: AgentDefinition = definition): { readonly emitted: Agent[]; readonly operations: string[] } {
  const emitted: Agent[] = [];
  const operations: string[] = [];
  marbles(({ mistral, flush }) => {
    const client = mistral(api(agents));
    ensureAgent(client, wanted).subscribe(into(emitted));
    flush();
    operations.push(...client.calls.map(({ operation }) => operation.replace('beta.agents.', '')));
  });
  return { emitted, operations };
}

describe('ensureAgent', () => {
  it('creates the agent where there is none, and looks whether it is alone', () => {
    const agents: Agent[] = [];
    const { emitted, operations } = ensured(agents);

    expect(operations).toEqual(['listPages', 'create', 'listPages']);
    expect(emitted).toEqual(agents);
    expect(agents).toMatchObject([{ ...definition, metadata: { rxmistral: expect.stringMatching(/^[0-9a-f]{16}$/) } }]);
  });

  it('leaves it where it is as defined, in one call', () => {
    const agents: Agent[] = [];
    ensured(agents);
    const { emitted, operations } = ensured(agents);

    expect(operations).toEqual(['listPages']);
    expect(emitted).toEqual(agents);
  });

  it('is a list; a list and an update; a list, a creation and a list; anew for each subscriber', () => {
    marbles(({ mistral, expectObservable }) => {
      const client = mistral(api());
      const other = { ...definition, instructions: 'Be kind.' };
      const version = (number: number) => ({ a: expect.objectContaining({ id: 'ag_1', version: number }) as Agent });
      const source = ensureAgent(client, definition);

      expectObservable(source).toBe('                                               ------(a|)', version(0));
      expectObservable(source, '                        ----------^').toBe('           ------------(a|)', version(0));
      expectObservable(ensureAgent(client, other), '    --------------------^').toBe(' ------------------------(a|)', version(1));
    });
  });

  describe('updates the agent', () => {
    it.each<[string, Partial<AgentDefinition>]>([
      ['model', { model: 'mistral-small-latest' }],
      ['instructions', { instructions: 'Be kind.' }],
      ['description', { description: 'Reviews.' }],
      ['tools', { tools: [{ type: 'web_search' }] }],
      ['arguments', { completionArgs: { temperature: 0 } }],
      ['handoffs', { handoffs: ['ag_9'] }],
      ['metadata', { metadata: { team: 'x' } }],
    ])('when its %s have changed, and then leaves it', (_, change) => {
      const agents: Agent[] = [];
      ensured(agents);
      const changed = { ...definition, ...change };

      expect(ensured(agents, changed)).toMatchObject({ operations: ['listPages', 'update'], emitted: [{ ...changed, id: 'ag_1', version: 1 }] });
      expect(ensured(agents, changed).operations).toEqual(['listPages']);
    });

    it('with nothing left of what the definition has no more', () => {
      const agents: Agent[] = [];
      const { name, model } = definition;
      ensured(agents, { ...definition, description: 'Reviews.', completionArgs: { temperature: 0 }, handoffs: ['ag_9'], metadata: { team: 'x' } });
      const { emitted } = ensured(agents, { name, model });

      const empty = { instructions: null, description: null, tools: [], completionArgs: {}, handoffs: [], guardrails: null };
      expect(emitted).toMatchObject([{ name, model, ...empty, metadata: { rxmistral: expect.any(String) } }]);
      expect(emitted[0]?.metadata).not.toHaveProperty('team');
    });

    it('that was made elsewhere, with no fingerprint', () => {
      const agents = [agent({ id: 'by_hand', instructions: 'Old.' })];

      expect(ensured(agents).operations).toEqual(['listPages', 'update']);
      expect(agents).toMatchObject([{ id: 'by_hand', instructions: 'You review code.' }]);
    });
  });

  it.each<[string, AgentDefinition]>([
    ['the order of fields is another', { tools: definition.tools, model: definition.model, instructions: definition.instructions, name: definition.name }],
    ['a field is undefined or null', { ...definition, description: undefined, handoffs: null, metadata: null }],
    ['it was changed elsewhere', definition],
  ])('leaves the agent where %s', (_, same) => {
    const agents: Agent[] = [];
    ensured(agents);
    agents[0] = { ...agents[0]!, temperature: 1, versionMessage: 'By hand' } as Agent;

    expect(ensured(agents, same).operations).toEqual(['listPages']);
  });

  it('takes no agent whose name only begins like it', () => {
    const agents = [agent({ id: 'other', name: 'reviewer-of-texts' })];

    expect(ensured(agents).operations).toEqual(['listPages', 'create', 'listPages']);
    expect(agents.map(({ id }) => id)).toEqual(['other', 'ag_1']);
  });

  describe('of several agents of the name', () => {
    const made = (id: string, createdAt: number, fields: Partial<Agent> = {}): Agent => agent({ id, createdAt: new Date(createdAt), ...fields });
    const metadata = { rxmistral: 'of an older definition' };

    it.each<[string, string, Agent[]]>([
      ['the oldest one', 'b', [made('a', 3), made('b', 1), made('c', 2)]],
      ['one of a definition, before an older one', 'a', [made('a', 3, { metadata }), made('b', 1), made('c', 2)]],
      ['by the id, where the time is the same', 'b', [made('c', 1), made('b', 1)]],
    ])('takes %s, and leaves the others alone', (_, id, agents) => {
      const before = structuredClone(agents);

      expect(ensured(agents).emitted).toMatchObject([{ id, version: 1 }]);
      expect(agents.filter((each) => each.id !== id)).toEqual(before.filter((each) => each.id !== id));
    });
  });

  describe('two processes at once', () => {
    it('are left with one agent, and both have it', () => {
      const agents: Agent[] = [];
      const emitted: Agent[] = [];
      marbles(({ mistral, flush }) => {
        const client = mistral(api(agents));
        merge(ensureAgent(client, definition), ensureAgent(client, definition)).subscribe(into(emitted));
        flush();
        expect(client.calls.filter(({ operation }) => operation === 'beta.agents.create')).toHaveLength(2);
      });

      expect(emitted.map(({ id }) => id)).toEqual(['ag_1', 'ag_1']);
      expect(agents.map(({ id }) => id)).toEqual(['ag_1']);
    });

    it('of other definitions are left with one agent, which is of the last one', () => {
      const agents: Agent[] = [];
      const emitted: Agent[] = [];
      marbles(({ mistral, flush }) => {
        const client = mistral(api(agents));
        merge(ensureAgent(client, definition), ensureAgent(client, { ...definition, instructions: 'Be kind.' })).subscribe(into(emitted));
        flush();
      });

      expect(emitted.map(({ id }) => id)).toEqual(['ag_1', 'ag_1']);
      expect(agents).toMatchObject([{ id: 'ag_1', instructions: 'Be kind.', version: 1 }]);
    });

    it('do not fail where the one too many cannot be deleted', () => {
      const emitted: Agent[] = [];
      marbles(({ mistral, flush }) => {
        const client = mistral({ ...api(), 'beta.agents.delete': () => ({ status: 403 }) });
        merge(ensureAgent(client, definition), ensureAgent(client, definition)).subscribe(into(emitted));
        flush();
      });

      expect(emitted.map(({ id }) => id)).toEqual(['ag_1', 'ag_1']);
    });
  });

  it('finds, in a retry, the agent that was created although the answer was lost', () => {
    const agents: Agent[] = [];
    marbles(({ mistral, expectObservable, flush }) => {
      const { 'beta.agents.create': create, ...rest } = api(agents) as { 'beta.agents.create': (request: unknown) => unknown };
      const lost = new RxMistralError({ kind: 'connection', message: 'Lost', retryable: true });
      const client = mistral({
        ...rest,
        'beta.agents.create': (request) => {
          create(request);
          return throwError(() => lost);
        },
      });
      const source = ensureAgent(client, definition, { retry: { backoff: constantBackoff(3) } });

      expectObservable(source).toBe('-- 3ms --(a|)', { a: expect.objectContaining({ id: 'ag_1', version: 0 }) as Agent });
      flush();
      expect(agents).toHaveLength(1);
    });
  });

  it('fails with what a call fails with, and does not retry unasked', () => {
    marbles(({ mistral, expectObservable, flush }) => {
      const client = mistral({ 'beta.agents.listPages': { status: 503 } });
      expectObservable(ensureAgent(client, definition)).toBe('#', {}, expect.objectContaining({ kind: 'http', status: 503 }));
      flush();
      expect(client.calls).toHaveLength(1);
    });
  });

  it.each(['listPages', 'create'] as const)('ends its call with its subscriber: %s', (name) => {
    marbles(({ cold, mistral, expectObservable, expectSubscriptions }) => {
      const silent = cold('-');
      const client = mistral({ ...api(), [`beta.agents.${name}`]: () => silent });

      expectObservable(ensureAgent(client, definition), '^----!').toBe('------');
      expectSubscriptions(silent.subscriptions).toBe([name === 'create' ? '--^--!' : '^----!']);
    });
  });
});

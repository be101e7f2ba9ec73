import { agentsComplete } from '@mistralai/mistralai/funcs/agentsComplete.js';
import { agentsStream } from '@mistralai/mistralai/funcs/agentsStream.js';
import { betaAgentsCreate } from '@mistralai/mistralai/funcs/betaAgentsCreate.js';
import { betaAgentsCreateVersionAlias } from '@mistralai/mistralai/funcs/betaAgentsCreateVersionAlias.js';
import { betaAgentsDelete } from '@mistralai/mistralai/funcs/betaAgentsDelete.js';
import { betaAgentsDeleteVersionAlias } from '@mistralai/mistralai/funcs/betaAgentsDeleteVersionAlias.js';
import { betaAgentsGet } from '@mistralai/mistralai/funcs/betaAgentsGet.js';
import { betaAgentsGetVersion } from '@mistralai/mistralai/funcs/betaAgentsGetVersion.js';
import { betaAgentsListPages } from '@mistralai/mistralai/funcs/betaAgentsListPages.js';
import { betaAgentsListVersionAliases } from '@mistralai/mistralai/funcs/betaAgentsListVersionAliases.js';
import { betaAgentsListVersions } from '@mistralai/mistralai/funcs/betaAgentsListVersions.js';
import { betaAgentsUpdate } from '@mistralai/mistralai/funcs/betaAgentsUpdate.js';
import { betaAgentsUpdateVersion } from '@mistralai/mistralai/funcs/betaAgentsUpdateVersion.js';
import { Agent$inboundSchema, type Agent } from '@mistralai/mistralai/models/components/agent.js';
import { describe, expect, test } from 'vitest';

import type { CompletionBody, Simulator } from '../../src/simulator/index.js';
import { accepted, acceptedEvents, core, deltaText, request } from './standaloneSdk.js';
import { withSimulator } from './rawClient.js';

const messages = [{ role: 'user' as const, content: 'Hello!' }];
const weatherTool = {
  type: 'function' as const,
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
};

/** Through the SDK's own check; its function for this endpoint is deprecated. */
async function listAgents(simulator: Simulator, query = ''): Promise<readonly Agent[]> {
  const response = await request(simulator, `/v1/agents${query}`);
  return ((await response.json()) as readonly unknown[]).map((agent) => Agent$inboundSchema.parse(agent));
}

describe('an agent', () => {
  test('is created with the fields that the SDK knows, and found again by its id and in the list', async () => {
    await withSimulator({}, async (simulator) => {
      const client = core(simulator);
      const definition = { model: 'mistral-large-latest', name: 'Weather', instructions: 'Be brief.', tools: [weatherTool], completionArgs: { temperature: 0.2 } };
      const agent = await accepted(betaAgentsCreate(client, definition));
      expect(agent).toMatchObject({ ...definition, object: 'agent', version: 0, versions: [0], description: null });
      expect(agent.id).toMatch(/^ag_[0-9a-f]{32}$/);
      expect(agent.createdAt.getFullYear()).toBe(2025);

      const other = await accepted(betaAgentsCreate(client, { model: 'mistral-small-latest', name: 'Poet' }));
      expect(await accepted(betaAgentsGet(client, { agentId: agent.id }))).toEqual(agent);
      expect(await listAgents(simulator)).toEqual([agent, other]);
      expect(await listAgents(simulator, '?page_size=1&page=1')).toEqual([other]);
      expect(await listAgents(simulator, '?name=Poet')).toEqual([other]);
      expect(await listAgents(simulator, '?search=weath')).toEqual([agent]);
      const tagged = await accepted(betaAgentsCreate(client, { model: 'm', name: 'Tagged', metadata: { team: 'a', rank: 1 } }));
      expect(await listAgents(simulator, `?metadata=${encodeURIComponent('{"team":"a"}')}`)).toEqual([tagged]);
      expect(await listAgents(simulator, `?metadata=${encodeURIComponent('{"rank":2}')}`)).toEqual([]);
    });
  });

  test('is listed page by page, with a token for the next', async () => {
    await withSimulator({}, async (simulator) => {
      const client = core(simulator);
      for (const name of ['one', 'two', 'three']) await accepted(betaAgentsCreate(client, { model: 'm', name }));
      const pages: string[][] = [];
      for await (const page of await betaAgentsListPages(client, { pageSize: 2 })) {
        if (page.ok) pages.push(page.value.result.data.map(({ name }) => name));
      }
      expect(pages).toEqual([['one', 'two'], ['three']]);
    });
  });

  test('has an id from the seed and its definition; a second one by the same definition another', async () => {
    const ids = (names: readonly string[]): Promise<readonly string[]> =>
      withSimulator({}, async (simulator) => {
        const made: string[] = [];
        for (const name of names) made.push((await accepted(betaAgentsCreate(core(simulator), { model: 'm', name }))).id);
        return made;
      });
    const [one, two, again] = await ids(['one', 'two', 'one']);
    expect(await ids(['two', 'one', 'one'])).toEqual([two, one, again]);
    expect(new Set([one, two, again]).size).toBe(3);
  });

  test('that nobody has created, or another version of one, is a 404', async () => {
    await withSimulator({}, async (simulator) => {
      const { id } = await accepted(betaAgentsCreate(core(simulator), { model: 'm', name: 'n' }));
      for (const path of ['/v1/agents/ag_none', `/v1/agents/${id}?agent_version=7`]) {
        const response = await request(simulator, path);
        expect([response.status, await response.json()]).toMatchObject([404, { object: 'error', type: 'not_found' }]);
      }
      expect((await request(simulator, `/v1/agents/${id}?agent_version=0`)).status).toBe(200);
    });
  });

  test('is not created where a rate limit or a fault refuses it', async () => {
    await withSimulator({ rateLimit: { requests: { limit: 1, interval: 60_000 } } }, async (simulator) => {
      const statuses = [];
      for (const name of ['first', 'second']) statuses.push((await request(simulator, '/v1/agents', { model: 'm', name })).status);
      expect(statuses).toEqual([200, 429]);
    });
    await withSimulator({ faults: { kind: 'status', status: 503, times: 1 } }, async (simulator) => {
      await request(simulator, '/v1/agents', { model: 'm', name: 'refused' });
      await request(simulator, '/v1/agents', { model: 'm', name: 'made' });
      expect((await listAgents(simulator)).map(({ name }) => name)).toEqual(['made']);
    });
  });

  test.each<[string, unknown, readonly string[]]>([
    ['no name', { model: 'm' }, ['body', 'name']],
    ['tools that are no list', { model: 'm', name: 'n', tools: {} }, ['body', 'tools']],
  ])('with %s is refused with a 422', async (_what, body, loc) => {
    await withSimulator({}, async (simulator) => {
      const response = await request(simulator, '/v1/agents', body);
      expect([response.status, await response.json()]).toMatchObject([422, { detail: [{ loc }] }]);
    });
  });

  test('is not listed for a page that is no number', async () => {
    await withSimulator({}, async (simulator) => {
      const response = await request(simulator, '/v1/agents?page=one');
      expect([response.status, await response.json()]).toMatchObject([422, { detail: [{ loc: ['query', 'page'], type: 'int_parsing' }] }]);
    });
  });
});

describe('an agent that is changed', () => {
  const definition = { model: 'm', name: 'Poet', instructions: 'Rhyme.', tools: [weatherTool], description: 'Writes' };

  test('gets a new version with what was changed and what was not; the old one can still be read', async () => {
    await withSimulator({}, async (simulator) => {
      const client = core(simulator);
      const first = await accepted(betaAgentsCreate(client, definition));
      const second = await accepted(betaAgentsUpdate(client, { agentId: first.id, updateAgentRequest: { instructions: 'Do not rhyme.', description: null, versionMessage: 'calmer' } }));
      expect(second).toMatchObject({ ...definition, id: first.id, instructions: 'Do not rhyme.', description: null, version: 1, versions: [0, 1], versionMessage: 'calmer', createdAt: first.createdAt });
      expect(second.updatedAt.getTime()).toBeGreaterThan(first.updatedAt.getTime());
      expect(await accepted(betaAgentsGet(client, { agentId: first.id }))).toEqual(second);
      expect(await listAgents(simulator)).toEqual([second]);
      const old = { ...first, versions: [0, 1] };
      expect(await accepted(betaAgentsGet(client, { agentId: first.id, agentVersion: 0 }))).toEqual(old);
      expect(await accepted(betaAgentsGetVersion(client, { agentId: first.id, version: '0' }))).toEqual(old);
      expect(await accepted(betaAgentsListVersions(client, { agentId: first.id }))).toEqual([old, second]);
      expect(await accepted(betaAgentsListVersions(client, { agentId: first.id, page: 1, pageSize: 1 }))).toEqual([second]);
    });
  });

  test('answers in the version that it was switched to', async () => {
    const models: (string | undefined)[] = [];
    const reply = ({ model }: CompletionBody): string => {
      models.push(model);
      return 'Hi';
    };
    await withSimulator({ reply }, async (simulator) => {
      const client = core(simulator);
      const { id: agentId } = await accepted(betaAgentsCreate(client, definition));
      await accepted(betaAgentsUpdate(client, { agentId, updateAgentRequest: { model: 'm2' } }));
      await accepted(agentsComplete(client, { agentId, messages }));
      expect(await accepted(betaAgentsUpdateVersion(client, { agentId, version: 0 }))).toMatchObject({ version: 0, versions: [0, 1] });
      await accepted(agentsComplete(client, { agentId, messages }));
      expect(models).toEqual(['m2', 'm']);
      // What is changed now is the version that answers; its number is a new one.
      expect(await accepted(betaAgentsUpdate(client, { agentId, updateAgentRequest: { name: 'Bard' } }))).toMatchObject({ model: 'm', version: 2, versions: [0, 1, 2] });
    });
  });

  test('has names for its versions', async () => {
    await withSimulator({}, async (simulator) => {
      const client = core(simulator);
      const { id: agentId } = await accepted(betaAgentsCreate(client, definition));
      await accepted(betaAgentsUpdate(client, { agentId, updateAgentRequest: { model: 'm2' } }));
      const alias = await accepted(betaAgentsCreateVersionAlias(client, { agentId, alias: 'stable', version: 0 }));
      expect(alias).toMatchObject({ alias: 'stable', version: 0 });
      expect(await accepted(betaAgentsGet(client, { agentId, agentVersion: 'stable' }))).toMatchObject({ model: 'm', version: 0 });
      await accepted(betaAgentsCreateVersionAlias(client, { agentId, alias: 'stable', version: 1 }));
      expect(await accepted(betaAgentsListVersionAliases(client, { agentId }))).toMatchObject([{ alias: 'stable', version: 1, createdAt: alias.createdAt }]);
      await accepted(betaAgentsDeleteVersionAlias(client, { agentId, alias: 'stable' }));
      expect(await accepted(betaAgentsListVersionAliases(client, { agentId }))).toEqual([]);
    });
  });

  test('is gone when it was deleted, for its completions too', async () => {
    await withSimulator({}, async (simulator) => {
      const client = core(simulator);
      const { id: agentId } = await accepted(betaAgentsCreate(client, definition));
      await accepted(betaAgentsDelete(client, { agentId }));
      expect(simulator.requests.at(-1)).toMatchObject({ method: 'DELETE', status: 204 });
      expect(await listAgents(simulator)).toEqual([]);
      const statuses = [
        (await request(simulator, `/v1/agents/${agentId}`)).status,
        (await request(simulator, '/v1/agents/completions', { agent_id: agentId, messages })).status,
      ];
      expect(statuses).toEqual([404, 404]);
      // Its id is not given away again.
      expect((await accepted(betaAgentsCreate(client, definition))).id).not.toBe(agentId);
    });
  });

  test('is refused a change with a 422, or a 404 where there is none', async () => {
    await withSimulator({}, async (simulator) => {
      const { id } = await accepted(betaAgentsCreate(core(simulator), definition));
      const change = (path: string, body: unknown): Promise<Response> =>
        fetch(`${simulator.url}${path}`, { method: 'PATCH', headers: { authorization: 'Bearer any', 'content-type': 'application/json' }, body: JSON.stringify(body) });
      const wrong = await change(`/v1/agents/${id}`, { tools: {} });
      expect([wrong.status, await wrong.json()]).toMatchObject([422, { detail: [{ loc: ['body', 'tools'] }] }]);
      expect((await change('/v1/agents/ag_none', { name: 'n' })).status).toBe(404);
      expect((await change(`/v1/agents/${id}/version?version=7`, {})).status).toBe(404);
      expect((await change(`/v1/agents/${id}/version`, {})).status).toBe(422);
    });
  });
});

describe('an agent\'s completion', () => {
  test('is the same streamed and whole, for any agent id', async () => {
    await withSimulator({}, async (simulator) => {
      const asked = { agentId: 'ag_unknown', messages };
      const whole = await accepted(agentsComplete(core(simulator), asked));
      const events = await acceptedEvents(agentsStream(core(simulator), asked));
      expect(deltaText(events)).toBe(whole.choices[0]?.message?.content);
      expect(events.at(-1)?.data.usage).toEqual(whole.usage);
      expect(events.at(-1)?.data.choices[0]?.finishReason).toBe('stop');
      const other = await accepted(agentsComplete(core(simulator), { ...asked, agentId: 'ag_other' }));
      expect(other.choices[0]?.message?.content).not.toBe(whole.choices[0]?.message?.content);
    });
  });

  test('uses the model, the instructions, the tools and the parameters that the agent was created with', async () => {
    const bodies: CompletionBody[] = [];
    const reply = (body: CompletionBody): undefined => {
      bodies.push(body);
    };
    await withSimulator({ reply }, async (simulator) => {
      const client = core(simulator);
      const definition = { model: 'mistral-large-latest', name: 'Weather', instructions: 'Be brief.', tools: [weatherTool], completionArgs: { maxTokens: 7 } };
      const { id: agentId } = await accepted(betaAgentsCreate(client, definition));

      const calling = await accepted(agentsComplete(client, { agentId, messages }));
      expect(calling).toMatchObject({ model: 'mistral-large-latest', choices: [{ finishReason: 'tool_calls' }] });
      expect(calling.choices[0]?.message?.toolCalls?.[0]?.function.name).toBe('weather');
      expect(bodies[0]).toMatchObject({ agent_id: agentId, model: 'mistral-large-latest', max_tokens: 7, tools: [weatherTool] });
      expect(bodies[0]?.messages).toEqual([{ role: 'system', content: 'Be brief.' }, ...messages]);
      expect(simulator.requests.at(-1)?.body).toMatchObject({ agent_id: agentId, messages });

      const cut = await accepted(agentsComplete(client, { agentId, messages, toolChoice: 'none' }));
      expect(cut).toMatchObject({ choices: [{ finishReason: 'length' }], usage: { completionTokens: 7 } });
      const longer = await accepted(agentsComplete(client, { agentId, messages, toolChoice: 'none', maxTokens: 9 }));
      expect(longer.usage.completionTokens).toBe(9);
      // The agent's tools can be named.
      const named = await accepted(agentsComplete(client, { agentId, messages, toolChoice: { function: { name: 'weather' } } }));
      expect(named.choices[0]?.finishReason).toBe('tool_calls');
    });
  });

  test('continues a prefix, obeys a JSON schema and thinks with a thinking model, as a chat does', async () => {
    await withSimulator({}, async (simulator) => {
      const client = core(simulator);
      const prefixed = await accepted(
        agentsComplete(client, { agentId: 'ag', messages: [...messages, { role: 'assistant', content: 'Once upon ', prefix: true }] }),
      );
      expect(prefixed.choices[0]?.message?.content).toMatch(/^Once upon \S/);

      const schemaDefinition = { type: 'object', properties: { city: { enum: ['paris'] } }, required: ['city'], additionalProperties: false };
      const structured = await accepted(
        agentsComplete(client, { agentId: 'ag', messages, responseFormat: { type: 'json_schema', jsonSchema: { name: 'place', schemaDefinition } } }),
      );
      expect(JSON.parse(structured.choices[0]?.message?.content as string)).toEqual({ city: 'paris' });

      const { id: agentId } = await accepted(betaAgentsCreate(client, { model: 'magistral-medium-latest', name: 'Thinker' }));
      const thought = await accepted(agentsComplete(client, { agentId, messages }));
      expect(thought.choices[0]?.message?.content).toMatchObject([{ type: 'thinking' }, { type: 'text' }]);
    });
  });

  test('can be scripted', async () => {
    await withSimulator({ reply: { text: ['Good ', 'day.'], toolCalls: [{ name: 'weather', arguments: { city: 'paris' } }] } }, async (simulator) => {
      const events = await acceptedEvents(agentsStream(core(simulator), { agentId: 'ag', messages }));
      expect(deltaText(events)).toBe('Good day.');
      expect(events.at(-1)?.data.choices[0]?.finishReason).toBe('tool_calls');
    });
  });

  test.each<[string, object, object]>([
    ['no agent_id', { messages }, { detail: [{ loc: ['body', 'agent_id'], type: 'missing' }] }],
    ['no messages', { agent_id: 'ag' }, { detail: [{ loc: ['body', 'messages'], type: 'missing' }] }],
  ])('is refused with a 422 for %s', async (_what, body, expected) => {
    await withSimulator({}, async (simulator) => {
      const response = await request(simulator, '/v1/agents/completions', body);
      expect([response.status, await response.json()]).toMatchObject([422, expected]);
    });
  });

  test('is refused with a 400 for messages in a wrong order, and for a tool that is not there', async () => {
    await withSimulator({}, async (simulator) => {
      const misordered = await request(simulator, '/v1/agents/completions', { agent_id: 'ag', messages: [...messages, { role: 'assistant', content: 'Hi' }] });
      expect([misordered.status, await misordered.json()]).toMatchObject([400, { type: 'invalid_request_message_order' }]);
      const untooled = await request(simulator, '/v1/agents/completions', { agent_id: 'ag', messages, tool_choice: { function: { name: 'weather' } } });
      expect([untooled.status, await untooled.json()]).toMatchObject([400, { type: 'invalid_request_tool_choice' }]);
    });
  });
});

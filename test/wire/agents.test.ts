import { MistralCore } from '@mistralai/mistralai/core.js';
import { concatMap, firstValueFrom, forkJoin, lastValueFrom, range, take, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentsComplete, constantBackoff, createAgent, deleteAgent, ensureAgent, getAgent, listAgents, updateAgent } from '../../src/index.js';
import { type Simulator, startSimulator } from '../../src/simulator/index.js';

const model = 'mistral-medium-latest';
const definition = { name: 'reviewer', model, instructions: 'You review code.', completionArgs: { temperature: 0.2 } };

let simulator: Simulator;
let client: MistralCore;
beforeEach(async () => {
  simulator = await startSimulator();
  client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });
});
afterEach(() => simulator.close());

const paths = (): string[] => simulator.requests.map(({ method, path }) => `${method} ${path}`);
const listed = () => lastValueFrom(listAgents(client).pipe(toArray()));

describe('an agent', () => {
  it('is created, read, changed and deleted', async () => {
    const { id } = await firstValueFrom(createAgent(client, { name: 'a', model }));
    expect(await firstValueFrom(updateAgent(client, { agentId: id, updateAgentRequest: { instructions: 'Be kind.' } }))).toMatchObject({ id, version: 1, instructions: 'Be kind.', model });
    expect(await firstValueFrom(getAgent(client, { agentId: id }))).toMatchObject({ id, version: 1, createdAt: expect.any(Date) });
    expect(await firstValueFrom(getAgent(client, { agentId: id, agentVersion: 0 }))).toMatchObject({ id, version: 0, instructions: null });
    expect(await lastValueFrom(deleteAgent(client, { agentId: id }).pipe(toArray()))).toEqual([undefined]);

    await expect(firstValueFrom(getAgent(client, { agentId: id }))).rejects.toMatchObject({ kind: 'http', status: 404 });
    expect(await listed()).toEqual([]);
  });
});

describe('listAgents', () => {
  it('goes over all pages, and no further than is taken', async () => {
    const names = await lastValueFrom(range(0, 45).pipe(concatMap((n) => createAgent(client, { name: `agent ${n}`, model })), toArray()));
    const before = simulator.requestCount;

    expect((await lastValueFrom(listAgents(client, { pageSize: 20 }).pipe(toArray()))).map(({ id }) => id)).toEqual(names.map(({ id }) => id));
    expect(simulator.requestCount - before).toBe(3);
    expect(await lastValueFrom(listAgents(client, { pageSize: 20 }).pipe(take(20), toArray()))).toHaveLength(20);
    expect(simulator.requestCount - before).toBe(4);
  });
});

describe('ensureAgent', () => {
  it('creates, leaves and updates, and what it emits answers', async () => {
    const created = await lastValueFrom(ensureAgent(client, definition));
    const left = await lastValueFrom(ensureAgent(client, definition));
    const updated = await lastValueFrom(ensureAgent(client, { ...definition, instructions: 'Be kind.', completionArgs: undefined }));

    expect(left).toEqual(created);
    expect(updated).toMatchObject({ id: created.id, version: 1, instructions: 'Be kind.', completionArgs: {} });
    expect(await listed()).toEqual([updated]);
    expect(paths().slice(0, 6)).toEqual(['GET /v1/agents/pages', 'POST /v1/agents', 'GET /v1/agents/pages', 'GET /v1/agents/pages', 'GET /v1/agents/pages', `PATCH /v1/agents/${created.id}`]);

    const answer = agentsComplete(client, { agentId: updated.id, messages: [{ role: 'user', content: 'x = x' }] });
    expect((await lastValueFrom(answer)).choices).toHaveLength(1);
  });

  it('finds its agent behind a hundred others of similar names', async () => {
    await lastValueFrom(range(0, 120).pipe(concatMap((n) => createAgent(client, { name: `reviewer ${n}`, model }))));
    const created = await lastValueFrom(ensureAgent(client, definition));

    expect(await lastValueFrom(ensureAgent(client, definition))).toEqual(created);
  });

  it('called ten times at once leaves one agent, which all of them have', async () => {
    const agents = await lastValueFrom(forkJoin(Array.from({ length: 10 }, () => ensureAgent(client, definition))));

    expect(await listed()).toEqual([agents[0]]);
    expect(new Set(agents.map(({ id }) => id)).size).toBe(1);
  });

  it('creates none twice, when the answer to the first is lost', async () => {
    simulator.setFaults({ kind: 'reset', at: 'after-headers', on: 1 });
    const { version } = await lastValueFrom(ensureAgent(client, definition, { retry: { backoff: constantBackoff(1) } }));

    expect(version).toBe(0);
    expect(await listed()).toHaveLength(1);
    expect(paths().filter((path) => path === 'POST /v1/agents')).toHaveLength(1);
  });
});

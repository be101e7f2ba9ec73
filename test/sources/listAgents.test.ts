import type { Agent } from '@mistralai/mistralai/models/components/agent.js';
import { take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { constantBackoff, listAgents } from '../../src/index.js';
import { marbles } from '../../src/testing/index.js';
import { agent } from './agents.js';

const agents = { a: agent({ id: 'a' }), b: agent({ id: 'b' }), c: agent({ id: 'c' }) };
const { a, b, c } = agents;
const page = (data: Agent[], nextPageToken?: string | null) => ({ result: { object: 'list' as const, data, nextPageToken } });
const pages = { p: page([a, b], 'next'), q: page([c]), e: page([], 'next') };

describe('listAgents', () => {
  it('is the agents of all pages, one page after the other, anew for each subscriber', () => {
    marbles(({ cold, mistral, expectObservable, expectSubscriptions, flush }) => {
      const first = cold('   --(p|)            ', pages);
      const second = cold('    -----(q|)       ', pages);
      const client = mistral({ 'beta.agents.listPages': ({ pageToken } = {}) => (pageToken === 'next' ? second : first) });
      const source = listAgents(client, { search: 'x', pageSize: 2 });
      const expected = '     --(ab)-(c|)       ';
      const late = '         ----------^       ';
      const lateExpected = ' ------------(ab)-(c|)';

      expectObservable(source).toBe(expected, agents);
      expectObservable(source, late).toBe(lateExpected, agents);
      expectSubscriptions(first.subscriptions).toBe(['^-!', '----------^-!']);
      expectSubscriptions(second.subscriptions).toBe(['--^----!', '------------^----!']);
      flush();
      const asked = [
        { search: 'x', pageSize: 2 },
        { search: 'x', pageSize: 2, pageToken: 'next' },
      ];
      expect(client.calls.map(({ request }) => request)).toEqual([...asked, ...asked]);
    });
  });

  it.each([null, undefined, ''])('ends at a page whose token is %j', (token) => {
    marbles(({ mistral, expectObservable }) => {
      expectObservable(listAgents(mistral({ 'beta.agents.listPages': [page([a], token)] }))).toBe('(a|)', agents);
    });
  });

  it('goes over an empty page', () => {
    marbles(({ cold, mistral, expectObservable }) => {
      const client = mistral({ 'beta.agents.listPages': [cold('-(e|)', pages), cold('-(q|)', pages)] });
      expectObservable(listAgents(client)).toBe('--(c|)', agents);
    });
  });

  it('asks for no page behind what is taken, and ends the call with its subscriber', () => {
    marbles(({ cold, mistral, expectObservable, expectSubscriptions, flush }) => {
      const first = cold('   --(p|)', pages);
      const silent = cold('    -', pages);
      const client = mistral({ 'beta.agents.listPages': ({ pageToken } = {}) => (pageToken === 'next' ? silent : first) });

      expectObservable(listAgents(client).pipe(take(1))).toBe('--(a|)', agents);
      expectObservable(listAgents(client), '^----!').toBe('    --(ab)', agents);
      expectSubscriptions(silent.subscriptions).toBe(['       --^--!']);
      flush();
      expect(client.calls).toHaveLength(3);
    });
  });

  it('retries each page by itself', () => {
    marbles(({ cold, mistral, expectObservable }) => {
      const client = mistral({ 'beta.agents.listPages': [{ status: 503 }, cold('-(p|)', pages), { status: 503 }, cold('-(q|)', pages)] });
      const source = listAgents(client, {}, { retry: { maxRetries: 1, backoff: constantBackoff(3) } });
      expectObservable(source).toBe('----(ab)(c|)', agents);
    });
  });

  it('fails where a page points to one that came before, and with what a page fails with', () => {
    marbles(({ mistral, expectObservable }) => {
      const circle = mistral({ 'beta.agents.listPages': ({ pageToken } = {}) => page([a], pageToken === 'x' ? 'y' : 'x') });
      expectObservable(listAgents(circle)).toBe('(aaa#)', agents, expect.objectContaining({ kind: 'protocol' }));

      const refused = mistral({ 'beta.agents.listPages': { status: 403 } });
      expectObservable(listAgents(refused)).toBe('#', agents, expect.objectContaining({ kind: 'http', status: 403 }));
    });
  });
});

import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import pg from 'pg';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConversationEntry } from '../../src/events/ConversationStore.js';
import { type PostgresPool, postgresConversationStore } from '../../src/stores/index.js';
import { postgresServer } from '../fixtures/servers.js';
import { conversationStoreContract } from './conversationStoreContract.js';
import { processesContract } from './processes.js';

const said = (content: string): ConversationEntry => ({ type: 'message.input', role: 'user', content });
const { url, missing } = await postgresServer();

describe.skipIf(missing)(`postgresConversationStore ${missing ?? ''}`, () => {
  const pool = new pg.Pool({ connectionString: url });
  afterAll(() => pool.end());

  let table: string;
  beforeEach(() => {
    table = `Test_${randomUUID().replaceAll('-', '')}`;
  });
  afterEach(() => pool.query(`drop table if exists "${table}", "${table}_entries"`));

  describe.each([
    ['as it comes', {}],
    ['whose transactions are serializable', { options: '-c default_transaction_isolation=serializable' }],
  ])('on a pool %s', (_, config) => {
    conversationStoreContract(() => {
      const pools = [new pg.Pool({ connectionString: url, ...config }), new pg.Pool({ connectionString: url, ...config })] as const;
      return {
        first: postgresConversationStore(pools[0], { table }),
        second: postgresConversationStore(pools[1], { table }),
        async close() {
          for (const one of pools) await one.end();
        },
      };
    });
  });

  processesContract(() => ({ driver: 'postgres', location: url, name: table }));

  describe('its tables', () => {
    it('are made at the first use, once, by whoever is first', async () => {
      const stores = Array.from({ length: 12 }, () => postgresConversationStore(pool, { table }));
      const exists = async (): Promise<unknown> => (await pool.query('select to_regclass($1) is not null as there', [`"${table}"`])).rows;
      expect(await exists()).toEqual([{ there: false }]);

      await Promise.all(stores.map(async (store, index) => store.append(`${index}`, [said('1')], 0)));
      expect(await stores[0]!.list()).toHaveLength(12);
    });

    it('are tried again when they could not be made', async () => {
      let failures = 1;
      const flaky: PostgresPool = { query: (text, values) => (failures-- > 0 ? Promise.reject(new Error('too early')) : pool.query(text, values)) };
      const store = postgresConversationStore(flaky, { table });

      await expect(store.load('a')).rejects.toThrow('too early');
      expect(await store.load('a')).toBeUndefined();
    });

    it('may be in a schema, and of a role that can make none', async () => {
      const name = table.toLowerCase();
      await pool.query(`create schema "${name}"; create role "${name}"`);
      try {
        await postgresConversationStore(pool, { table, schema: name }).append('a', [said('1')], 0);
        await pool.query(`grant usage on schema "${name}" to "${name}"; grant all on all tables in schema "${name}" to "${name}"`);
        const limited = new pg.Pool({ connectionString: url, options: `-c role=${name}` });
        expect(await postgresConversationStore(limited, { table, schema: name }).append('a', [said('2')], 1)).toBe(2);
        await limited.end();
      } finally {
        await pool.query(`drop schema "${name}" cascade; drop role "${name}"`);
      }
    });

    it('sort by code points, whatever the language of the database', async () => {
      await postgresConversationStore(pool, { table }).load('a');
      const { rows } = await pool.query(`select collation_name from information_schema.columns where table_name = $1 and column_name = 'id'`, [table]);
      expect(rows).toEqual([{ collation_name: 'C' }]);
    });
  });

  it('takes part in the transaction of a client', async () => {
    const store = postgresConversationStore(pool, { table });
    await store.append('a', [said('1')], 0);
    const client = await pool.connect();
    await client.query('begin');
    expect(await postgresConversationStore(client, { table }).append('a', [said('2')], 1)).toBe(2);
    await client.query('rollback');
    client.release();

    expect((await store.load('a'))?.version).toBe(1);
  });

  it('has no rows behind a deleted conversation', async () => {
    const store = postgresConversationStore(pool, { table });
    await store.append('a', [said('1'), said('2')], 0);
    await store.delete('a');

    expect((await pool.query(`select * from "${table}_entries"`)).rows).toEqual([]);
  });

  it('passes an error of the database as it is, without the entries, and adds nothing', async () => {
    const store = postgresConversationStore(pool, { table });
    await store.append('a', [said('1')], 0);
    await pool.query(`alter table "${table}_entries" add constraint short check (length(entry) < 100)`);

    const long = said(`secret ${'.'.repeat(100)}`);
    const error: unknown = await Promise.resolve(store.append('a', [said('secret'), long], 1)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: '23514', constraint: 'short' });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/secret/);
    expect(await store.load('a')).toEqual({ id: 'a', version: 1, entries: [said('1')] });
    expect(await store.append('a', [said('2')], 1)).toBe(2);
  });

  it.each([
    ['text that is no JSON', `update entries set entry = 'secret {' where position = 1`, 'record 1 is no entry'],
    ['JSON that is no entry', `update entries set entry = '"secret"' where position = 0`, 'record 0 is no entry'],
    ['a missing first entry', 'delete from entries where position = 0', 'record 0 is missing'],
    ['a missing last entry', 'delete from entries where position = 2', 'record 2 is missing'],
    ['no entries at all', 'delete from entries', 'record 0 is missing'],
  ])('tells that a conversation was changed: %s', async (_, change, detail) => {
    const store = postgresConversationStore(pool, { table });
    await store.append('a', [said('1'), said('2'), said('3')], 0);
    await pool.query(change.replace('entries', `"${table}_entries"`));

    const error: unknown = await Promise.resolve(store.load('a')).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: 'protocol', message: `The stored conversation is damaged: ${detail}` });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/secret/);
  });
});

describe('postgresConversationStore', () => {
  const pool: PostgresPool = { query: () => Promise.resolve({ rows: [] }) };

  it.each([
    [undefined, {}, 'Expected `pool` to be a pool of pg, got undefined'],
    [{}, {}, 'Expected `pool` to be a pool of pg, got an object'],
    [pool, { table: 'a"b' }, 'Expected `table` to be a name of 1 to 48 letters, digits and _, that does not begin with a digit, got "a\\"b"'],
    [pool, { schema: 'a.b' }, 'Expected `schema` to be a name of 1 to 63 letters, digits and _, that does not begin with a digit, got "a.b"'],
    [pool, 7, 'Expected `options` to be an object, got 7'],
  ])('refuses bad options at the call (%#)', (given, options, message) => {
    expect(() => postgresConversationStore(given as PostgresPool, options as object)).toThrow(new TypeError(message));
  });
});

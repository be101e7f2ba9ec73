import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConversationEntry } from '../../src/events/ConversationStore.js';
import { sqliteConversationStore, type SqliteDatabase } from '../../src/stores/index.js';
import { conversationStoreContract } from './conversationStoreContract.js';
import { nodeSqlite, openSqlite } from './openStore.js';
import { processesContract, start } from './processes.js';

const said = (content: string): ConversationEntry => ({ type: 'message.input', role: 'user', content });

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'conversations-'));
  path = join(directory, 'conversations.sqlite');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const drivers = nodeSqlite() === undefined ? (['libsql'] as const) : (['libsql', 'node:sqlite'] as const);

describe.skipIf(nodeSqlite() !== undefined)('sqliteConversationStore on node:sqlite', () => {
  it.skip('is tested on Node 22.13 and later', () => undefined);
});

describe.each(drivers)('sqliteConversationStore on %s', (driver) => {
  conversationStoreContract(() => {
    const [first, second] = [openSqlite(driver, path), openSqlite(driver, path)];
    return {
      first: sqliteConversationStore(first),
      second: sqliteConversationStore(second),
      close() {
        first.close();
        second.close();
      },
    };
  });

  processesContract(() => ({ driver, location: path, name: 'conversations' }));

  let database: SqliteDatabase & { close(): unknown };
  beforeEach(() => (database = openSqlite(driver, path)));
  afterEach(() => database.close());

  // Begin, read the version, five entries, set the version, commit.
  it.each([1, 2, 3, 5, 7, 8])('killed behind statement %i of an append has none of it', async (statement) => {
    const child = start('killedAppend.ts', driver, path, `${statement}`);
    const [, signal] = (await once(child, 'exit')) as [number, string];
    expect(signal).toBe('SIGKILL');

    const store = sqliteConversationStore(database);
    expect(store.load('a')).toEqual({ id: 'a', version: 1, entries: [said('before')] });
    expect(store.append('a', [said('after')], 1)).toBe(2);
  }, 180_000);

  it('killed behind the commit of an append has all of it', async () => {
    await once(start('killedAppend.ts', driver, path, '9'), 'exit');
    expect(sqliteConversationStore(database).load('a')).toMatchObject({ version: 6, entries: [said('before'), {}, {}, {}, {}, { content: '4' }] });
  }, 180_000);

  it('answers at once', () => {
    const store = sqliteConversationStore(database, { now: () => 1_700_000_000_000 });
    expect(store.append('a', [said('1')], 0)).toBe(1);
    expect(store.load('a')).toEqual({ id: 'a', version: 1, entries: [said('1')] });
    expect(store.list()).toEqual([{ id: 'a', version: 1, updatedAt: 1_700_000_000_000 }]);
    expect(store.delete('a')).toBe(true);
  });

  it('keeps its tables apart from others in the same database', () => {
    const one = sqliteConversationStore(database, { table: 'one' });
    const two = sqliteConversationStore(database, { table: 'two' });
    one.append('a', [said('1')], 0);

    expect(two.load('a')).toBeUndefined();
    expect(one.load('a')?.version).toBe(1);
  });

  it('touches the database at its first use only', () => {
    sqliteConversationStore(database);
    expect(database.prepare('select name from sqlite_master').all()).toEqual([]);
  });

  it('of an older process goes on in a newer one', () => {
    sqliteConversationStore(database).append('a', [said('1')], 0);
    expect(sqliteConversationStore(database).append('a', [said('2')], 1)).toBe(2);
  });

  describe('an error of the database', () => {
    it('passes as it is, with no entry in it, and nothing is added', () => {
      const store = sqliteConversationStore(database, { table: 'c' });
      store.append('a', [said('1')], 0);
      database.exec("create trigger refuse before insert on c_entries when new.position = 2 begin select raise(abort, 'not the second'); end");

      const error = thrownBy(() => store.append('a', [said('secret one'), said('secret two')], 1));
      expect(inspect(error, { depth: 9, showHidden: true })).toMatch(/not the second/);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/secret/);
      expect(store.load('a')).toEqual({ id: 'a', version: 1, entries: [said('1')] });
      expect(store.append('a', [said('2')], 1)).toBe(2);
    });

    it('that another connection is writing passes, too', () => {
      const store = sqliteConversationStore(database);
      store.append('a', [said('1')], 0);
      database.exec('pragma busy_timeout = 0');
      const other = openSqlite(driver, path);
      other.exec('begin immediate');

      expect(() => store.append('a', [said('2')], 1)).toThrow(/locked|busy/);
      other.exec('rollback');
      other.close();
      expect(store.append('a', [said('2')], 1)).toBe(2);
    });

    it('within a transaction of the user leaves that one alone', () => {
      const store = sqliteConversationStore(database);
      store.append('a', [said('1')], 0);
      database.exec('create table own (value text); begin; insert into own values (1)');

      expect(() => store.append('a', [said('2')], 1)).toThrow(/transaction/);
      database.exec('commit');
      expect(database.prepare('select count(*) as count from own').get()).toMatchObject({ count: 1 });
      expect(store.load('a')?.version).toBe(1);
    });
  });

  it.each([
    ['text that is no JSON', "update rxmistral_conversations_entries set entry = 'secret {' where position = 1", 'record 1 is no entry'],
    ['JSON that is no entry', "update rxmistral_conversations_entries set entry = '\"secret\"' where position = 0", 'record 0 is no entry'],
    ['bytes', "update rxmistral_conversations_entries set entry = x'00' where position = 2", 'record 2 is missing'],
    ['a missing first entry', 'delete from rxmistral_conversations_entries where position = 0', 'record 0 is missing'],
    ['a missing last entry', 'delete from rxmistral_conversations_entries where position = 2', 'record 2 is missing'],
    ['no entries at all', 'delete from rxmistral_conversations_entries', 'record 0 is missing'],
  ])('tells that a conversation was changed: %s', (_, change, detail) => {
    const store = sqliteConversationStore(database);
    store.append('a', [said('1'), said('2'), said('3')], 0);
    database.exec(change);

    const error = thrownBy(() => store.load('a'));
    expect(error).toMatchObject({ kind: 'protocol', message: `The stored conversation is damaged: ${detail}` });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/secret/);
  });
});

describe('sqliteConversationStore', () => {
  const database: SqliteDatabase = { exec: () => undefined, prepare: () => ({ run: () => 0, get: () => 0, all: () => [] }) };

  it.each([
    [undefined, {}, 'Expected `database` to be a SQLite database (`exec`, `prepare`), got undefined'],
    ['x.sqlite', {}, 'Expected `database` to be a SQLite database (`exec`, `prepare`), got "x.sqlite"'],
    [database, { table: 'a"b' }, 'Expected `table` to be a name of 1 to 48 letters, digits and _, that does not begin with a digit, got "a\\"b"'],
    [database, { table: '' }, 'Expected `table` to be a name of 1 to 48 letters, digits and _, that does not begin with a digit, got ""'],
    [database, { table: 'x'.repeat(49) }, 'Expected `table` to be a name of 1 to 48 letters, digits and _, that does not begin with a digit, got a string'],
    [database, { now: 1 }, 'Expected `now` to be a function, got 1'],
    [database, 7, 'Expected `options` to be an object, got 7'],
  ])('refuses bad options at the call (%#)', (given, options, message) => {
    expect(() => sqliteConversationStore(given as SqliteDatabase, options as object)).toThrow(new TypeError(message));
  });
});

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('Nothing was thrown');
}

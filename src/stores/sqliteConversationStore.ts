import { ConversationConflictError } from '../errors/ConversationConflictError.js';
import { expectFunction, expectObject } from '../errors/expect.js';
import { expectConversationId, rangeOf, recordsToAppend } from '../events/conversationRecords.js';
import type { SynchronousConversationStore } from '../events/ConversationStore.js';
import { expectDriver, expectIdentifier } from './expect.js';
import { numberedConversation, type NumberedRow } from './numberedConversation.js';

/** What is used of a prepared statement: positional parameters, rows as objects. */
export interface SqliteStatement {
  run(...parameters: (string | number)[]): unknown;
  get(...parameters: (string | number)[]): unknown;
  all(...parameters: (string | number)[]): unknown[];
}

/** What is used of a database: a `DatabaseSync` of `node:sqlite` has it, a `Database` of `better-sqlite3` or of `libsql`. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
}

/** Options of {@link sqliteConversationStore}. */
export interface SqliteConversationStoreOptions {
  /**
   * The table of the conversations; that of their entries is named so with `_entries` behind. Letters, digits and `_`, at
   * most 48.
   * @defaultValue `'rxmistral_conversations'`
   */
  readonly table?: string | undefined;
  /**
   * The clock of `updatedAt`, in milliseconds since 1970.
   * @defaultValue `Date.now`
   */
  readonly now?: (() => number) | undefined;
}

/**
 * A store of conversations in a SQLite database: `node:sqlite` (Node 22.13 and later), `better-sqlite3` or `libsql`. Its
 * two tables are made at the first use, where they are missing.
 *
 * It answers at once, as the database does, and each call is a transaction of its own: calling it within one is the
 * database's error. The database stays the user's, who opens, sets up and closes it:
 *
 * - A busy timeout (`pragma busy_timeout = 5000`) lets writers of several processes wait for each other; without one they
 *   get the database's error at once, with nothing written.
 * - What has returned survives a crash of the process. Whether it survives a loss of power is for `pragma synchronous` to
 *   say: `full` is needed in WAL mode, and some drivers have `normal`.
 * - The order of a list is that of UTF-8, the encoding of a database where `pragma encoding` does not say otherwise.
 *
 * Errors of the database pass as they are.
 *
 * @param database An open database.
 * @throws TypeError at once when the database is none, or an option is out of range.
 *
 * @example
 * ```ts
 * import Database from 'libsql';
 * import { sqliteConversationStore } from 'rxmistral/stores';
 *
 * const database = new Database(':memory:');
 * database.exec('pragma busy_timeout = 5000');
 * const store = sqliteConversationStore(database);
 *
 * store.append('support-17', [{ type: 'message.input', role: 'user', content: 'Hello!' }], 0);
 * console.log(store.load('support-17'), store.list());
 * ```
 */
export function sqliteConversationStore(
  database: SqliteDatabase,
  options: SqliteConversationStoreOptions = {},
): SynchronousConversationStore {
  expectDriver('database', database, 'a SQLite database (`exec`, `prepare`)', ['exec', 'prepare']);
  expectObject('options', options);
  const { table = 'rxmistral_conversations', now = Date.now } = options;
  expectIdentifier('table', table, 48);
  expectFunction('now', now);

  let prepared: Statements | undefined;
  const statements = (): Statements => (prepared ??= prepare(database, table));

  return {
    load(id) {
      expectConversationId(id);
      return numberedConversation(id, statements().load.all(id) as NumberedRow[]);
    },
    append(id, entries, expectedVersion) {
      const records = recordsToAppend(id, entries, expectedVersion);
      const { version, setVersion, addEntry } = statements();
      return inTransaction(database, () => {
        const actualVersion = versionIn(version.get(id));
        if (actualVersion !== expectedVersion) throw new ConversationConflictError({ expectedVersion, actualVersion });
        if (records.length === 0) return actualVersion;
        records.forEach((record, index) => addEntry.run(id, actualVersion + index, record));
        setVersion.run(id, actualVersion + records.length, now());
        return actualVersion + records.length;
      });
    },
    delete(id) {
      expectConversationId(id);
      const { version, removeEntries, remove } = statements();
      return inTransaction(database, () => {
        const wasThere = versionIn(version.get(id)) > 0;
        removeEntries.run(id);
        remove.run(id);
        return wasThere;
      });
    },
    list(options) {
      const { limit, after } = rangeOf(options);
      // No id is empty, so all of them are behind the empty one.
      const rows = statements().list.all(after ?? '', limit) as Record<'id' | 'version' | 'updatedAt', unknown>[];
      return rows.map(({ id, version, updatedAt }) => ({ id: String(id), version: Number(version), updatedAt: Number(updatedAt) }));
    },
  };
}

type Statements = ReturnType<typeof prepare>;

function prepare(database: SqliteDatabase, table: string) {
  const entries = `${table}_entries`;
  database.exec(`
    create table if not exists "${table}" (
      id text not null primary key,
      version integer not null,
      updated_at integer not null
    ) without rowid;
    create table if not exists "${entries}" (
      conversation text not null,
      position integer not null,
      entry text not null,
      primary key (conversation, position)
    );
  `);
  return {
    load: database.prepare(`
      select c.version, e.position, e.entry from "${table}" c left join "${entries}" e on e.conversation = c.id
      where c.id = ? order by e.position
    `),
    version: database.prepare(`select version from "${table}" where id = ?`),
    setVersion: database.prepare(`
      insert into "${table}" (id, version, updated_at) values (?, ?, ?)
      on conflict (id) do update set version = excluded.version, updated_at = excluded.updated_at
    `),
    addEntry: database.prepare(`insert into "${entries}" (conversation, position, entry) values (?, ?, ?)`),
    remove: database.prepare(`delete from "${table}" where id = ?`),
    removeEntries: database.prepare(`delete from "${entries}" where conversation = ?`),
    list: database.prepare(`select id, version, updated_at as "updatedAt" from "${table}" where id > ? order by id limit ?`),
  };
}

// `immediate` takes the right to write before the version is read: nobody can write in between.
function inTransaction<T>(database: SqliteDatabase, work: () => T): T {
  database.exec('begin immediate');
  try {
    const result = work();
    database.exec('commit');
    return result;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

// After some errors (a full disk) the database has done it, and says so by another one.
function rollBack(database: SqliteDatabase): void {
  try {
    database.exec('rollback');
  } catch {
    // The first error is the one to tell.
  }
}

function versionIn(row: unknown): number {
  return row === undefined || row === null ? 0 : Number((row as { readonly version: unknown }).version);
}

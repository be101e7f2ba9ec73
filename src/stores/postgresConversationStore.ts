import { ConversationConflictError } from '../errors/ConversationConflictError.js';
import { expectObject } from '../errors/expect.js';
import { isRecord } from '../errors/isRecord.js';
import { expectConversationId, rangeOf, recordsToAppend } from '../events/conversationRecords.js';
import type { ConversationStore, ConversationSummary } from '../events/ConversationStore.js';
import { expectDriver, expectIdentifier } from './expect.js';
import { numberedConversation, type NumberedRow } from './numberedConversation.js';

/** What is used of a pool of `pg` 8. */
export interface PostgresPool {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: unknown[] }>;
}

/** Options of {@link postgresConversationStore}. */
export interface PostgresConversationStoreOptions {
  /**
   * The table of the conversations; that of their entries is named so with `_entries` behind. Letters, digits and `_`, at
   * most 48; it is quoted, so that capitals count.
   * @defaultValue `'rxmistral_conversations'`
   */
  readonly table?: string | undefined;
  /**
   * The schema of both tables: one that is there. As `table`, at most 63 characters.
   * @defaultValue the first of the connection's `search_path`
   */
  readonly schema?: string | undefined;
}

/**
 * A store of conversations in PostgreSQL, through a pool of `pg`. Its two tables are made at the first use, where they are
 * missing; where they are there, the role needs no right to make any.
 *
 * Each call is one statement, so it works behind a pooler that shares connections between transactions, too. A `Client` in
 * the place of the pool makes it part of that client's own transaction. The pool stays the user's, who makes and ends it.
 *
 * An entry is a row, with its JSON in a column of type `text`: in `jsonb` a NUL could not be kept. What has returned
 * survives a crash of the server, as long as `synchronous_commit` is not `off`. `updatedAt` is by the server's clock.
 *
 * Errors of the database pass as they are, without `detail`, which can show the row. Under an isolation level above `read
 * committed`, a statement that could not be serialised is tried again, 20 times in all.
 *
 * @param pool A pool of `pg`.
 * @throws TypeError at once when the pool is none, or an option is out of range.
 *
 * @example
 * ```ts
 * import { Pool } from 'pg';
 * import { postgresConversationStore } from 'rxmistral/stores';
 *
 * const pool = new Pool({ connectionString: process.env['DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test' });
 * const store = postgresConversationStore(pool, { table: `support_${process.pid}` });
 *
 * await store.append('support-17', [{ type: 'message.input', role: 'user', content: 'Hello!' }], 0);
 * console.log(await store.load('support-17'), await store.list());
 *
 * await pool.query(`drop table support_${process.pid}, support_${process.pid}_entries`);
 * await pool.end();
 * ```
 */
export function postgresConversationStore(pool: PostgresPool, options: PostgresConversationStoreOptions = {}): ConversationStore {
  expectDriver('pool', pool, 'a pool of pg', ['query']);
  expectObject('options', options);
  const { table = 'rxmistral_conversations', schema } = options;
  expectIdentifier('table', table, 48);
  expectIdentifier('schema', schema, 63);

  const qualified = (name: string): string => (schema === undefined ? `"${name}"` : `"${schema}"."${name}"`);
  const tables: Tables = { conversations: qualified(table), entries: qualified(`${table}_entries`) };
  const statements = statementsFor(tables);

  // A failure is not kept: the next call tries again.
  let made: Promise<void> | undefined;
  const query = async (text: string, values: unknown[]): Promise<unknown[]> => {
    made ??= makeTables(pool, tables).catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    await made;
    return rowsOf(pool, text, values);
  };
  const versionOf = async (id: string): Promise<number> => {
    const [row] = (await query(statements.version, [id])) as { readonly version: unknown }[];
    return Number(row?.version ?? 0);
  };

  return {
    load(id) {
      expectConversationId(id);
      return query(statements.load, [id]).then((rows) => numberedConversation(id, rows as NumberedRow[]));
    },

    append(id, entries, expectedVersion) {
      const records = recordsToAppend(id, entries, expectedVersion);
      const appended = async (): Promise<number> => {
        if (records.length > 0) {
          const rows = await query(expectedVersion === 0 ? statements.begin : statements.goOn, [id, expectedVersion, records]);
          if (rows.length > 0) return expectedVersion + records.length;
        }
        const actualVersion = await versionOf(id);
        if (records.length > 0 || actualVersion !== expectedVersion) throw new ConversationConflictError({ expectedVersion, actualVersion });
        return actualVersion;
      };
      return appended();
    },

    delete(id) {
      expectConversationId(id);
      return query(statements.remove, [id]).then((rows) => rows.length > 0);
    },

    list(options) {
      const { limit, after } = rangeOf(options);
      // No id is empty, so all of them are behind the empty one.
      return query(statements.list, [after ?? '', limit]).then((rows) => (rows as Record<keyof ConversationSummary, unknown>[]).map(summaryOf));
    },
  };
}

interface Tables {
  readonly conversations: string;
  readonly entries: string;
}

// Two that begin at once would both find no table, and `if not exists` does not hold against that: hence the lock. What
// stands in one query text is one transaction.
async function makeTables(pool: PostgresPool, { conversations, entries }: Tables): Promise<void> {
  const { rows } = await pool.query('select to_regclass($1) is not null and to_regclass($2) is not null as there', [conversations, entries]);
  if ((rows[0] as { readonly there: boolean }).there) return;
  await pool.query(`
    select pg_advisory_xact_lock(${lock});
    create table if not exists ${conversations} (
      id text collate "C" primary key,
      version integer not null,
      updated_at timestamptz not null
    );
    create table if not exists ${entries} (
      conversation text collate "C" not null references ${conversations} on delete cascade,
      position integer not null,
      entry text not null,
      primary key (conversation, position)
    );
  `);
}

// Any number that others are not likely to lock: "rxmistral" in base 36.
const lock = 78_805_010_936_685;

// The order of collation "C" is that of the bytes, whatever the language of the database.
function statementsFor({ conversations, entries }: Tables) {
  // The row of the conversation is the lock: who comes second waits for the first, and finds another version.
  const withEntries = (written: string): string => `
    with written as (${written} returning id)
    insert into ${entries} (conversation, position, entry)
    select written.id, $2::integer + record.number - 1, record.entry
    from written, unnest($3::text[]) with ordinality as record (entry, number)
    returning position
  `;
  return {
    begin: withEntries(`
      insert into ${conversations} (id, version, updated_at) values ($1, $2::integer + cardinality($3::text[]), clock_timestamp())
      on conflict (id) do nothing
    `),
    goOn: withEntries(`
      update ${conversations} set version = version + cardinality($3::text[]), updated_at = clock_timestamp()
      where id = $1 and version = $2::integer
    `),
    load: `
      select c.version, e.position, e.entry from ${conversations} c left join ${entries} e on e.conversation = c.id
      where c.id = $1 order by e.position
    `,
    version: `select version from ${conversations} where id = $1`,
    remove: `delete from ${conversations} where id = $1 returning id`,
    list: `
      select id, version, floor(extract(epoch from updated_at) * 1000)::float8 as "updatedAt" from ${conversations}
      where id > $1 order by id limit $2
    `,
  };
}

function summaryOf({ id, version, updatedAt }: Record<keyof ConversationSummary, unknown>): ConversationSummary {
  return { id: String(id), version: Number(version), updatedAt: Number(updatedAt) };
}

// "could not serialize access": above `read committed` the second of two writers is told to try again.
const serializationFailure = '40001';
const maxAttempts = 20;

async function rowsOf(pool: PostgresPool, text: string, values: unknown[]): Promise<unknown[]> {
  let failure: unknown;
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    try {
      return (await pool.query(text, values)).rows;
    } catch (error) {
      // Within a client's own transaction, the second error says only that there was a first one.
      failure ??= error;
      if (!isRecord(error) || error['code'] !== serializationFailure) break;
    }
  }
  // "Failing row contains (…)": a constraint of the user's shows the entry.
  if (isRecord(failure) && 'detail' in failure) Object.assign(failure, { detail: undefined });
  throw failure;
}

import { Redis } from 'ioredis';
import Libsql from 'libsql';
import pg from 'pg';
import type { ConversationStore } from '../../src/events/ConversationStore.js';
import {
  postgresConversationStore,
  redisConversationStore,
  sqliteConversationStore,
  type SqliteDatabase,
} from '../../src/stores/index.js';

/** Where a store is: to be told to another process. */
export interface Place {
  readonly driver: 'node:sqlite' | 'libsql' | 'redis' | 'postgres';
  /** A path or a URL. */
  readonly location: string;
  /** Of the tables, or before the keys. */
  readonly name: string;
}

/** A store over a connection of its own. */
export interface OpenStore {
  readonly store: ConversationStore;
  close(): void | PromiseLike<void>;
}

export function openStore({ driver, location, name }: Place): OpenStore {
  switch (driver) {
    case 'redis': {
      const redis = new Redis(location);
      return { store: redisConversationStore(redis, { prefix: name }), close: () => { redis.disconnect(); } };
    }
    case 'postgres': {
      const pool = new pg.Pool({ connectionString: location });
      return { store: postgresConversationStore(pool, { table: name }), close: () => pool.end() };
    }
    default: {
      const database = openSqlite(driver, location);
      return { store: sqliteConversationStore(database, { table: name }), close: () => { database.close(); } };
    }
  }
}

/** A database of one of two drivers, whose writers wait for each other. */
export function openSqlite(driver: 'node:sqlite' | 'libsql', path: string): SqliteDatabase & { close(): unknown } {
  const database = driver === 'libsql' ? new Libsql(path) : new (nodeSqlite()!.DatabaseSync)(path);
  database.exec('pragma busy_timeout = 20000');
  return database;
}

interface NodeSqlite {
  DatabaseSync: new (path: string) => SqliteDatabase & { close(): void };
}

/** `node:sqlite`, which Node has from 22.13 on, and the types of Node 20 do not. */
export function nodeSqlite(): NodeSqlite | undefined {
  return process.getBuiltinModule('node:sqlite') as unknown as NodeSqlite | undefined;
}

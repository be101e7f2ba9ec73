import type { Cluster, Redis } from 'ioredis';
import type Libsql from 'libsql';
import type { Client, Pool, PoolClient } from 'pg';
import { describe, expectTypeOf, it } from 'vitest';
import type { ConversationStore, MemoryConversationStoreOptions, SynchronousConversationStore } from '../../src/index.js';
import { memoryConversationStore } from '../../src/index.js';
import {
  postgresConversationStore,
  type PostgresConversationStoreOptions,
  type PostgresPool,
  type RedisClient,
  redisConversationStore,
  type RedisConversationStoreOptions,
  sqliteConversationStore,
  type SqliteConversationStoreOptions,
  type SqliteDatabase,
} from '../../src/stores/index.js';

describe('the types of the databases', () => {
  it('fit the real drivers', () => {
    expectTypeOf<Libsql.Database>().toExtend<SqliteDatabase>();
    expectTypeOf<Redis>().toExtend<RedisClient>();
    expectTypeOf<Cluster>().toExtend<RedisClient>();
    expectTypeOf<Pool>().toExtend<PostgresPool>();
    expectTypeOf<PoolClient>().toExtend<PostgresPool>();
    expectTypeOf<Client>().toExtend<PostgresPool>();
  });

  it('do not fit one another', () => {
    expectTypeOf<Pool>().not.toExtend<RedisClient>();
    expectTypeOf<Redis>().not.toExtend<SqliteDatabase>();
  });
});

describe('the stores', () => {
  it('of a database in the process, and of memory, answer at once', () => {
    expectTypeOf(memoryConversationStore).parameters.toEqualTypeOf<[options?: MemoryConversationStoreOptions | undefined]>();
    expectTypeOf(memoryConversationStore).returns.toEqualTypeOf<SynchronousConversationStore>();
    expectTypeOf(sqliteConversationStore).parameters.toEqualTypeOf<[database: SqliteDatabase, options?: SqliteConversationStoreOptions | undefined]>();
    expectTypeOf(sqliteConversationStore).returns.toEqualTypeOf<SynchronousConversationStore>();
    expectTypeOf<SynchronousConversationStore>().toExtend<ConversationStore>();
    expectTypeOf<SynchronousConversationStore['append']>().returns.toEqualTypeOf<number>();
  });

  it('of a server are stores', () => {
    expectTypeOf(redisConversationStore).parameters.toEqualTypeOf<[redis: RedisClient, options?: RedisConversationStoreOptions | undefined]>();
    expectTypeOf(redisConversationStore).returns.toEqualTypeOf<ConversationStore>();
    expectTypeOf(postgresConversationStore).parameters.toEqualTypeOf<[pool: PostgresPool, options?: PostgresConversationStoreOptions | undefined]>();
    expectTypeOf(postgresConversationStore).returns.toEqualTypeOf<ConversationStore>();
  });

  it('take options that may be left out field by field, with undefined too', () => {
    expectTypeOf<Record<keyof MemoryConversationStoreOptions, undefined>>().toExtend<MemoryConversationStoreOptions>();
    expectTypeOf<Record<keyof SqliteConversationStoreOptions, undefined>>().toExtend<SqliteConversationStoreOptions>();
    expectTypeOf<Record<keyof RedisConversationStoreOptions, undefined>>().toExtend<RedisConversationStoreOptions>();
    expectTypeOf<Record<keyof PostgresConversationStoreOptions, undefined>>().toExtend<PostgresConversationStoreOptions>();
    // @ts-expect-error no such option
    memoryConversationStore({ limit: 5 });
  });
});

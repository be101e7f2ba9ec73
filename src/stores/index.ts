export {
  postgresConversationStore,
  type PostgresConversationStoreOptions,
  type PostgresPool,
} from './postgresConversationStore.js';
export { type RedisClient, redisConversationStore, type RedisConversationStoreOptions } from './redisConversationStore.js';
export {
  sqliteConversationStore,
  type SqliteConversationStoreOptions,
  type SqliteDatabase,
  type SqliteStatement,
} from './sqliteConversationStore.js';

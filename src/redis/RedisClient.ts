/** What is used of a client of `ioredis` 6: a `Redis` has it, and a `Cluster`. */
export interface RedisClient {
  /** `'end'` where it will not connect again. */
  readonly status: string;
  defineCommand(name: string, definition: { lua: string; numberOfKeys?: number; readOnly?: boolean }): void;
  /** Makes a second connection, to listen on. */
  duplicate(): RedisListener;
}

/** What is used of the connection that listens. */
export interface RedisListener {
  readonly status: string;
  readonly options: object;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  on(event: 'message', listener: (channel: string, message: string) => void): unknown;
  on(event: 'ready', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  disconnect(): void;
}

import type { RedisClient } from './RedisClient.js';

/** Runs a script: its keys, then its arguments. */
export type Script = (...keysAndArguments: readonly (string | number)[]) => Promise<unknown>;

/**
 * Makes commands of a client of scripts in Lua: it knows a script by its digest, and sends its text where the server does not have it.
 *
 * @param family What tells the commands from those of others on the same client.
 * @param numberOfKeys How many keys each takes.
 * @param scripts By their names.
 */
export function defineScripts<Name extends string>(
  redis: RedisClient,
  family: string,
  numberOfKeys: number,
  scripts: Readonly<Record<Name, string>>,
): Readonly<Record<Name, Script>> {
  const runs = (Object.entries(scripts) as [Name, string][]).map(([name, lua]): [Name, Script] => {
    const command = `${family}:${name}`;
    redis.defineCommand(command, { lua, numberOfKeys });
    return [name, (...given) => (Reflect.get(redis, command) as Script).call(redis, ...given)];
  });
  return Object.fromEntries(runs) as Record<Name, Script>;
}

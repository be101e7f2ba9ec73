import type { ChildProcess } from 'node:child_process';
import { firstMessage, start } from '../processes.js';
import type { Measurement, Served, Task } from './messages.js';

/** Starts the server's process; it runs until it is killed. */
export async function startServer(): Promise<{ readonly child: ChildProcess; readonly served: Served }> {
  const child = start(new URL('server.ts', import.meta.url), []);
  return { child, served: await firstMessage<Served>(child) };
}

/** Runs a client in a process of its own. */
export async function measure(task: Task): Promise<Measurement> {
  const child = start(new URL('client.ts', import.meta.url), [JSON.stringify(task)]);
  const measurement = await firstMessage<Measurement>(child);
  // Sockets that are kept alive would hold it while the next client is measured.
  child.kill();
  return measurement;
}

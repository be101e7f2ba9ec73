import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Measurement, Served, Task } from './messages.js';

/** Starts the server's process; it runs until it is killed. */
export async function startServer(): Promise<{ readonly child: ChildProcess; readonly served: Served }> {
  const child = start('server.ts', []);
  return { child, served: await firstMessage<Served>(child) };
}

/** Runs a client in a process of its own. */
export async function measure(task: Task): Promise<Measurement> {
  const child = start('client.ts', [JSON.stringify(task)]);
  const measurement = await firstMessage<Measurement>(child);
  // Sockets that are kept alive would hold it while the next client is measured.
  child.kill();
  return measurement;
}

function start(file: string, args: readonly string[]): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), args, { execArgv: ['--import', 'tsx'] });
}

function firstMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => {
      resolve(message as T);
    });
    child.once('exit', (code) => {
      reject(new Error(`A process of the bench ended with code ${String(code)} before it reported`));
    });
  });
}

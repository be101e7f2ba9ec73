import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Starts a program of the bench in a process of its own. */
export function start(file: URL, args: readonly string[], flags: readonly string[] = []): ChildProcess {
  return fork(fileURLToPath(file), args, { execArgv: ['--import', 'tsx', ...flags] });
}

/** What a process reports first. */
export function firstMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => {
      resolve(message as T);
    });
    child.once('exit', (code) => {
      reject(new Error(`A process of the bench ended with code ${String(code)} before it reported`));
    });
  });
}

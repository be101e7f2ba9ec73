import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Observable } from 'rxjs';
import type { ChatEvent } from 'rxmistral';
import { toMessageEvents } from 'rxmistral/node';

// Of the example's own packages: those who install this one for its library have no use for Nest.
const example = new URL('../../examples/nest-chat/package.json', import.meta.url);

/** Whether NestJS is there: `npm run example:nest-chat` installs it. */
export const hasNest = existsSync(new URL('node_modules/@nestjs/core/package.json', example));

/** Starts a NestJS app whose `@Sse()` handler answers each request so; the port it listens on. */
export async function startNest(answer: () => Observable<ChatEvent>): Promise<number> {
  const require = createRequire(example);
  const load = async <T>(name: string): Promise<T> => (await import(pathToFileURL(require.resolve(name)).href)) as T;
  await load('reflect-metadata');
  const { Controller, Module, Sse } = await load<NestCommon>('@nestjs/common');
  const { NestFactory } = await load<NestCore>('@nestjs/core');

  class AnswerController {
    answer(): Observable<unknown> {
      return answer().pipe(toMessageEvents());
    }
  }
  // What the decorators of TypeScript come to; a client that falls behind is no fault here.
  Controller()(AnswerController);
  Sse('', { maxPendingDataLength: Infinity })(AnswerController.prototype, 'answer', Object.getOwnPropertyDescriptor(AnswerController.prototype, 'answer'));
  // eslint-disable-next-line @typescript-eslint/no-extraneous-class -- a module of Nest is a class that is decorated
  class AnswerModule {}
  Module({ controllers: [AnswerController] })(AnswerModule);

  const app = await NestFactory.create(AnswerModule, { logger: ['fatal'] });
  await app.listen(0, '127.0.0.1');
  return Number(new URL(await app.getUrl()).port);
}

// What is used of it: its own types are not here.
interface NestCommon {
  readonly Controller: () => (target: unknown) => void;
  readonly Module: (metadata: object) => (target: unknown) => void;
  readonly Sse: (path: string, options: object) => (target: object, name: string, descriptor: PropertyDescriptor | undefined) => void;
}
interface NestCore {
  readonly NestFactory: {
    create(module: unknown, options: object): Promise<{ listen(port: number, host: string): Promise<unknown>; getUrl(): Promise<string> }>;
  };
}

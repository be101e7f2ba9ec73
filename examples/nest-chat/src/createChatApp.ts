import 'reflect-metadata';
import { type INestApplication, type LogLevel, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MistralClient } from 'rxmistral';
import { Answers } from './Answers.js';
import { ChatController } from './ChatController.js';

@Module({ controllers: [ChatController] })
class ChatModule {}

/** The service, which ends at SIGTERM and SIGINT as it should. */
export async function createChatApp(client: MistralClient, logger: LogLevel[] = ['error', 'warn']): Promise<INestApplication> {
  const module = { module: ChatModule, providers: [{ provide: Answers, useFactory: () => new Answers(client) }] };
  const app = await NestFactory.create(module, { logger });
  return app.enableShutdownHooks();
}

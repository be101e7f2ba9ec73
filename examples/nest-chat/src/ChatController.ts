import type { ServerResponse } from 'node:http';
import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, RequestMethod, Res, Sse } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { type NestMessageEvent, pipeEventStream, toMessageEvents } from 'rxmistral/node';
import { Answers } from './Answers.js';

interface Question {
  readonly prompt: string;
}

@Controller('chat')
export class ChatController {
  readonly #answers: Answers;

  // Said and not inferred: what compiles this (esbuild) emits no types for Nest to read.
  constructor(@Inject(Answers) answers: Answers) {
    this.#answers = answers;
  }

  /** An answer of one connection: it ends with its client, and a client that comes back begins a new one. */
  // Nest answers a POST with 201, and an event stream with anything but 200 is none.
  @HttpCode(200)
  @Sse('', { method: RequestMethod.POST })
  ask(@Body() { prompt }: Question): Observable<NestMessageEvent> {
    return this.#answers.ask(prompt).pipe(toMessageEvents());
  }

  /** What was asked: numbered, so that a client that comes back is told what it missed. */
  @Sse('log')
  log(@Headers('last-event-id') lastEventId = '0'): Observable<NestMessageEvent> {
    const after = Number(lastEventId) || 0;
    return this.#answers.log(after).pipe(toMessageEvents({ id: ({ number }) => String(number), event: () => 'asked', retry: 100 }));
  }

  /**
   * An answer that outlives its connections: the same request with `Last-Event-ID` goes on with it. Not by `@Sse()`, which has
   * one source for each connection and no status but 200.
   */
  @Post('answers')
  begin(
    @Body() { prompt }: Question,
    @Headers('idempotency-key') key: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() response: ServerResponse,
  ): void {
    pipeEventStream(this.#answers.ask(prompt), response, { replay: this.#answers.replay, key, lastEventId, retry: 100 });
  }

  /** Joins an answer that somebody has begun. */
  @Get('answers/:key')
  join(@Param('key') key: string, @Headers('last-event-id') lastEventId: string | undefined, @Res() response: ServerResponse): void {
    pipeEventStream(undefined, response, { replay: this.#answers.replay, key, lastEventId });
  }
}

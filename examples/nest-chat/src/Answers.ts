import { type BeforeApplicationShutdown, ServiceUnavailableException } from '@nestjs/common';
import { defer, filter, finalize, type Observable, ReplaySubject } from 'rxjs';
import { type ChatEvent, chatStream, type MistralClient } from 'rxmistral';
import { drainOn } from 'rxmistral/node';
import { memoryReplayStore } from 'rxmistral/sse';

/** An answer that was begun, as the log of the service has it. */
export interface LogEntry {
  /** Its number, from 1 on. */
  readonly number: number;
  readonly prompt: string;
}

/** Asks the model, and ends its answers when the service stops. */
export class Answers implements BeforeApplicationShutdown {
  /** Keeps the answers that outlive their connections. */
  readonly replay = memoryReplayStore({ maxAge: 60_000 });
  readonly #client: MistralClient;
  readonly #stop = new AbortController();
  readonly #log = new ReplaySubject<LogEntry>(1_000);
  #count = 0;
  #running = 0;

  constructor(client: MistralClient) {
    this.#client = client;
  }

  /** How many answers are under way. */
  get running(): number {
    return this.#running;
  }

  /** One answer of the model for each subscription. */
  ask(prompt: string): Observable<ChatEvent> {
    if (this.#stop.signal.aborted) throw new ServiceUnavailableException('The service is stopping');
    return defer(() => {
      this.#count += 1;
      this.#running += 1;
      this.#log.next({ number: this.#count, prompt });
      return chatStream(this.#client, { model: 'mistral-small-latest', messages: [{ role: 'user', content: prompt }], maxTokens: 200 });
    }).pipe(
      drainOn(this.#stop.signal),
      finalize(() => {
        this.#running -= 1;
      }),
    );
  }

  /** What was asked behind the entry `after`, and then what is asked. Ends when the service stops. */
  log(after: number): Observable<LogEntry> {
    return this.#log.pipe(
      filter(({ number }) => number > after),
      drainOn(this.#stop.signal),
    );
  }

  /** Ends all answers before Nest closes the server, which waits for its connections: an answer that goes on would hold it. */
  beforeApplicationShutdown(): void {
    this.#stop.abort();
  }
}

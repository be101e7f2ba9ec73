import { concat, defer, finalize, interval, map, type Observable, of, type SchedulerLike, share, startWith, Subject, switchMap } from 'rxjs';
import type { RedisClient, RedisListener } from './RedisClient.js';

interface Channel {
  readonly messages: Subject<string>;
  readonly news: Observable<string>;
  isHeard: boolean;
}

/** What a watch emits where a message may have been missed. */
export const anything = 'anything';

/**
 * Listens to channels of Redis: one connection for all who watch, as long as somebody does.
 *
 * A message can be lost where a connection is, so it also tells when it has begun to listen, when it does again, and where
 * it has heard nothing for a while. Whoever is told reads.
 */
export class ChannelWatch {
  readonly #redis: RedisClient;
  readonly #silence: number;
  readonly #scheduler: SchedulerLike;
  readonly #channels = new Map<string, Channel>();
  #listener: RedisListener | undefined;

  /** @param silence How long nothing is heard before it tells so, in milliseconds. */
  constructor(redis: RedisClient, silence: number, scheduler: SchedulerLike) {
    this.#redis = redis;
    this.#silence = silence;
    this.#scheduler = scheduler;
  }

  /** Emits each message, and {@link anything} where one may have been missed. Never completes, never fails. */
  watch(name: string): Observable<string> {
    return defer(() => (this.#channels.get(name) ?? this.#open(name)).news);
  }

  #open(name: string): Channel {
    const messages = new Subject<string>();
    const silence = interval(this.#silence, this.#scheduler).pipe(
      map(() => {
        if (!channel.isHeard) this.#listen(name);
        return anything;
      }),
    );
    const news = defer(() => {
      this.#channels.set(name, channel);
      this.#listen(name);
      return messages.pipe(
        startWith(undefined),
        switchMap((message) => (message === undefined ? silence : concat(of(message), silence))),
        finalize(() => {
          this.#close(name);
        }),
      );
    }).pipe(share());
    const channel: Channel = { messages, news, isHeard: false };
    return channel;
  }

  #close(name: string): void {
    this.#channels.delete(name);
    const listener = this.#listener;
    if (this.#channels.size > 0) {
      // Where the connection is gone, so is what it listened to.
      if (listener?.status === 'ready') listener.unsubscribe(name).catch(() => undefined);
      return;
    }
    this.#listener = undefined;
    listener?.disconnect();
  }

  #listen(name: string): void {
    if (this.#listener === undefined || this.#listener.status === 'end') this.#listener = this.#connect();
    const { status } = this.#listener;
    // One that is being made subscribes when it is there; a lazy one is made by the first command.
    if (status === 'ready' || status === 'wait') this.#subscribe(this.#listener, [name]);
  }

  #connect(): RedisListener {
    const listener = this.#redis.duplicate();
    // The client's own way to listen again is a command that nobody waits for: where it fails, it ends the process.
    Object.assign(listener.options, { autoResubscribe: false });
    // It connects again by itself; until then there are no messages, which is what the silence is for.
    listener.on('error', () => undefined);
    listener.on('ready', () => {
      if (listener !== this.#listener) return;
      for (const channel of this.#channels.values()) channel.isHeard = false;
      this.#subscribe(listener, [...this.#channels.keys()]);
    });
    listener.on('message', (name, message) => {
      this.#channels.get(name)?.messages.next(message);
    });
    return listener;
  }

  #subscribe(listener: RedisListener, names: readonly string[]): void {
    if (names.length === 0) return;
    listener.subscribe(...names).then(
      () => {
        for (const name of names) {
          const channel = this.#channels.get(name);
          if (channel === undefined || listener !== this.#listener) continue;
          channel.isHeard = true;
          channel.messages.next(anything);
        }
      },
      () => undefined,
    );
  }
}

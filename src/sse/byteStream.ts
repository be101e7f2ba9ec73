import { asyncScheduler, type Observable, Subscription } from 'rxjs';
import { RxMistralError } from '../errors/RxMistralError.js';
import { EventEncoder, eventText } from './EventEncoder.js';
import type { Serving } from './openServing.js';
import type { PieceSource, PieceTaker } from './Pieces.js';
import type { CommonServingOptions } from './ServingOptions.js';
import { tellError } from './tellError.js';
import { Watchdog } from './Watchdog.js';

const defaultStallTimeout = 60_000;

/** Which of the options a connection goes by, whatever comes through it. */
export type ConnectionOptions = Pick<CommonServingOptions<never>, 'onError' | 'scheduler' | 'stallTimeout'>;

/**
 * What is served as bytes, each piece when it is asked for. `servings` is subscribed to with the first of them; at once where it
 * `isOpen` already, and then a body that nobody reads is given up as well.
 */
export function byteStream(servings: Observable<Serving>, options: ConnectionOptions, isOpen = false): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const connection = new Subscription();
  let pieces: PieceSource | undefined;
  let isSubscribed = false;
  let settlePull: (() => void) | undefined;
  let fail: (error: unknown) => void = () => undefined;
  const watchdog = stallWatchdog(options, (error) => {
    fail(error);
  });
  connection.add(() => {
    watchdog.stop();
    settlePull?.();
  });

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        fail = (thrown) => {
          connection.unsubscribe();
          controller.error(tellError(options, thrown));
        };
        if (!isOpen) return;
        open(controller);
        watchdog.start();
      },
      pull(controller) {
        watchdog.pause();
        return new Promise<void>((resolve) => {
          settlePull = resolve;
          if (isSubscribed) pieces?.resume(takerOf(controller));
          else open(controller);
        });
      },
      cancel() {
        connection.unsubscribe();
      },
    },
    { highWaterMark: 0 },
  );

  function open(controller: ReadableStreamDefaultController<Uint8Array>): void {
    isSubscribed = true;
    connection.add(
      servings.subscribe({
        next: (serving) => {
          pieces = piecesOf(serving);
          if (settlePull !== undefined) pieces.resume(takerOf(controller));
        },
        error: (error: unknown) => {
          fail(error);
        },
      }),
    );
  }

  function takerOf(controller: ReadableStreamDefaultController<Uint8Array>): PieceTaker {
    return {
      take: (piece) => {
        // A copy of what others read too: what a reader does with its bytes is its own affair.
        controller.enqueue(typeof piece === 'string' ? encoder.encode(piece) : piece.slice());
        watchdog.start();
        settlePull?.();
        return false;
      },
      end: () => {
        connection.unsubscribe();
        controller.close();
      },
    };
  }
}

// Also where it is no stream: the reason is then an event, and the end.
function piecesOf(serving: Serving): PieceSource {
  if (serving.status === 200) return serving.pieces;
  if (serving.status === 204) return { resume: (taker) => { taker.end(); } };
  const { error } = serving;
  let isTold = false;
  return {
    resume: (taker) => {
      if (isTold) {
        taker.end();
        return;
      }
      isTold = true;
      taker.take(eventText(new EventEncoder({ id: () => '', errorId: () => '' }).encodeError(error)));
    },
  };
}

/** Watches over a client that is given something: where it takes nothing of it for too long, there is an error. */
export function stallWatchdog({ stallTimeout = defaultStallTimeout, scheduler = asyncScheduler }: ConnectionOptions, onStall: (error: RxMistralError) => void): Watchdog {
  return new Watchdog(stallTimeout, scheduler, () => {
    onStall(new RxMistralError({ kind: 'limit', message: `The client has read nothing for ${stallTimeout} ms (\`stallTimeout\`)` }));
  });
}

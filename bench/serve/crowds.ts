import { Observable } from 'rxjs';
import type { ChatEvent } from 'rxmistral';

/** Who reads one answer at once, and how it comes. */
export interface Crowd {
  readonly title: string;
  readonly events: number;
  /** The characters of each. */
  readonly length: number;
  /** How many come in one turn of the event loop, and how long the next turn waits: nothing, or so many milliseconds. */
  readonly perTurn: number;
  readonly pause: number;
  /** How many take what comes. */
  readonly quick: number;
  /** How many take a piece (64 KiB at most), and then wait for half a second. */
  readonly slow: number;
}

export const crowds: Readonly<Record<string, Crowd>> = {
  quick: { title: '1,000 readers, 500 events', events: 500, length: 5, perTurn: 1, pause: 0, quick: 1_000, slow: 0 },
  slow: { title: '1,000 slow readers and 10 quick ones, 4 MiB', events: 2_000, length: 2_048, perTurn: 10, pause: 10, quick: 10, slow: 1_000 },
};

/** The answer that all of them read. */
export function answerFor({ events, length, perTurn, pause }: Crowd): Observable<ChatEvent> {
  return new Observable((subscriber) => {
    const later = (work: () => void): (() => void) => {
      const turn = pause === 0 ? setImmediate(work) : setTimeout(work, pause);
      return () => {
        if (pause === 0) clearImmediate(turn as NodeJS.Immediate);
        else clearTimeout(turn as NodeJS.Timeout);
      };
    };
    let index = 0;
    let cancel = later(emit);
    function emit(): void {
      for (let count = 0; count < perTurn && index < events; count += 1) {
        subscriber.next({ type: 'text-delta', requestId: 'request-1', index, text: `${index} `.padEnd(length, 'x') });
        index += 1;
      }
      if (index < events) cancel = later(emit);
      else subscriber.complete();
    }
    return () => {
      cancel();
    };
  });
}

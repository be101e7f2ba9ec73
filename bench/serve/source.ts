import { Observable } from 'rxjs';
import type { ChatEvent } from 'rxmistral';

/** How many events an answer has, and how many of them come in one turn of the event loop. */
export interface Shape {
  readonly events: number;
  readonly perTurn: number;
}

export const shapes: Readonly<Record<string, Shape & { readonly title: string }>> = {
  bursts: { title: '20,000 events, 100 a turn', events: 20_000, perTurn: 100 },
  single: { title: '20,000 events, one a turn', events: 20_000, perTurn: 1 },
};

/** An answer as a model sends it: deltas, so many in each turn of the event loop. */
export function answerOf({ events, perTurn }: Shape): Observable<ChatEvent> {
  return new Observable((subscriber) => {
    let index = 0;
    let turn = setImmediate(emit);
    function emit(): void {
      for (let count = 0; count < perTurn && index < events; count += 1) {
        subscriber.next({ type: 'text-delta', requestId: 'request-1', index, text: ` word${index}` });
        index += 1;
      }
      if (index < events) turn = setImmediate(emit);
      else subscriber.complete();
    }
    return () => {
      clearImmediate(turn);
    };
  });
}

import { from } from 'rxjs';
import { type CompleteEvent, partialJson, type TextDeltaEvent } from 'rxmistral';
import type { Contender } from '../Contender.js';

const requestId = 'bench';

/** This library, on events as `chatStream` emits them. */
export const prepare: Contender = (pieces) => {
  const events: readonly (TextDeltaEvent | CompleteEvent)[] = [
    ...pieces.map((text, index) => ({ type: 'text-delta' as const, requestId, index, text })),
    {
      type: 'complete',
      requestId,
      id: 'answer',
      model: 'mistral-small-latest',
      message: { role: 'assistant', content: pieces.join('') },
      finishReason: 'stop',
      usage: undefined,
    },
  ];
  return () =>
    new Promise((resolve, reject) => {
      let values = 0;
      let last: unknown;
      from(events)
        .pipe(partialJson())
        .subscribe({
          next: (value) => {
            values += 1;
            last = value;
          },
          error: reject,
          complete: () => {
            resolve({ values, last });
          },
        });
    });
};

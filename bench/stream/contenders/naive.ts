import { Mistral } from '@mistralai/mistralai';
import type { CompletionEvent } from '@mistralai/mistralai/models/components/completionevent.js';
import { defer, filter, from, lastValueFrom, map, mergeMap, scan } from 'rxjs';
import { apiKey, type Contender, request } from '../Contender.js';

const nothing = { deltas: 0, text: '' };

/** The official client in RxJS, as people write it. */
export const read: Contender = (serverURL) => {
  const client = new Mistral({ serverURL, apiKey });
  return lastValueFrom(
    defer(() => client.chat.stream(request)).pipe(
      mergeMap((stream) => from(stream as AsyncIterable<CompletionEvent>)),
      map(({ data }) => data.choices[0]?.delta.content),
      filter((content): content is string => typeof content === 'string' && content !== ''),
      scan(({ deltas, text }, content) => ({ deltas: deltas + 1, text: text + content }), nothing),
    ),
    { defaultValue: nothing },
  );
};

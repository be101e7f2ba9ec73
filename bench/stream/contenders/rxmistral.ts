import { Mistral } from '@mistralai/mistralai';
import { accumulate, chatStream } from 'rxmistral';
import { apiKey, type Contender, request } from '../Contender.js';

// Above the largest event of all scenarios; the default is 8 MiB.
const maxEventBytes = 16 * 2 ** 20;

/** This library, as its README shows it. */
export const read: Contender = (serverURL) =>
  new Promise((resolve, reject) => {
    const client = new Mistral({ serverURL, apiKey });
    let deltas = 0;
    let text = '';
    let finished = false;
    chatStream(client, request, { maxEventBytes })
      .pipe(accumulate())
      .subscribe({
        next: (snapshot) => {
          ({ text } = snapshot);
          if (snapshot.done) finished = true;
          else deltas += 1;
        },
        error: reject,
        complete: () => {
          if (finished) resolve({ deltas, text });
          else reject(new Error('The last snapshot was not done'));
        },
      });
  });

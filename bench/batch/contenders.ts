import type { BatchJob } from '@mistralai/mistralai/models/components/batchjob.js';
import { MistralCore } from '@mistralai/mistralai/core.js';
import { EMPTY, lastValueFrom, type Observable, tap } from 'rxjs';
import { type BatchCompletion, type BatchResult, batchResults } from 'rxmistral';

/** What a contender does with a file of results: `done` is to be called with each answer. */
export interface Work {
  readonly url: string;
  readonly lines: number;
  readonly done: (answer: unknown) => void;
}

/** Reads a file of results. */
export interface Contender {
  readonly title: string;
  readonly run: (work: Work) => Promise<unknown>;
}

interface Line {
  readonly response: { readonly body: { readonly choices: readonly { readonly message: { readonly content: string } }[] } };
}

const download = async ({ url, lines }: Work): Promise<ReadableStream<Uint8Array>> => {
  const { body } = await fetch(`${url}/v1/files/${lines}/content`, { headers: { authorization: 'Bearer any' } });
  if (body === null) throw new Error('The file has no body');
  return body;
};

const endpoint = '/v1/chat/completions';
const client = (url: string): MistralCore => new MistralCore({ serverURL: url, apiKey: 'any' });

function jobOf(lines: number): BatchJob {
  return {
    id: 'job',
    object: 'batch',
    inputFiles: ['input'],
    endpoint,
    errors: [],
    status: 'SUCCESS',
    createdAt: 0,
    totalRequests: lines,
    completedRequests: lines,
    succeededRequests: lines,
    failedRequests: 0,
    outputFile: String(lines),
  };
}

async function take(results: Observable<BatchResult<BatchCompletion>>, done: Work['done']): Promise<void> {
  const answers = results.pipe(
    tap((result) => {
      if (result.status === 'fulfilled') done(result.body.choices[0]?.message.content);
    }),
  );
  await lastValueFrom(answers, { defaultValue: undefined });
}

export const contenders: Readonly<Record<string, Contender>> = {
  parse: {
    title: '`fetch`, lines, `JSON.parse`',
    run: async (work) => {
      const decoder = new TextDecoder();
      let rest = '';
      for await (const bytes of await download(work)) {
        const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) work.done((JSON.parse(line) as Line).response.body.choices[0]?.message.content);
      }
    },
  },
  batchResults: {
    title: '`batchResults`',
    run: ({ url, lines, done }) => take(batchResults(client(url), jobOf(lines), { endpoint }), done),
  },
  onResult: {
    title: '`batchResults` with `onResult`',
    run: ({ url, lines, done }) => take(batchResults(client(url), jobOf(lines), { endpoint, onResult: () => EMPTY }), done),
  },
  drain: {
    title: 'raw `fetch` drain',
    run: async (work) => {
      for await (const bytes of await download(work)) if (bytes.byteLength === 0) throw new Error('An empty piece');
      for (let line = 0; line < work.lines; line += 1) work.done('unread');
    },
  },
};

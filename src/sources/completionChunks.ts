import type { CompletionChunk } from '@mistralai/mistralai/models/components/completionchunk.js';
import { defer, type Observable } from 'rxjs';
import { AnswersWatch } from '../events/AnswersWatch.js';
import type { StreamOperation, StreamTransport } from '../transport/MistralTransport.js';
import type { CallOptions } from './CallOptions.js';
import { oneAttempt } from './oneAttempt.js';
import { attachPartial, readCompletion } from './readCompletion.js';
import { repeatBeforeFirst } from './repeatBeforeFirst.js';

/** The raw chunks of a completion: what `chatChunks` and its like have in common. */
export function completionChunks<Name extends string, Req>(
  transport: StreamTransport,
  operation: StreamOperation<Name, Req, CompletionChunk>,
  request: Req,
  options: CallOptions,
  answerCount = 1,
): Observable<CompletionChunk> {
  return defer(() => {
    let answers = new AnswersWatch(answerCount);
    const attempt = defer(() =>
      readCompletion<CompletionChunk>(
        oneAttempt(options, request, (given) => transport.stream(operation, request, given)),
        (subscriber) => {
          const current = new AnswersWatch(answerCount);
          answers = current;
          const next = (chunk: CompletionChunk): void => {
            subscriber.next(chunk);
            current.push(chunk);
          };
          return { assembler: current, next };
        },
      ),
    );
    return repeatBeforeFirst(attempt, options, {
      isWhole: () => answers.isFinished,
      explain: (error) => attachPartial(error, answers),
    });
  });
}

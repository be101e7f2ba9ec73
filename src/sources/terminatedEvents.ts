import { catchError, concat, defer, EMPTY, type Observable, tap, throwError } from 'rxjs';
import type { PartialMessage } from '../errors/PartialMessage.js';
import { isRxMistralError, TruncatedStreamError } from '../errors/RxMistralError.js';
import type { StreamOperation, StreamTransport } from '../transport/MistralTransport.js';
import type { CallOptions } from './CallOptions.js';
import { oneAttempt } from './oneAttempt.js';
import { isLossOfConnection } from './readCompletion.js';
import { repeatBeforeFirst } from './repeatBeforeFirst.js';

/** What is known of a stream whose last event says that it is the last. */
export interface Termination<Ev> {
  readonly isLast: (event: Ev) => boolean;
  /** The text that an event adds, where its stream is text: it becomes the error's `partial`. */
  readonly textOf?: ((event: Ev) => string) | undefined;
}

/**
 * The events of a stream that ends with an event of its own: at the end of the body, or where the connection breaks,
 * behind that event it completes; without it, it is a `TruncatedStreamError`.
 */
export function terminatedEvents<Name extends string, Req, Ev>(
  transport: StreamTransport,
  operation: StreamOperation<Name, Req, Ev>,
  request: Req,
  options: CallOptions,
  { isLast, textOf }: Termination<Ev>,
): Observable<Ev> {
  return defer(() => {
    let isOver = false;
    let text = '';
    const withPartial = (error: unknown): unknown =>
      isRxMistralError(error) && error.partial === undefined && text !== ''
        ? error.with({ partial: { role: 'assistant', content: text } satisfies PartialMessage })
        : error;

    const attempt = defer(() => {
      isOver = false;
      text = '';
      const events = oneAttempt(options, request, (given) => transport.stream(operation, request, given)).pipe(
        tap((event) => {
          isOver ||= isLast(event);
          text += textOf?.(event) ?? '';
        }),
        catchError((error: unknown) =>
          isOver && isLossOfConnection(error) ? EMPTY : throwError(() => withPartial(error)),
        ),
      );
      return concat(events, defer(() => (isOver ? EMPTY : throwError(() => withPartial(truncated())))));
    });
    return repeatBeforeFirst(attempt, options, { isWhole: () => isOver, explain: withPartial });
  });
}

function truncated(): TruncatedStreamError {
  return new TruncatedStreamError({ message: 'The stream ended before its last event' });
}

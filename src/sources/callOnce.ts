import { asyncScheduler, defer, type Observable, takeUntil } from 'rxjs';
import { retryWithBackoff } from '../operators/retryWithBackoff.js';
import type { MistralTransport, UnaryOperation } from '../transport/MistralTransport.js';
import { type CallOptions, retryConfigOf } from './CallOptions.js';
import { deadline, withTimeouts } from './withTimeouts.js';

/** One answer, with the timeouts and retries of its options: what all sources of a single response have in common. */
export function callOnce<Name extends string, Req, Res>(
  transport: MistralTransport,
  operation: UnaryOperation<Name, Req, Res>,
  request: Req,
  options: CallOptions,
): Observable<Res> {
  const { headers, timeouts = {}, scheduler = asyncScheduler } = options;
  const retry = retryConfigOf(options);
  return defer(() => {
    const attempt = transport.call(operation, request, { headers }).pipe(withTimeouts(timeouts, scheduler));
    const repeated = retry === undefined ? attempt : attempt.pipe(retryWithBackoff(retry));
    return repeated.pipe(takeUntil(deadline(timeouts.total, scheduler)));
  });
}

import { defer, type Observable } from 'rxjs';
import type { MistralTransport, UnaryOperation } from '../transport/MistralTransport.js';
import type { CallOptions } from './CallOptions.js';
import { oneAttempt } from './oneAttempt.js';
import { repeatBeforeFirst } from './repeatBeforeFirst.js';

/** One answer, with the timeouts and retries of its options: what all sources of a single response have in common. */
export function callOnce<Name extends string, Req, Res>(
  transport: MistralTransport,
  operation: UnaryOperation<Name, Req, Res>,
  request: Req,
  options: CallOptions,
): Observable<Res> {
  const attempt = defer(() => oneAttempt(options, request, (given) => transport.call(operation, request, given)));
  return repeatBeforeFirst(attempt, options);
}

import { asyncScheduler, type Observable } from 'rxjs';
import { underPermit } from '../control/underPermit.js';
import type { TransportOptions } from '../transport/MistralTransport.js';
import type { CallOptions } from './CallOptions.js';
import { withTimeouts } from './withTimeouts.js';

/**
 * One attempt of a call, with the timeouts that are its own; under a permit, where there is a limiter, which hears of the
 * response. The wait for the permit counts for `total` alone.
 */
export function oneAttempt<T>(
  options: CallOptions,
  request: unknown,
  call: (options: TransportOptions) => Observable<T>,
): Observable<T> {
  const { headers, maxEventBytes, limiter, timeouts = {}, scheduler = asyncScheduler } = options;
  if (limiter === undefined) return call({ headers, maxEventBytes }).pipe(withTimeouts(timeouts, scheduler));
  const onResponse: TransportOptions['onResponse'] = (response) => {
    limiter.observe(response.status, response.headers);
  };
  return underPermit(
    limiter,
    { tokens: () => limiter.estimateTokens?.(request) ?? 0 },
    scheduler,
    call({ headers, maxEventBytes, onResponse }).pipe(withTimeouts(timeouts, scheduler)),
  );
}

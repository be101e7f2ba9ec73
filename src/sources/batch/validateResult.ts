import { catchError, map, type Observable, of } from 'rxjs';
import { toRxMistralError } from '../../errors/toRxMistralError.js';
import type { BatchResult } from '../../events/BatchEvent.js';
import type { StandardSchemaV1 } from '../../events/StandardSchemaV1.js';
import { validateWith } from '../../events/validateWith.js';

/** The result with what the schema makes of its body; rejected where the body does not fit. */
export function validateResult<Body>(result: BatchResult, schema: StandardSchemaV1<unknown, Body>): Observable<BatchResult<Body>> {
  if (result.status === 'rejected') return of(result);
  const { customId } = result;
  return validateWith(schema, result.body).pipe(
    map((body): BatchResult<Body> => ({ status: 'fulfilled', customId, body })),
    catchError((error: unknown) => of<BatchResult<Body>>({ status: 'rejected', customId, error: toRxMistralError(error) })),
  );
}

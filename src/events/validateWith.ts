import { catchError, defer, from, map, type Observable, of, throwError } from 'rxjs';
import { describeCause } from '../errors/describeCause.js';
import { isRxMistralError, RxMistralError } from '../errors/RxMistralError.js';
import { schemaError } from './schemaError.js';
import type { StandardSchemaV1 } from './StandardSchemaV1.js';

/**
 * What `schema` makes of `value`: at once, or when the validator's Promise comes true. Fails with an error of kind
 * `validation`, also for what the validator throws. Unsubscribing drops a result that is still to come.
 */
export function validateWith<Output>(schema: StandardSchemaV1<unknown, Output>, value: unknown): Observable<Output> {
  return defer(() => {
    const result = schema['~standard'].validate(value);
    return 'then' in result ? from(Promise.resolve(result)) : of(result);
  }).pipe(
    map((result) => {
      if (result.issues !== undefined) throw schemaError(result.issues, value);
      return result.value;
    }),
    catchError((thrown: unknown) => throwError(() => (isValidationError(thrown) ? thrown : validatorError(thrown)))),
  );
}

function isValidationError(thrown: unknown): boolean {
  return isRxMistralError(thrown) && thrown.kind === 'validation';
}

function validatorError(thrown: unknown): RxMistralError {
  const cause = describeCause(thrown);
  return new RxMistralError({ kind: 'validation', message: `The schema's validator failed (${cause.name})`, cause });
}

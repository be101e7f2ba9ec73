import { isRecord } from '../errors/isRecord.js';
import { RxMistralError } from '../errors/RxMistralError.js';

/** An event that was JSON, with the error that it holds, where it holds one, as it was before. */
export function withRevivedError(event: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { error } = event;
  const isOurs = isRecord(error) && typeof error['kind'] === 'string' && typeof error['message'] === 'string';
  return isOurs ? { ...event, error: RxMistralError.fromJSON(error) } : event;
}

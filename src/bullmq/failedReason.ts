import { errorKinds, RxMistralError } from '../errors/RxMistralError.js';

/** What BullMQ keeps of an error: no key, no prompt. */
export function failedReason({ kind, message }: RxMistralError): string {
  return `${kind}: ${message}`;
}

/** The error of which BullMQ has kept this, as far as that tells. */
export function errorOfReason(reason: string | undefined): RxMistralError {
  const [, kind = '', message = ''] = /^([a-z-]+): (.*)$/s.exec(reason ?? '') ?? [];
  const known = errorKinds.find((one) => one === kind);
  if (known !== undefined) return new RxMistralError({ kind: known, message });
  // BullMQ's own: a job that was found without its worker too often.
  return new RxMistralError({ kind: 'stream', message: reason ?? 'The job has failed' });
}

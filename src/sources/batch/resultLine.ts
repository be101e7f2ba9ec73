import { RxMistralError } from '../../errors/RxMistralError.js';
import type { BatchResult } from '../../events/BatchEvent.js';
import { isRecord } from '../../errors/isRecord.js';
import { httpError, readErrorReport } from '../../transport/httpError.js';

/** What a line of an output or error file says. Never throws: a line that cannot be read is a result too. */
export function readResultLine(line: string): BatchResult {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return rejected(undefined, protocolError('A line of the results is no JSON'));
  }
  return readResult(json);
}

/** What an entry of a job's `outputs` says: the same as a line. */
export function readResult(json: unknown): BatchResult {
  if (!isRecord(json)) return rejected(undefined, protocolError('A line of the results is no object'));
  const { custom_id, response, error } = json;
  const customId = typeof custom_id === 'string' ? custom_id : undefined;
  const { status_code: status, body } = isRecord(response) ? response : {};

  if (typeof status === 'number' && status >= 400) return rejected(customId, statusError(status, body));
  if (error !== undefined && error !== null) return rejected(customId, ownError(error));
  if (body === undefined || body === null) {
    return rejected(customId, protocolError('A line of the results has neither a body nor an error'));
  }
  return { status: 'fulfilled', customId, body };
}

function rejected(customId: string | undefined, error: RxMistralError): BatchResult {
  return { status: 'rejected', customId, error };
}

function protocolError(message: string): RxMistralError {
  return new RxMistralError({ kind: 'protocol', message });
}

const noHeaders = { get: () => null };

function statusError(status: number, body: unknown): RxMistralError {
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? null);
  return httpError({ status, headers: noHeaders, body: text, now: 0 });
}

// Without a status nobody can tell whether the fault will pass. Mostly it is the server's own (a request that was
// refused has a status), and what is sent again in vain is bounded by the rounds.
function ownError(error: unknown): RxMistralError {
  const { message, code } = readErrorReport(isRecord(error) ? error : { message: error });
  return new RxMistralError({
    kind: 'stream',
    message: message ?? 'The server reported an error without a message',
    code,
    retryable: true,
  });
}

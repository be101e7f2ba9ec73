import type { BatchFault, FailRequestsFault, MalformedLinesFault, NoCustomIdFault, RequestChoice } from './batchFaults.js';
import { errorBody } from './errorBodies.js';
import { randomFrom } from './random.js';

/** What the endpoint said to a request of a batch. */
export interface BatchAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** What becomes of a request in the files. */
export interface RequestLines {
  readonly succeeded: boolean;
  /** What the job's own list of errors says of it, where it failed. */
  readonly message: string | undefined;
  readonly file: 'output' | 'error';
  readonly lines: readonly string[];
}

/** A request that is done, as its line tells of it. */
export interface DoneRequest {
  /** Its place in the input. */
  readonly index: number;
  readonly customId: string | null;
  readonly answer: BatchAnswer;
}

/** Writes the lines of a job's files, the way its faults want them. Chance is drawn in the order of the calls. */
export class BatchLines {
  readonly #jobId: string;
  readonly #choosers: readonly (readonly [fault: BatchFault, strikes: (request: DoneRequest) => boolean])[];

  constructor(jobId: string, faults: readonly BatchFault[], seed: number | string) {
    this.#jobId = jobId;
    this.#choosers = faults.flatMap((fault, i) => {
      if (!('which' in fault) && !takesRequests(fault)) return [];
      return [[fault, strikesOn(fault.which ?? 1, seed, jobId, i)] as const];
    });
  }

  of(request: DoneRequest): RequestLines {
    const faults = this.#choosers.length === 0 ? [] : this.#choosers.filter(([, strikes]) => strikes(request)).map(([fault]) => fault);
    const failure = faults.findLast((fault) => fault.kind === 'fail-requests');
    const { response, error, message } = failure ? failed(failure) : answered(request.answer);
    const line = lineOf(this.#jobId, request, response, error, faults);
    const isLost = faults.some((fault) => fault.kind === 'lose-lines');
    const isRepeated = faults.some((fault) => fault.kind === 'repeat-lines');
    return {
      succeeded: message === undefined,
      message,
      file: message === undefined ? 'output' : (failure?.file ?? 'error'),
      lines: isLost ? [] : isRepeated ? [line, line] : [line],
    };
  }
}

function takesRequests(fault: BatchFault): fault is Extract<BatchFault, { readonly which?: RequestChoice | undefined }> {
  return ['fail-requests', 'lose-lines', 'repeat-lines', 'malformed-lines', 'no-custom-id'].includes(fault.kind);
}

function strikesOn(which: RequestChoice, seed: number | string, jobId: string, position: number): (request: DoneRequest) => boolean {
  if (typeof which === 'function') return ({ customId, index }) => which(customId, index);
  const random = randomFrom(seed, 'batch lines', jobId, position);
  return () => random.chance(which);
}

interface Outcome {
  readonly response: { readonly status_code: number; readonly body: unknown } | null;
  readonly error: unknown;
  readonly message: string | undefined;
}

function answered({ status, body }: BatchAnswer): Outcome {
  return { response: { status_code: status, body }, error: null, message: status < 400 ? undefined : messageOf(body) };
}

function failed({ status = 500, as = 'response' }: FailRequestsFault): Outcome {
  const message = 'Internal server error';
  switch (as) {
    case 'response':
      return answered({ status, body: errorBody(message, 'internal_server_error', '3000') });
    case 'object':
      return { response: null, error: { message, type: 'internal_server_error' }, message };
    case 'string':
      return { response: null, error: message, message };
    case 'null':
      return { response: null, error: null, message };
  }
}

function messageOf(body: unknown): string {
  const { message, detail } = body as { readonly message?: unknown; readonly detail?: readonly { readonly msg?: unknown }[] };
  if (typeof message === 'string') return message;
  return typeof detail?.[0]?.msg === 'string' ? detail[0].msg : 'The request failed';
}

function lineOf(jobId: string, { index, customId }: DoneRequest, response: Outcome['response'], error: unknown, faults: readonly BatchFault[]): string {
  const unnamed = faults.findLast((fault): fault is NoCustomIdFault => fault.kind === 'no-custom-id');
  const malformed = faults.findLast((fault): fault is MalformedLinesFault => fault.kind === 'malformed-lines');
  const custom_id = unnamed ? (unnamed.as === 'missing' ? undefined : null) : customId;
  const line = JSON.stringify({ id: `batch-${jobId}-${index}`, custom_id, response, error });
  switch (malformed && (malformed.what ?? 'bad-json')) {
    case undefined:
      return line;
    case 'bad-json':
      return line.slice(0, Math.ceil(line.length / 2));
    case 'junk':
      return 'upstream went away';
    case 'list':
      return `[${line}]`;
    case 'blank':
      return '';
  }
}

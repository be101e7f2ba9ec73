/** The states of a batch job. */
export type BatchStatus = 'QUEUED' | 'RUNNING' | 'SUCCESS' | 'FAILED' | 'TIMEOUT_EXCEEDED' | 'CANCELLATION_REQUESTED' | 'CANCELLED';

/**
 * Which requests of a job: a share of them, 0 to 1, drawn from the seed; or a predicate of the custom id (`null` where the
 * request has none) and of the request's place in the input, from 0.
 */
export type RequestChoice = number | ((customId: string | null, index: number) => boolean);

/** Lets requests fail, as if the model behind the batch had. */
export interface FailRequestsFault {
  readonly kind: 'fail-requests';
  /** @defaultValue 1: all */
  readonly which?: RequestChoice | undefined;
  /** 400 to 599. @defaultValue 500 */
  readonly status?: number | undefined;
  /**
   * How the line says so: `'response'`, by the status of its response, with `error: null`; or without a response, by an `error`
   * that is an `'object'`, a bare `'string'`, or (which leaves nothing to go by) `'null'`.
   *
   * @defaultValue 'response'
   */
  readonly as?: 'response' | 'object' | 'string' | 'null' | undefined;
  /** Which file the line stands in. @defaultValue 'error' */
  readonly file?: 'error' | 'output' | undefined;
}

/** Leaves lines out: the request counts as done, and stands in neither file. */
export interface LoseLinesFault {
  readonly kind: 'lose-lines';
  /** @defaultValue 1: all */
  readonly which?: RequestChoice | undefined;
}

/** Writes lines twice. */
export interface RepeatLinesFault {
  readonly kind: 'repeat-lines';
  /** @defaultValue 1: all */
  readonly which?: RequestChoice | undefined;
}

/** Makes lines unreadable. */
export interface MalformedLinesFault {
  readonly kind: 'malformed-lines';
  /** @defaultValue 1: all */
  readonly which?: RequestChoice | undefined;
  /** `'bad-json'`: the line breaks off; `'junk'`: words; `'list'`: JSON, but no object; `'blank'`: nothing. @defaultValue 'bad-json' */
  readonly what?: 'bad-json' | 'junk' | 'list' | 'blank' | undefined;
}

/** Writes lines without their custom id. */
export interface NoCustomIdFault {
  readonly kind: 'no-custom-id';
  /** @defaultValue 1: all */
  readonly which?: RequestChoice | undefined;
  /** Whether it is `null`, or the field is missing. @defaultValue 'null' */
  readonly as?: 'null' | 'missing' | undefined;
}

/** Ends well, but names no output file. */
export interface NoOutputFileFault {
  readonly kind: 'no-output-file';
}

/** Of the job's fields shows nothing but id, status and files: the others are `null` or missing. */
export interface BareJobFault {
  readonly kind: 'bare-job';
  /** @defaultValue 'null' */
  readonly as?: 'null' | 'missing' | undefined;
}

/** Makes no progress any more, until it is cancelled or its time is over. */
export interface StuckFault {
  readonly kind: 'stuck';
  /** After so many requests. @defaultValue 0 */
  readonly after?: number | undefined;
}

/** Ends the job before its time. What was done by then stands in the files, unless it `FAILED`. */
export interface EndFault {
  readonly kind: 'end';
  readonly status: 'FAILED' | 'TIMEOUT_EXCEEDED' | 'CANCELLED';
  /** After so many requests. @defaultValue 0 */
  readonly after?: number | undefined;
  /** @defaultValue one error where it is `'FAILED'`, else none */
  readonly errors?: readonly { readonly message: string; readonly count?: number | undefined }[] | undefined;
}

/** Shows a status by another name. */
export interface StatusTextFault {
  readonly kind: 'status-text';
  /** Which is shown so. @defaultValue all */
  readonly of?: BatchStatus | undefined;
  /** A name that no client knows. @defaultValue the same in lower case */
  readonly text?: string | undefined;
}

/** Takes the results away: their files are gone, and so are inline outputs. */
export interface ExpireFault {
  readonly kind: 'expire';
  /** In ms from the end of the job. @defaultValue 0 */
  readonly after?: number | undefined;
}

/** Everything that can go wrong with a batch job, told apart by `kind`. Faults of an array compose. */
export type BatchFault =
  | FailRequestsFault
  | LoseLinesFault
  | RepeatLinesFault
  | MalformedLinesFault
  | NoCustomIdFault
  | NoOutputFileFault
  | BareJobFault
  | StuckFault
  | EndFault
  | StatusTextFault
  | ExpireFault;

export type BatchFaultKind = BatchFault['kind'];

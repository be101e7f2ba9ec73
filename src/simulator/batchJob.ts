import { performance } from 'node:perf_hooks';

import { runInBackground, type Work } from './backgroundWork.js';
import type { BatchFault, BatchStatus, EndFault } from './batchFaults.js';
import { BatchLines, type BatchAnswer } from './batchLines.js';
import type { BatchSettings } from './batchSettings.js';
import type { BatchJobInfo } from './faultRules.js';
import { isFields, type Fields } from './fieldChecks.js';
import type { FileRegistry, StoredFile } from './fileRegistry.js';
import type { LineIndex } from './lineIndex.js';
import { LineWriter } from './lineWriter.js';
import { randomFrom, shuffled } from './random.js';
import type { Spool } from './spool.js';
import { wallClock } from './wallClock.js';

/** Where requests stand, a line each. */
export interface BatchInput {
  readonly content: Spool;
  readonly lines: LineIndex;
}

/** What a job is made from, checked. */
export interface BatchJobDefinition extends Omit<BatchJobInfo, 'id' | 'totalRequests'> {
  readonly inputFiles: readonly string[];
  readonly timeoutHours: number;
  readonly inputs: readonly BatchInput[];
  /** The inputs are this job's own, to be disposed of with it. */
  readonly isInline: boolean;
  /** Makes the answer to a request's body. */
  readonly answer: (body: Fields) => BatchAnswer;
}

/** What a job needs of the simulator. */
export interface BatchJobContext {
  readonly seed: number | string;
  readonly settings: BatchSettings;
  readonly files: FileRegistry;
}

export interface BatchJobError {
  readonly message: string;
  readonly count: number;
}

/** Different messages in a job's list of errors. */
const mostMessages = 100;

/** A batch job: runs by itself from the moment it is made, until it ends or is disposed of. */
export class BatchJob {
  readonly info: BatchJobInfo;
  readonly definition: BatchJobDefinition;
  readonly faults: readonly BatchFault[];
  /** All times in ms since 1970. */
  readonly createdAt = wallClock();
  startedAt: number | undefined;
  completedAt: number | undefined;
  status: BatchStatus = 'QUEUED';
  succeeded = 0;
  failed = 0;
  outputFile: StoredFile | undefined;
  errorFile: StoredFile | undefined;

  readonly #context: BatchJobContext;
  readonly #now: () => number;
  readonly #deadline: number;
  readonly #lines: BatchLines;
  readonly #errors = new Map<string, number>();
  readonly #output = new LineWriter();
  readonly #error = new LineWriter();
  #stop: () => void;

  constructor(id: string, definition: BatchJobDefinition, context: BatchJobContext) {
    const { endpoint, model, agentId, metadata, inputs, timeoutHours } = definition;
    const totalRequests = inputs.reduce((total, { lines }) => total + lines.count, 0);
    this.info = { id, endpoint, model, agentId, metadata, totalRequests };
    this.definition = definition;
    this.faults = context.settings.chooseFaults(this.info);
    this.#context = context;
    const start = performance.now();
    this.#now = () => performance.now() - start;
    this.#deadline = timeoutHours * context.settings.hour;
    this.#lines = new BatchLines(id, this.faults, context.seed);
    this.#stop = this.#begin(this.#run());
  }

  get isOver(): boolean {
    return this.completedAt !== undefined;
  }

  get errors(): readonly BatchJobError[] {
    return Array.from(this.#errors, ([message, count]) => ({ message, count }));
  }

  /** Lets it be cancelled, unless it is already, or over. */
  cancel(): void {
    if (this.isOver || this.status === 'CANCELLATION_REQUESTED') return;
    this.#stop();
    this.status = 'CANCELLATION_REQUESTED';
    this.#stop = this.#begin(this.#endSlowly());
  }

  /** Stops it, and gives back what is its own; its files are the registry's. */
  dispose(): void {
    this.#stop();
    this.#disposeInputs();
    if (!this.isOver) this.#disposeOutputs();
  }

  #begin(work: Work<BatchStatus>): () => void {
    return runInBackground(work, {
      onResult: (status) => {
        this.#end(status);
      },
      onError: (error) => {
        // The input was deleted, the disk is full, a reply function threw: whoever did it is to see why.
        this.#count(error instanceof Error ? error.message : String(error));
        this.#end('FAILED');
      },
    });
  }

  *#run(): Work<BatchStatus> {
    const { settings, seed } = this.#context;
    const total = this.info.totalRequests;
    const end = this.#fault('end');
    const stuckAfter = this.#fault('stuck');
    if (!(yield* this.#sleepUntil(settings.queueTime))) return 'TIMEOUT_EXCEEDED';
    if (yield* this.#refusesInputs()) return 'FAILED';

    this.status = 'RUNNING';
    this.startedAt = wallClock();
    const start = this.#now();
    const requestTime = settings.duration === undefined ? settings.requestTime : settings.duration / total;
    const order = shuffled(total, randomFrom(seed, 'batch order', this.info.id));
    for (const [done, index] of order.entries()) {
      if (end && done >= (end.after ?? 0)) return this.#endAs(end);
      const due = stuckAfter && done >= (stuckAfter.after ?? 0) ? Infinity : start + (done + 1) * requestTime;
      if (!(yield* this.#sleepUntil(due))) return 'TIMEOUT_EXCEEDED';
      this.#do(index);
      yield 0;
    }
    return end ? this.#endAs(end) : 'SUCCESS';
  }

  *#endSlowly(): Work<BatchStatus> {
    yield this.#context.settings.cancelTime;
    return 'CANCELLED';
  }

  /** Waits; `false` where the job's own time was over before. */
  *#sleepUntil(due: number): Work<boolean> {
    for (let now = this.#now(); now < this.#deadline; now = this.#now()) {
      if (now >= due) return true;
      yield Math.min(due, this.#deadline) - now;
    }
    return false;
  }

  /** Whether there are lines that are no requests. */
  *#refusesInputs(): Work<boolean> {
    for (let index = 0; index < this.info.totalRequests; index += 1) {
      if (parseRequest(this.#lineAt(index)) === undefined) this.#count('The input file holds lines that are no requests');
      yield 0;
    }
    return this.#errors.size > 0;
  }

  #do(index: number): void {
    const request = parseRequest(this.#lineAt(index));
    // It was looked at before.
    if (request === undefined) return;
    const { succeeded, message, file, lines } = this.#lines.of({ index, customId: request.customId, answer: this.definition.answer(request.body) });
    if (succeeded) this.succeeded += 1;
    else this.failed += 1;
    if (message !== undefined) this.#count(message);
    for (const line of lines) (file === 'output' ? this.#output : this.#error).write(line);
  }

  #lineAt(index: number): string {
    let line = index;
    for (const { content, lines } of this.definition.inputs) {
      if (line < lines.count) {
        const { start, length } = lines.at(line);
        return content.read(start, length).toString();
      }
      line -= lines.count;
    }
    return '';
  }

  #count(message: string): void {
    const count = this.#errors.get(message);
    if (count !== undefined || this.#errors.size < mostMessages) this.#errors.set(message, (count ?? 0) + 1);
  }

  #endAs({ status, errors }: EndFault): BatchStatus {
    const listed = errors ?? (status === 'FAILED' ? [{ message: 'Internal error' }] : []);
    for (const { message, count = 1 } of listed) this.#errors.set(message, count);
    return status;
  }

  #end(status: BatchStatus): void {
    if (status === 'FAILED') this.#disposeOutputs();
    else {
      this.outputFile = this.#store(this.#output, 'batch_result');
      this.errorFile = this.#store(this.#error, 'batch_error');
    }
    this.status = status;
    this.completedAt = wallClock();
    this.#disposeInputs();
  }

  /** A file that would be empty is none. */
  #store(writer: LineWriter, sampleType: 'batch_result' | 'batch_error'): StoredFile | undefined {
    const content = writer.end();
    const expire = this.#fault('expire');
    if (writer.count === 0) return undefined;
    return this.#context.files.add({
      filename: `${this.info.id}_${sampleType === 'batch_result' ? 'results' : 'errors'}.jsonl`,
      purpose: 'batch',
      sampleType,
      mimetype: 'application/jsonl',
      source: 'mistral',
      visibility: 'workspace',
      expiresIn: expire && (expire.after ?? 0),
      content,
      numLines: writer.count,
      lines: undefined,
    });
  }

  #disposeOutputs(): void {
    for (const writer of [this.#output, this.#error]) writer.end().dispose();
  }

  #disposeInputs(): void {
    if (this.definition.isInline) for (const { content } of this.definition.inputs) content.dispose();
  }

  #fault<Kind extends BatchFault['kind']>(kind: Kind): Extract<BatchFault, { kind: Kind }> | undefined {
    return this.faults.findLast((fault): fault is Extract<BatchFault, { kind: Kind }> => fault.kind === kind);
  }
}

interface BatchRequest {
  readonly customId: string | null;
  readonly body: Fields;
}

function parseRequest(line: string): BatchRequest | undefined {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isFields(json)) return undefined;
  const { custom_id = null, body } = json;
  return isFields(body) && (custom_id === null || typeof custom_id === 'string') ? { customId: custom_id, body } : undefined;
}

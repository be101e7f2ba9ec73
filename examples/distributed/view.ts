/** A worker, as far as it is known from outside. */
export interface WorkerView {
  readonly pid: number;
  readonly state: 'starting' | 'working' | 'killed' | 'stopped';
  readonly running: number;
  readonly done: number;
}

/** All that is to be seen at a moment. */
export interface Frame {
  readonly waiting: number;
  readonly active: number;
  readonly done: number;
  readonly failed: number;
  readonly total: number;
  readonly jobsPerSecond: number;
  readonly tokensPerSecond: number;
  readonly connections: number;
  readonly workers: readonly WorkerView[];
}

const colours = { starting: 90, working: 32, killed: 31, stopped: 90 } as const;
const barLength = 40;

/** Shows frames and notes: drawn anew in place on a terminal, else a line for each note and each quarter of the jobs. */
export class View {
  readonly #output: NodeJS.WriteStream;
  readonly #isDrawn: boolean;
  #drawn = 0;
  #quarter = 0;
  #notes: readonly string[] = [];

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
    this.#isDrawn = output.isTTY && process.env['CI'] !== 'true';
  }

  note(text: string): void {
    this.#notes = [...this.#notes, text].slice(-4);
    if (!this.#isDrawn) this.#output.write(`${text}\n`);
  }

  show(frame: Frame): void {
    if (!this.#isDrawn) {
      this.#showQuarter(frame);
      return;
    }
    const { columns } = this.#output;
    const notes = [...this.#notes, 'k kills a worker, q ends'].map((note) => `\u001B[2m${clip(note, columns)}\u001B[0m`);
    const rows = [...rowsOf(frame, columns), '', ...notes];
    const up = this.#drawn === 0 ? '' : `\u001B[${this.#drawn}A`;
    // What is below is of a longer frame.
    this.#output.write(`${up}${rows.map((row) => `\u001B[2K${row}\n`).join('')}\u001B[J`);
    this.#drawn = rows.length;
  }

  #showQuarter(frame: Frame): void {
    const quarter = Math.floor((4 * frame.done) / frame.total);
    if (quarter <= this.#quarter) return;
    this.#quarter = quarter;
    this.#output.write(`${summary(frame)}\n`);
  }
}

function rowsOf(frame: Frame, columns: number): string[] {
  const full = Math.round((barLength * frame.done) / frame.total);
  const busy = Math.min(barLength - full, Math.round((barLength * frame.active) / frame.total));
  const bar = `\u001B[32m${'█'.repeat(full)}\u001B[36m${'▓'.repeat(busy)}\u001B[90m${'░'.repeat(barLength - full - busy)}\u001B[0m`;
  return [bar, clip(summary(frame), columns), '', `${'pid'.padStart(8)}  running  done  state`, ...frame.workers.map(rowOf)];
}

function rowOf({ pid, running, done, state }: WorkerView): string {
  return `${String(pid).padStart(8)}  ${String(running).padStart(7)}  ${String(done).padStart(4)}  \u001B[${colours[state]}m${state}\u001B[0m`;
}

function summary({ waiting, active, done, failed, total, jobsPerSecond, tokensPerSecond, connections }: Frame): string {
  const speed = `${jobsPerSecond.toFixed(1)} jobs/s, ${tokensPerSecond.toFixed(0)} tokens/s`;
  return `${done} of ${total} done, ${waiting} wait, ${active} run, ${failed} failed; ${speed}, ${connections} connections of watchers`;
}

// A row that is wrapped would be two.
function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 1))}…`;
}

/** How far a batch has come, as a person wants to see it. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly failed: number;
  readonly remainingMs?: number | undefined;
}

const width = 24;

/**
 * Shows progress on a line of its own, which is drawn anew on a terminal; elsewhere, in a log, each change is a line.
 * Other lines are written above it by `log`.
 */
export class ProgressLine {
  readonly #output: NodeJS.WriteStream;
  #shown = '';

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  show(progress: Progress): void {
    const line = describe(progress, this.#output.isTTY);
    if (line === this.#shown) return;
    this.#shown = line;
    this.#output.write(this.#output.isTTY ? `\r\u001B[2K${line}` : `${line}\n`);
  }

  log(line: string): void {
    this.#output.write(this.#output.isTTY ? `\r\u001B[2K${line}\n${this.#shown}` : `${line}\n`);
  }

  /** What follows stands below. */
  end(): void {
    if (this.#output.isTTY && this.#shown !== '') this.#output.write('\n');
    this.#shown = '';
  }
}

function describe({ done, total, failed, remainingMs }: Progress, isDrawn: boolean): string {
  const share = total === 0 ? 0 : done / total;
  const full = Math.round(share * width);
  const bar = isDrawn ? `\u001B[36m${'█'.repeat(full)}\u001B[90m${'░'.repeat(width - full)}\u001B[0m ` : '';
  const left = remainingMs === undefined ? '' : `, ${time(remainingMs)} left`;
  return `${bar}${String(Math.floor(share * 100)).padStart(3)} %  ${done - failed} succeeded, ${failed} failed${left}`;
}

function time(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}

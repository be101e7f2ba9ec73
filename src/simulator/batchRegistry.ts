import { BatchJob, type BatchJobDefinition } from './batchJob.js';
import { resolveBatchSettings, type BatchSettings } from './batchSettings.js';
import type { FileRegistry } from './fileRegistry.js';
import type { BatchOptions } from './options.js';
import { randomFrom, uuidFrom } from './random.js';

const mostJobs = 10_000;

/** The batch jobs that were made, the latest 10,000 of them. */
export class BatchRegistry {
  readonly #seed: number | string;
  readonly #files: FileRegistry;
  readonly #jobs = new Map<string, BatchJob>();
  #settings: BatchSettings;
  #count = 0;

  constructor(options: BatchOptions | undefined, seed: number | string, files: FileRegistry) {
    this.#seed = seed;
    this.#files = files;
    this.#settings = resolveBatchSettings(options, seed);
  }

  get settings(): BatchSettings {
    return this.#settings;
  }

  /** Oldest first. */
  get all(): readonly BatchJob[] {
    return [...this.#jobs.values()];
  }

  /** Replaces the options, for jobs made from now on. */
  configure(options: BatchOptions | undefined): void {
    this.#settings = resolveBatchSettings(options, this.#seed);
  }

  get(id: string): BatchJob | undefined {
    return this.#jobs.get(id);
  }

  /** Makes a job, which runs from now on. */
  create(definition: BatchJobDefinition): BatchJob {
    const id = uuidFrom(randomFrom(this.#seed, 'batch job', this.#count));
    const job = new BatchJob(id, definition, { seed: this.#seed, settings: this.#settings, files: this.#files });
    this.#count += 1;
    this.#jobs.set(id, job);
    const [oldest] = this.#jobs.keys();
    if (this.#jobs.size > mostJobs && oldest !== undefined) this.remove(oldest);
    return job;
  }

  /** Whether there was one. Its files stay. */
  remove(id: string): boolean {
    this.#jobs.get(id)?.dispose();
    return this.#jobs.delete(id);
  }

  /** Stops all of them. */
  dispose(): void {
    for (const id of [...this.#jobs.keys()]) this.remove(id);
  }
}

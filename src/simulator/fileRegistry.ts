import type { LineIndex } from './lineIndex.js';
import { randomFrom, uuidFrom } from './random.js';
import type { Spool } from './spool.js';
import { wallClock } from './wallClock.js';

/** What a file is made from. */
export interface FileDefinition {
  readonly filename: string;
  readonly purpose: string;
  readonly sampleType: 'pretrain' | 'instruct' | 'batch_request' | 'batch_result' | 'batch_error';
  readonly mimetype: string | null;
  readonly source: 'upload' | 'repository' | 'mistral';
  readonly visibility: string;
  /** In ms from now. */
  readonly expiresIn: number | undefined;
  readonly content: Spool;
  /** Of a JSONL file. */
  readonly numLines: number | null;
  /** Of a file whose lines are read one by one. */
  readonly lines: LineIndex | undefined;
}

export interface StoredFile extends FileDefinition {
  readonly id: string;
  /** Both in ms since 1970. */
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
}

const mostFiles = 10_000;

/** The files that were uploaded or written, the latest 10,000 of them, as long as they have not expired. */
export class FileRegistry {
  readonly #seed: number | string;
  readonly #files = new Map<string, StoredFile>();
  #count = 0;

  constructor(seed: number | string) {
    this.#seed = seed;
  }

  /** Oldest first. */
  get all(): readonly StoredFile[] {
    for (const { id } of this.#files.values()) this.get(id);
    return [...this.#files.values()];
  }

  get(id: string): StoredFile | undefined {
    const file = this.#files.get(id);
    if (file?.expiresAt === undefined || file.expiresAt > wallClock()) return file;
    this.remove(id);
    return undefined;
  }

  /** Takes over the content. */
  add(definition: FileDefinition): StoredFile {
    const createdAt = wallClock();
    const { expiresIn } = definition;
    const id = uuidFrom(randomFrom(this.#seed, 'file', this.#count));
    const file = { ...definition, id, createdAt, expiresAt: expiresIn === undefined ? undefined : createdAt + expiresIn };
    this.#count += 1;
    this.#files.set(id, file);
    const [oldest] = this.#files.keys();
    if (this.#files.size > mostFiles && oldest !== undefined) this.remove(oldest);
    return file;
  }

  /** Whether there was one. */
  remove(id: string): boolean {
    this.#files.get(id)?.content.dispose();
    return this.#files.delete(id);
  }

  /** Gives all of it back. */
  dispose(): void {
    for (const id of [...this.#files.keys()]) this.remove(id);
  }
}

import { AnswerUsage } from './AnswerUsage.js';
import { messageLength, pieceLength } from './answerLength.js';
import { isRecord } from '../errors/isRecord.js';
import { readAnswer } from './readAnswer.js';
import type { UsageRecord } from './UsageRecord.js';

// Answers that are under way at the same time. Far above what one process streams; it bounds what is held of those that
// never end, because an error between them and us was swallowed.
const maxOpenAnswers = 10_000;

/**
 * Watches the values of a stream for what they cost: the work of `trackUsage()`. Pure: no rxjs, no clock.
 *
 * Answers are told apart by the `requestId` of their events (chunks: by their id), so that streams may be merged. The
 * first answer is the call that the stream itself is; it is counted when nothing comes of it, too.
 */
export class UsageWatch {
  readonly #record: (record: UsageRecord) => void;
  readonly #open = new Map<string, AnswerUsage>();
  // A call that was made and of which no event has come.
  #awaited: AnswerUsage | undefined = new AnswerUsage();
  // The answer that ended last.
  #ended: string | undefined;

  /** @param record Is told of each answer when it ends. */
  constructor(record: (record: UsageRecord) => void) {
    this.#record = record;
  }

  /** Takes the next value, whatever it is. */
  take(value: unknown): void {
    if (!isRecord(value)) return;
    const { type, requestId, model } = value;
    if (typeof requestId === 'string') {
      if (type === 'start') this.#answer(requestId).start(model);
      if (type === 'retry') this.#answer(requestId).retry(value['strategy'] === 'resume' ? 'resume' : 'restart');
      if (type === 'error') this.#fail(requestId, value['error']);
    }
    const id = idOf(value);
    const length = pieceLength(value);
    if (length !== undefined) {
      const answer = this.#answer(id);
      answer.begin(model);
      if (length > 0) answer.add(length);
    }
    const end = readAnswer(value);
    if (end === undefined) return;
    const answer = this.#answer(id);
    this.#close(id);
    // An answer that comes whole has had no event that began it; without a usage it is counted as one that failed.
    if (end.usage === undefined) answer.begin(end.model);
    const record = answer.complete(end.usage);
    this.#record({ ...record, model: end.model ?? record.model });
  }

  /** An attempt has failed, and there will be another: told by the operator that repeats it, not by an event. */
  retried(): void {
    // The next attempt may be another answer by its events; where only one is open, it is that one's.
    if (this.#awaited === undefined && this.#open.size === 1) {
      for (const answer of this.#open.values()) this.#awaited = answer;
      this.#open.clear();
    }
    this.#awaited ??= new AnswerUsage();
    this.#awaited.retry('restart');
  }

  /** Nothing more will come. What has not come to its end has failed, or was cancelled. */
  end(error?: unknown): void {
    const awaited = this.#awaited;
    const open = [...this.#open.values()];
    this.#awaited = undefined;
    this.#open.clear();
    if (awaited !== undefined) {
      if (open.length === 0) addPartial(awaited, error);
      open.push(awaited);
    }
    for (const answer of open) this.#record(answer.fail());
  }

  #fail(id: string, error: unknown): void {
    // What fails behind an answer that came to its end (a tool of an agent) is no call.
    if (id === this.#ended && this.#awaited === undefined && !this.#open.has(id)) return;
    const answer = this.#answer(id);
    this.#close(id);
    addPartial(answer, error);
    this.#record(answer.fail());
  }

  #answer(id: string): AnswerUsage {
    const known = this.#open.get(id);
    if (known !== undefined) return known;
    const answer = this.#awaited ?? new AnswerUsage();
    this.#awaited = undefined;
    this.#open.set(id, answer);
    if (this.#open.size > maxOpenAnswers) this.#giveUpOldest();
    return answer;
  }

  #close(id: string): void {
    this.#open.delete(id);
    // Without an id nobody can say which it was.
    this.#ended = id === '' ? undefined : id;
  }

  #giveUpOldest(): void {
    for (const [id, answer] of this.#open) {
      this.#open.delete(id);
      this.#record(answer.fail());
      return;
    }
  }
}

function idOf({ requestId, id }: Readonly<Record<string, unknown>>): string {
  if (typeof requestId === 'string') return requestId;
  return typeof id === 'string' ? id : '';
}

// Where the events were taken away before they came here, an error still has what had come.
function addPartial(answer: AnswerUsage, error: unknown): void {
  const partial = isRecord(error) && !answer.hasBegun ? messageLength(error['partial']) : 0;
  if (partial > 0) answer.add(partial);
}

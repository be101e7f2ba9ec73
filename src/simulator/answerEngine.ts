import { createHash } from 'node:crypto';

import type { Answer } from './answer.js';
import type { RecordedRequest } from './recordedRequest.js';
import type { CompletionBody, Reply, ReplyScript } from './reply.js';
import type { Settings } from './settings.js';

/** Answers a request body by a reply, or from the seed where there is none. */
export type AnswerMaker = (body: CompletionBody, reply: Reply | undefined, settings: Settings) => Answer;

/** What endpoints ask for answers. */
export interface Answers {
  /** What the script says to a body, for answers that are not to be kept: they change something. */
  replyTo(body: CompletionBody, request: RecordedRequest): Reply | undefined;
  answer(make: AnswerMaker, body: CompletionBody, request: RecordedRequest): Answer;
}

// Together some 50 MB of events and bytes at most, as events go.
const mostEventsKept = 50_000;
const mostAnswersKept = 1_000;

/**
 * Answers completions and audio by the script or from the seed. The same request gets the same answer, so answers are kept
 * (the latest, within bounds), and their rendering with them: a benchmark is not to measure how they are made.
 */
export class AnswerEngine implements Answers {
  readonly #settings: Settings;
  #script: ReplyScript | undefined;
  #asked = 0;
  #answers = new Map<string, Answer>();
  #eventsKept = 0;

  constructor(settings: Settings, script: ReplyScript | undefined) {
    this.#settings = settings;
    this.#script = script;
  }

  /** Sets another script, whose `n` counts from 0. */
  follow(script: ReplyScript | undefined): void {
    this.#script = script;
    this.#asked = 0;
    this.#answers = new Map();
    this.#eventsKept = 0;
  }

  replyTo(body: CompletionBody, request: RecordedRequest): Reply | undefined {
    const n = this.#asked;
    this.#asked += 1;
    return typeof this.#script === 'function' ? this.#script(body, n, request) : this.#script;
  }

  answer(make: AnswerMaker, body: CompletionBody, request: RecordedRequest): Answer {
    const reply = this.replyTo(body, request);
    // What a function says can depend on anything.
    if (typeof this.#script === 'function') return make(body, reply, this.#settings);

    const key = createHash('sha256').update(`${request.path}\n${JSON.stringify(body)}`).digest('base64');
    const kept = this.#answers.get(key);
    if (kept) return kept;
    const answer = make(body, reply, this.#settings);
    this.#keep(key, answer);
    return answer;
  }

  #keep(key: string, answer: Answer): void {
    this.#answers.set(key, answer);
    this.#eventsKept += sizeOf(answer);
    for (const [oldKey, oldAnswer] of this.#answers) {
      if (this.#eventsKept <= mostEventsKept && this.#answers.size <= mostAnswersKept) break;
      this.#answers.delete(oldKey);
      this.#eventsKept -= sizeOf(oldAnswer);
    }
  }
}

function sizeOf(answer: Answer): number {
  return answer.kind === 'events' ? answer.events.length : (answer.tokens ?? 1);
}

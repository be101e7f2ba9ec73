import { jsonAnswer, type Answer } from './answer.js';
import type { AnswerMaker, Answers } from './answerEngine.js';
import { contentText } from './contentText.js';
import type { CompletionBody } from './reply.js';
import type { Settings } from './settings.js';

const longest = 64;

/** Answers completions with the beginning of the request's last message: cheap, and still telling which request was answered. */
export class ShortAnswers implements Answers {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  replyTo(): undefined {
    return undefined;
  }

  answer(make: AnswerMaker, body: CompletionBody): Answer {
    const { messages } = body;
    const last = messages?.at(-1);
    if (messages === undefined || last === undefined) return make(body, undefined, this.#settings);
    return jsonAnswer(200, {
      id: 'cmpl-short',
      object: 'chat.completion',
      // The first second of the year 2025.
      created: 1_735_689_600,
      model: body.model ?? 'mistral-small-latest',
      choices: [{ index: 0, message: { role: 'assistant', content: contentText(last.content).slice(0, longest), tool_calls: null }, finish_reason: 'stop' }],
      usage: { prompt_tokens: messages.length, completion_tokens: 1, total_tokens: messages.length + 1 },
    });
  }
}

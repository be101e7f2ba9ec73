import type { AnswerMaker } from './answerEngine.js';
import { codeTokens } from './code.js';
import { completionAnswer } from './completion.js';
import { validationFailed } from './errorBodies.js';
import { integerFrom, string } from './fieldChecks.js';
import type { CompletionBody } from './reply.js';
import { completionComplaints } from './requestChecks.js';
import type { Route } from './route.js';

/** `POST /v1/fim/completions`, streamed and whole: lines of code, whatever stands before and behind them. */
export const fimCompletionRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/fim/completions',
    handle({ body, record }, { settings, answers }) {
      const complaints = completionComplaints(body, {
        required: { model: string, prompt: string },
        // The bound is the simulator's own.
        optional: { suffix: string, min_tokens: integerFrom(0, 1_000_000) },
      });
      if (complaints.length > 0) return validationFailed(complaints, settings.validationErrors);
      return answers.answer(codeAnswer, asChat(body as CompletionBody), record);
    },
  },
];

const codeAnswer: AnswerMaker = (body, reply, settings) => completionAnswer(body, reply, settings, codeTokens);

/** The prompt and the suffix as a message, and nothing of what only a chat may ask for. */
function asChat(request: CompletionBody): CompletionBody {
  const { tools: _tools, response_format: _format, prompt_mode: _mode, n: _n, ...rest } = request;
  const { prompt, suffix } = request as { readonly prompt?: string; readonly suffix?: string | null };
  return { ...rest, messages: [{ role: 'user', content: `${prompt ?? ''}${suffix ?? ''}` }] };
}

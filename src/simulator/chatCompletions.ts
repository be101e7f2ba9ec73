import { completionAnswer } from './completion.js';
import { validationFailed } from './errorBodies.js';
import { string } from './fieldChecks.js';
import type { CompletionBody } from './reply.js';
import { completionComplaints, contradictionIn, messagesComplaints } from './requestChecks.js';
import type { Route } from './route.js';

/** `POST /v1/chat/completions`, streamed and whole. */
export const chatCompletionRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/chat/completions',
    handle({ body, record }, { settings, answers }) {
      const complaints = [...completionComplaints(body, { required: { model: string } }), ...messagesComplaints(body)];
      if (complaints.length > 0) return validationFailed(complaints, settings.validationErrors);

      const request = body as CompletionBody;
      return contradictionIn(request) ?? answers.answer(completionAnswer, request, record);
    },
  },
];

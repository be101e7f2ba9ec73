import { jsonAnswer } from './answer.js';
import { validationFailed } from './errorBodies.js';
import { object } from './fieldChecks.js';
import { hexDigits, randomFrom } from './random.js';
import { requestKey } from './requestKey.js';
import type { Route } from './route.js';
import { textsComplaints, textsOf, type TextsBody } from './textInputs.js';
import { countTokens } from './tokens.js';

/** What texts are classified by: each target with its labels. */
const targets = {
  topic: ['billing', 'shipping', 'returns', 'other'],
  sentiment: ['positive', 'neutral', 'negative'],
};

/** `POST /v1/classifications`: of each target, the scores of its labels add up to 1. */
export const classificationRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/classifications',
    handle({ body }, { settings }) {
      const complaints = textsComplaints(body, { metadata: object });
      if (complaints.length > 0) return validationFailed(complaints, settings.validationErrors);

      const request = body as TextsBody;
      const texts = textsOf(request);
      const tokens = texts.reduce((sum, text) => sum + countTokens(text), 0);
      const scoresOf = (text: string, target: string, labels: readonly string[]): Readonly<Record<string, number>> => {
        const random = randomFrom(settings.seed, 'classification', request.model, text, target);
        // Squared twice, so that one label stands out.
        const weights = labels.map((label) => [label, (random.next() + 0.01) ** 4] as const);
        const sum = weights.reduce((total, [, weight]) => total + weight, 0);
        return Object.fromEntries(weights.map(([label, weight]) => [label, weight / sum]));
      };
      const results = texts.map((text) =>
        Object.fromEntries(Object.entries(targets).map(([target, labels]) => [target, { scores: scoresOf(text, target, labels) }])),
      );
      const id = randomFrom(settings.seed, 'classification', requestKey(request)).text(32, hexDigits);
      const usage = { prompt_tokens: tokens, completion_tokens: 0, total_tokens: tokens };
      return { ...jsonAnswer(200, { id, model: request.model, results, usage }), tokens };
    },
  },
];

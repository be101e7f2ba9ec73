import { jsonAnswer, type Answer } from './answer.js';
import { contentText } from './contentText.js';
import { validationFailed, type ValidationDetail } from './errorBodies.js';
import { fieldComplaints, isFields, list, object, string } from './fieldChecks.js';
import { hexDigits, randomFrom, type Random } from './random.js';
import type { Message } from './reply.js';
import { listedMessagesComplaints } from './requestChecks.js';
import type { Route } from './route.js';
import type { Settings } from './settings.js';
import { textsComplaints, textsOf, type TextsBody } from './textInputs.js';
import { countTokens } from './tokens.js';

const categories = [
  'sexual',
  'hate_and_discrimination',
  'violence_and_threats',
  'dangerous_and_criminal_content',
  'selfharm',
  'health',
  'financial',
  'law',
  'pii',
];

/** `POST /v1/moderations` (of texts) and `POST /v1/chat/moderations` (of conversations): the seed, not the text, says what is bad. */
export const moderationRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/moderations',
    handle({ body }, { settings }) {
      const complaints = textsComplaints(body, { metadata: object });
      if (complaints.length > 0) return validationFailed(complaints, settings.validationErrors);
      const request = body as TextsBody;
      return moderation(request.model, textsOf(request), settings);
    },
  },
  {
    method: 'POST',
    path: '/v1/chat/moderations',
    handle({ body }, { settings }) {
      const complaints = [...fieldComplaints(body, { required: { model: string, input: list } }), ...conversationsComplaints(body)];
      if (complaints.length > 0) return validationFailed(complaints, settings.validationErrors);
      const { model, input } = body as { readonly model: string; readonly input: readonly (Message | readonly Message[])[] };
      const conversations = (isListOfLists(input) ? input : [input]) as readonly (readonly Message[])[];
      const texts = conversations.map((messages) => messages.map(({ role, content }) => `${role}: ${contentText(content)}`).join('\n'));
      return moderation(model, texts, settings);
    },
  },
];

/** The input is a conversation, or a list of them. */
function conversationsComplaints(body: unknown): readonly ValidationDetail[] {
  const input = isFields(body) ? body['input'] : undefined;
  const place = ['body', 'input'];
  if (!Array.isArray(input)) return [];
  if (!isListOfLists(input)) return listedMessagesComplaints(input, place);
  return input.flatMap((messages: unknown, i) => listedMessagesComplaints(messages, [...place, i]));
}

function isListOfLists(input: readonly unknown[]): boolean {
  return Array.isArray(input[0]);
}

function moderation(model: string, texts: readonly string[], { seed }: Settings): Answer {
  const tokens = texts.reduce((sum, text) => sum + countTokens(text), 0);
  const results = texts.map((text) => {
    const random = randomFrom(seed, 'moderation', model, text);
    const scores = categories.map((category) => [category, score(random)] as const);
    return {
      categories: Object.fromEntries(scores.map(([category, value]) => [category, value > 0.5])),
      category_scores: Object.fromEntries(scores),
    };
  });
  const id = randomFrom(seed, 'moderation', model, JSON.stringify(texts)).text(32, hexDigits);
  const usage = { prompt_tokens: tokens, completion_tokens: 0, total_tokens: tokens };
  return { ...jsonAnswer(200, { id, model, results, usage }), tokens };
}

/** Mostly low, and sometimes beyond doubt. */
function score(random: Random): number {
  const value = random.next();
  return random.chance(0.08) ? 0.7 + value * 0.3 : value * 0.1;
}

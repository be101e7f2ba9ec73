import { agentCompletionRoutes } from './agentCompletions.js';
import type { Answer } from './answer.js';
import type { BatchAnswer } from './batchLines.js';
import { chatCompletionRoutes } from './chatCompletions.js';
import { classificationRoutes } from './classifications.js';
import { embeddingRoutes } from './embeddings.js';
import { errorBody } from './errorBodies.js';
import type { Fields } from './fieldChecks.js';
import { fimCompletionRoutes } from './fimCompletions.js';
import { moderationRoutes } from './moderations.js';
import { ocrRoutes } from './ocr.js';
import type { RecordedRequest } from './recordedRequest.js';
import type { Route } from './route.js';
import { ShortAnswers } from './shortAnswers.js';
import type { Simulation } from './simulation.js';
import { transcriptionRoutes } from './transcriptions.js';

/** What the live endpoints know to answer in a batch, too. A new one is a line here. */
const routes: readonly Route[] = [
  ...chatCompletionRoutes,
  ...fimCompletionRoutes,
  ...embeddingRoutes,
  ...moderationRoutes,
  ...ocrRoutes,
  ...classificationRoutes,
  ...transcriptionRoutes,
];

/** The endpoints that a batch job may name. */
export const batchEndpoints: readonly string[] = routes.map(({ path }) => path);

/** Which endpoint answers a job's requests, and as whom. */
export interface BatchTarget {
  readonly endpoint: string;
  readonly model: string | null;
  readonly agentId: string | null;
}

/**
 * Answers the requests of a job by the live endpoint's own route, so that the same body gets the same answer, or the same
 * refusal. `record` is the request that made the job: scripts of replies get it, with the body and the endpoint in place.
 */
export function batchAnswers({ endpoint, model, agentId }: BatchTarget, record: RecordedRequest, simulation: Simulation): (body: Fields) => BatchAnswer {
  const candidates = agentId === null ? routes : agentCompletionRoutes;
  const route = candidates.find(({ path }) => agentId !== null || path === endpoint);
  const isForm = transcriptionRoutes.some(({ path }) => path === endpoint);
  const headers = isForm ? { ...record.headers, 'content-type': 'multipart/form-data' } : record.headers;
  const base = { ...record, path: route?.path ?? endpoint, query: '', headers };
  const shared = simulation.batch.settings.answer === 'short' ? { ...simulation, answers: new ShortAnswers(simulation.settings) } : simulation;

  return (given) => {
    // A stream is nothing that a line could hold.
    const { stream: _stream, ...rest } = given;
    const named = { ...(model !== null && { model }), ...rest, ...(model !== null && { model }), ...(agentId !== null && { agent_id: agentId }) };
    const body = isForm ? asForm(named) : named;
    const request = { record: { ...base, body }, body, parameters: {}, query: new URLSearchParams(), upload: undefined };
    const answer = route?.handle(request, shared);
    return answer === undefined || answer instanceof Promise ? unanswerable : batchAnswer(answer);
  };
}

function batchAnswer(answer: Answer): BatchAnswer {
  return answer.kind === 'json' ? answer : unanswerable;
}

// A reply script gave events or bytes.
const unanswerable: BatchAnswer = { status: 500, body: errorBody('The answer is no JSON document', 'simulator_failure', null) };

/** The body as a form would have it, where all are words. */
function asForm(body: Fields): Fields {
  return Object.fromEntries(Object.entries(body).map(([name, value]) => [name, ['number', 'boolean'].includes(typeof value) ? JSON.stringify(value) : value]));
}

import type { IncomingMessage } from 'node:http';

import { jsonAnswer, type Answer } from './answer.js';
import { gatewayBody, errorBody, invalidRequest } from './errorBodies.js';
import type { Exchange } from './exchange.js';
import type { Fault } from './faults.js';
import { hexDigits, randomFrom } from './random.js';
import type { RateLimiter } from './rateLimiter.js';
import type { RequestLog } from './requestLog.js';
import { planResponse } from './responsePlan.js';
import { writeResponse } from './responseWriter.js';
import { matchRoute } from './routes.js';
import type { Simulation } from './simulation.js';
import { statusAnswer } from './statusFault.js';

/** What the handling of requests needs of the simulator. */
export interface RequestContext {
  readonly simulation: Simulation;
  readonly log: RequestLog;
  readonly rateLimiter: RateLimiter | undefined;
  /** Called once for each request, when it has been read. */
  readonly chooseFaults: (request: Exchange['record']) => readonly Fault[];
}

/** Takes one request from its headers to the end of its response; never rejects. */
export async function handleRequest(request: IncomingMessage, exchange: Exchange, context: RequestContext): Promise<void> {
  try {
    await answerRequest(request, exchange, context);
  } catch (error) {
    // A reply function or a fault's predicate threw: whoever wrote it is to see why.
    const message = error instanceof Error ? error.message : String(error);
    const body = errorBody(`The simulator failed: ${message}`, 'simulator_failure', null);
    if (exchange.response.headersSent) exchange.cut('rst');
    else exchange.writeWhole(500, { 'content-type': 'application/json' }, Buffer.from(JSON.stringify(body)));
  }
}

async function answerRequest(request: IncomingMessage, exchange: Exchange, context: RequestContext): Promise<void> {
  const { record } = exchange;
  const { settings } = context.simulation;
  const requestId = correlationId(settings.seed, record.index);

  const bytes = await readBody(request, settings.maxBodyBytes);
  // The client left in the middle of its own request.
  if (bytes === 'broken') return;
  if (bytes !== 'too-large') context.log.addBody(record, bytes);

  const faults = context.chooseFaults(record);
  record.faults = faults.map((fault) => fault.kind);
  exchange.noteChange();
  const replaced = faults.findLast((fault) => fault.kind === 'status');
  let answer: Answer;
  if (replaced) answer = statusAnswer(replaced, requestId);
  else if (bytes === 'too-large') answer = jsonAnswer(413, gatewayBody('Request size limit exceeded', requestId), { connection: 'close' });
  else answer = await answerOf(record, requestId, context);

  const named = { 'mistral-correlation-id': requestId, ...answer.headers };
  await exchange.pause(settings.latency);
  const plan = planResponse({ ...answer, headers: named }, faults, randomFrom(settings.seed, 'wire', record.index));
  await writeResponse(exchange, plan, settings);
}

async function answerOf(record: Exchange['record'], requestId: string, context: RequestContext): Promise<Answer> {
  const { simulation } = context;
  const match = matchRoute(record.method, record.path);
  if (match.found === 'nothing') return jsonAnswer(404, gatewayBody('no Route matched with those values', requestId));
  if (!isAuthorised(record.headers['authorization'], simulation.settings.apiKey)) {
    return jsonAnswer(401, gatewayBody('Unauthorized', requestId));
  }
  if (match.found === 'path') return jsonAnswer(405, { detail: 'Method Not Allowed' }, { allow: match.methods.join(', ') });

  const isJson = (record.headers['content-type'] ?? 'application/json').includes('json');
  if (isJson && typeof record.body === 'string') return invalidRequest('The body is not valid JSON', 'invalid_request_body');
  const query = new URLSearchParams(record.query);
  const answer = match.route.handle({ record, body: record.body, parameters: match.parameters, query }, simulation);
  // Awaited only where it must be: between an answer and what it changes, no other request is to come.
  return limited(answer instanceof Promise ? await answer : answer, context);
}

/** Takes what an answer costs from the allowance; what is not said to cost anything is not counted. */
function limited(answer: Answer, { rateLimiter }: RequestContext): Answer {
  const verdict = answer.tokens === undefined ? undefined : rateLimiter?.take(answer.tokens);
  if (verdict?.refusal === undefined) answer.onAdmitted?.();
  if (verdict === undefined) return answer;
  const { headers, refusal } = verdict;
  const given = refusal ?? answer;
  return { ...given, headers: { ...headers, ...given.headers } };
}

function isAuthorised(authorization: string | undefined, apiKey: string | undefined): boolean {
  const [, key] = /^Bearer (.+)$/i.exec(authorization ?? '') ?? [];
  return key !== undefined && (apiKey === undefined || key === apiKey);
}

function correlationId(seed: number | string, index: number): string {
  const hex = randomFrom(seed, 'request id', index).text(32, hexDigits);
  return [hex.slice(0, 8), hex.slice(8, 12), `7${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20)].join('-');
}

function readBody(request: IncomingMessage, most: number): Promise<Buffer | 'too-large' | 'broken'> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let size = 0;
    request.on('data', (piece: Buffer) => {
      size += piece.length;
      if (size <= most) pieces.push(piece);
      else {
        // Answered at once; what else comes is read and dropped, or the client might not see the answer.
        pieces.length = 0;
        resolve('too-large');
      }
    });
    request.on('end', () => {
      resolve(Buffer.concat(pieces, Math.min(size, most)));
    });
    request.on('error', () => {
      resolve('broken');
    });
    request.on('close', () => {
      resolve('broken');
    });
  });
}

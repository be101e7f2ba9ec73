import type { IncomingMessage } from 'node:http';

import { jsonAnswer, type Answer } from './answer.js';
import { gatewayBody, errorBody, invalidRequest } from './errorBodies.js';
import type { Exchange } from './exchange.js';
import type { Fault } from './faults.js';
import { randomFrom, uuidFrom } from './random.js';
import type { RateLimiter } from './rateLimiter.js';
import type { RequestLog } from './requestLog.js';
import { planResponse, type ResponsePlan } from './responsePlan.js';
import { writeResponse } from './responseWriter.js';
import { matchRoute, type RouteMatch } from './routes.js';
import type { Simulation } from './simulation.js';
import { statusAnswer } from './statusFault.js';
import { Upload } from './upload.js';

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
  const requestId = uuidFrom(randomFrom(settings.seed, 'request id', record.index));
  const match = matchRoute(record.method, record.path);
  const upload = match.found === 'route' && match.route.upload ? new Upload(record.headers['content-type'] ?? '') : undefined;

  try {
    const end = await (upload ? receiveUpload(request, exchange, upload, context) : receiveBody(request, exchange, context));
    // The client left in the middle of its own request.
    if (end === 'broken') return;

    const faults = context.chooseFaults(record);
    record.faults = faults.map((fault) => fault.kind);
    exchange.noteChange();
    const replaced = faults.findLast((fault) => fault.kind === 'status');
    let answer: Answer;
    if (replaced) answer = statusAnswer(replaced, requestId);
    else if (end === 'too-large') answer = jsonAnswer(413, gatewayBody('Request size limit exceeded', requestId));
    else answer = await answerOf(record, match, upload, requestId, context);

    const named = { 'mistral-correlation-id': requestId, ...answer.headers };
    await exchange.pause(settings.latency);
    const plan = planResponse({ ...answer, headers: named }, faults, randomFrom(settings.seed, 'wire', record.index));
    await writeResponse(exchange, plan, settings);
    if (isCut(answer, plan, record)) answer.onCut?.();
  } finally {
    upload?.dispose();
  }
}

/** Events that a fault has added count as if they were the answer's. */
function isCut(answer: Answer, { frames }: ResponsePlan, { eventsWritten, bytesWritten }: Exchange['record']): boolean {
  if (answer.kind === 'events') return eventsWritten < answer.events.length;
  return bytesWritten < frames.reduce((length, frame) => length + frame.length, 0);
}

async function answerOf(
  record: Exchange['record'],
  match: RouteMatch,
  upload: Upload | undefined,
  requestId: string,
  context: RequestContext,
): Promise<Answer> {
  const { simulation } = context;
  if (match.found === 'nothing') return jsonAnswer(404, gatewayBody('no Route matched with those values', requestId));
  const isOpen = match.found === 'route' && match.route.keyless === true;
  if (!isOpen && !isAuthorised(record.headers['authorization'], simulation.settings.apiKey)) {
    return jsonAnswer(401, gatewayBody('Unauthorized', requestId));
  }
  if (match.found === 'path') return jsonAnswer(405, { detail: 'Method Not Allowed' }, { allow: match.methods.join(', ') });

  const isJson = (record.headers['content-type'] ?? 'application/json').includes('json');
  if (isJson && typeof record.body === 'string') return invalidRequest('The body is not valid JSON', 'invalid_request_body');
  const query = new URLSearchParams(record.query);
  const answer = match.route.handle({ record, body: record.body, parameters: match.parameters, query, upload }, simulation);
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

type Reception = 'whole' | 'too-large' | 'broken';

async function receiveBody(request: IncomingMessage, { record }: Exchange, { simulation, log }: RequestContext): Promise<Reception> {
  const pieces: Buffer[] = [];
  const end = await receive(request, simulation.settings.maxBodyBytes, (piece) => pieces.push(piece));
  if (end === 'whole') log.addBody(record, Buffer.concat(pieces));
  return end;
}

async function receiveUpload(request: IncomingMessage, exchange: Exchange, upload: Upload, { simulation, log }: RequestContext): Promise<Reception> {
  const end = await receive(request, simulation.settings.maxFileBytes, (piece) => {
    upload.push(piece);
    exchange.record.bodyBytes += piece.length;
    exchange.noteChange();
  });
  if (end === 'whole') log.addForm(exchange.record, upload.end());
  return end;
}

/** Reads a body to its end, or to so many bytes. Rejects with what `onPiece` throws. */
function receive(request: IncomingMessage, most: number, onPiece: (piece: Buffer) => void): Promise<Reception> {
  return new Promise((resolve, reject) => {
    let size = 0;
    request.on('data', (piece: Buffer) => {
      size += piece.length;
      // Answered at once; what else comes is read and dropped, or the client might not see the answer.
      if (size > most) resolve('too-large');
      else
        try {
          onPiece(piece);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
    });
    request.on('end', () => {
      resolve('whole');
    });
    request.on('error', () => {
      resolve('broken');
    });
    request.on('close', () => {
      resolve('broken');
    });
  });
}

import type { AssistantMessage } from '@mistralai/mistralai/models/components/assistantmessage.js';
import type { UsageInfo } from '@mistralai/mistralai/models/components/usageinfo.js';
import * as fc from 'fast-check';
import { lastValueFrom, type Observable, toArray } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { expect } from 'vitest';
import { RxMistralError } from '../../src/errors/RxMistralError.js';
import type {
  ChatEvent,
  CompleteEvent,
  ErrorEvent,
  RetryEvent,
  StartEvent,
  TextDeltaEvent,
  ThinkingDeltaEvent,
  ToolCallDeltaEvent,
  ToolCallEvent,
} from '../../src/events/ChatEvent.js';
import type { ChatSnapshot } from '../../src/events/ChatSnapshot.js';

// Events with as little in them as a test needs; a test of this room says only what matters to it.

export const requestId = 'request-1';
export const usage: UsageInfo = { promptTokens: 3, completionTokens: 2, totalTokens: 5 };
export const failure = new RxMistralError({ kind: 'connection', message: 'The connection broke' });

export const start = (attempt = 1): StartEvent => ({
  type: 'start',
  requestId,
  id: 'completion-1',
  model: 'model',
  attempt,
});

export const textDelta = (text: string, index = 0): TextDeltaEvent => ({ type: 'text-delta', requestId, index, text });

export const thinkingDelta = (text: string, index = 0): ThinkingDeltaEvent => ({
  type: 'thinking-delta',
  requestId,
  index,
  text,
});

export const toolCallDelta = (toolCallId: string, name: string, argumentsText: string): ToolCallDeltaEvent => ({
  type: 'tool-call-delta',
  requestId,
  toolCallId,
  name,
  argumentsText,
});

export const toolCall = (id: string, name: string, json: string): ToolCallEvent => ({
  type: 'tool-call',
  requestId,
  toolCall: { id, name, arguments: json },
});

export const retry = (strategy: RetryEvent['strategy'], attempt = 1): RetryEvent => ({
  type: 'retry',
  requestId,
  attempt,
  delayMs: 500,
  strategy,
  error: failure,
});

export const complete = (message: AssistantMessage, finishReason = 'stop'): CompleteEvent => ({
  type: 'complete',
  requestId,
  id: 'completion-1',
  model: 'model',
  message,
  finishReason,
  usage,
});

export const errorEvent = (error: RxMistralError = failure, id = requestId): ErrorEvent => ({
  type: 'error',
  requestId: id,
  error,
});

/** A snapshot of an answer that is all text, with what differs. */
export const snapshot = (text: string, changes: Partial<ChatSnapshot> = {}): ChatSnapshot => ({
  text,
  thinking: '',
  toolCalls: [],
  finishReason: undefined,
  usage: undefined,
  message: { role: 'assistant', content: text },
  done: false,
  ...changes,
});

/** A run in virtual time; notifications are compared strictly, absent and `undefined` properties too. */
export const inVirtualTime: TestScheduler['run'] = (callback) =>
  new TestScheduler((actual, expected) => {
    expect(actual).toStrictEqual(expected);
  }).run(callback);

/** All that a source emits until it completes. */
export const valuesOf = <T>(source: Observable<T>): Promise<T[]> =>
  lastValueFrom(source.pipe(toArray()), { defaultValue: [] });

// Random events. A failing property prints its seed and path: `fc.assert(property, { seed, path })` plays it again.

const piece = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const toolCallId = fc.constantFrom('a', 'b', 'constructor', '__proto__');
const toolName = fc.constantFrom('weather', '__proto__', 'toString');

const deltas: fc.Arbitrary<ChatEvent> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(piece, fc.nat()).map(([text, index]) => textDelta(text, index)) },
  { weight: 2, arbitrary: fc.tuple(piece, fc.nat()).map(([text, index]) => thinkingDelta(text, index)) },
  { weight: 2, arbitrary: fc.tuple(toolCallId, toolName, fc.string()).map((call) => toolCallDelta(...call)) },
  fc.tuple(toolCallId, toolName, fc.json()).map((call) => toolCall(...call)),
);

const resumptions: fc.Arbitrary<ChatEvent[]> = fc
  .integer({ min: 1, max: 5 })
  .map((attempt) => [retry('resume', attempt), start(attempt + 1)]);

/** The events of one answer that was never begun anew; it may have been resumed, and may be cut before its end. */
export const oneAnswer: fc.Arbitrary<ChatEvent[]> = fc
  .tuple(
    fc.array(fc.oneof({ weight: 12, arbitrary: deltas.map((event) => [event]) }, resumptions), { maxLength: 40 }),
    fc.option(piece.map((content) => complete({ role: 'assistant', content }))),
  )
  .map(([pieces, end]) => [start(), ...pieces.flat(), ...(end === null ? [] : [end])]);

const error = fc
  .record({
    kind: fc.constantFrom('connection' as const, 'http' as const, 'rate-limit' as const),
    message: fc.string(),
    status: fc.option(fc.integer({ min: 400, max: 599 }), { nil: undefined }),
    retryAfterMs: fc.option(fc.nat(), { nil: undefined }),
    retryable: fc.boolean(),
  })
  .map((init) => new RxMistralError({ ...init, cause: { name: 'Error', message: 'socket hang up', code: 'ECONNRESET' } }));

/** Any event that this library emits, errors as events too. */
export const anyEvent: fc.Arbitrary<ChatEvent | ErrorEvent> = fc.oneof(
  deltas,
  fc.nat().map(start),
  fc
    .tuple(fc.constantFrom('restart' as const, 'resume' as const), fc.nat(), error)
    .map(([strategy, attempt, cause]) => ({ ...retry(strategy, attempt), error: cause })),
  fc
    .tuple(fc.string(), fc.constantFrom('stop', 'length', 'tool_calls'), fc.constantFrom(usage, undefined))
    .map(([content, reason, used]) => ({ ...complete({ role: 'assistant', content }, reason), usage: used })),
  fc.tuple(error, fc.string()).map(([cause, id]) => errorEvent(cause, id)),
);

/** The way of an event to a browser and into the types again. */
export function throughJson<E extends ChatEvent | ErrorEvent>(event: E): E {
  const json = JSON.parse(JSON.stringify(event)) as E;
  return 'error' in json ? { ...json, error: RxMistralError.fromJSON(json.error) } : json;
}

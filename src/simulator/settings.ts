import { resolveBatchSettings } from './batchSettings.js';
import { checkConversationOptions } from './conversationRegistry.js';
import { expectations } from './expectations.js';
import { chooseFaults } from './faultScript.js';
import type { Allowance, SimulatorOptions } from './options.js';
import type { ReplyScript, ToolCallStyle } from './reply.js';

/** The options that endpoints and the writer need, checked, with defaults. */
export interface Settings {
  readonly seed: number | string;
  readonly latency: number;
  readonly chunkDelay: number;
  readonly tokensPerSecond: number | undefined;
  readonly writes: 'burst' | 'one-per-event' | 'coalesced';
  readonly apiKey: string | undefined;
  readonly toolCallStyle: ToolCallStyle;
  readonly prefixEcho: 'trimmed' | 'exact' | 'none';
  readonly answerTokens: number | undefined;
  readonly validationErrors: 'detail' | 'error-detail';
  readonly maxBodyBytes: number;
  readonly maxFileBytes: number;
  readonly fileRanges: boolean;
  readonly maxRecordedRequests: number;
}

/** Throws a `TypeError` for what cannot be meant. */
export function resolveSettings(options: SimulatorOptions): Settings {
  expectations.object('options', options);
  expectations.integer('port', options.port, 0, 65_535);
  expectations.string('host', options.host);
  if (typeof options.seed !== 'string') expectations.number('seed', options.seed, -Number.MAX_VALUE);
  expectations.delay('latency', options.latency);
  expectations.delay('chunkDelay', options.chunkDelay);
  expectations.positiveNumber('tokensPerSecond', options.tokensPerSecond);
  if (options.tokensPerSecond !== undefined && options.chunkDelay !== undefined) {
    expectations.refuse('tokensPerSecond', 'left out where `chunkDelay` is given', options.tokensPerSecond);
  }
  expectations.oneOf('writes', options.writes, ['burst', 'one-per-event', 'coalesced']);
  expectations.string('apiKey', options.apiKey);
  checkReply(options.reply);
  // For their checks only: the rules are prepared, and counted, by the simulator.
  chooseFaults(options.faults, 0);
  resolveBatchSettings(options.batch, 0);
  checkConversationOptions(options.conversations);
  expectations.object('rateLimit', options.rateLimit);
  checkAllowance('rateLimit.requests', options.rateLimit?.requests);
  checkAllowance('rateLimit.tokens', options.rateLimit?.tokens);
  expectations.oneOf('rateLimit.retryAfter', options.rateLimit?.retryAfter, ['seconds', 'http-date', 'retry-after-ms', 'none']);
  checkToolCallStyle(options.toolCallStyle);
  expectations.oneOf('prefixEcho', options.prefixEcho, ['trimmed', 'exact', 'none']);
  expectations.integer('answerTokens', options.answerTokens, 1, 1_000_000);
  expectations.oneOf('validationErrors', options.validationErrors, ['detail', 'error-detail']);
  expectations.integer('maxBodyBytes', options.maxBodyBytes, 0);
  expectations.integer('maxFileBytes', options.maxFileBytes, 0);
  expectations.boolean('fileRanges', options.fileRanges);
  expectations.integer('maxRecordedRequests', options.maxRecordedRequests, 0);

  return {
    seed: options.seed ?? 1,
    latency: options.latency ?? 0,
    chunkDelay: options.chunkDelay ?? 0,
    tokensPerSecond: options.tokensPerSecond,
    writes: options.writes ?? 'burst',
    apiKey: options.apiKey,
    toolCallStyle: options.toolCallStyle ?? {},
    prefixEcho: options.prefixEcho ?? 'trimmed',
    answerTokens: options.answerTokens,
    validationErrors: options.validationErrors ?? 'detail',
    maxBodyBytes: options.maxBodyBytes ?? 64 * 1024 * 1024,
    maxFileBytes: options.maxFileBytes ?? 512 * 1024 * 1024,
    fileRanges: options.fileRanges ?? false,
    maxRecordedRequests: options.maxRecordedRequests ?? 10_000,
  };
}

/** A reply is checked by its outside only; what stands in it goes out as it is. */
export function checkReply(reply: ReplyScript | undefined): void {
  if (typeof reply === 'function' || typeof reply === 'string') return;
  expectations.object('reply', reply);
}

function checkAllowance(name: string, allowance: Allowance | undefined): void {
  expectations.object(name, allowance);
  if (allowance === undefined) return;
  if ((allowance.limit as unknown) === undefined) expectations.refuse(`${name}.limit`, 'given', undefined);
  expectations.integer(`${name}.limit`, allowance.limit, 0);
  expectations.delay(`${name}.interval`, allowance.interval);
  expectations.positiveNumber(`${name}.interval`, allowance.interval);
}

function checkToolCallStyle(style: ToolCallStyle | undefined): void {
  expectations.object('toolCallStyle', style);
  expectations.oneOf('toolCallStyle.shape', style?.shape, ['whole', 'fragments']);
  expectations.integer('toolCallStyle.parallel', style?.parallel, 1, 128);
  expectations.boolean('toolCallStyle.interleaved', style?.interleaved);
  expectations.oneOf('toolCallStyle.laterId', style?.laterId, ['missing', 'null', 'null-string']);
  expectations.boolean('toolCallStyle.index', style?.index);
  expectations.boolean('toolCallStyle.type', style?.type);
  expectations.oneOf('toolCallStyle.argumentsAs', style?.argumentsAs, ['text', 'object']);
}

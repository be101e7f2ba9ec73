import { parseArgs } from 'node:util';

import type { FaultRule } from './faultRules.js';
import { faultKinds } from './faultScript.js';
import type { Fault, FaultKind } from './faults.js';
import type { Allowance, SimulatorOptions } from './options.js';

/** What a command line asks for. */
export type Command = { readonly name: 'help' } | { readonly name: 'version' } | { readonly name: 'start'; readonly options: SimulatorOptions };

export const helpText = `Usage: rxmistral-simulator [options]

A Mistral API server on this machine, for tests and demonstrations. Any API key will do.

Options:
  --port <number>               where to listen (default 4010; 0 takes a free port)
  --host <address>              on which address (default 127.0.0.1)
  --seed <text>                 answers depend on this and on the request (default 1)
  --latency <ms>                delay before each response
  --chunk-delay <ms>            delay between the events of a stream
  --tokens-per-second <number>  rate of a stream, instead of --chunk-delay
  --answer-tokens <number>      about how long answers are
  --rate-limit <count>/<ms>     requests in an interval, such as 60/60000
  --token-limit <count>/<ms>    tokens in an interval
  --api-key <key>               the only key let in
  --fault <kind>[=<value>][:<probability>]
                                what goes wrong, and how often; may be repeated
                                such as reset:0.1, status=503:0.05, split=7, stall
  --help, --version

Faults: ${faultKinds.join(', ')}
`;

/** Reads a command line. Throws an error with a message for people where it makes no sense. */
export function parseCommandLine(words: readonly string[]): Command {
  const { values } = parseArgs({
    args: [...words],
    strict: true,
    allowPositionals: false,
    options: {
      port: { type: 'string' },
      host: { type: 'string' },
      seed: { type: 'string' },
      latency: { type: 'string' },
      'chunk-delay': { type: 'string' },
      'tokens-per-second': { type: 'string' },
      'answer-tokens': { type: 'string' },
      'rate-limit': { type: 'string' },
      'token-limit': { type: 'string' },
      'api-key': { type: 'string' },
      fault: { type: 'string', multiple: true },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
    },
  });
  if (values.help === true) return { name: 'help' };
  if (values.version === true) return { name: 'version' };

  const requests = allowance('rate-limit', values['rate-limit']);
  const tokens = allowance('token-limit', values['token-limit']);
  return {
    name: 'start',
    options: {
      port: numeric('port', values.port) ?? 4010,
      host: values.host,
      seed: values.seed !== undefined && Number.isFinite(Number(values.seed)) ? Number(values.seed) : values.seed,
      latency: numeric('latency', values.latency),
      chunkDelay: numeric('chunk-delay', values['chunk-delay']),
      tokensPerSecond: numeric('tokens-per-second', values['tokens-per-second']),
      answerTokens: numeric('answer-tokens', values['answer-tokens']),
      rateLimit: requests || tokens ? { requests, tokens } : undefined,
      apiKey: values['api-key'],
      faults: (values.fault ?? []).map(faultRule),
    },
  };
}

function numeric(flag: string, word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  const value = Number(word);
  if (word.trim() === '' || Number.isNaN(value)) throw new Error(`Expected --${flag} to be a number, got '${word}'`);
  return value;
}

function allowance(flag: string, word: string | undefined): Allowance | undefined {
  if (word === undefined) return undefined;
  const [, limit, interval] = /^(\d+)\/(\d+)$/.exec(word) ?? [];
  if (limit === undefined || interval === undefined) {
    throw new Error(`Expected --${flag} to be <count>/<milliseconds>, such as 60/60000, got '${word}'`);
  }
  return { limit: Number(limit), interval: Number(interval) };
}

function faultRule(word: string): FaultRule {
  const [, kind = '', value, probability] = /^([a-z-]+)(?:=([^:]+))?(?::([^:]+))?$/.exec(word) ?? [];
  if (!isFaultKind(kind)) throw new Error(`Expected --fault to begin with one of ${faultKinds.join(', ')}, got '${word}'`);
  return { ...faultFrom(kind, value), probability: numeric('fault', probability) };
}

function isFaultKind(kind: string): kind is FaultKind {
  return (faultKinds as readonly string[]).includes(kind);
}

/** The part of a fault that a single value can say; ranges are checked where all options are. */
function faultFrom(kind: FaultKind, value: string | undefined): Fault {
  const amount = (): number | undefined => {
    if (value !== undefined && Number.isNaN(Number(value))) throw new Error(`Expected --fault ${kind}=<number>, got '${value}'`);
    return value === undefined ? undefined : Number(value);
  };
  switch (kind) {
    case 'truncate':
    case 'reset':
    case 'stall':
      return { kind, at: value === undefined ? undefined : { events: amount() } };
    case 'status': {
      const status = amount();
      if (status === undefined) throw new Error('Expected --fault status=<number>, such as status=503');
      return { kind, status };
    }
    case 'slow':
      return { kind, perEvent: amount() ?? 100 };
    case 'split':
      return { kind, size: value === 'random' ? value : amount() };
    case 'large':
      return { kind, bytes: amount() ?? 1_000_000 };
    case 'late-end':
      return { kind, for: amount() };
    case 'finish-error':
    case 'duplicate':
      return { kind, at: amount() };
    case 'line-ends':
      return { kind, ends: (value ?? 'crlf') as 'crlf' };
    case 'malformed':
      return { kind, what: value as 'bad-json' | undefined };
    case 'extra':
      return { kind, what: value as 'fields' | undefined };
    case 'fields':
      return { kind, event: value ?? 'message', id: true };
    case 'comments':
      return { kind, text: value };
    case 'deprecated':
      return { kind, timestamp: value };
    case 'coalesce':
    case 'byte-order-mark':
    case 'no-length':
      return { kind };
  }
}

import { expectations } from './expectations.js';
import { chooser, type Chooser } from './faultChooser.js';
import type { FaultScript } from './faultRules.js';
import type { Fault, FaultKind } from './faults.js';
import type { RecordedRequest } from './recordedRequest.js';

/** Prepares a script of what goes wrong with responses. */
export function chooseFaults(script: FaultScript | undefined, seed: number | string): Chooser<Fault, RecordedRequest> {
  return chooser(script, { name: 'faults', key: 'fault', seed, check: checkFault });
}

// A map rather than a list, so that the compiler asks for a kind that is added to the union.
const checks: { readonly [Kind in FaultKind]: (name: string, fault: Extract<Fault, { kind: Kind }>) => void } = {
  truncate: (name, fault) => {
    checkPosition(`${name}.at`, fault.at);
    if ((fault.at as unknown) === 'before-headers') expectations.refuse(`${name}.at`, "'after-headers' or later", fault.at);
    expectations.oneOf(`${name}.omit`, fault.omit, ['done', 'finish', 'both']);
    expectations.boolean(`${name}.blankLine`, fault.blankLine);
  },
  reset: (name, fault) => {
    checkPosition(`${name}.at`, fault.at);
    expectations.oneOf(`${name}.how`, fault.how, ['rst', 'fin']);
  },
  stall: (name, fault) => {
    checkPosition(`${name}.at`, fault.at);
    checkDelayOrForever(`${name}.for`, fault.for);
    expectations.delay(`${name}.pingEvery`, fault.pingEvery);
    expectations.positiveNumber(`${name}.pingEvery`, fault.pingEvery);
  },
  malformed: (name, fault) => {
    if (typeof fault.what !== 'object') expectations.oneOf(`${name}.what`, fault.what, ['bad-json', 'junk', 'html', 'error', 'wrapped-error']);
    expectations.integer(`${name}.at`, fault.at, 0);
    expectations.oneOf(`${name}.then`, fault.then, ['go-on', 'end']);
  },
  'finish-error': (name, fault) => {
    expectations.integer(`${name}.at`, fault.at, 0);
  },
  split: (name, fault) => {
    if (fault.size !== 'random') expectations.integer(`${name}.size`, fault.size, 1);
  },
  coalesce: () => undefined,
  'line-ends': (name, fault) => {
    if ((fault.ends as unknown) === undefined) expectations.refuse(`${name}.ends`, 'given', undefined);
    expectations.oneOf(`${name}.ends`, fault.ends, ['lf', 'crlf', 'cr', 'mixed']);
  },
  'byte-order-mark': () => undefined,
  comments: (name, fault) => {
    expectations.integer(`${name}.every`, fault.every, 1);
  },
  fields: (name, fault) => {
    expectations.string(`${name}.event`, fault.event);
    expectations.boolean(`${name}.id`, fault.id);
    expectations.integer(`${name}.retry`, fault.retry, 0);
    expectations.boolean(`${name}.multiLineData`, fault.multiLineData);
  },
  status: (name, fault) => {
    if ((fault.status as unknown) === undefined) expectations.refuse(`${name}.status`, 'given', undefined);
    expectations.integer(`${name}.status`, fault.status, 200, 599);
    if (typeof fault.body !== 'object') {
      expectations.oneOf(`${name}.body`, fault.body, ['error', 'error-detail', 'detail', 'gateway', 'html', 'empty']);
    }
    expectations.object(`${name}.headers`, fault.headers);
    expectations.boolean(`${name}.hang`, fault.hang);
  },
  slow: (name, fault) => {
    expectations.delay(`${name}.perEvent`, fault.perEvent);
    expectations.delay(`${name}.perByte`, fault.perByte);
  },
  duplicate: (name, fault) => {
    if (fault.at !== 'all') expectations.integer(`${name}.at`, fault.at, 0);
  },
  extra: (name, fault) => {
    expectations.oneOf(`${name}.what`, fault.what, ['fields', 'finish-reason', 'content-type', 'proto-type', 'odd-field', 'proto-key']);
  },
  'late-end': (name, fault) => {
    checkDelayOrForever(`${name}.for`, fault.for);
  },
  large: (name, fault) => {
    if ((fault.bytes as unknown) === undefined) expectations.refuse(`${name}.bytes`, 'given', undefined);
    expectations.integer(`${name}.bytes`, fault.bytes, 1, 256 * 1024 * 1024);
    expectations.integer(`${name}.at`, fault.at, 0);
  },
  'no-length': () => undefined,
  deprecated: (name, fault) => {
    expectations.string(`${name}.timestamp`, fault.timestamp);
  },
};

/** The kinds of faults, as the command line lists them. */
export const faultKinds = Object.keys(checks) as readonly FaultKind[];

function checkFault(name: string, fault: Fault): void {
  if ((fault as unknown) === undefined) expectations.refuse(name, 'a fault', undefined);
  expectations.object(name, fault);
  if (!faultKinds.includes(fault.kind)) expectations.refuse(`${name}.kind`, `one of ${faultKinds.join(', ')}`, fault.kind);
  const check = checks[fault.kind] as (name: string, fault: Fault) => void;
  check(name, fault);
}

function checkPosition(name: string, position: unknown): void {
  if (position === undefined || position === 'before-headers' || position === 'after-headers') return;
  if (typeof position !== 'object' || position === null) {
    expectations.refuse(name, "'before-headers', 'after-headers' or { events?, bytes? }", position);
  }
  const { events, bytes } = position as { readonly events?: unknown; readonly bytes?: unknown };
  expectations.integer(`${name}.events`, events, 0);
  expectations.integer(`${name}.bytes`, bytes, 0);
}

function checkDelayOrForever(name: string, delay: unknown): void {
  if (delay !== Infinity) expectations.delay(name, delay);
}

import type { BatchFault, BatchFaultKind } from './batchFaults.js';
import { expectations } from './expectations.js';
import { chooser, type Chooser } from './faultChooser.js';
import type { BatchFaultScript, BatchJobInfo } from './faultRules.js';

const statuses = ['QUEUED', 'RUNNING', 'SUCCESS', 'FAILED', 'TIMEOUT_EXCEEDED', 'CANCELLATION_REQUESTED', 'CANCELLED'];

/** Prepares a script of what goes wrong with batch jobs. */
export function chooseBatchFaults(script: BatchFaultScript | undefined, seed: number | string): Chooser<BatchFault, BatchJobInfo> {
  return chooser(script, { name: 'batch.faults', key: 'batch fault', seed, check: checkFault });
}

// A map rather than a list, so that the compiler asks for a kind that is added to the union.
const checks: { readonly [Kind in BatchFaultKind]: (name: string, fault: Extract<BatchFault, { kind: Kind }>) => void } = {
  'fail-requests': (name, fault) => {
    checkChoice(name, fault.which);
    expectations.integer(`${name}.status`, fault.status, 400, 599);
    expectations.oneOf(`${name}.as`, fault.as, ['response', 'object', 'string', 'null']);
    expectations.oneOf(`${name}.file`, fault.file, ['error', 'output']);
  },
  'lose-lines': (name, fault) => {
    checkChoice(name, fault.which);
  },
  'repeat-lines': (name, fault) => {
    checkChoice(name, fault.which);
  },
  'malformed-lines': (name, fault) => {
    checkChoice(name, fault.which);
    expectations.oneOf(`${name}.what`, fault.what, ['bad-json', 'junk', 'list', 'blank']);
  },
  'no-custom-id': (name, fault) => {
    checkChoice(name, fault.which);
    expectations.oneOf(`${name}.as`, fault.as, ['null', 'missing']);
  },
  'no-output-file': () => undefined,
  'bare-job': (name, fault) => {
    expectations.oneOf(`${name}.as`, fault.as, ['null', 'missing']);
  },
  stuck: (name, fault) => {
    expectations.integer(`${name}.after`, fault.after, 0);
  },
  end: (name, fault) => {
    if ((fault.status as unknown) === undefined) expectations.refuse(`${name}.status`, 'given', undefined);
    expectations.oneOf(`${name}.status`, fault.status, ['FAILED', 'TIMEOUT_EXCEEDED', 'CANCELLED']);
    expectations.integer(`${name}.after`, fault.after, 0);
  },
  'status-text': (name, fault) => {
    expectations.oneOf(`${name}.of`, fault.of, statuses);
    expectations.string(`${name}.text`, fault.text);
  },
  expire: (name, fault) => {
    expectations.delay(`${name}.after`, fault.after);
  },
};

const kinds = Object.keys(checks) as readonly BatchFaultKind[];

function checkFault(name: string, fault: BatchFault): void {
  if ((fault as unknown) === undefined) expectations.refuse(name, 'a fault', undefined);
  expectations.object(name, fault);
  if (!kinds.includes(fault.kind)) expectations.refuse(`${name}.kind`, `one of ${kinds.join(', ')}`, fault.kind);
  const check = checks[fault.kind] as (name: string, fault: BatchFault) => void;
  check(name, fault);
}

function checkChoice(name: string, which: unknown): void {
  if (typeof which !== 'function') expectations.number(`${name}.which`, which, 0, 1);
}

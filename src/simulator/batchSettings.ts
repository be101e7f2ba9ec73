import { chooseBatchFaults } from './batchFaultScript.js';
import type { BatchFault } from './batchFaults.js';
import { expectations } from './expectations.js';
import type { Chooser } from './faultChooser.js';
import type { BatchJobInfo } from './faultRules.js';
import type { BatchOptions } from './options.js';

/** The options of batch jobs, checked, with defaults. */
export interface BatchSettings {
  readonly queueTime: number;
  readonly requestTime: number;
  readonly duration: number | undefined;
  readonly cancelTime: number;
  readonly hour: number;
  readonly answer: 'engine' | 'short';
  readonly metadataFilter: boolean;
  readonly maxRequests: number;
  /** Called once for each job, when it is made. */
  readonly chooseFaults: Chooser<BatchFault, BatchJobInfo>;
}

/** Throws a `TypeError` for what cannot be meant. */
export function resolveBatchSettings(options: BatchOptions = {}, seed: number | string): BatchSettings {
  expectations.object('batch', options);
  expectations.delay('batch.queueTime', options.queueTime);
  expectations.delay('batch.requestTime', options.requestTime);
  expectations.delay('batch.duration', options.duration);
  if (options.duration !== undefined && options.requestTime !== undefined) {
    expectations.refuse('batch.duration', 'left out where `batch.requestTime` is given', options.duration);
  }
  expectations.delay('batch.cancelTime', options.cancelTime);
  expectations.positiveNumber('batch.hour', options.hour);
  expectations.oneOf('batch.answer', options.answer, ['engine', 'short']);
  expectations.boolean('batch.metadataFilter', options.metadataFilter);
  expectations.integer('batch.maxRequests', options.maxRequests, 1);
  return {
    queueTime: options.queueTime ?? 0,
    requestTime: options.requestTime ?? 0,
    duration: options.duration,
    cancelTime: options.cancelTime ?? 0,
    hour: options.hour ?? 3_600_000,
    answer: options.answer ?? 'engine',
    metadataFilter: options.metadataFilter ?? true,
    maxRequests: options.maxRequests ?? 1_000_000,
    chooseFaults: chooseBatchFaults(options.faults, seed),
  };
}

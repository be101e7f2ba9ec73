import { describe, expect, it } from 'vitest';
import { decodeBatchJob, decodeBatchJobs } from '../../src/transport/decodeBatchJob.js';

const empty = {
  object: 'batch',
  endpoint: '',
  status: '',
  inputFiles: [],
  errors: [],
  createdAt: 0,
  totalRequests: 0,
  completedRequests: 0,
  succeededRequests: 0,
  failedRequests: 0,
};

describe('decodeBatchJob', () => {
  it('renames the fields to the names of the SDK, and keeps unknown ones and their values', () => {
    const job = {
      id: 'j',
      object: 'batch',
      input_files: ['f'],
      metadata: { key: 'k' },
      endpoint: '/v1/ocr',
      model: 'm',
      agent_id: null,
      output_file: 'o',
      error_file: 'e',
      errors: [{ message: 'a', count: 2 }],
      outputs: [{ custom_id: 'a' }],
      status: 'paused',
      created_at: 1.5,
      total_requests: 5,
      completed_requests: 4,
      succeeded_requests: 3,
      failed_requests: 1,
      started_at: 2,
      completed_at: null,
      tenant: 't',
    };
    expect(decodeBatchJob(job)).toEqual({
      id: 'j',
      object: 'batch',
      inputFiles: ['f'],
      metadata: { key: 'k' },
      endpoint: '/v1/ocr',
      model: 'm',
      agentId: null,
      outputFile: 'o',
      errorFile: 'e',
      errors: [{ message: 'a', count: 2 }],
      outputs: [{ custom_id: 'a' }],
      status: 'paused',
      createdAt: 1.5,
      totalRequests: 5,
      completedRequests: 4,
      succeededRequests: 3,
      failedRequests: 1,
      startedAt: 2,
      completedAt: null,
      tenant: 't',
    });
  });

  it.each<[string, object, object]>([
    ['missing', { id: 'j' }, empty],
    ['null', { id: 'j', errors: null, input_files: null, status: null, endpoint: null, total_requests: null, created_at: null, object: null }, empty],
    ['of other types', { id: 'j', errors: 'none', input_files: 'f', total_requests: '7' }, empty],
    ['bare errors', { id: 'j', errors: ['a', { message: null, count: null }, 7, { message: 'b', code: 1 }] }, { errors: [{ message: 'a', count: 1 }, { message: '', count: 1 }, { message: '', count: 1 }, { message: 'b', count: 1, code: 1 }] }],
  ])('makes of fields that are %s what the type asks for', (_what, json, expected) => {
    expect(decodeBatchJob(json)).toEqual({ ...empty, id: 'j', ...expected });
  });

  it.each([[null], ['text'], [[]], [{}], [{ id: 7 }], [{ object: 'error', message: 'no' }]])('makes no sense of %j', (json) => {
    expect(decodeBatchJob(json)).toBeUndefined();
  });
});

describe('decodeBatchJobs', () => {
  it('reads the jobs of a list, and leaves out what is none', () => {
    expect(decodeBatchJobs({ data: [{ id: 'a' }, null, { id: 'b', status: 'x' }], total: 9 })).toEqual({
      object: 'list',
      data: [{ ...empty, id: 'a' }, { ...empty, id: 'b', status: 'x' }],
      total: 9,
    });
    expect(decodeBatchJobs({ data: [{ id: 'a' }] })?.total).toBe(1);
  });

  it.each([[null], [{}], [{ data: null }], [{ data: {} }]])('makes no sense of %j', (json) => {
    expect(decodeBatchJobs(json)).toBeUndefined();
  });
});

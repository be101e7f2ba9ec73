import type { BatchJob } from '@mistralai/mistralai/models/components/batchjob.js';
import { ReplaySubject, share, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  type BatchProgress,
  exponentialBackoff,
  isRxMistralError,
  type MistralClient,
  RxMistralError,
  watchBatch,
  type WatchBatchOptions,
} from '../../src/index.js';
import { batchJob, fakeMistral, marbles } from '../../src/testing/index.js';

const queued = batchJob();
const running = batchJob({ status: 'RUNNING', succeededRequests: 2 });
const further = batchJob({ status: 'RUNNING', succeededRequests: 4, failedRequests: 1 });
const success = batchJob({ status: 'SUCCESS', succeededRequests: 9, failedRequests: 1, outputFile: 'file-out' });
const failed = batchJob({ status: 'FAILED', errors: [{ message: 'model not found', count: 10 }] });

const progress = (job: BatchProgress['job'], more: Partial<BatchProgress> = {}): BatchProgress => ({
  job,
  done: job.completedRequests,
  total: job.totalRequests,
  remainingMs: undefined,
  stuck: false,
  ...more,
});

const jobError = (message: string | RegExp, status: string): unknown =>
  expect.objectContaining({
    name: 'BatchJobError',
    kind: 'batch-job',
    message: expect.stringMatching(message) as string,
    job: expect.objectContaining({ id: 'job-1', status }) as object,
  });

const unavailable = new RxMistralError({ kind: 'http', message: 'unavailable', status: 503, retryable: true });
const minute = 60_000;

describe('polling', () => {
  test('begins at once, goes on at each interval, and emits what has changed', () => {
    marbles((m) => {
      const mistral = m.mistral({ 'batch.jobs.get': [queued, queued, running, further, success] });
      const expected = '                           q-----r--f--(s|)';

      m.expectObservable(watchBatch(mistral, 'job-1', { interval: 3 })).toBe(expected, {
        q: progress(queued),
        r: progress(running, { remainingMs: 24 }),
        f: progress(further, { remainingMs: 9 }),
        s: progress(success, { remainingMs: 0 }),
      });
      m.flush();
      expect(mistral.calls.map(({ request }) => request)).toEqual(Array(5).fill({ jobId: 'job-1' }));
    });
  });

  test('waits for an answer before it polls again', () => {
    marbles((m) => {
      const slow = m.cold('                                         -----(q|)', { q: queued });
      const subs = ['                                               ^----!', '-------^----!'];
      const expected = '                                            -----q------(s|)';
      const mistral = m.mistral({ 'batch.jobs.get': [slow, slow.pipe(() => m.cold('-----(s|)', { s: success }))] });

      m.expectObservable(watchBatch(mistral, 'job-1', { interval: 2 })).toBe(expected, {
        q: progress(queued),
        s: progress(success, { remainingMs: 0 }),
      });
      m.expectSubscriptions(slow.subscriptions).toBe(subs.slice(0, 1));
    });
  });

  test('grows more rare by default: 2 s, 3 s, 4.5 s, … a minute', () => {
    marbles((m) => {
      const times: number[] = [];
      const mistral = m.mistral({
        'batch.jobs.get': () => {
          times.push(m.scheduler.now());
          return times.length === 12 ? success : queued;
        },
      });

      watchBatch(mistral, 'job-1', { scheduler: m.scheduler }).subscribe({ error: (error: unknown) => expect.unreachable(String(error)) });
      m.flush();
      expect(times.map((time, index) => time - (times[index - 1] ?? 0))).toEqual([
        0, 2_000, 3_000, 4_500, 6_750, 10_125, 15_188, 22_782, 34_172, 51_258, 60_000, 60_000,
      ]);
    });
  });

  test('keeps a schedule over 30 hours with a few changes', () => {
    marbles((m) => {
      let polls = 0;
      const mistral = m.mistral({
        'batch.jobs.get': () => {
          polls += 1;
          const hour = Math.floor(m.scheduler.now() / 3_600_000);
          return hour < 30 ? batchJob({ status: 'RUNNING', totalRequests: 30, succeededRequests: hour }) : success;
        },
      });
      const seen: number[] = [];

      watchBatch(mistral, 'job-1', { interval: minute, scheduler: m.scheduler }).subscribe({
        next: ({ done }) => seen.push(done),
        error: (error: unknown) => expect.unreachable(String(error)),
      });
      m.flush();
      expect(seen).toEqual([...Array(30).keys(), 10]);
      expect(polls).toBe(30 * 60 + 1);
    });
  });

  test('is ended by unsubscribing, the poll that is under way too', () => {
    marbles((m) => {
      const poll = m.cold('  ----q', { q: queued });
      const unsub = '        --!  ';
      const subs = '         ^-!  ';
      const expected = '     ---  ';

      m.expectObservable(watchBatch(m.mistral({ 'batch.jobs.get': poll }), 'job-1'), unsub).toBe(expected);
      m.expectSubscriptions(poll.subscriptions).toBe(subs);
    });
  });

  test('is each subscriber’s own', () => {
    marbles((m) => {
      const mistral = m.mistral({ 'batch.jobs.get': [queued, queued, success, success] });
      const watch = watchBatch(mistral, 'job-1', { interval: 2 });
      const values = { q: progress(queued), s: progress(success, { remainingMs: 0 }) };

      m.expectObservable(watch).toBe('       q-(s|)', values);
      m.expectObservable(watch, '-^').toBe(' -q-(s|)', values);
      m.flush();
      expect(mistral.calls).toHaveLength(4);
    });
  });

  test('is one for all who share it', () => {
    marbles((m) => {
      const mistral = m.mistral({ 'batch.jobs.get': [queued, running, success] });
      const shared = watchBatch(mistral, 'job-1', { interval: 2 }).pipe(share());
      const values = { q: progress(queued), r: progress(running, { remainingMs: 8 }), s: progress(success, { remainingMs: 0 }) };

      m.expectObservable(shared).toBe('       q-r-(s|)', values);
      m.expectObservable(shared, '-^').toBe(' --r-(s|)', values);
      m.flush();
      expect(mistral.calls).toHaveLength(3);
    });
  });

  test('shows those who come late where it stands, where a ReplaySubject is shared', () => {
    marbles((m) => {
      const mistral = m.mistral({ 'batch.jobs.get': [queued, running, success] });
      const shared = watchBatch(mistral, 'job-1', { interval: 2 }).pipe(share({ connector: () => new ReplaySubject(1) }));
      const values = { q: progress(queued), r: progress(running, { remainingMs: 8 }), s: progress(success, { remainingMs: 0 }) };

      m.expectObservable(shared).toBe('          q-r-(s|)', values);
      m.expectObservable(shared, '-^').toBe('    -qr-(s|)', values);
      m.expectObservable(shared, '---^').toBe('  ---r(s|)', values);
      m.flush();
      expect(mistral.calls).toHaveLength(3);
    });
  });

  test('ends with the last of those who share it, the poll that is under way too', () => {
    marbles((m) => {
      const poll = m.cold<BatchJob>('    -----(q|)', { q: queued });
      const mistral = m.mistral({ 'batch.jobs.get': poll });
      const shared = watchBatch(mistral, 'job-1', { interval: 2 }).pipe(share());

      m.expectObservable(shared, '        ^-!').toBe('');
      m.expectObservable(shared, '        -^--!').toBe('');
      m.expectSubscriptions(poll.subscriptions).toBe('^---!');
    });
  });

  test('fails once for all who share it', () => {
    marbles((m) => {
      const failed = batchJob({ status: 'FAILED' });
      const mistral = m.mistral({ 'batch.jobs.get': [queued, failed] });
      const shared = watchBatch(mistral, 'job-1', { interval: 2 }).pipe(share());
      const values = { q: progress(queued), f: progress(failed) };
      const error = expect.objectContaining({ kind: 'batch-job' });

      m.expectObservable(shared).toBe('       q-(f#)', values, error);
      m.expectObservable(shared, '-^').toBe(' --(f#)', values, error);
      m.flush();
      expect(mistral.calls).toHaveLength(2);
    });
  });
});

describe('a failed poll', () => {
  test('is retried, by default for about ten minutes', () => {
    marbles((m) => {
      let polls = 0;
      const mistral = m.mistral({ 'batch.jobs.get': () => ((polls += 1) <= 20 ? throwError(() => unavailable) : success) });
      const done = watchBatch(mistral, 'job-1', { scheduler: m.scheduler });

      let statuses: readonly string[] = [];
      done.subscribe({
        next: ({ job }) => (statuses = [...statuses, job.status]),
        error: (error: unknown) => expect.unreachable(String(error)),
      });
      m.flush();
      expect(statuses).toEqual(['SUCCESS']);
    });
  });

  test('is the end where it is final', () => {
    marbles((m) => {
      const missing = new RxMistralError({ kind: 'http', message: 'not found', status: 404 });
      const mistral = m.mistral({ 'batch.jobs.get': [queued, throwError(() => missing)] });

      m.expectObservable(watchBatch(mistral, 'job-1', { interval: 2 })).toBe('q-#', { q: progress(queued) }, missing);
    });
  });

  test('is the end where nothing is to be retried', () => {
    marbles((m) => {
      const mistral = m.mistral({ 'batch.jobs.get': throwError(() => unavailable) });

      m.expectObservable(watchBatch(mistral, 'job-1', { retry: false })).toBe('#', undefined, unavailable);
    });
  });
});

describe('the end of a job', () => {
  for (const status of ['FAILED', 'TIMEOUT_EXCEEDED', 'CANCELLED', 'failed']) {
    test(`as ${status} is a BatchJobError behind the last progress`, () => {
      marbles((m) => {
        const ended = batchJob({ ...failed, status });
        const mistral = m.mistral({ 'batch.jobs.get': [queued, ended] });

        m.expectObservable(watchBatch(mistral, 'job-1', { interval: 2 })).toBe(
          'q-(f#)',
          { q: progress(queued), f: progress(ended) },
          jobError(/^The batch job job-1 has ended as [A-Z_]+, with 0 of 10 requests done \(10 × model not found\)$/, status),
        );
      });
    });
  }

  test('as SUCCESS in lower case is one too', () => {
    marbles((m) => {
      const ended = batchJob({ ...success, status: 'success' });

      m.expectObservable(watchBatch(m.mistral({ 'batch.jobs.get': ended }), 'job-1')).toBe('(s|)', { s: progress(ended, { remainingMs: 0 }) });
    });
  });

  test('is not what an unknown status, or a requested cancellation, says', () => {
    marbles((m) => {
      const odd = batchJob({ status: 'PAUSED' });
      const cancelling = batchJob({ status: 'CANCELLATION_REQUESTED' });
      const mistral = m.mistral({ 'batch.jobs.get': [odd, cancelling, success] });

      m.expectObservable(watchBatch(mistral, 'job-1', { interval: 2 })).toBe('o-c-(s|)', {
        o: progress(odd),
        c: progress(cancelling),
        s: progress(success, { remainingMs: 0 }),
      });
    });
  });

  test('is told by an error that holds none of the user’s data', () => {
    const job = batchJob({ ...failed, metadata: { note: 'secret' }, outputs: [{ body: 'secret' }] });
    let error: unknown;

    watchBatch(fakeMistral({ 'batch.jobs.get': job }), 'job-1').subscribe({ error: (thrown: unknown) => (error = thrown) });

    expect(isRxMistralError(error)).toBe(true);
    expect(JSON.stringify(error)).not.toContain('secret');
    expect(RxMistralError.fromJSON(JSON.parse(JSON.stringify(error)))).toMatchObject({
      name: 'BatchJobError',
      kind: 'batch-job',
      job: { id: 'job-1', status: 'FAILED', errors: [{ message: 'model not found', count: 10 }] },
    });
  });
});

describe('a job without progress', () => {
  const stuckAfter = 5;

  test('is stuck after `stuckAfter`, and is no more where it goes on', () => {
    marbles((m) => {
      const mistral = m.mistral({ 'batch.jobs.get': [running, running, running, further, success] });

      m.expectObservable(watchBatch(mistral, 'job-1', { interval: 3, stuckAfter })).toBe('r----s--f--(x|)', {
        r: progress(running),
        s: progress(running, { stuck: true }),
        f: progress(further, { remainingMs: 13 }),
        x: progress(success, { remainingMs: 0 }),
      });
    });
  });

  test('is polled when it would be stuck, however rare the polls are', () => {
    marbles((m) => {
      const mistral = m.mistral({ 'batch.jobs.get': [queued, queued, success] });

      m.expectObservable(watchBatch(mistral, 'job-1', { interval: minute, stuckAfter })).toBe('q 4ms s 59999ms (x|)', {
        q: progress(queued),
        s: progress(queued, { stuck: true }),
        x: progress(success, { remainingMs: 0 }),
      });
    });
  });

  test('ends the watch where the user says so', () => {
    marbles((m) => {
      const mistral = m.mistral({ 'batch.jobs.get': queued });

      m.expectObservable(watchBatch(mistral, 'job-1', { interval: 3, stuckAfter, onStuck: 'error' })).toBe(
        'q----(s#)',
        { q: progress(queued), s: progress(queued, { stuck: true }) },
        jobError(/has made no progress for 5 ms, with 0 of 10/, 'QUEUED'),
      );
    });
  });

  test('is cancelled where the user says so, once, and watched to its end', () => {
    marbles((m) => {
      const cancelling = batchJob({ status: 'CANCELLATION_REQUESTED' });
      const cancelled = batchJob({ status: 'CANCELLED' });
      const mistral = m.mistral({
        'batch.jobs.get': (_request, n) => [queued, queued, queued, cancelling, cancelling, cancelling, cancelled][n] ?? cancelled,
        'batch.jobs.cancel': cancelling,
      });

      m.expectObservable(watchBatch(mistral, 'job-1', { interval: 3, stuckAfter, onStuck: 'cancel' })).toBe(
        'q----s--c----S--(d#)',
        {
          q: progress(queued),
          s: progress(queued, { stuck: true }),
          c: progress(cancelling),
          S: progress(cancelling, { stuck: true }),
          d: progress(cancelled),
        },
        jobError(/has ended as CANCELLED/, 'CANCELLED'),
      );
      m.flush();
      expect(mistral.calls.filter(({ operation }) => operation === 'batch.jobs.cancel')).toHaveLength(1);
    });
  });

  test('is watched to its end where it has ended before its cancel', () => {
    marbles((m) => {
      const mistral = m.mistral({
        'batch.jobs.get': (_request, n) => (n < 3 ? queued : success),
        'batch.jobs.cancel': { status: 409, body: { detail: 'The job is not running' } },
      });

      m.expectObservable(watchBatch(mistral, 'job-1', { interval: 3, stuckAfter, onStuck: 'cancel' })).toBe('q----s--(d|)', {
        q: progress(queued),
        s: progress(queued, { stuck: true }),
        d: progress(success, { remainingMs: 0 }),
      });
    });
  });
});

describe('the deadline', () => {
  test('ends the watch with the job as it was seen last', () => {
    marbles((m) => {
      const mistral = m.mistral({ 'batch.jobs.get': running });

      m.expectObservable(watchBatch(mistral, 'job-1', { interval: 3, deadline: 8 })).toBe(
        'r-------#',
        { r: progress(running) },
        jobError(/was not done within its deadline of 8 ms, with 2 of 10/, 'RUNNING'),
      );
    });
  });

  test('ends a poll that is not answered', () => {
    marbles((m) => {
      const poll = m.cold<never>(' -        ');
      const subs = '               ^-------!';

      m.expectObservable(watchBatch(m.mistral({ 'batch.jobs.get': poll }), 'job-1', { deadline: 8 })).toBe(
        '                          --------#',
        undefined,
        expect.objectContaining({ kind: 'timeout', which: 'total' }) as RxMistralError,
      );
      m.expectSubscriptions(poll.subscriptions).toBe(subs);
    });
  });
});

describe('bad input is a TypeError at the call', () => {
  const client = fakeMistral({});
  const cases: readonly (readonly [string, WatchBatchOptions])[] = [
    ['Expected `interval` to be milliseconds from 1 to 2147483647, got 0', { interval: 0 }],
    ['Expected `interval` to be milliseconds or a Backoff, got "1s"', { interval: '1s' as unknown as number }],
    ['Expected `stuckAfter` to be milliseconds from 1 to 2147483647, got -1', { stuckAfter: -1 }],
    ['Expected `onStuck` to be \'wait\' or \'error\' or \'cancel\', got "stop"', { stuckAfter: 1, onStuck: 'stop' as 'wait' }],
    ['Expected `stuckAfter` to be given with `onStuck`, got undefined', { onStuck: 'error' }],
    ['Expected `deadline` to be milliseconds from 0 to 2147483647, got NaN', { deadline: NaN }],
    ['Expected `random` to be a function, got 4', { random: 4 as unknown as () => number }],
  ];
  for (const [message, options] of cases) {
    test(message, () => {
      expect(() => watchBatch(client, 'job-1', options)).toThrow(new TypeError(message));
    });
  }

  for (const jobId of ['..', '.', '', 'a/b', 'a?b', '%2e%2e', 'a b', 'x'.repeat(257)]) {
    test(`a job id that is "${jobId.slice(0, 12)}"`, () => {
      expect(() => watchBatch(client, jobId)).toThrow(/^Expected `jobId` to be an id/);
    });
  }

  test('a client that is none', () => {
    expect(() => watchBatch({} as MistralClient, 'job-1')).toThrow(TypeError);
  });
});

test('a schedule is a value that many watches can share', () => {
  marbles((m) => {
    const interval = exponentialBackoff({ initial: 2, jitter: 'none' });
    const jobs = [queued, queued, queued, success];
    const watch = (): void => {
      const mistral = m.mistral({ 'batch.jobs.get': jobs });
      m.expectObservable(watchBatch(mistral, 'job-1', { interval })).toBe('q 13ms (s|)', {
        q: progress(queued),
        s: progress(success, { remainingMs: 0 }),
      });
    };
    watch();
    watch();
  });
});

import { concat, NEVER, of } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { eventStreamResponse } from '../../src/node/index.js';
import { memoryReplayStore, type ReplayStore } from '../../src/sse/index.js';
import { waitFor } from '../fixtures/waitFor.js';

describe('eventStreamResponse', () => {
  it('is a response at once, with the head and the events', async () => {
    const response = eventStreamResponse(of('a'));
    expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([200, 'text/event-stream', 'no-cache, no-transform']);
    expect(await response.text()).toBe('data: "a"\n\n');
  });

  it('has the status that fits, with a store', async () => {
    const replay = memoryReplayStore();
    const ask = (source: string | undefined, lastEventId: string | null = null) =>
      eventStreamResponse(source === undefined ? undefined : of(source), { replay, key: 'k', lastEventId });
    const answers = [await ask(undefined), await ask('a', '3'), await ask('a'), await ask('b'), await ask(undefined, '1'), await ask(undefined, '2')];
    expect(answers.map(({ status }) => status)).toEqual([404, 410, 200, 200, 204, 410]);
    expect(await answers[1]!.json()).toMatchObject({ kind: 'http', status: 410, retryable: false });
    expect(await Promise.all(answers.slice(2, 4).map((answer) => answer.text()))).toEqual(Array(2).fill('id: 1\ndata: "a"\n\n'));
  });

  it('counts as a reader until its body is cancelled or at its end', async () => {
    const replay = memoryReplayStore();
    const counts: number[] = [];
    const first = await eventStreamResponse(concat(of('a'), NEVER), { replay, key: 'k' });
    replay.readers('k').subscribe({ next: (count) => counts.push(count), error: () => undefined });
    const second = await eventStreamResponse(undefined, { replay, key: 'k' });
    await first.body!.cancel();
    await replay.end('k');
    expect([counts, await second.text()]).toEqual([[1, 2, 1], 'id: 1\ndata: "a"\n\n']);
  });

  it('rejects where the store fails', async () => {
    const replay: ReplayStore = { ...memoryReplayStore(), create: () => Promise.reject(new Error('down')) };
    await expect(eventStreamResponse(of(1), { replay, key: 'k' })).rejects.toMatchObject({ kind: 'validation', cause: { message: 'down' } });
  });

  it('gives up a body that nobody reads', async () => {
    const replay = memoryReplayStore();
    const onError = vi.fn();
    await eventStreamResponse(concat(of('a'), NEVER), { replay, key: 'k', stallTimeout: 5, onError });
    await waitFor(() => {
      expect(onError.mock.calls).toMatchObject([[{ kind: 'limit' }]]);
    });
  });

  it('checks its options at the call', () => {
    expect(() => eventStreamResponse(of(1), { retry: -1 })).toThrow(TypeError);
  });
});

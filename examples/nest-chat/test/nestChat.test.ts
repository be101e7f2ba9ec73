import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { INestApplication } from '@nestjs/common';
import { MistralCore } from '@mistralai/mistralai/core.js';
import { firstValueFrom, lastValueFrom, type Observable, Subject, take, toArray } from 'rxjs';
import { accumulate, type ChatEvent, isRxMistralError, type RxMistralError } from 'rxmistral';
import { type Fault, type Simulator, startSimulator } from 'rxmistral/simulator';
import { eventStream, remoteChat } from 'rxmistral/sse';
import { Answers } from '../src/Answers.js';
import { createChatApp } from '../src/createChatApp.js';
import { cutOnce } from '../src/cutOnce.js';

const prompt = 'Name three rivers.';
const slow: Fault = { kind: 'slow', perEvent: 200 };

let simulator: Simulator;
let app: INestApplication;
let url: string;

before(async () => {
  simulator = await startSimulator();
});
after(() => simulator.close());
beforeEach(async () => {
  simulator.setFaults();
  simulator.forgetRequests();
  app = await createChatApp(new MistralCore({ apiKey: 'any', serverURL: simulator.url }), ['fatal']);
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
});
afterEach(() => app.close());

/** What a stream fails with. */
async function errorOf(source: Observable<unknown>): Promise<RxMistralError> {
  const error: unknown = await lastValueFrom(source, { defaultValue: undefined }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(isRxMistralError(error), `Expected an error of the family, got ${String(error)}`);
  return error;
}

const textOf = async (source: Observable<ChatEvent>): Promise<string> => (await lastValueFrom(source.pipe(accumulate()))).text;
const outcomes = (): readonly string[] => simulator.requests.map(({ outcome }) => outcome);

describe('an answer by @Sse()', () => {
  it('comes as the model gave it', async () => {
    const events = await lastValueFrom(remoteChat(`${url}/chat`, { prompt }).pipe(toArray()));
    assert.deepEqual([events.at(0)?.type, events.at(-1)?.type, outcomes()], ['start', 'complete', ['completed']]);
  });

  it('ends with its client: Nest unsubscribes, and the connection to the model closes', async () => {
    simulator.setFaults(slow);
    await firstValueFrom(remoteChat(`${url}/chat`, { prompt }));
    await simulator.until(() => outcomes()[0] === 'client-closed', { timeout: 60_000 });
    assert.deepEqual([outcomes(), app.get(Answers).running], [['client-closed'], 0]);
  });

  it("tells the model's error as it is, and not as Nest's internal server error", async () => {
    simulator.setFaults({ kind: 'status', status: 503 });
    const error = await errorOf(remoteChat(`${url}/chat`, { prompt }));
    assert.deepEqual([error.kind, error.status], ['http', 503]);
  });

  it('tells an error behind the first token, with what had come by then', async () => {
    simulator.setFaults({ kind: 'reset', at: { events: 5 } });
    const error = await errorOf(remoteChat(`${url}/chat`, { prompt }));
    assert.equal(error.kind, 'connection');
    assert.match(String(error.partial?.content), /\w/);
  });

  it('is not taken for the rest of another one: the client whose connection is lost asks for no second', async () => {
    const error = await errorOf(remoteChat(`${url}/chat`, { prompt }, { fetch: cutOnce(fetch, 2_000) }));
    assert.deepEqual([error.kind, simulator.requests.length], ['connection', 1]);
    assert.match(String(error.partial?.content), /\w/);
  });
});

describe('numbered entries by @Sse()', () => {
  it('come with their ids, and behind `Last-Event-ID` exactly those that were missed', async () => {
    for (const question of ['a', 'b', 'c']) await textOf(remoteChat(`${url}/chat`, { prompt: question }));
    const read = async (lastEventId: string, count: number): Promise<readonly unknown[]> => {
      const events = await lastValueFrom(eventStream(`${url}/chat/log`, { lastEventId }).pipe(take(count), toArray()));
      return events.map(({ id, event, data }) => [id, event, data]);
    };
    const expected = ['a', 'b', 'c'].map((question, index) => [String(index + 1), 'asked', JSON.stringify({ number: index + 1, prompt: question })]);
    assert.deepEqual([await read('', 3), await read('1', 2)], [expected, expected.slice(1)]);
  });
});

describe('an answer with a store', () => {
  it('goes on behind the last event where the connection was lost, and the model is asked once', async () => {
    const whole = await textOf(remoteChat(`${url}/chat`, { prompt }));
    simulator.forgetRequests();
    const lost: string[] = [];
    const reconnect = { onReconnect: ({ lastEventId }: { readonly lastEventId: string }): void => void lost.push(lastEventId) };
    assert.equal(await textOf(remoteChat(`${url}/chat/answers`, { prompt }, { fetch: cutOnce(fetch, 2_000), reconnect })), whole);
    assert.deepEqual([lost.length, Number(lost[0]) > 0, simulator.requests.length], [1, true, 1]);
  });

  it('is joined by its key, from its beginning', async () => {
    const key = crypto.randomUUID();
    const events = await lastValueFrom(remoteChat(`${url}/chat/answers`, { prompt }, { key }).pipe(toArray()));
    assert.deepEqual(await lastValueFrom(remoteChat(`${url}/chat/answers/${key}`).pipe(toArray())), events);
    assert.deepEqual([(await fetch(`${url}/chat/answers/never-begun`)).status, simulator.requests.length], [404, 1]);
  });
});

describe('a service that stops', () => {
  for (const path of ['/chat', '/chat/answers']) {
    it(`ends the answers of ${path} and closes, with the connections to the model`, async () => {
      simulator.setFaults(slow);
      const begun = new Subject<void>();
      const reading = remoteChat(`${url}${path}`, { prompt }, { reconnect: false });
      const failed = new Promise<unknown>((resolve) => {
        reading.subscribe({
          next: ({ type }) => {
            if (type === 'text-delta') begun.complete();
          },
          error: resolve,
          complete: () => {
            resolve('completed');
          },
        });
      });
      await lastValueFrom(begun, { defaultValue: undefined });
      await app.close();
      const error = await failed;
      assert.ok(isRxMistralError(error));
      assert.equal(error.kind, 'truncated');
      assert.match(String(error.partial?.content), /\w/);
      await simulator.until(() => outcomes()[0] === 'client-closed', { timeout: 60_000 });
      assert.equal(app.get(Answers).running, 0);
    });
  }
});

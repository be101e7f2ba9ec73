import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { Conditions } from './conditions.js';
import { Exchange } from './exchange.js';
import { expectations } from './expectations.js';
import type { FaultScript } from './faultRules.js';
import { chooseFaults } from './faultScript.js';
import type { BatchOptions, ConversationOptions, SimulatorOptions } from './options.js';
import { RateLimiter } from './rateLimiter.js';
import type { RecordedRequest } from './recordedRequest.js';
import type { ReplyScript } from './reply.js';
import { handleRequest } from './requestHandler.js';
import { RequestLog } from './requestLog.js';
import { checkReply, resolveSettings } from './settings.js';
import { createSimulation } from './simulation.js';

/** A running simulator. */
export interface Simulator {
  /** Where it listens, such as `http://127.0.0.1:40123`: the SDK's `serverURL`. */
  readonly url: string;
  readonly port: number;
  /** What came, oldest first, live; at most `maxRecordedRequests` of them. */
  readonly requests: readonly RecordedRequest[];
  /** How many requests ever came. */
  readonly requestCount: number;
  /** Open sockets, idle ones of keep-alive clients included. */
  readonly openConnections: number;
  /** Requests whose response has not ended. */
  readonly openRequests: number;
  /** Replaces the faults, for requests read from now on; without an argument there are none. */
  setFaults(script?: FaultScript): void;
  /** Replaces the reply script; without an argument answers come from the seed. */
  setReply(script?: ReplyScript): void;
  /** Replaces the options of batch jobs, their faults included, for jobs made from now on. @throws TypeError as the option does */
  setBatch(options?: BatchOptions): void;
  /** Replaces the options of conversations, for those that are known too. @throws TypeError as the option does */
  setConversations(options?: ConversationOptions): void;
  /** Forgets conversations now, these or all: they are a 404 from now on. */
  forgetConversations(...ids: readonly string[]): void;
  /** Empties `requests`; indices go on. */
  forgetRequests(): void;
  /**
   * Resolves as soon as `condition` holds; it is asked now and whenever something happens: a request, a write, a close.
   * Rejects after `timeout` ms, and when the simulator closes before. @defaultValue timeout 5000
   */
  until(condition: (simulator: Simulator) => boolean, options?: { readonly timeout?: number | undefined }): Promise<void>;
  /** Destroys all sockets, stops all batch jobs, deletes all files, and resolves when the port is free. Calling it again is harmless. */
  close(): Promise<void>;
}

/**
 * Starts a Mistral API server on loopback, for tests, examples and benchmarks. It answers from a seed, so the same request
 * always gets the same answer; or by a script; and it breaks as it is told to. Served are the completions of chat, agents and FIM,
 * transcriptions and speech, all of them streamed and whole; embeddings, moderations, classifications and OCR; models;
 * agents and their versions; conversations, which are remembered; and files and batch jobs, whose requests get the answers that they would
 * have got live.
 *
 * Nothing leaves the machine, and any API key will do unless `apiKey` is given.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { startSimulator } from 'rxmistral/simulator';
 *
 * const simulator = await startSimulator();
 * const mistral = new Mistral({ serverURL: simulator.url, apiKey: 'any' });
 * const request = { model: 'mistral-small-latest', messages: [{ role: 'user' as const, content: 'Hello!' }] };
 *
 * const answer = await mistral.chat.complete(request);
 * console.log(answer.choices[0]?.message?.content);
 *
 * simulator.setFaults({ kind: 'reset', at: { events: 3 } });
 * try {
 *   for await (const { data } of await mistral.chat.stream(request)) console.log(data.choices[0]?.delta.content);
 * } catch {
 *   console.log('the connection broke');
 * }
 * console.log(simulator.requests.map(({ outcome }) => outcome)); // ['completed', 'server-cut']
 * await simulator.close();
 * ```
 *
 * @throws TypeError (as a rejection) for an option that cannot be meant; the error of `listen` where the port is taken.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const settings = resolveSettings(options);
  const { host = '127.0.0.1', port = 0 } = options;
  const simulation = createSimulation(settings, options);
  const log = new RequestLog(settings.maxRecordedRequests);
  const rateLimiter = options.rateLimit && new RateLimiter(options.rateLimit);
  const conditions = new Conditions();
  const exchanges = new Set<Exchange>();
  const connections = new Map<Socket, number>();
  let faultsOf = chooseFaults(options.faults, settings.seed);
  let connectionCount = 0;
  let closing: Promise<void> | undefined;

  const server = createServer({ keepAlive: true, noDelay: true });
  // Neither idle sockets nor slow uploads are the simulator's to end: a client that keeps one too long is to be seen.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  server.on('connection', (socket) => {
    connections.set(socket, connectionCount);
    connectionCount += 1;
    socket.on('close', () => {
      connections.delete(socket);
      conditions.changed();
    });
    conditions.changed();
  });
  server.on('request', (request, response) => {
    const record = log.open(request, connections.get(request.socket) ?? -1);
    const exchange = new Exchange(record, response, request.socket, () => {
      if (exchange.closed) exchanges.delete(exchange);
      conditions.changed();
    });
    exchanges.add(exchange);
    conditions.changed();
    const context = { simulation, log, rateLimiter, chooseFaults: (each: RecordedRequest) => faultsOf(each) };
    void handleRequest(request, exchange, context);
  });
  server.listen(port, host);
  await once(server, 'listening');

  const address = server.address() as AddressInfo;
  const simulator: Simulator = {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    port: address.port,
    get requests() {
      return log.requests;
    },
    get requestCount() {
      return log.count;
    },
    get openConnections() {
      return connections.size;
    },
    get openRequests() {
      return exchanges.size;
    },
    setFaults(script) {
      faultsOf = chooseFaults(script, settings.seed);
    },
    setReply(script) {
      checkReply(script);
      simulation.answers.follow(script);
    },
    setBatch(batch) {
      simulation.batch.configure(batch);
    },
    setConversations(conversations) {
      simulation.conversations.configure(conversations);
    },
    forgetConversations(...ids) {
      const { conversations } = simulation;
      for (const id of ids.length > 0 ? ids : conversations.all.map((each) => each.id)) conversations.remove(id);
    },
    forgetRequests() {
      log.forget();
    },
    until(condition, { timeout = 5_000 } = {}) {
      expectations.delay('timeout', timeout);
      return conditions.wait(() => condition(simulator), timeout);
    },
    close() {
      closing ??= shutDown(server, exchanges, connections.keys()).then(() => {
        simulation.batch.dispose();
        simulation.files.dispose();
        conditions.close();
      });
      return closing;
    },
  };
  return simulator;
}

async function shutDown(server: Server, exchanges: Iterable<Exchange>, sockets: Iterable<Socket>): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  for (const exchange of exchanges) exchange.cut('fin');
  for (const socket of sockets) socket.destroy();
  await closed;
}

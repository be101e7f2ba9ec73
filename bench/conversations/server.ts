/** The server's process: conversations whose model calls the tool when it is asked, and answers when it is told the result. */
import { startSimulator } from 'rxmistral/simulator';

const simulator = await startSimulator({
  maxRecordedRequests: 1,
  reply: ({ messages = [] }) =>
    messages.at(-1)?.role === 'tool'
      ? { text: 'The weather in that city is fine today: twenty-one degrees, hardly any wind, and no rain before the evening comes.' }
      : { toolCalls: [{ id: `call${messages.length}`, name: 'weather', arguments: { city: 'Nantes' } }] },
});

let peak = 0;
setInterval(() => {
  peak = Math.max(peak, simulator.openConnections);
}, 2).unref();

/** What the server has seen since it was asked last. */
export interface Seen {
  readonly requests: number;
  readonly peakSockets: number;
  /** Open, once the client has left those that were idle. */
  readonly socketsAtEnd: number;
}

let counted = 0;
process.on('message', () => {
  // The client's process goes on: its pool lets go of an idle socket after four seconds.
  const patience = simulator.until(({ openConnections }) => openConnections === 0, { timeout: 15_000 }).catch(() => undefined);
  void patience.then(() => {
    process.send?.({ requests: simulator.requestCount - counted, peakSockets: peak, socketsAtEnd: simulator.openConnections } satisfies Seen);
    counted = simulator.requestCount;
    peak = 0;
  });
});
process.send?.({ url: simulator.url });

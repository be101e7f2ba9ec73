/**
 * The server's process: a simulator for each scenario. It renders an answer once and sends the same bytes again, and
 * measured as fast as a bare `node:http` server that writes one buffer: it is not the bottleneck, except that at one
 * event per write any server of one process sends fewer events a second than the fastest clients could read.
 */
import { startSimulator } from 'rxmistral/simulator';
import { openStream } from './Contender.js';
import type { Served } from './messages.js';
import { piecesOf, type Scenario, scenarios } from './scenarios.js';

async function serve(scenario: Scenario): Promise<[name: string, Served[string]]> {
  const { writes } = scenario;
  const { url } = await startSimulator({
    reply: { text: piecesOf(scenario) },
    ...(typeof writes === 'string' ? { writes } : { faults: { kind: 'split', size: writes.bytes } }),
  });
  return [scenario.name, { url, bytes: await countBytes(url) }];
}

// What the raw drain has to come to. It also makes the simulator render the answer before anything is measured.
async function countBytes(url: string): Promise<number> {
  const reader = await openStream(url);
  let bytes = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) bytes += read.value.byteLength;
  return bytes;
}

process.send?.(Object.fromEntries(await Promise.all(scenarios.map(serve))) satisfies Served);

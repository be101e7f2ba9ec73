/**
 * The chat at http://127.0.0.1:4300 (PORT names another). Without a key it talks to the embedded simulator; with MISTRAL_API_KEY
 * to Mistral, and MISTRAL_MODEL names the model.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { MistralCore } from '@mistralai/mistralai/core.js';
import { startSimulator } from 'rxmistral/simulator';
import { createChatServer } from './createChatServer.js';
import { simulatedReply } from './simulatedReply.js';

const { MISTRAL_API_KEY: apiKey = '', MISTRAL_MODEL: model = 'mistral-small-latest', PORT: port = '4300', HOST: host = '127.0.0.1' } = process.env;
const simulator = apiKey === '' ? await startSimulator({ reply: simulatedReply, latency: 350, tokensPerSecond: 28 }) : undefined;
const client = new MistralCore(simulator ? { apiKey: 'any', serverURL: simulator.url } : { apiKey });

const pages = fileURLToPath(new URL('../dist', import.meta.url));
const server = await createChatServer({ client, model, pages });
server.listen(Number(port), host);
await once(server, 'listening');
const address = server.address() as AddressInfo;
console.log(`The chat: http://${host}:${address.port}`);
console.log(simulator ? 'Answers come from the simulator (set MISTRAL_API_KEY for Mistral). Ctrl+C ends it.' : `Answers come from ${model}. Ctrl+C ends it.`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
    void simulator?.close();
  });
}

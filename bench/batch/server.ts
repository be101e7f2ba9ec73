/** The server's process: a file of as many lines of results as its id says, from memory, with its length announced. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const blockLines = 1_000;
const block = Buffer.from(Array.from({ length: blockLines }, (_, i) => `${JSON.stringify(resultLine(i))}\n`).join(''));

// Lines as the API writes them, of the length of a short answer.
function resultLine(i: number): object {
  return {
    id: `batch-533cc628-b6dc-7d3b-80e9-e983ee4ce237-${String(i).padStart(4, '0')}`,
    custom_id: `request-${String(i).padStart(4, '0')}`,
    response: {
      status_code: 200,
      body: {
        id: '97ac8f3a4b0e4b1f9d4f2f2d35c0a3be',
        object: 'chat.completion',
        created: 1_735_689_600,
        model: 'mistral-small-latest',
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: 'The Loire ends in the Atlantic, near Saint-Nazaire; it is the longest river of France.', tool_calls: null },
            finish_reason: 'stop',
          },
        ],
        usage: { prompt_tokens: 14, completion_tokens: 21, total_tokens: 35 },
      },
    },
    error: null,
  };
}

const server = createServer((request, response) => {
  const lines = Number(/^\/v1\/files\/(\d+)\/content$/.exec(request.url ?? '')?.[1]);
  const blocks = lines / blockLines;
  response.writeHead(200, { 'content-type': 'application/jsonl', 'content-length': blocks * block.length });
  void send(blocks);

  async function send(count: number): Promise<void> {
    for (let i = 0; i < count && !response.destroyed; i += 1) if (!response.write(block)) await once(response, 'drain');
    response.end();
  }
});
server.listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, lineBytes: block.length / blockLines });
});

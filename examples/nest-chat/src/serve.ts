/** The service alone, until SIGTERM or Ctrl+C: `npm run serve`, at PORT or 3000. */
import { createChatApp } from './createChatApp.js';
import { openModel } from './openModel.js';

const { client } = await openModel();
const app = await createChatApp(client, ['log', 'error', 'warn']);
await app.listen(Number(process.env['PORT'] ?? 3_000), '127.0.0.1');
const url = await app.getUrl();
console.log(`curl -N ${url}/chat -H 'content-type: application/json' -d '{"prompt":"Why is the sky blue?"}'`);
console.log(`curl -N ${url}/chat/log`);

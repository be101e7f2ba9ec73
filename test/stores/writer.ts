import { appendWithRetry } from './appendWithRetry.js';
import { openStore, type Place } from './openStore.js';

// A process that writes to a conversation: ten writers at once, five entries each; or batches of 50 until it is killed.
const [place = '', mode, name = ''] = process.argv.slice(2);
const { store, close } = openStore(JSON.parse(place) as Place);

if (mode === 'batches') {
  for (let version = 0; ; ) {
    const batch = Array.from({ length: 50 }, (_, index) => ({ type: 'message.output' as const, content: `${version + index}` }));
    version = await store.append('a', batch, version);
    process.stdout.write('.');
  }
}
const writers = Array.from({ length: 10 }, async (_, writer) => {
  for (let turn = 0; turn < 5; turn++) {
    await appendWithRetry(store, 'a', { type: 'message.output', content: `${name}${writer}.${turn}` });
  }
});
await Promise.all(writers);
await close();

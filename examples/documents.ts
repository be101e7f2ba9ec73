/** The models that a key may use, and a document read by one of them. */
import { MistralCore } from '@mistralai/mistralai/core.js';
import { lastValueFrom } from 'rxjs';
import { models, ocr } from 'rxmistral';
import { startSimulator } from 'rxmistral/simulator';

const simulator = await startSimulator();
const client = new MistralCore({ apiKey: 'any', serverURL: simulator.url });

const { data = [] } = await lastValueFrom(models(client));
console.log(`${data.length} models`);

const { pages } = await lastValueFrom(
  ocr(client, {
    model: 'mistral-ocr-latest',
    document: { type: 'document_url', documentUrl: 'https://example.com/contract.pdf' },
  }),
);
console.log(pages.map(({ index, markdown }) => `page ${index}: ${markdown.slice(0, 60)}`).join('\n'));

await simulator.close();

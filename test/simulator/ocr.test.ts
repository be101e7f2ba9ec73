import { ocrProcess } from '@mistralai/mistralai/funcs/ocrProcess.js';
import { describe, expect, test } from 'vitest';

import { accepted, core, request } from './standaloneSdk.js';
import { withSimulator } from './rawClient.js';

const model = 'mistral-ocr-latest';

function documentAt(name: string): { readonly type: 'document_url'; readonly documentUrl: string } {
  return { type: 'document_url', documentUrl: `https://example.com/${name}.pdf` };
}

describe('OCR', () => {
  test('reads pages of markdown from a document, one page from an image, by the address alone', async () => {
    await withSimulator({}, async (simulator) => {
      const counts = new Set<number>();
      for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
        const { pages, usageInfo } = await accepted(ocrProcess(core(simulator), { model, document: documentAt(name) }));
        expect(pages.map(({ index }) => index)).toEqual(pages.map((_, i) => i));
        expect(pages[0]?.markdown).toMatch(/^# Page 1\n\n/);
        expect(usageInfo.pagesProcessed).toBe(pages.length);
        counts.add(pages.length);
      }
      expect(counts.size).toBeGreaterThan(1);

      const image = await accepted(ocrProcess(core(simulator), { model, document: { type: 'image_url', imageUrl: 'https://example.com/a.png' } }));
      expect(image.pages).toHaveLength(1);
      const file = await accepted(ocrProcess(core(simulator), { model: null, document: { type: 'file', fileId: 'any' } }));
      expect(file.model).toBe(model);
    });
  });

  test('gives the pages asked for, by numbers or ranges, as they are in the whole', async () => {
    await withSimulator({}, async (simulator) => {
      let document = documentAt('a');
      let whole = await accepted(ocrProcess(core(simulator), { model, document }));
      for (let i = 0; whole.pages.length < 3; i += 1) {
        document = documentAt(`long-${i}`);
        whole = await accepted(ocrProcess(core(simulator), { model, document }));
      }
      expect((await accepted(ocrProcess(core(simulator), { model, document, pages: [1] }))).pages).toEqual([whole.pages[1]]);
      expect((await accepted(ocrProcess(core(simulator), { model, document, pages: '0,2-3' }))).pages).toEqual([whole.pages[0], ...whole.pages.slice(2, 4)]);
    });
  });

  test('holds the pictures that its markdown names, with their content where it is asked for', async () => {
    await withSimulator({}, async (simulator) => {
      for (const includeImageBase64 of [true, false]) {
        const responses = await Promise.all(
          ['a', 'b', 'c', 'd'].map((name) => accepted(ocrProcess(core(simulator), { model, document: documentAt(name), includeImageBase64 }))),
        );
        const images = responses.flatMap(({ pages }) => pages).flatMap(({ images: found, markdown }) => found.map((image) => ({ ...image, markdown })));
        expect(images.length).toBeGreaterThan(0);
        for (const { id, imageBase64, markdown } of images) {
          expect(markdown).toContain(`](${id})`);
          expect(typeof imageBase64 === 'string').toBe(includeImageBase64);
        }
      }
    });
  });

  test('annotates by a JSON schema', async () => {
    await withSimulator({}, async (simulator) => {
      const schemaDefinition = { type: 'object', properties: { total: { const: 12 } }, required: ['total'] };
      const documentAnnotationFormat = { type: 'json_schema' as const, jsonSchema: { name: 'invoice', schemaDefinition } };
      const { documentAnnotation } = await accepted(ocrProcess(core(simulator), { model, document: documentAt('a'), documentAnnotationFormat }));
      expect(JSON.parse(documentAnnotation!)).toEqual({ total: 12 });
    });
  });

  test.each<[string, object, readonly string[]]>([
    ['no document', { model }, ['body', 'document']],
    ['a document without an address', { model, document: { type: 'document_url' } }, ['body', 'document', 'document_url']],
    ['a document of an unknown type', { model, document: { type: 'parchment' } }, ['body', 'document', 'type']],
    ['a file without an id', { model, document: { type: 'file' } }, ['body', 'document', 'file_id']],
  ])('is refused with a 422 for %s', async (_what, body, loc) => {
    await withSimulator({}, async (simulator) => {
      const response = await request(simulator, '/v1/ocr', body);
      expect([response.status, await response.json()]).toMatchObject([422, { detail: [{ loc }] }]);
    });
  });
});

import { jsonAnswer } from './answer.js';
import { proseTokens } from './answerText.js';
import { validationFailed, type ValidationDetail } from './errorBodies.js';
import { boolean, complaint, complaints, either, fieldComplaints, integerFrom, isFields, list, object, oneOf, string, type Fields } from './fieldChecks.js';
import { jsonFromSchema } from './jsonFromSchema.js';
import { randomFrom, type Random } from './random.js';
import type { Route } from './route.js';
import type { Settings } from './settings.js';

interface OcrBody {
  readonly model?: string | null | undefined;
  readonly document: Fields;
  readonly pages?: string | readonly number[] | null | undefined;
  readonly include_image_base64?: boolean | null | undefined;
  readonly document_annotation_format?: { readonly json_schema?: { readonly schema?: unknown } | null } | null | undefined;
}

/** `POST /v1/ocr`: an image has one page, a document up to five, by the seed and its address. Nothing is downloaded. */
export const ocrRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/ocr',
    handle({ body }, { settings }) {
      const wrong = ocrComplaints(body);
      if (wrong.length > 0) return validationFailed(wrong, settings.validationErrors);

      const { model, document, pages: wanted, include_image_base64, document_annotation_format } = body as OcrBody;
      const address = JSON.stringify(document[addressField(document)]);
      const random = randomFrom(settings.seed, 'ocr', address);
      const count = document['type'] === 'image_url' ? 1 : random.integer(1, 5);
      const size = random.integer(20_000, 2_000_000);
      const numbers = wantedPages(wanted, count);
      const pages = numbers.map((index) => page(index, randomFrom(settings.seed, 'ocr', address, index), include_image_base64 === true, settings));
      const schema = document_annotation_format?.json_schema?.schema;
      const annotation = schema === undefined ? null : JSON.stringify(jsonFromSchema(schema, randomFrom(settings.seed, 'annotation', address)));
      return {
        ...jsonAnswer(200, {
          pages,
          model: model ?? 'mistral-ocr-latest',
          document_annotation: annotation,
          usage_info: { pages_processed: pages.length, doc_size_bytes: size },
        }),
        // It is paid for by the page.
        tokens: 0,
      };
    },
  },
];

function ocrComplaints(body: unknown): readonly ValidationDetail[] {
  const found = fieldComplaints(body, {
    required: { document: object },
    optional: {
      model: string,
      pages: either(string, list),
      include_image_base64: boolean,
      image_limit: integerFrom(0),
      image_min_size: integerFrom(0),
      bbox_annotation_format: object,
      document_annotation_format: object,
      include_blocks: boolean,
    },
  });
  const document = isFields(body) ? body['document'] : undefined;
  if (!isFields(document)) return found;
  const place = ['body', 'document'];
  const wrongType = complaints([...place, 'type'], document['type'] ?? 'document_url', oneOf('document_url', 'image_url', 'file'));
  if (wrongType.length > 0) return [...found, ...wrongType];
  const name = addressField(document);
  const address = document[name];
  if (address === undefined) return [...found, complaint([...place, name], document)];
  return [...found, ...complaints([...place, name], address, name === 'image_url' ? either(string, object) : string)];
}

/** A document's address stands in a field named as its type, the id of a file in `file_id`. */
function addressField({ type = 'document_url' }: Fields): string {
  return type === 'file' ? 'file_id' : (type as string);
}

/** `[0, 2]`, or in words `'0,2-4'`; those that there are. */
function wantedPages(wanted: OcrBody['pages'], count: number): readonly number[] {
  const all = Array.from({ length: count }, (_, index) => index);
  if (wanted === undefined || wanted === null) return all;
  if (typeof wanted !== 'string') return all.filter((index) => wanted.includes(index));
  const ranges = wanted.split(',').map((range) => range.split('-').map(Number));
  return all.filter((index) => ranges.some(([first = NaN, last = first]) => index >= first && index <= last));
}

// The smallest of pictures: a pixel.
const picture = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

function page(index: number, random: Random, includesImages: boolean, settings: Settings): object {
  const text = proseTokens(random, settings.answerTokens ?? random.integer(30, 120)).join('');
  const amount = random.integer(1, 900);
  const table = random.chance(0.5) ? `\n\n| item | price |\n| --- | --- |\n| bread | €3 |\n| paint | €${amount} |` : '';
  const image = random.chance(0.5) ? `img-${index}.png` : undefined;
  return {
    index,
    markdown: `# Page ${index + 1}\n\n${text}${table}${image === undefined ? '' : `\n\n![${image}](${image})`}`,
    images:
      image === undefined
        ? []
        : [{ id: image, top_left_x: 100, top_left_y: 1_200, bottom_right_x: 500, bottom_right_y: 1_500, image_base64: includesImages ? picture : null }],
    dimensions: { dpi: 200, height: 2_200, width: 1_700 },
  };
}

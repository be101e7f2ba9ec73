/** A JSON text of any length. */
export interface Document {
  readonly name: string;
  readonly title: string;
  /** The text, of about that many characters: it ends with the element or line that reaches them. ASCII, so bytes too. */
  readonly textOf: (length: number) => string;
}

const item = (id: number): unknown => ({
  id,
  name: `item ${id}`,
  tags: ['new', 'on sale'],
  price: { amount: 12.5, currency: 'EUR' },
  inStock: id % 3 > 0,
  note: null,
});

// In JSON its quotes and its end are escaped, as they often are in what models write.
const line = (index: number): string => `Line ${index} of a long answer that says "something" to its reader.\n`;

export const documents: readonly Document[] = [
  {
    name: 'array',
    title: 'array of objects',
    textOf: (length) => `[${fill(length, (id) => JSON.stringify(item(id))).join(',')}]`,
  },
  {
    name: 'string',
    title: 'one long string',
    textOf: (length) => `{"text":"${fill(length, (index) => JSON.stringify(line(index)).slice(1, -1)).join('')}"}`,
  },
];

/** The document of that name. */
export function documentNamed(name: string): Document {
  const document = documents.find((each) => each.name === name);
  if (document === undefined) throw new Error(`No document is named ${name}`);
  return document;
}

/** The text in pieces of that many characters; the last may be shorter. */
export function piecesOf(text: string, size: number): readonly string[] {
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) => text.slice(index * size, (index + 1) * size));
}

// As many parts as it takes.
function fill(length: number, part: (index: number) => string): readonly string[] {
  const parts: string[] = [];
  for (let filled = 0; filled < length; filled += parts.at(-1)?.length ?? 0) parts.push(part(parts.length));
  return parts;
}

import { createHash } from 'node:crypto';

import { jsonAnswer, type Answer, type FileAnswer, type JsonAnswer } from './answer.js';
import { errorBody, invalidRequest, validationFailed } from './errorBodies.js';
import { complaint, complaints, digits, fieldComplaints, isFields, oneOf, string, type Fields } from './fieldChecks.js';
import type { FileDefinition, StoredFile } from './fileRegistry.js';
import type { Route, RouteRequest } from './route.js';
import type { Simulation } from './simulation.js';
import type { UploadedFile } from './upload.js';

/**
 * `POST /v1/files` and `GET /v1/files`; `GET` and `DELETE /v1/files/:id`, its content, and a signed address of it. Nothing of this
 * counts against the rate limit.
 */
export const fileRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/files', upload: true, handle: uploadFile },
  { method: 'GET', path: '/v1/files', handle: listFiles },
  {
    method: 'GET',
    path: '/v1/files/:id',
    handle: (request, simulation) => withFile(request, simulation, (file) => jsonAnswer(200, { ...fileBody(file), deleted: false })),
  },
  {
    method: 'DELETE',
    path: '/v1/files/:id',
    handle: (request, simulation) =>
      withFile(request, simulation, ({ id }) => {
        simulation.files.remove(id);
        return jsonAnswer(200, { id, object: 'file', deleted: true });
      }),
  },
  {
    method: 'GET',
    path: '/v1/files/:id/content',
    handle: (request, simulation) => withFile(request, simulation, (file) => contentAnswer(file, request, simulation)),
  },
  {
    method: 'GET',
    path: '/v1/files/:id/url',
    handle: (request, simulation) =>
      withFile(request, simulation, (file) => {
        const { record, query } = request;
        const found = complaints(['query', 'expiry'], query.get('expiry') ?? '24', digits);
        if (found.length > 0) return validationFailed(found, simulation.settings.validationErrors);
        const signature = signatureOf(file, simulation);
        return jsonAnswer(200, { url: `http://${record.headers['host'] ?? ''}/signed/${file.id}?signature=${signature}` });
      }),
  },
  {
    // Where a signed address points.
    method: 'GET',
    path: '/signed/:id',
    keyless: true,
    handle: (request, simulation) =>
      withFile(request, simulation, (file) =>
        request.query.get('signature') === signatureOf(file, simulation) ? contentAnswer(file, request, simulation) : jsonAnswer(403, errorBody('The signature does not match', 'forbidden', null)),
      ),
  },
];

/** The answer about a file that there is not, or no longer. */
export function fileNotFound(id: string): JsonAnswer {
  return jsonAnswer(404, errorBody(`File not found: ${id}`, 'not_found', null));
}

function withFile({ parameters }: RouteRequest, { files }: Simulation, answer: (file: StoredFile) => Answer): Answer {
  const id = parameters['id'] ?? '';
  const file = files.get(id);
  return file ? answer(file) : fileNotFound(id);
}

const purposes = ['fine-tune', 'batch', 'ocr'];
const millisecondsPerHour = 3_600_000;

function uploadFile({ body, upload }: RouteRequest, { settings, files }: Simulation): Answer {
  if (body === undefined) return invalidRequest('There was an error parsing the body', 'invalid_request_body');
  const form = body as Fields;
  const found = fieldComplaints(form, {
    optional: { purpose: oneOf(...purposes), expiry: digits, visibility: oneOf('workspace', 'user') },
  });
  const missing = isFields(form['file']) ? [] : [complaint(['body', 'file'], null)];
  const wrong = [...missing, ...found];
  const file = wrong.length === 0 ? upload?.take() : undefined;
  if (file === undefined) return validationFailed(wrong, settings.validationErrors);
  return jsonAnswer(200, fileBody(files.add(definitionOf(file, form))));
}

function definitionOf({ filename, contentType, content, lines }: UploadedFile, { purpose = 'fine-tune', expiry, visibility = 'workspace' }: Fields): FileDefinition {
  const isBatch = purpose === 'batch';
  return {
    filename,
    purpose: purpose as string,
    sampleType: isBatch ? 'batch_request' : 'instruct',
    mimetype: contentType ?? null,
    source: 'upload',
    visibility: visibility as string,
    expiresIn: expiry === undefined ? undefined : Number(expiry) * millisecondsPerHour,
    content,
    numLines: filename.endsWith('.jsonl') || isBatch ? lines.count : null,
    lines: isBatch ? lines : undefined,
  };
}

/** As the API writes it. */
function fileBody({ id, filename, purpose, sampleType, numLines, mimetype, source, visibility, createdAt, expiresAt, content }: StoredFile): object {
  return {
    id,
    object: 'file',
    bytes: content.size,
    created_at: Math.floor(createdAt / 1_000),
    filename,
    purpose,
    sample_type: sampleType,
    num_lines: numLines,
    mimetype,
    source,
    signature: null,
    expires_at: expiresAt === undefined ? null : Math.ceil(expiresAt / 1_000),
    visibility,
  };
}

function listFiles({ query }: RouteRequest, { settings, files }: Simulation): Answer {
  const wrong = fieldComplaints(Object.fromEntries(query), { optional: { page: digits, page_size: digits, purpose: string } }, 'query');
  if (wrong.length > 0) return validationFailed(wrong, settings.validationErrors);
  const sought = files.all.filter((file) => isSought(file, query)).toReversed();
  const pageSize = Number(query.get('page_size') ?? 100);
  const start = Number(query.get('page') ?? 0) * pageSize;
  const total = query.get('include_total') === 'false' ? null : sought.length;
  return jsonAnswer(200, { object: 'list', data: sought.slice(start, start + pageSize).map(fileBody), total });
}

function isSought({ filename, purpose, sampleType, source, mimetype }: StoredFile, query: URLSearchParams): boolean {
  const isAmong = (name: string, value: string | null): boolean => !query.has(name) || query.getAll(name).includes(value ?? '');
  return (
    isAmong('purpose', purpose) &&
    isAmong('sample_type', sampleType) &&
    isAmong('source', source) &&
    isAmong('mimetypes', mimetype) &&
    filename.toLowerCase().includes((query.get('search') ?? '').toLowerCase())
  );
}

function contentAnswer({ content }: StoredFile, { record }: RouteRequest, { settings }: Simulation): Answer {
  const { size } = content;
  const range = settings.fileRanges ? rangeOf(record.headers['range'], size) : undefined;
  if (range === 'unsatisfiable') {
    return jsonAnswer(416, errorBody('The range is not within the file', 'range_not_satisfiable', null), { 'content-range': `bytes */${size}` });
  }
  const [start, end] = range ?? [0, size];
  const whole: FileAnswer = {
    kind: 'file',
    status: 200,
    headers: settings.fileRanges ? { 'accept-ranges': 'bytes' } : {},
    size: end - start,
    read: (from, length) => content.read(start + from, Math.min(length, end - start - from)),
  };
  return range ? { ...whole, status: 206, headers: { ...whole.headers, 'content-range': `bytes ${start}-${end - 1}/${size}` } } : whole;
}

/** The first and the behind-last byte that a `Range` asks for; one that is no single range of bytes asks for the whole. */
function rangeOf(header: string | undefined, size: number): readonly [start: number, end: number] | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first === '') return last === '0' ? 'unsatisfiable' : [Math.max(0, size - Number(last)), size];
  const start = Number(first);
  const end = last === '' ? size : Math.min(size, Number(last) + 1);
  if (start >= size) return 'unsatisfiable';
  return start < end ? [start, end] : undefined;
}

function signatureOf({ id }: StoredFile, { settings }: Simulation): string {
  return createHash('sha256').update(`${settings.seed} ${id}`).digest('hex').slice(0, 32);
}

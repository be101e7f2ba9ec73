import type { CreateFileResponse } from '@mistralai/mistralai/models/components/createfileresponse.js';
import type { DeleteFileResponse } from '@mistralai/mistralai/models/components/deletefileresponse.js';
import type { FileSchema } from '@mistralai/mistralai/models/components/fileschema.js';
import type { GetFileResponse } from '@mistralai/mistralai/models/components/getfileresponse.js';
import type { ListFilesResponse } from '@mistralai/mistralai/models/components/listfilesresponse.js';
import { isObject, renameFields } from './json.js';

const names = ['created_at', 'sample_type', 'num_lines', 'expires_at'];

/**
 * The SDK's description of a file from JSON that the SDK's own check refused, in place. What is null or missing becomes the least
 * that the type allows: a number of 0, an empty text.
 */
export function decodeFile(json: unknown): (CreateFileResponse & FileSchema) | undefined {
  if (!isObject(json) || typeof json['id'] !== 'string') return undefined;
  renameFields(json, names);
  json['sizeBytes'] ??= json['bytes'];
  delete json['bytes'];
  json['object'] ??= 'file';
  for (const name of ['filename', 'purpose', 'sampleType', 'source']) json[name] ??= '';
  for (const name of ['sizeBytes', 'createdAt']) json[name] = typeof json[name] === 'number' ? json[name] : 0;
  return json as unknown as CreateFileResponse & FileSchema;
}

/** The SDK's `GetFileResponse` likewise. */
export function decodeRetrievedFile(json: unknown): GetFileResponse | undefined {
  const file = decodeFile(json);
  return file && { ...file, deleted: isObject(json) && json['deleted'] === true };
}

/** The SDK's `ListFilesResponse` likewise; what is no file is left out. */
export function decodeFiles(json: unknown): ListFilesResponse | undefined {
  if (!isObject(json) || !Array.isArray(json['data'])) return undefined;
  const data = json['data'].map(decodeFile).filter((file) => file !== undefined);
  return { object: 'list', data, total: typeof json['total'] === 'number' ? json['total'] : null };
}

/** The SDK's `DeleteFileResponse` likewise. An answer that does not say that the file was not deleted says that it was. */
export function decodeDeletedFile(json: unknown): DeleteFileResponse | undefined {
  if (!isObject(json) || typeof json['id'] !== 'string') return undefined;
  return { id: json['id'], object: 'file', deleted: json['deleted'] !== false };
}

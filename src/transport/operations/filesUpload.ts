import { filesUpload } from '@mistralai/mistralai/funcs/filesUpload.js';
import { getContentTypeFromFileName } from '@mistralai/mistralai/lib/files.js';
import type { CreateFileResponse } from '@mistralai/mistralai/models/components/createfileresponse.js';
import { decodeFile } from '../decodeFile.js';
import type { FileUpload, FileUploadRequest } from '../FileUpload.js';
import type { UnaryOperation } from '../MistralTransport.js';
import { uploadForm } from '../uploadForm.js';

/**
 * `POST /v1/files`, with the file streamed. It needs an engine whose `fetch` streams what it sends: Node, Deno, Bun; of browsers
 * those of the Chromium family, over HTTP/2.
 */
export const filesUploadOperation: UnaryOperation<'files.upload', FileUploadRequest, CreateFileResponse> = {
  name: 'files.upload',
  kind: 'unary',
  send: (client, request, options) => filesUpload(client, { ...request, file: standIn(request.file) }, options),
  body: (form, { file }, onError) => uploadForm(form, file, onError),
  decode: decodeFile,
};

function standIn({ fileName, contentType }: FileUpload): File {
  return new File([], fileName, { type: contentType ?? getContentTypeFromFileName(fileName) ?? 'application/octet-stream' });
}

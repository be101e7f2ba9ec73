import { filesDownload } from '@mistralai/mistralai/funcs/filesDownload.js';
import { expectId } from '../expectId.js';
import type { FileDownload, FileDownloadRequest } from '../FileDownload.js';
import type { SdkFunction, UnaryOperation } from '../MistralTransport.js';
import { openDownload } from '../openDownload.js';

const send: SdkFunction<FileDownloadRequest, unknown> = (client, { start = 0, ...request }, options) => {
  expectId('fileId', request.fileId);
  const headers = new Headers(options?.headers);
  if (start > 0) headers.set('range', `bytes=${start}-`);
  return filesDownload(client, request, { ...options, headers });
};

/** `GET /v1/files/{id}/content`, left to its reader. */
export const filesDownloadOperation: UnaryOperation<'files.download', FileDownloadRequest, FileDownload> = {
  name: 'files.download',
  kind: 'unary',
  // The SDK answers with an empty stand-in, which is not used.
  send: send as SdkFunction<FileDownloadRequest, never>,
  open: openDownload,
};

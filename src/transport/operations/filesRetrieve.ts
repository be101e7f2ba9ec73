import { filesRetrieve } from '@mistralai/mistralai/funcs/filesRetrieve.js';
import type { GetFileResponse } from '@mistralai/mistralai/models/components/getfileresponse.js';
import type { FilesApiRoutesRetrieveFileRequest } from '@mistralai/mistralai/models/operations/filesapiroutesretrievefile.js';
import { decodeRetrievedFile } from '../decodeFile.js';
import { expectId } from '../expectId.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `GET /v1/files/{id}`. */
export const filesRetrieveOperation: UnaryOperation<'files.retrieve', FilesApiRoutesRetrieveFileRequest, GetFileResponse> = {
  name: 'files.retrieve',
  kind: 'unary',
  send: (client, request, options) => {
    expectId('fileId', request.fileId);
    return filesRetrieve(client, request, options);
  },
  decode: decodeRetrievedFile,
};

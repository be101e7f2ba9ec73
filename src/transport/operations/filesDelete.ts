import { filesDelete } from '@mistralai/mistralai/funcs/filesDelete.js';
import type { DeleteFileResponse } from '@mistralai/mistralai/models/components/deletefileresponse.js';
import type { FilesApiRoutesDeleteFileRequest } from '@mistralai/mistralai/models/operations/filesapiroutesdeletefile.js';
import { decodeDeletedFile } from '../decodeFile.js';
import { expectId } from '../expectId.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `DELETE /v1/files/{id}`. */
export const filesDeleteOperation: UnaryOperation<'files.delete', FilesApiRoutesDeleteFileRequest, DeleteFileResponse> = {
  name: 'files.delete',
  kind: 'unary',
  send: (client, request, options) => {
    expectId('fileId', request.fileId);
    return filesDelete(client, request, options);
  },
  decode: decodeDeletedFile,
};

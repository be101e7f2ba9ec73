import { filesList } from '@mistralai/mistralai/funcs/filesList.js';
import type { ListFilesResponse } from '@mistralai/mistralai/models/components/listfilesresponse.js';
import type { FilesApiRoutesListFilesRequest } from '@mistralai/mistralai/models/operations/filesapirouteslistfiles.js';
import { decodeFiles } from '../decodeFile.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `GET /v1/files`. */
export const filesListOperation: UnaryOperation<'files.list', FilesApiRoutesListFilesRequest | undefined, ListFilesResponse> = {
  name: 'files.list',
  kind: 'unary',
  send: filesList,
  decode: decodeFiles,
};

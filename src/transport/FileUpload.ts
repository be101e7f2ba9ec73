import type { MultiPartBodyParams } from '@mistralai/mistralai/models/operations/filesapiroutesuploadfile.js';
import type { FileContent } from './FileContent.js';

/** A file to upload. */
export interface FileUpload {
  readonly fileName: string;
  /** Read piece by piece, as the connection takes it: nothing is held of it. */
  readonly content: FileContent;
  /**
   * How many bytes the content has. Known of a `Blob` and of bytes; where it is not, the file is sent in chunks. A content that
   * has more or fewer is an error of kind `validation`.
   */
  readonly size?: number | undefined;
  /** @defaultValue by the ending of `fileName`, else `application/octet-stream` */
  readonly contentType?: string | undefined;
}

/** The request of `files.upload`: the SDK's, but for the file, whose content may be more than fits in memory. */
export interface FileUploadRequest extends Omit<MultiPartBodyParams, 'file'> {
  readonly file: FileUpload;
}

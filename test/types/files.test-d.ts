import type { BatchJob } from '@mistralai/mistralai/models/components/batchjob.js';
import type { CreateFileResponse } from '@mistralai/mistralai/models/components/createfileresponse.js';
import { MistralCore } from '@mistralai/mistralai/core.js';
import { type Observable, of } from 'rxjs';
import { describe, expectTypeOf, test } from 'vitest';
import { type ByteStream, type FileContent, type FileDownload, type FileDownloadRequest, type FileUpload, type FileUploadRequest, sdkTransport } from '../../src/index.js';
import { fakeMistral, fileDownload, type OperationName, type OperationRequest } from '../../src/testing/index.js';
import { batchJobsGetOperation } from '../../src/transport/operations/batchJobsGet.js';
import { filesDownloadOperation } from '../../src/transport/operations/filesDownload.js';
import { filesUploadOperation } from '../../src/transport/operations/filesUpload.js';

const transport = sdkTransport(new MistralCore({ apiKey: 'any' }));

describe('the operations of files and batch jobs', () => {
  test("are named as the SDK's methods", () => {
    expectTypeOf<'files.upload' | 'files.list' | 'files.retrieve' | 'files.delete' | 'files.download'>().toExtend<OperationName>();
    expectTypeOf<'batch.jobs.create' | 'batch.jobs.get' | 'batch.jobs.list' | 'batch.jobs.cancel'>().toExtend<OperationName>();
    expectTypeOf<OperationRequest<'files.download'>>().toEqualTypeOf<FileDownloadRequest>();
    expectTypeOf<OperationRequest<'files.upload'>>().toEqualTypeOf<FileUploadRequest>();
    expectTypeOf(batchJobsGetOperation.name).toEqualTypeOf<'batch.jobs.get'>();
  });

  test('answer with the types of the SDK, and with a download', () => {
    expectTypeOf(transport.call(batchJobsGetOperation, { jobId: 'j', inline: true })).toEqualTypeOf<Observable<BatchJob>>();
    expectTypeOf(transport.call(filesUploadOperation, { purpose: 'batch', file: { fileName: 'a', content: new Uint8Array() } })).toEqualTypeOf<Observable<CreateFileResponse>>();
    expectTypeOf(transport.call(filesDownloadOperation, { fileId: 'f', start: 5 })).toEqualTypeOf<Observable<FileDownload>>();
    expectTypeOf<ReturnType<FileDownload['read']>>().toEqualTypeOf<Observable<Uint8Array>>();
  });

  test('take a content of any kind, and no text', () => {
    expectTypeOf<Uint8Array | Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>>().toExtend<FileContent>();
    expectTypeOf<() => ByteStream>().toExtend<FileContent>();
    expectTypeOf<string>().not.toExtend<FileContent>();
    // @ts-expect-error -- a file has a name
    void transport.call(filesUploadOperation, { file: { content: new Uint8Array() } });
    expectTypeOf<{ fileName: string; content: Blob; size: undefined; contentType: undefined }>().toExtend<FileUpload>();
  });
});

test('a fake is scripted with downloads', () => {
  expectTypeOf(fileDownload('text')).toEqualTypeOf<Observable<FileDownload>>();
  fakeMistral({ 'files.download': fileDownload(['a', new Uint8Array()]) });
  fakeMistral({ 'files.download': [fileDownload(of('a')), { status: 404 }, { status: 206, body: fileDownload('b', { start: 1, size: undefined }) }] });
  fakeMistral({ 'files.download': ({ fileId, start }) => fileDownload(fileId, { start }) });
  // @ts-expect-error -- a text is no download
  fakeMistral({ 'files.download': 'text' });
  // @ts-expect-error -- a list of numbers is no content
  void fileDownload([1, 2]);
});

import { ocrProcess } from '@mistralai/mistralai/funcs/ocrProcess.js';
import type { OCRRequest } from '@mistralai/mistralai/models/components/ocrrequest.js';
import type { OCRResponse } from '@mistralai/mistralai/models/components/ocrresponse.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `POST /v1/ocr`. */
export const ocrProcessOperation: UnaryOperation<'ocr.process', OCRRequest, OCRResponse> = {
  name: 'ocr.process',
  kind: 'unary',
  send: ocrProcess,
};

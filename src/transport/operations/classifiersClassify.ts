import { classifiersClassify } from '@mistralai/mistralai/funcs/classifiersClassify.js';
import type { ClassificationRequest } from '@mistralai/mistralai/models/components/classificationrequest.js';
import type { ClassificationResponse } from '@mistralai/mistralai/models/components/classificationresponse.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `POST /v1/classifications`. */
export const classifiersClassifyOperation: UnaryOperation<
  'classifiers.classify',
  ClassificationRequest,
  ClassificationResponse
> = {
  name: 'classifiers.classify',
  kind: 'unary',
  send: classifiersClassify,
};

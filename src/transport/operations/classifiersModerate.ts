import { classifiersModerate } from '@mistralai/mistralai/funcs/classifiersModerate.js';
import type { ClassificationRequest } from '@mistralai/mistralai/models/components/classificationrequest.js';
import type { ModerationResponse } from '@mistralai/mistralai/models/components/moderationresponse.js';
import type { UnaryOperation } from '../MistralTransport.js';

/** `POST /v1/moderations`. */
export const classifiersModerateOperation: UnaryOperation<
  'classifiers.moderate',
  ClassificationRequest,
  ModerationResponse
> = {
  name: 'classifiers.moderate',
  kind: 'unary',
  send: classifiersModerate,
};

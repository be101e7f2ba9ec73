import type { ValidationDetail } from './errorBodies.js';
import { complaint, complaints, either, fieldComplaints, isFields, list, string, tooShort, type FieldChecks } from './fieldChecks.js';

/** A request about a text or several. */
export interface TextsBody {
  readonly model: string;
  readonly input: string | readonly string[];
  readonly [field: string]: unknown;
}

/** Complaints about a request with a `model` and an `input` that is a text or a list of them. */
export function textsComplaints(body: unknown, optional: FieldChecks['optional'] = {}): readonly ValidationDetail[] {
  const found = fieldComplaints(body, { required: { model: string, input: either(string, list) }, optional });
  const input = isFields(body) ? body['input'] : undefined;
  if (!Array.isArray(input)) return found;
  if (input.length === 0) return [...found, complaint(['body', 'input'], input, tooShort)];
  return [...found, ...input.flatMap((text: unknown, i) => complaints(['body', 'input', i], text, string))];
}

export function textsOf({ input }: TextsBody): readonly string[] {
  return typeof input === 'string' ? [input] : input;
}

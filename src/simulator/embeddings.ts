import { jsonAnswer, type JsonAnswer } from './answer.js';
import { errorBody, validationFailed } from './errorBodies.js';
import { integerFrom, object, oneOf } from './fieldChecks.js';
import { hexDigits, randomFrom } from './random.js';
import { requestKey } from './requestKey.js';
import type { Route } from './route.js';
import { textsComplaints, textsOf, type TextsBody } from './textInputs.js';
import { countTokens } from './tokens.js';

/** The limits of one request, in inputs and in tokens (as the simulator counts them). */
const mostInputs = 512;
const mostTokens = 16_384;

interface EmbeddingsBody extends TextsBody {
  readonly output_dimension?: number | null | undefined;
  readonly output_dtype?: 'float' | 'int8' | 'uint8' | 'binary' | 'ubinary' | null | undefined;
  readonly encoding_format?: 'float' | 'base64' | null | undefined;
}

/** `POST /v1/embeddings`. */
export const embeddingRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/embeddings',
    handle({ body }, { settings, vectors }) {
      const complaints = textsComplaints(body, {
        metadata: object,
        output_dimension: integerFrom(1, 3_072),
        output_dtype: oneOf('float', 'int8', 'uint8', 'binary', 'ubinary'),
        encoding_format: oneOf('float', 'base64'),
      });
      if (complaints.length > 0) return validationFailed(complaints, settings.validationErrors);

      const request = body as EmbeddingsBody;
      const texts = textsOf(request);
      const tokens = texts.reduce((sum, text) => sum + countTokens(text), 0);
      if (texts.length > mostInputs) return tooMuch('Too many inputs in request, split into more batches.');
      if (tokens > mostTokens) return tooMuch('Too many tokens overall, split into more batches.');

      const { model, output_dimension, output_dtype, encoding_format } = request;
      const data = texts.map((text, index) => {
        const values = quantised(vectors.of(model, text, output_dimension ?? 1_024), output_dtype ?? 'float');
        return { object: 'embedding', embedding: encoding_format === 'base64' ? base64(values) : Array.from(values), index };
      });
      const id = randomFrom(settings.seed, 'embeddings', requestKey(request)).text(32, hexDigits);
      const usage = { prompt_tokens: tokens, completion_tokens: 0, total_tokens: tokens };
      return { ...jsonAnswer(200, { id, object: 'list', data, model, usage }), tokens };
    },
  },
];

function tooMuch(message: string): JsonAnswer {
  return jsonAnswer(400, errorBody(message, 'invalid_request_prompt', '3210'));
}

type Values = readonly number[] | Int8Array | Uint8Array;

/** Components as the type wants them: from -1 to 1, in 8 bits, or a bit each (whether it is positive), eight in a number. */
function quantised(vector: readonly number[], type: NonNullable<EmbeddingsBody['output_dtype']>): Values {
  switch (type) {
    case 'float':
      return vector;
    case 'int8':
      return Int8Array.from(vector, (value) => Math.round(value * 127));
    case 'uint8':
      return Uint8Array.from(vector, (value) => Math.round((value + 1) * 127.5));
    case 'binary':
      return Int8Array.from(bits(vector), (byte) => byte - 128);
    case 'ubinary':
      return bits(vector);
  }
}

function bits(vector: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(vector.length / 8));
  for (const [i, value] of vector.entries()) if (value > 0) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (0x80 >> (i & 7));
  return bytes;
}

/** Floats are written in four bytes each, the least significant first. */
function base64(values: Values): string {
  const bytes = values instanceof Int8Array || values instanceof Uint8Array ? values : new Float32Array(values);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

import { MultipartParser, type PartHead } from './multipartParser.js';

/** One part of a `multipart/form-data` body. */
export interface FormPart extends PartHead {
  readonly content: Buffer;
}

/** Takes a whole form apart; `undefined` where the body is none, or is not whole. The parts are views of `bytes`. */
export function parseMultipart(bytes: Buffer, contentType: string): readonly FormPart[] | undefined {
  const parts: { readonly head: PartHead; content: Buffer }[] = [];
  const parser = new MultipartParser(contentType, {
    onPart: (head) => {
      parts.push({ head, content: bytes.subarray(0, 0) });
    },
    onContent: (content) => {
      // All of it: there is one push.
      const part = parts.at(-1);
      if (part) part.content = content;
    },
  });
  parser.push(bytes);
  return parser.ended ? parts.map(({ head, content }) => ({ ...head, content })) : undefined;
}

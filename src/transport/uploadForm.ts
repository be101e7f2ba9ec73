import { RxMistralError } from '../errors/RxMistralError.js';
import { type ContentReader, contentSize, openContent } from './FileContent.js';
import type { FileUpload } from './FileUpload.js';
import type { RequestBody } from './MistralTransport.js';

/**
 * The multipart body of an upload (RFC 7578), with the fields that the SDK has put into `form` and the file streamed in the place
 * of the stand-in that the SDK was given. The content is read piece by piece, as the body is: nothing is held of it.
 *
 * `onError` gets what the content fails with, as it is; the body then breaks off.
 *
 * @throws RxMistralError of kind `validation` where the content cannot be read.
 */
export function uploadForm(form: FormData, upload: Pick<FileUpload, 'content' | 'size'>, onError: (error: unknown) => void): RequestBody {
  const { content, size = contentSize(content) } = upload;
  const boundary = `rxmistral-${crypto.randomUUID()}`;
  const { head, tail } = encodeFrame(form, boundary);
  const reader = openContent(content);
  const pieces = readForm(head, sized(reader, size), tail);
  let isOver = false;

  const stream = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const { done, value } = await pieces.next();
          if (isOver) return;
          if (!done) controller.enqueue(value);
          else {
            isOver = true;
            controller.close();
          }
        } catch (error) {
          if (isOver) return;
          isOver = true;
          reader.cancel();
          onError(error);
          throw error;
        }
      },
      cancel: () => {
        end();
      },
    },
    // Nothing is read before it is asked for.
    { highWaterMark: 0 },
  );
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    reader.cancel();
  };
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    contentLength: size === undefined ? undefined : head.byteLength + size + tail.byteLength,
    stream,
    cancel: end,
  };
}

async function* readForm(head: Uint8Array, content: AsyncIterable<Uint8Array>, tail: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield head;
  yield* content;
  yield tail;
}

// A server that was told a length waits for all of it, and takes what is more for another request.
async function* sized(reader: ContentReader, size: number | undefined): AsyncGenerator<Uint8Array, void> {
  let length = 0;
  for (let piece = await reader.next(); piece !== undefined; piece = await reader.next()) {
    if (!ArrayBuffer.isView(piece)) throw new RxMistralError({ kind: 'validation', message: 'The content of the file is no bytes' });
    length += piece.byteLength;
    if (size !== undefined && length > size) throw wrongSize(`more than ${size}`, size);
    if (piece.byteLength > 0) yield piece;
  }
  if (size !== undefined && length < size) throw wrongSize(length, size);
}

function wrongSize(length: number | string, size: number): RxMistralError {
  return new RxMistralError({ kind: 'validation', message: `The content of the file has ${length} bytes, where ${size} were announced` });
}

interface Frame {
  /** All that stands before the file's content. */
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

function encodeFrame(form: FormData, boundary: string): Frame {
  let fields = '';
  let file = '';
  for (const [name, value] of form) {
    const start = `--${boundary}\r\nContent-Disposition: form-data; name="${escaped(name)}"`;
    if (typeof value === 'string') fields += `${start}\r\n\r\n${value}\r\n`;
    else file = `${start}; filename="${escaped(value.name)}"\r\nContent-Type: ${value.type === '' ? 'application/octet-stream' : value.type}\r\n\r\n`;
  }
  // The file comes last, so that whoever reads it as it comes knows what it is for.
  const encoder = new TextEncoder();
  return { head: encoder.encode(fields + file), tail: encoder.encode(`\r\n--${boundary}--\r\n`) };
}

/** As the Fetch standard writes names in a form. */
function escaped(name: string): string {
  return name.replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll('"', '%22');
}

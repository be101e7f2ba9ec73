import { RxMistralError } from '../errors/RxMistralError.js';

/**
 * The content of a file that is uploaded, read as the socket takes it. A stream can be read once; a function is called for each
 * call, so that what is retried is read anew.
 */
export type FileContent = Uint8Array | Blob | ByteStream | (() => ByteStream);

/** Bytes that come piece by piece: a web stream, or what `for await` reads, as a Node stream. */
export type ByteStream = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** Reads a content from its beginning. */
export interface ContentReader {
  /** The next piece, or `undefined` at the end. */
  next(): Promise<Uint8Array | undefined>;
  /** Tells the content that no more of it is wanted. */
  cancel(): void;
}

/** How many bytes a content has, where that is known before it is read. */
export function contentSize(content: FileContent): number | undefined {
  if (ArrayBuffer.isView(content)) return content.byteLength;
  return isBlob(content) ? content.size : undefined;
}

/**
 * Begins to read a content.
 *
 * @throws RxMistralError of kind `validation` for what is no content, or a stream that somebody reads already.
 */
export function openContent(content: FileContent): ContentReader {
  if (ArrayBuffer.isView(content)) return readOnce(content);
  if (isBlob(content)) return readStream(content.stream());
  return readBytes(typeof content === 'function' ? content() : content);
}

function readBytes(bytes: ByteStream): ContentReader {
  const given: unknown = bytes;
  if (typeof given === 'object' && given !== null) {
    if ('getReader' in bytes) return readStream(bytes);
    if (Symbol.asyncIterator in bytes) return readIterable(bytes);
  }
  throw new RxMistralError({ kind: 'validation', message: 'Expected the content of the file to be bytes, a Blob, a stream or a function that opens one' });
}

function readOnce(bytes: Uint8Array): ContentReader {
  let rest: Uint8Array | undefined = bytes;
  return {
    next: () => {
      const piece = rest;
      rest = undefined;
      return Promise.resolve(piece);
    },
    cancel: () => undefined,
  };
}

function readStream(stream: ReadableStream<Uint8Array>): ContentReader {
  if (stream.locked) {
    const message = 'The content of the file is read by somebody else, or was read before: give a function that opens it for each call';
    throw new RxMistralError({ kind: 'validation', message });
  }
  const reader = stream.getReader();
  return {
    next: async () => {
      const { done, value } = await reader.read();
      return done ? undefined : value;
    },
    cancel: () => {
      reader.cancel().catch(ignore);
    },
  };
}

function readIterable(iterable: AsyncIterable<Uint8Array>): ContentReader {
  const iterator = iterable[Symbol.asyncIterator]();
  return {
    next: async () => {
      const result: IteratorResult<Uint8Array, unknown> = await iterator.next();
      return result.done === true ? undefined : result.value;
    },
    cancel: () => {
      // A generator answers when it has come to its next `yield`; nobody waits for it.
      iterator.return?.().catch(ignore);
    },
  };
}

// By shape: a Blob of another realm is one too.
function isBlob(content: FileContent): content is Blob {
  const given: unknown = content;
  return typeof given === 'object' && given !== null && 'stream' in given && typeof given.stream === 'function' && 'size' in given;
}

function ignore(): void {
  // On purpose: nothing is to be done.
}

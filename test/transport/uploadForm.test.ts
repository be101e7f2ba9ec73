import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { uploadForm } from '../../src/transport/uploadForm.js';

function formWith(fields: Readonly<Record<string, string>>, file = new File([], 'in.jsonl')): FormData {
  const form = new FormData();
  form.append('file', file);
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return form;
}

function ignored(error: unknown): never {
  throw new Error('Nobody waits for this', { cause: error });
}

async function* piecewise(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield await Promise.resolve(piece);
}

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));

describe('uploadForm', () => {
  it(`is read by fetch as the form that went in, with the content in the file's place (SEED=${seed})`, async () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name.filter((each) => each !== 'file'), fc.string({ unit: 'grapheme' })), name, fc.array(fc.uint8Array({ maxLength: 50 })), async (fields, fileName, pieces) => {
        const given = formWith(fields, new File([], fileName, { type: 'text/x-y' }));
        const { stream: body, contentType } = uploadForm(given, { content: () => piecewise(pieces) }, ignored);
        const read = await new Response(body, { headers: { 'content-type': contentType } }).formData();
        // What the engine makes of the same names and values on their way: line ends become CRLF, lone surrogates U+FFFD.
        const expected = await new Response(given).formData();
        expect([...read].filter(([key]) => key !== 'file')).toEqual([...expected].filter(([key]) => key !== 'file'));
        const file = read.get('file') as File;
        expect([file.name, file.type]).toEqual([(expected.get('file') as File).name, 'text/x-y']);
        expect(Buffer.from(await file.arrayBuffer())).toEqual(Buffer.concat(pieces));
      }),
      { seed },
    );
  });

  it('knows its length where the size is known, to the byte', async () => {
    for (const upload of [{ content: new Uint8Array(7) }, { content: new Blob(['äöü']) }, { content: () => new Blob(['12345']).stream(), size: 5 }]) {
      const { stream: body, contentLength } = uploadForm(formWith({ purpose: 'bätch' }), upload, ignored);
      expect((await new Response(body).arrayBuffer()).byteLength).toBe(contentLength);
    }
    expect(uploadForm(formWith({}), { content: new Blob([]).stream() }, ignored).contentLength).toBeUndefined();
  });

  it('asks for nothing before it is read, and for one piece at a time', async () => {
    let asked = 0;
    async function* content(): AsyncGenerator<Uint8Array> {
      for (;;) {
        asked += 1;
        yield await Promise.resolve(new Uint8Array(1));
      }
    }
    const { stream: body, cancel } = uploadForm(formWith({}), { content }, ignored);
    await turnOfEventLoop();
    const reader = body.getReader();
    for (let read = 0; read < 4; read++) {
      // The first is what stands before the content.
      expect(asked).toBe(Math.max(0, read - 1));
      await reader.read();
      await turnOfEventLoop();
    }
    cancel();
  });

  it('cancels a stream even while it is waited for, once', async () => {
    const cancelled = vi.fn<() => undefined>();
    const content = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => undefined), cancel: cancelled }, { highWaterMark: 0 });
    const { stream: body, cancel } = uploadForm(formWith({}), { content }, ignored);
    const reader = body.getReader();
    await reader.read();
    void reader.read();
    await Promise.resolve();
    cancel();
    cancel();
    expect(cancelled).toHaveBeenCalledOnce();
  });

  it('tells of an error once, as it is, and of none that comes after a cancel', async () => {
    const broken = new Error('broken');
    const errors: unknown[] = [];
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(new Uint8Array(1));
      throw broken;
    }
    const { stream: body } = uploadForm(formWith({}), { content: breaking }, (error) => errors.push(error));
    await expect(new Response(body).arrayBuffer()).rejects.toBe(broken);
    expect(errors).toEqual([broken]);

    let fail: (error: Error) => void = () => undefined;
    const late = new ReadableStream<Uint8Array>({ pull: () => new Promise((_, reject) => (fail = reject)) }, { highWaterMark: 0 });
    const form = uploadForm(formWith({}), { content: late }, (error) => errors.push(error));
    const reader = form.stream.getReader();
    await reader.read();
    void reader.read();
    await Promise.resolve();
    form.cancel();
    fail(new Error('late'));
    await turnOfEventLoop();
    expect(errors).toHaveLength(1);
  });
});

import { describe, expect, test } from 'vitest';

import { parseMultipart } from '../../src/simulator/multipartForm.js';

async function encoded(form: FormData): Promise<readonly [Buffer, string]> {
  const request = new Request('http://localhost', { method: 'POST', body: form });
  return [Buffer.from(await request.arrayBuffer()), request.headers.get('content-type')!];
}

describe('a form', () => {
  test('as fetch encodes it is taken apart into what went in', async () => {
    const content = Buffer.from(Array.from({ length: 1_000 }, (_, i) => (i * 7) % 256));
    const form = new FormData();
    form.append('text', 'Ça va — 🙂\r\n--not-a-boundary\r\n');
    form.append('empty', '');
    form.append('odd "name"\n', 'value');
    form.append('file', new File([content], 'a "b"; c.bin', { type: 'audio/mpeg' }));
    const parts = parseMultipart(...(await encoded(form)))!;
    expect(parts.map(({ name, filename, contentType }) => [name, filename, contentType])).toEqual([
      ['text', undefined, undefined],
      ['empty', undefined, undefined],
      ['odd "name"\r\n', undefined, undefined],
      ['file', 'a "b"; c.bin', 'audio/mpeg'],
    ]);
    expect(parts.map((part) => part.content.toString()).slice(0, 3)).toEqual(['Ça va — 🙂\r\n--not-a-boundary\r\n', '', 'value']);
    expect(parts[3]?.content.equals(content)).toBe(true);
  });

  test('may be empty, begin with a preamble, and have a quoted boundary', async () => {
    expect(parseMultipart(...(await encoded(new FormData())))).toEqual([]);
    const body = Buffer.from('preamble\r\n--a b\r\ncontent-disposition: form-data; name="x"\r\n\r\n1\r\n--a b--\r\nepilogue');
    expect(parseMultipart(body, 'multipart/form-data; boundary="a b"')?.map(({ name, content }) => [name, content.toString()])).toEqual([['x', '1']]);
  });

  test.each([
    ['without a boundary', '--b--', 'multipart/form-data'],
    ['of another type', '--b--', 'application/json; boundary=b'],
    ['without an end', '--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n', 'multipart/form-data; boundary=b'],
    ['that breaks off in a header', '--b\r\nContent-Dispo', 'multipart/form-data; boundary=b'],
    ['with a part that has no name', '--b\r\nContent-Type: text/plain\r\n\r\n1\r\n--b--', 'multipart/form-data; boundary=b'],
    ['that is no form at all', '{"model":"m"}', 'multipart/form-data; boundary=b'],
  ])('%s is none', (_what, body, contentType) => {
    expect(parseMultipart(Buffer.from(body), contentType)).toBeUndefined();
  });
});

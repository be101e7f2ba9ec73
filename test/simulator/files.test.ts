import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import http from 'node:http';
import { fileURLToPath } from 'node:url';

import { Mistral } from '@mistralai/mistralai';
import { describe, expect, test } from 'vitest';

import { startSimulator, type Fault, type Simulator, type SimulatorOptions } from '../../src/simulator/index.js';
import { waitFor } from '../fixtures/waitFor.js';
import { withSimulator } from './rawClient.js';
import { form, request } from './standaloneSdk.js';

const lines = Array.from({ length: 5 }, (_, i) => `{"custom_id":"r${i}","body":{}}\n`);
const content = lines.join('');

function clientOf(simulator: Simulator): Mistral {
  return new Mistral({ serverURL: simulator.url, apiKey: 'any' });
}

/** Runs a test with a client of the SDK. */
function withClient(options: SimulatorOptions, run: (client: Mistral, simulator: Simulator) => Promise<void>): Promise<void> {
  return withSimulator(options, (simulator) => run(clientOf(simulator), simulator));
}

function upload(simulator: Simulator, fields: Readonly<Record<string, string>> = { purpose: 'batch' }, text = content): Promise<Response> {
  return request(simulator, '/v1/files', form({ ...fields, file: new File([text], 'a.jsonl') }));
}

async function uploadedId(simulator: Simulator, text = content): Promise<string> {
  return ((await (await upload(simulator, { purpose: 'batch' }, text)).json()) as { id: string }).id;
}

function download(simulator: Simulator, id: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${simulator.url}/v1/files/${id}/content`, { headers: { authorization: 'Bearer any', ...headers } });
}

describe('a file', () => {
  test('is uploaded, found, listed, downloaded and deleted by the SDK', async () => {
    await withClient({}, async (client) => {
      const file = await client.files.upload({ purpose: 'batch', file: { fileName: 'in.jsonl', content: Buffer.from(content) } });
      expect(file).toMatchObject({ object: 'file', filename: 'in.jsonl', purpose: 'batch', sampleType: 'batch_request', source: 'upload' });
      expect(file).toMatchObject({ sizeBytes: content.length, numLines: 5, expiresAt: null, visibility: 'workspace' });
      expect(Math.abs(file.createdAt * 1_000 - Date.now())).toBeLessThan(60_000);

      expect(await client.files.retrieve({ fileId: file.id })).toEqual({ ...file, deleted: false });
      expect(await client.files.list()).toEqual({ object: 'list', data: [file], total: 1 });
      expect(await new Response(await client.files.download({ fileId: file.id })).text()).toBe(content);
      expect(await client.files.delete({ fileId: file.id })).toEqual({ id: file.id, object: 'file', deleted: true });

      await expect(client.files.retrieve({ fileId: file.id })).rejects.toMatchObject({ statusCode: 404 });
      await expect(client.files.download({ fileId: file.id })).rejects.toMatchObject({ statusCode: 404 });
      expect(await client.files.list()).toMatchObject({ data: [], total: 0 });
    });
  });

  test('is read at an address that is signed, without a key', async () => {
    await withClient({ apiKey: 'any' }, async (client, simulator) => {
      const id = await uploadedId(simulator);
      const { url } = await client.files.getSignedUrl({ fileId: id });
      expect(await (await fetch(url)).text()).toBe(content);
      expect((await fetch(url.replace(/signature=.*/, 'signature=guessed'))).status).toBe(403);
      expect((await fetch(`${simulator.url}/v1/files/${id}/content`)).status).toBe(401);
    });
  });

  test('is listed newest first, by page and by what it is', async () => {
    await withClient({}, async (client) => {
      for (const [fileName, purpose] of [['a.jsonl', 'batch'], ['B.pdf', 'ocr'], ['c.jsonl', 'fine-tune'], ['d.jsonl', 'batch']] as const) {
        await client.files.upload({ purpose, file: { fileName, content: new Blob(['xy'], { type: 'text/plain' }) } });
      }
      const names = async (options: Parameters<typeof client.files.list>[0]): Promise<readonly string[]> =>
        (await client.files.list(options)).data.map(({ filename }) => filename);
      expect(await names({})).toEqual(['d.jsonl', 'c.jsonl', 'B.pdf', 'a.jsonl']);
      expect(await names({ page: 1, pageSize: 3 })).toEqual(['a.jsonl']);
      expect(await names({ purpose: 'batch' })).toEqual(['d.jsonl', 'a.jsonl']);
      expect(await names({ search: 'b.P' })).toEqual(['B.pdf']);
      expect(await names({ sampleType: ['instruct', 'batch_result'] })).toEqual(['c.jsonl', 'B.pdf']);
      expect(await names({ source: ['mistral'] })).toEqual([]);
      expect((await client.files.list({ pageSize: 1 })).total).toBe(4);
      expect((await client.files.list({ includeTotal: false })).total).toBeNull();
    });
  });

  test('expires, and is gone then', async () => {
    await withSimulator({}, async (simulator) => {
      const { id, expires_at } = (await (await upload(simulator, { expiry: '0' })).json()) as { id: string; expires_at: number };
      expect(expires_at).toBeGreaterThan(1_700_000_000);
      expect([(await download(simulator, id)).status, (await request(simulator, `/v1/files/${id}`)).status]).toEqual([404, 404]);
      expect(await (await request(simulator, '/v1/files')).json()).toMatchObject({ data: [], total: 0 });
    });
  });

  test.each<[string, FormData | object, object]>([
    ['no file', form({ purpose: 'batch' }), { loc: ['body', 'file'], type: 'missing' }],
    ['a file that is a text', form({ file: 'text' }), { loc: ['body', 'file'], type: 'missing' }],
    ['an unknown purpose', form({ purpose: 'fun', file: new Blob(['x']) }), { loc: ['body', 'purpose'], type: 'literal_error' }],
    ['an expiry in words', form({ expiry: 'soon', file: new Blob(['x']) }), { loc: ['body', 'expiry'], type: 'int_parsing' }],
  ])('is refused with a 422 for %s', async (_what, body, detail) => {
    await withSimulator({}, async (simulator) => {
      const response = await request(simulator, '/v1/files', body);
      expect([response.status, await response.json()]).toMatchObject([422, { detail: [detail] }]);
      expect(await (await request(simulator, '/v1/files')).json()).toMatchObject({ total: 0 });
    });
  });

  test.each<[string, string, string]>([
    ['JSON', 'application/json', '{}'],
    ['a form that breaks off', 'multipart/form-data; boundary=b', '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nx'],
    ['a field of 100 KB', 'multipart/form-data; boundary=b', `--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n${'x'.repeat(100_000)}\r\n--b--`],
  ])('is refused with a 400 for %s', async (_what, contentType, body) => {
    await withSimulator({}, async (simulator) => {
      const response = await fetch(`${simulator.url}/v1/files`, { method: 'POST', headers: { authorization: 'Bearer any', 'content-type': contentType }, body });
      expect([response.status, await response.json()]).toMatchObject([400, { type: 'invalid_request_body' }]);
    });
  });

  test('is refused without a key, and with a 413 where it is too large, whatever other bodies may be', async () => {
    await withSimulator({ maxFileBytes: 1_000, maxBodyBytes: 1_000_000 }, async (simulator) => {
      expect((await upload(simulator, {}, 'x'.repeat(2_000))).status).toBe(413);
      expect((await upload(simulator, {}, 'x')).status).toBe(200);
      expect((await fetch(`${simulator.url}/v1/files`, { method: 'POST', body: form({ file: new Blob(['x']) }) })).status).toBe(401);
    });
    await withSimulator({ maxBodyBytes: 10 }, async (simulator) => {
      expect((await upload(simulator)).status).toBe(200);
    });
  });

  test('is recorded without its content, and counted as an attempt by what it holds', async () => {
    await withSimulator({}, async (simulator) => {
      for (const text of [content, 'other', content]) await upload(simulator, { purpose: 'batch' }, text);
      const file = { filename: 'a.jsonl', contentType: 'application/octet-stream', bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
      expect(simulator.requests[0]).toMatchObject({ path: '/v1/files', body: { purpose: 'batch', file }, outcome: 'completed' });
      expect(simulator.requests[0]!.bodyBytes).toBeGreaterThan(content.length);
      expect(simulator.requests.map(({ attempt }) => attempt)).toEqual([1, 1, 2]);
    });
  });

  test('is not kept where a fault takes the place of the answer', async () => {
    await withSimulator({ faults: { kind: 'status', status: 503, times: 1 } }, async (simulator) => {
      expect((await upload(simulator)).status).toBe(503);
      expect(await (await request(simulator, '/v1/files')).json()).toMatchObject({ total: 0 });
    });
  });

  test('tells how much of it has come, and that its client left', async () => {
    await withSimulator({}, async (simulator) => {
      const client = http.request(`${simulator.url}/v1/files`, {
        method: 'POST',
        agent: false,
        headers: { authorization: 'Bearer any', 'content-type': 'multipart/form-data; boundary=b' },
      });
      client.on('error', () => undefined);
      client.write('--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n');
      client.write('x'.repeat(500_000));
      await simulator.until(({ requests }) => (requests[0]?.bodyBytes ?? 0) > 500_000);
      client.destroy();
      await simulator.until(({ openRequests }) => openRequests === 0);
      expect(simulator.requests[0]).toMatchObject({ outcome: 'client-closed', body: undefined, status: undefined });
      await waitFor(() => {
        expect(openFiles()).toBe(0);
      });
    });
  });
});

/** Files of spools that this process holds open: they have no name any more. */
function openFiles(): number {
  if (!existsSync('/proc/self/fd')) return 0;
  return readdirSync('/proc/self/fd').filter((name) => {
    const target = `/proc/self/fd/${name}`;
    return linkOf(target).includes('rxmistral-simulator-');
  }).length;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

describe('a large file', () => {
  test('is kept on disk, and nothing of it is left when it is deleted, or the simulator closed', async () => {
    const simulator = await startSimulator();
    const large = 'x'.repeat(1_000_000);
    const id = await uploadedId(simulator, large);
    await uploadedId(simulator, large);
    expect(await (await download(simulator, id)).text()).toBe(large);
    if (existsSync('/proc/self/fd')) expect(openFiles()).toBe(2);
    await fetch(`${simulator.url}/v1/files/${id}`, { method: 'DELETE', headers: { authorization: 'Bearer any' } });
    if (existsSync('/proc/self/fd')) expect(openFiles()).toBe(1);
    await simulator.close();
    expect(openFiles()).toBe(0);
  });

  test('of 256 MiB costs less than 64 MiB of memory, up and down', { timeout: 180_000 }, async () => {
    const megabytes = 256;
    const { url, peakRss, end } = await startElsewhere();
    const before = await peakRss();
    const piece = new Uint8Array(1_048_576).fill(120);
    const head = new TextEncoder().encode('--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n');
    const tail = new TextEncoder().encode('\r\n--b--\r\n');
    let sent = -1;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(sent < 0 ? head : sent < megabytes ? piece : tail);
        sent += 1;
        if (sent > megabytes) controller.close();
      },
    });
    const headers = { authorization: 'Bearer any', 'content-type': 'multipart/form-data; boundary=b' };
    const uploaded = await fetch(`${url}/v1/files`, { method: 'POST', headers, body, duplex: 'half' } as RequestInit);
    const { id, bytes } = (await uploaded.json()) as { id: string; bytes: number };
    expect(bytes).toBe(megabytes * 1_048_576);

    const downloaded = await fetch(`${url}/v1/files/${id}/content`, { headers });
    expect(downloaded.headers.get('content-length')).toBe(String(bytes));
    let received = 0;
    for await (const part of downloaded.body! as unknown as AsyncIterable<Uint8Array>) received += part.byteLength;
    expect(received).toBe(bytes);
    expect((await peakRss()) - before).toBeLessThan(64 * 1_048_576);
    end();
  });
});

/** A simulator in a process of its own, whose memory is its own too. */
async function startElsewhere(): Promise<{ readonly url: string; peakRss(): Promise<number>; end(): void }> {
  const source = new URL('../../src/simulator/index.ts', import.meta.url).href;
  const program = `
    import { startSimulator } from ${JSON.stringify(source)};
    const simulator = await startSimulator();
    process.on('message', () => process.send(process.resourceUsage().maxRSS * 1_024));
    process.on('disconnect', () => process.exit());
    process.send(simulator.url);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  });
  const next = (): Promise<unknown> => new Promise((resolve) => child.once('message', resolve));
  const url = (await next()) as string;
  const peakRss = (): Promise<number> => {
    child.send('peak');
    return next() as Promise<number>;
  };
  return {
    url,
    peakRss,
    end() {
      child.disconnect();
    },
  };
}

describe('a download', () => {
  test('announces its length, and that it is bytes', async () => {
    await withSimulator({}, async (simulator) => {
      const { headers } = await download(simulator, await uploadedId(simulator));
      expect([headers.get('content-length'), headers.get('content-type'), headers.get('accept-ranges')]).toEqual([String(content.length), 'application/octet-stream', null]);
    });
  });

  /** What arrives of a download, and how it ends. */
  async function under(fault: Fault, text = content): Promise<{ readonly text: string; readonly length: string | null; readonly ended: boolean }> {
    return withSimulator({}, async (simulator) => {
      const id = await uploadedId(simulator, text);
      simulator.setFaults({ ...fault, times: 1 });
      const response = await download(simulator, id);
      const length = response.headers.get('content-length');
      let received = '';
      try {
        for await (const piece of response.body! as unknown as AsyncIterable<Uint8Array>) received += Buffer.from(piece).toString();
        return { text: received, length, ended: true };
      } catch {
        return { text: received, length, ended: false };
      } finally {
        // Struck once: the next one is whole.
        expect(await (await download(simulator, id)).text()).toBe(text);
      }
    });
  }

  const whole = String(content.length);
  test.each<[string, Fault, string, string | null, boolean]>([
    ['cut at a byte, with its length announced', { kind: 'reset', at: { bytes: 50 } }, content.slice(0, 50), whole, false],
    ['cut likewise by a plain close', { kind: 'reset', at: { bytes: 50 }, how: 'fin' }, content.slice(0, 50), whole, false],
    ['cut at the end of a line', { kind: 'reset', at: { events: 3 } }, lines.slice(0, 3).join(''), whole, false],
    ['cut within a line', { kind: 'reset', at: { events: 3, bytes: 7 } }, lines.slice(0, 3).join('') + lines[3]!.slice(0, 7), whole, false],
    ['ended too early as if all were well, at a byte', { kind: 'truncate', at: { bytes: 50 } }, content.slice(0, 50), null, true],
    ['ended too early as if all were well, at the end of a line', { kind: 'truncate', at: { events: 3 } }, lines.slice(0, 3).join(''), null, true],
    ['ended without the last line end', { kind: 'truncate', at: { events: 3 }, blankLine: false }, lines.slice(0, 3).join('').trimEnd(), null, true],
    ['ended in its middle', { kind: 'truncate' }, content.slice(0, Math.floor(content.length / 2)), null, true],
    ['empty', { kind: 'truncate', at: 'after-headers' }, '', null, true],
    ['not cut at a place behind its end', { kind: 'truncate', at: { events: 99 } }, content, null, true],
    ['without its length', { kind: 'no-length' }, content, null, true],
    ['in pieces of 7 bytes', { kind: 'split', size: 7 }, content, whole, true],
    ['with a pause', { kind: 'stall', at: { events: 2 }, for: 20 }, content, whole, true],
    ['with junk behind it', { kind: 'late-end', for: 0, junk: 'junk' }, `${content}junk`, null, true],
  ])('is %s', async (_what, fault, text, length, ended) => {
    expect(await under(fault)).toEqual({ text, length, ended });
  });

  test('is cut at a line of a file of many blocks', async () => {
    const many = Array.from({ length: 50_000 }, (_, i) => `line ${i}\n`);
    const text = many.join('');
    expect(await under({ kind: 'truncate', at: { events: 40_000, bytes: 3 } }, text)).toMatchObject({ text: `${many.slice(0, 40_000).join('')}lin` });
    const { text: pieced, ended } = await under({ kind: 'split', size: 50_021 }, text);
    expect([pieced === text, ended]).toEqual([true, true]);
  });

  test('waits for a client that reads slowly', async () => {
    await withSimulator({}, async (simulator) => {
      const id = await uploadedId(simulator, 'x'.repeat(50_000_000));
      const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
        http.get(`${simulator.url}/v1/files/${id}/content`, { agent: false, headers: { authorization: 'Bearer any' } }, resolve).on('error', reject);
      });
      await new Promise((resolve) => setTimeout(resolve, 100));
      const { bytesWritten } = simulator.requests.at(-1)!;
      expect(bytesWritten).toBeLessThan(20_000_000);
      let received = 0;
      for await (const piece of response) received += (piece as Buffer).length;
      expect(received).toBe(50_000_000);
    });
  });

  test('breaks where the file is deleted meanwhile', async () => {
    await withSimulator({}, async (simulator) => {
      const id = await uploadedId(simulator, 'x'.repeat(50_000_000));
      const response = await download(simulator, id);
      await fetch(`${simulator.url}/v1/files/${id}`, { method: 'DELETE', headers: { authorization: 'Bearer any' } });
      await expect(response.text()).rejects.toThrow();
    });
  });

  test.each<[range: string, status: number, text: string, contentRange: string | null]>([
    ['bytes=0-9', 206, content.slice(0, 10), `bytes 0-9/${whole}`],
    ['bytes=50-', 206, content.slice(50), `bytes 50-${content.length - 1}/${whole}`],
    ['bytes=-5', 206, content.slice(-5), `bytes ${content.length - 5}-${content.length - 1}/${whole}`],
    ['bytes=50-999999', 206, content.slice(50), `bytes 50-${content.length - 1}/${whole}`],
    ['bytes=9-3', 200, content, null],
    ['bytes=0-1,5-6', 200, content, null],
    ['lines=1-2', 200, content, null],
  ])('of %s is that part, where ranges are honoured', async (range, status, text, contentRange) => {
    await withSimulator({ fileRanges: true }, async (simulator) => {
      const response = await download(simulator, await uploadedId(simulator), { range });
      expect([response.status, await response.text(), response.headers.get('content-range')]).toEqual([status, text, contentRange]);
      expect([response.headers.get('content-length'), response.headers.get('accept-ranges')]).toEqual([String(text.length), 'bytes']);
    });
  });

  test('of a range behind the end is a 416, and of any range the whole where ranges are not honoured', async () => {
    await withSimulator({ fileRanges: true }, async (simulator) => {
      const { status, headers } = await download(simulator, await uploadedId(simulator), { range: `bytes=${content.length}-` });
      expect([status, headers.get('content-range')]).toEqual([416, `bytes */${whole}`]);
    });
    await withSimulator({}, async (simulator) => {
      const response = await download(simulator, await uploadedId(simulator), { range: 'bytes=50-' });
      expect([response.status, await response.text()]).toEqual([200, content]);
    });
  });
});

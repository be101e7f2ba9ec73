import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, LookupFunction } from 'node:net';
import { join } from 'node:path';
import { lastValueFrom, of } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { postWebhook } from '../../src/node/index.js';
import { root } from '../package/programs.js';

// A certificate for hook.example, in the name of nobody: good for whom it is given to as an authority.
const fixtures = join(import.meta.dirname, 'fixtures');
const certificate = join(fixtures, 'hook.example.cert.pem');

let server: Server;
let received: { readonly servername: unknown; readonly host: string | undefined }[];

beforeEach(async () => {
  received = [];
  const options = { cert: await readFile(certificate), key: await readFile(join(fixtures, 'hook.example.key.pem')) };
  server = createServer(options, (request, response) => {
    received.push({ servername: 'servername' in request.socket ? request.socket.servername : undefined, host: request.headers.host });
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const port = (): number => (server.address() as AddressInfo).port;

/** What a process posts that trusts the certificate: Node takes authorities of one's own when it starts. */
async function postFrom(host: string): Promise<unknown> {
  const program = `
    import { of } from 'rxjs';
    import { postWebhook } from 'rxmistral/node';
    const lookup = (name, options, callback) =>
      options.all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4);
    of('a')
      .pipe(postWebhook({ url: process.argv[1], secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', retry: false, lookup, allow: { addresses: ['127.0.0.1'] } }))
      .subscribe((event) => console.log(JSON.stringify(event)));
  `;
  const words = ['--input-type=module', '-e', program, `https://${host}:${port()}/hook`];
  const child = spawn(process.execPath, words, { cwd: root, env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate }, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const piece of child.stdout) output += String(piece);
  return JSON.parse(output);
}

describe('a webhook over TLS', { timeout: 180_000 }, () => {
  it('reaches its receiver by name: the certificate is that of the host, though the address is looked at', async () => {
    expect(await postFrom('hook.example')).toMatchObject({ type: 'webhook-delivered', status: 204, attempts: 1 });
    expect(received).toEqual([{ servername: 'hook.example', host: `hook.example:${port()}` }]);
  });

  it('does not reach one whose certificate is of another host', async () => {
    expect(await postFrom('other.example')).toMatchObject({ type: 'webhook-failed', error: { kind: 'connection', code: 'ERR_TLS_CERT_ALTNAME_INVALID' } });
    expect(received).toEqual([]);
  });

  it('does not reach one that nobody vouches for', async () => {
    const lookup: LookupFunction = (_name, options, callback) => {
      if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
      else callback(null, '127.0.0.1', 4);
    };
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const url = `https://hook.example:${port()}/hook`;
    const event = await lastValueFrom(of('a').pipe(postWebhook({ url, secret, retry: false, lookup, allow: { addresses: ['127.0.0.1'] } })));
    expect(event).toMatchObject({ type: 'webhook-failed', error: { kind: 'connection', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
    expect(received).toEqual([]);
  });
});

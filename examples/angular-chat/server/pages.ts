import type { IncomingMessage, ServerResponse } from 'node:http';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';

/** The files of the built page, by their path. */
export type Pages = ReadonlyMap<string, Buffer>;

const contentTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

// What the page may load: itself. It talks to nobody but this server.
const policy = "default-src 'self'; img-src 'self' data:; base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

/** Reads the built page into memory: a few files. */
export async function readPages(folder: string): Promise<Pages> {
  const names = (await readdir(folder)).filter((name) => extname(name) in contentTypes);
  if (!names.includes('index.html')) throw new Error(`There is no page in ${folder}: run \`npm run build\``);
  return new Map(await Promise.all(names.map(async (name) => [`/${name}`, await readFile(join(folder, name))] as const)));
}

/** Answers with a file of the page. */
export function sendPage(pages: Pages, pathname: string, { method }: IncomingMessage, response: ServerResponse): void {
  const path = pathname === '/' ? '/index.html' : pathname;
  const page = pages.get(path);
  if (page === undefined || (method !== 'GET' && method !== 'HEAD')) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n');
    return;
  }
  response.writeHead(200, {
    'content-type': contentTypes[extname(path)],
    'content-length': page.length,
    // All but the first have the hash of their content in their names.
    'cache-control': path === '/index.html' ? 'no-cache' : 'public, max-age=31536000, immutable',
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
  response.end(method === 'HEAD' ? undefined : page);
}

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pages } from './openChat.js';

// Of esbuild, which made the bundle: which files are in it.
interface Stats {
  readonly inputs: Readonly<Record<string, unknown>>;
}

describe('the bundle', () => {
  it('is made of rxmistral/angular, and of nothing of the SDK', async () => {
    const { inputs } = JSON.parse(await readFile(join(pages, 'stats.json'), 'utf8')) as Stats;
    const files = Object.keys(inputs);
    expect(files.filter((file) => file.includes('rxmistral/dist/angular/'))).not.toEqual([]);
    expect(files.filter((file) => file.includes('@mistralai') || file.includes('/zod/'))).toEqual([]);
  });

  it('names neither a key nor the address of Mistral', async () => {
    const names = (await readdir(pages)).filter((name) => /\.(?:js|css|html)$/.test(name));
    const text = (await Promise.all(names.map((name) => readFile(join(pages, name), 'utf8')))).join('\n');
    const words = ['idempotency-key', '@mistralai', 'api.mistral.ai', 'MISTRAL_API_KEY', 'apiKey', 'Bearer '];
    // The first, since this is the bundle.
    expect(words.filter((word) => text.includes(word))).toEqual(['idempotency-key']);
  });
});

import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../package/programs.js';

/** The built modules that an entry loads, with the packages that they import. */
async function packagesOf(entry: string): Promise<Set<string>> {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const visit = async (file: string): Promise<void> => {
    if (seen.has(file)) return;
    seen.add(file);
    const code = await readFile(file, 'utf8');
    for (const [, from, bare] of code.matchAll(/^(?:import|export)[^'"]*?\bfrom\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]/gmu)) {
      const name = from ?? bare ?? '';
      if (name.startsWith('.')) await visit(join(dirname(file), name));
      else packages.add(name);
    }
  };
  await visit(entry);
  return packages;
}

describe('rxmistral/sse, as it was built', () => {
  it('is safe in a browser: it loads rxjs, and nothing of Node or of the SDK', async () => {
    expect([...(await packagesOf(join(root, 'dist/sse/index.js')))]).toEqual(['rxjs']);
  });
});

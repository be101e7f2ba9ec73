import { join } from 'node:path';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { root } from '../package/programs.js';

describe('rxmistral/angular, as it was built', () => {
  let bundled: { readonly files: readonly string[]; readonly code: string };

  // As for a page: nothing is left out, and nothing of Node is there.
  beforeAll(async () => {
    const { metafile, outputFiles } = await build({
      entryPoints: [join(root, 'dist/angular/index.js')],
      absWorkingDir: root,
      bundle: true,
      format: 'esm',
      platform: 'browser',
      metafile: true,
      write: false,
      logLevel: 'silent',
    });
    bundled = { files: Object.keys(metafile.inputs), code: outputFiles[0]!.text };
  });

  it('takes into a browser what is of this package, rxjs and @angular/core, and nothing else', () => {
    const packages = new Set(bundled.files.map((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? file.split('/')[0]));
    expect([...packages].sort()).toEqual(['@angular/core', 'dist', 'rxjs', 'tslib'].filter((name) => packages.has(name)));
    expect(packages).toContain('dist');
    expect(packages).toContain('@angular/core');
  });

  it('has nothing of the SDK in it, nor a place for a key', () => {
    expect(bundled.code.length).toBeGreaterThan(10_000);
    expect(bundled.code).not.toMatch(/@mistralai|api\.mistral\.ai|MISTRAL_API_KEY|apiKey/);
  });

  it('runs without a compiler: no decorator and no declaration that a linker has to work on', async () => {
    const own = await build({ entryPoints: [join(root, 'dist/angular/index.js')], bundle: true, external: ['@angular/*', 'rxjs'], format: 'esm', write: false, logLevel: 'silent' });
    expect(own.outputFiles[0]!.text).not.toMatch(/ɵɵngDeclare|__decorate|__esDecorate/);
  });
});

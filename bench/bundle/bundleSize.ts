import { gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';

/** In bytes. */
export interface BundleSize {
  readonly minified: number;
  readonly gzipped: number;
}

// The peers are left out. rxjs and the SDK declare themselves free of side effects, so that an import of theirs that is
// not used leaves no trace in a bundle; nor does it here.
const withoutPeers: Plugin = {
  name: 'without-peers',
  setup: (bundler) => {
    bundler.onResolve({ filter: /^(rxjs|@mistralai\/mistralai|zod|@opentelemetry\/api)(\/|$)/ }, ({ path }) => ({
      path,
      external: true,
      sideEffects: false,
    }));
  },
};

/** The size of a bundle that exports `names` from the package's root, without its peers. */
export async function bundleSize(names: readonly string[]): Promise<BundleSize> {
  const { outputFiles } = await build({
    stdin: { contents: `export { ${names.join(', ')} } from 'rxmistral';`, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    plugins: [withoutPeers],
  });
  const bytes = outputFiles[0]?.contents ?? new Uint8Array();
  return { minified: bytes.byteLength, gzipped: gzipSync(bytes, { level: 9 }).byteLength };
}

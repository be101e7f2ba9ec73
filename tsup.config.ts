import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    'testing/index': 'src/testing/index.ts',
    'sse/index': 'src/sse/index.ts',
    'angular/index': 'src/angular/index.ts',
    'node/index': 'src/node/index.ts',
    'stores/index': 'src/stores/index.ts',
    'redis/index': 'src/redis/index.ts',
    'bullmq/index': 'src/bullmq/index.ts',
    'simulator/index': 'src/simulator/index.ts',
    'simulator/cli': 'src/simulator/cli.ts',
  },
  format: 'esm',
  target: 'es2022',
  platform: 'neutral',
  // Peers are never bundled; neither is anything they may load later (the SDK imports OpenTelemetry by itself).
  external: [/^node:/, /^rxjs/, /^@mistralai\//, /^zod/, /^@opentelemetry\//, /^@angular\//, /^bullmq/],
  splitting: true,
  treeshake: true,
  sourcemap: true,
  clean: true,
  // tsup 8.5 passes `baseUrl`, which TypeScript 6 reports as deprecated.
  dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
});

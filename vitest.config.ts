import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'examples/*.test.ts'],
    typecheck: { enabled: true, include: ['test/types/**/*.test-d.ts'], tsconfig: './tsconfig.json' },
    // Cancel and timeout tests force a collection first (SDK-fault 1: an abort link that the collector cuts).
    pool: 'forks',
    execArgv: ['--expose-gc'],
    // How long is waited for what comes in milliseconds on a machine of its own.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
  },
});

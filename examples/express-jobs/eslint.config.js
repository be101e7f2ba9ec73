// The rules of the repository, with the types of this app.
import { defineConfig } from 'eslint/config';
import repository from '../../eslint.config.js';

export default defineConfig(repository, {
  languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
  rules: {
    // A program that got no answer wants the EmptyError.
    'rxjs-x/no-ignored-default-value': 'off',
    // What the test runner returns is for those who run tests within tests.
    '@typescript-eslint/no-floating-promises': ['error', { allowForKnownSafeCalls: [{ from: 'package', name: ['it', 'describe', 'test'], package: 'node:test' }] }],
  },
});

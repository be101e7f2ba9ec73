// The rules of the repository, with the types of this app.
import { defineConfig } from 'eslint/config';
import repository from '../../eslint.config.js';

export default defineConfig(repository, {
  languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
  rules: {
    // A component is a class with a decorator.
    '@typescript-eslint/no-extraneous-class': 'off',
  },
});

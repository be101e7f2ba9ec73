import js from '@eslint/js';
import rxjsX from 'eslint-plugin-rxjs-x';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const clockMessage = 'Time comes in as `scheduler` (use scheduler.now() and rxjs timers).';
const chanceMessage = 'Chance comes in as `random`.';

export default defineConfig(
  globalIgnores(['*.js', '*.cjs', '**/dist/', 'coverage/', '**/node_modules/', 'test/*/.generated/']),
  // Apps with their own package.json, and so their own types and their own configuration.
  globalIgnores(['examples/angular-chat/', 'examples/nest-chat/', 'examples/express-jobs/']),
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  rxjsX.configs.strict,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // What was caught is `unknown` and is passed on as it is.
      'rxjs-x/throw-error': ['error', { allowThrowingAny: false, allowThrowingUnknown: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    // Habit 8: time and chance come in by the door.
    files: ['src/operators/**', 'src/policies/**', 'src/sources/**', 'src/control/**', 'src/events/**', 'src/sse/**', 'src/redis/**', 'src/bullmq/**', 'src/angular/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'setTimeout', message: clockMessage },
        { name: 'setInterval', message: clockMessage },
        { name: 'performance', message: clockMessage },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: clockMessage },
        { object: 'Math', property: 'random', message: chanceMessage },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: clockMessage },
      ],
    },
  },
  {
    files: ['test/**', 'examples/*.test.ts'],
    rules: {
      // rxjs's own helpers (`cold`, `expectObservable`) are declared as methods, and taken apart by everybody.
      '@typescript-eslint/unbound-method': 'off',
      // A test wants the EmptyError.
      'rxjs-x/no-ignored-default-value': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
  {
    // Angular's injectors implement one another's abstract classes, and extend none.
    files: ['test/angular/**'],
    rules: { '@typescript-eslint/no-unsafe-class-instance-assignment': 'off' },
  },
  {
    // A program that got no answer wants the EmptyError.
    files: ['examples/**'],
    rules: { 'rxjs-x/no-ignored-default-value': 'off' },
  },
);

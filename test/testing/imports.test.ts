import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const src = fileURLToPath(new URL('../../src/', import.meta.url));
const room = join(src, 'testing');

interface Import {
  readonly specifier: string;
  readonly isTypeOnly: boolean;
}

/** The imports and re-exports of a source file; `import { type A }` alone counts as one of values. */
function importsOf(file: string): Import[] {
  const source = readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//gu, '');
  const statements = source.matchAll(/^(?:import|export)\s+(type\s)?[^'";]*?\bfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gmu);
  return Array.from(statements, ([, type, from, bare, dynamic]) => ({
    specifier: from ?? bare ?? dynamic ?? '',
    isTypeOnly: type !== undefined,
  }));
}

/** Every file that is loaded when the entry is. */
function loadedFrom(entry: string, seen = new Set<string>()): Set<string> {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  for (const { specifier, isTypeOnly } of importsOf(entry)) {
    if (!isTypeOnly && specifier.startsWith('.')) loadedFrom(resolve(dirname(entry), specifier.replace(/\.js$/u, '.ts')), seen);
  }
  return seen;
}

const loaded = [...loadedFrom(join(room, 'index.ts'))];

test('the entry loads every module of its room but those that hold types alone', () => {
  const files = readdirSync(room).filter((name) => !loaded.includes(join(room, name)));
  expect(files).toEqual(['FakeCall.ts', 'FakeMistralScript.ts']);
});

describe('what `rxmistral/testing` loads', () => {
  test.each(loaded.map((file) => [relative(src, file)]))('%s', (file) => {
    const packages = importsOf(join(src, file))
      .filter(({ specifier, isTypeOnly }) => !isTypeOnly && !specifier.startsWith('.'))
      .map(({ specifier }) => specifier);
    // No test framework, no node:, none of the SDK's code.
    for (const name of packages) expect(['rxjs', 'rxjs/testing']).toContain(name);
  });
});

test('no file of the room names a test framework', () => {
  for (const name of readdirSync(room)) {
    for (const { specifier } of importsOf(join(room, name))) expect(specifier).not.toMatch(/vitest|jest|mocha|^node:/u);
  }
});

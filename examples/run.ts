/**
 * Runs an example app of this folder, one with a package.json of its own: `tsx examples/run.ts angular-chat` is its `npm start`,
 * and a second word names another of its scripts. First it does what is missing: the library is built, and the app installed.
 *
 * An app has the library as it is published, copied in (`install-links`), since a link would bring a second copy of rxjs along. So
 * it is installed anew when the library has been built anew.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [name = '', script = 'start', ...rest] = process.argv.slice(2);
const app = join(root, 'examples', name);
if (name === '' || !existsSync(join(app, 'package.json'))) {
  const apps = readdirSync(join(root, 'examples')).filter((entry) => existsSync(join(root, 'examples', entry, 'package.json')));
  console.error(`Which example? ${apps.join(', ')}`);
  process.exit(2);
}

// What is pressed to end it (Ctrl+C) reaches the child too, which ends by itself.
process.on('SIGINT', () => undefined);
if (!isBuilt()) {
  console.log('Building the library…');
  npm(root, 'run', 'build', '--silent', '--', '--silent');
}
if (!isInstalled()) {
  console.log(`Installing what ${name} needs…`);
  npm(app, 'ci', '--loglevel=error');
}
npm(app, 'run', '--silent', script, '--', ...rest);

function isBuilt(): boolean {
  // `npm run demo` leaves the types out.
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, string | { types: string }> };
  const types = Object.values(exports).map((entry) => join(root, typeof entry === 'string' ? entry : entry.types));
  return types.every((file) => existsSync(file)) && newest('dist') >= newest('src', 'package.json', 'tsup.config.ts');
}

function isInstalled(): boolean {
  const record = join(app, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const needed = Math.max(newest('dist', 'package.json'), statSync(join(app, 'package-lock.json')).mtimeMs);
  return statSync(record).mtimeMs >= needed;
}

// When the youngest of these files was written, in milliseconds.
function newest(...paths: readonly string[]): number {
  const files = paths.flatMap((path) => {
    const full = join(root, path);
    if (!statSync(full).isDirectory()) return [full];
    return readdirSync(full, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  });
  return Math.max(...files.map((file) => statSync(file).mtimeMs));
}

function npm(cwd: string, ...words: readonly string[]): void {
  const { status } = spawnSync('npm', words, { cwd, stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) process.exit(status ?? 1);
}

import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** The package's root folder. */
export const root = join(import.meta.dirname, '../..');

/** A program that stands in a document. */
export interface DocumentedProgram {
  /** Where it stands: `README.md, 2` is the second. */
  readonly place: string;
  readonly source: string;
}

/** All programs of the documents: README's, the guides', and the examples in the docstrings of what is public. */
export async function documentedPrograms(): Promise<DocumentedProgram[]> {
  const filesIn = async (folder: string, ending: string): Promise<string[]> => {
    const names = await readdir(join(root, folder), { recursive: true });
    return names.filter((name) => name.endsWith(ending)).map((name) => join(root, folder, name));
  };
  const files = [join(root, 'README.md'), ...(await filesIn('docs', '.md')), ...(await filesIn('src', '.ts'))];
  const programs = await Promise.all(files.map(programsIn));
  return programs.flat();
}

async function programsIn(file: string): Promise<DocumentedProgram[]> {
  const text = await readFile(file, 'utf8');
  const pattern = file.endsWith('.md') ? /^```ts\n([\s\S]*?)^```/gm : /@example\n \* ```ts\n([\s\S]*?) \* ```/g;
  return [...text.matchAll(pattern)].map(([, body = ''], index) => ({
    place: `${relative(root, file)}, ${index + 1}`,
    source: body.replace(/^ \* ?/gm, file.endsWith('.md') ? '$&' : ''),
  }));
}

/** How a program ended. */
export interface Ending {
  readonly code: number | null;
  readonly output: string;
}

/**
 * Runs a program in a process of its own, one of TypeScript by a loader (which takes longer than most programs); kills it after
 * `timeoutMs`.
 */
export function run(file: string, env: Readonly<Record<string, string>> = {}, timeoutMs = 240_000): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const loader = file.endsWith('.ts') ? ['--import', 'tsx'] : [];
    const child = spawn(process.execPath, [...loader, file], {
      cwd: root,
      env: { ...process.env, ...env },
      timeout: timeoutMs,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (output += data.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, output });
    });
  });
}

import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSimulator, type Simulator } from '../../src/simulator/index.js';
import { postgresServer, redisServer } from '../fixtures/servers.js';
import { documentedPrograms, root, run } from './programs.js';

// Inside the package, so that the programs import it by its name, as it was built.
const folder = join(root, 'test/package/.generated');
const programs = await documentedPrograms();
// What a program that imports the driver of a server misses, where the server is missing.
const missing = { ioredis: (await redisServer()).missing, pg: (await postgresServer()).missing };
const nameOf = (place: string): string => place.replace(/\W+/g, '-');

let simulator: Simulator;

beforeAll(async () => {
  simulator = await startSimulator();
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const { place, source } of programs) {
    // The programs talk to Mistral; here Mistral is the simulator.
    const redirected = source.replace(/\{ apiKey: process/g, `{ serverURL: '${simulator.url}', apiKey: process`);
    const program = `${redirected}\nexport {};\n`;
    await writeFile(join(folder, `${nameOf(place)}.ts`), program);
    // Translated here: a loader in each process would take longer than most programs.
    const { outputText } = transpileModule(program, { compilerOptions: { target: ScriptTarget.ES2023, module: ModuleKind.ESNext, verbatimModuleSyntax: true } });
    await writeFile(join(folder, `${nameOf(place)}.js`), outputText);
  }
});

afterAll(async () => {
  await simulator.close();
  await rm(folder, { recursive: true, force: true });
});

describe('every program in the documents', () => {
  it('is there', () => {
    expect(programs.filter(({ place }) => place.startsWith('README.md')).length).toBeGreaterThanOrEqual(3);
    expect(programs.filter(({ place }) => place.startsWith('docs/batch.md')).length).toBeGreaterThanOrEqual(6);
    expect(programs.filter(({ place }) => place.startsWith('docs/agents.md')).length).toBeGreaterThanOrEqual(6);
    expect(programs.filter(({ place }) => place.startsWith('docs/serving.md')).length).toBeGreaterThanOrEqual(8);
    expect(programs.filter(({ place }) => place.startsWith('docs/scaling.md')).length).toBeGreaterThanOrEqual(6);
    expect(programs.length).toBeGreaterThan(10);
  });

  it('has right types', async () => {
    const config = { extends: join(root, 'tsconfig.json'), include: [`${folder}/*.ts`], compilerOptions: { noUnusedLocals: false } };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const check = promisify(execFile)(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { cwd: root });
    const { stdout } = await check.catch((error: unknown) => error as { readonly stdout: string });
    expect(stdout).toBe('');
  }, 300_000);

  it.for(programs)('runs: $place', { concurrent: true, timeout: 300_000 }, async ({ place, source }, { skip }) => {
    for (const [driver, reason] of Object.entries(missing)) skip(reason !== undefined && source.includes(`from '${driver}'`), reason);
    const { code, output } = await run(join(folder, `${nameOf(place)}.js`), { MISTRAL_API_KEY: 'documented-key' });
    expect(output).not.toMatch(/Error/);
    expect(code).toBe(0);
  });
});

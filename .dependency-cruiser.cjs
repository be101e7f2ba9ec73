// Who may import whom (ARCHITECTURE.md, "The rooms"). A room is a folder of src/.

const rooms = {
  errors: [],
  policies: ['errors'],
  events: ['errors'],
  transport: ['errors', 'policies', 'events'],
  control: ['errors', 'policies', 'events'],
  operators: ['errors', 'policies', 'events', 'control'],
  sources: ['errors', 'policies', 'events', 'transport', 'control', 'operators'],
  testing: ['errors', 'events'],
  simulator: [],
};
const withoutRxjs = ['errors', 'policies', 'simulator'];
const withSdkCode = ['transport'];
const withSdkTypes = ['events', 'transport', 'operators', 'sources', 'testing'];

const sdk = '^@mistralai/mistralai|node_modules/@mistralai/mistralai/';
const rxjs = 'node_modules/rxjs/';
const typeOnly = { dependencyTypes: ['type-only'] };
const others = (allowed) => Object.keys(rooms).filter((room) => !allowed.includes(room));
const pathOf = (names) => `^src/(${names.join('|')})/`;

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^rxmistral' } },
    ...Object.entries(rooms).map(([room, allowed]) => ({
      name: `${room}-imports-its-neighbours-only`,
      severity: 'error',
      from: { path: pathOf([room]) },
      to: {
        path: pathOf(others([room, ...allowed])),
        // The kit speaks the port's types, and makes the real transport's error of a scripted status.
        ...(room === 'testing' ? { pathNot: '^src/transport/httpError', dependencyTypesNot: ['type-only'] } : {}),
      },
    })),
    {
      name: 'no-room-imports-the-index',
      severity: 'error',
      from: { path: '^src/[^/]+/' },
      to: { path: '^src/index\\.ts$' },
    },
    {
      name: 'rxjs-stays-out',
      severity: 'error',
      from: { path: pathOf(withoutRxjs) },
      to: { path: rxjs },
    },
    {
      name: 'sdk-code-in-transport-only',
      severity: 'error',
      from: { path: '^src/', pathNot: pathOf(withSdkCode) },
      to: { path: sdk, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'sdk-types-where-they-belong',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: pathOf(withSdkTypes) },
      to: { path: sdk, ...typeOnly },
    },
    {
      name: 'sdk-never-by-its-root',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: 'node_modules/@mistralai/mistralai/(esm/)?index\\.' },
    },
    {
      name: 'node-in-the-simulator-only',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/simulator/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'simulator-imports-node-only',
      severity: 'error',
      from: { path: '^src/simulator/' },
      to: { dependencyTypesNot: ['core', 'local', 'type-only'], pathNot: '^src/simulator/' },
    },
    {
      name: 'no-test-framework-in-src',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: 'node_modules/(vitest|@vitest|fast-check)/' },
    },
    {
      name: 'examples-and-bench-by-the-package-name',
      severity: 'error',
      from: { path: '^(examples|bench)/' },
      to: { path: '^src/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules|^dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'default'] },
  },
};

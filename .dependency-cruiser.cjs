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
  sse: ['errors', 'policies', 'events'],
  // Goes into a browser: no SDK code, no key.
  angular: ['errors', 'events', 'sse'],
  // Uses the library as its users do: by the public root. Its options are checked as all others are.
  node: ['errors', 'sse'],
  // All stores check and read alike, that in memory too.
  stores: ['errors', 'events'],
  // The interfaces of the replay store and the limiter, and the arithmetic of the latter.
  redis: ['errors', 'policies', 'events', 'control'],
  // The log of a job's events is one in Redis.
  bullmq: ['errors', 'policies', 'events', 'redis'],
};
const withRoot = ['node', 'bullmq'];
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
      name: 'the-index-for-integrations-only',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: pathOf(withRoot) },
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
      name: 'node-in-its-rooms-only',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(simulator|node)/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      // An optional peer: who does not trace has neither its code nor its types.
      name: 'opentelemetry-is-the-users',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: 'node_modules/@opentelemetry/' },
    },
    {
      // An optional peer, with decorators and a compiler of its own.
      name: 'angular-core-in-its-room-only',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/angular/' },
      to: { path: 'node_modules/@angular/' },
    },
    {
      name: 'angular-imports-its-core-only',
      severity: 'error',
      from: { path: '^src/angular/' },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-peer', 'npm-optional', 'npm-no-pkg'], pathNot: 'node_modules/(@angular/core|rxjs)/' },
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
    // Apps with their own package.json: what they import is not installed here.
    exclude: { path: '^examples/(angular-chat|nest-chat|express-jobs)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'default'] },
  },
};

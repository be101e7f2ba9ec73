import type { Random } from './random.js';
import { tokenise } from './tokens.js';

type Words = readonly [string, ...string[]];

const names: Words = ['total', 'price', 'queue', 'café', 'left', 'right', 'buffer', 'index', 'result', 'entry'];
const collections: Words = ['items', 'rows', 'entries', 'prices', 'waiting', 'chunks'];
const calls: Words = ['normalise', 'parse', 'lookUp', 'append', 'measure', 'publish'];
const comments: Words = ['// Nothing to do.', '// Kept for later — see below.', '// In ms.', '// Prices are in €.'];

/** The tokens of code in whole lines, and about `length` of them: plausible, and of no meaning. Blocks are closed. */
export function codeTokens(random: Random, length: number): readonly string[] {
  const tokens: string[] = [];
  let depth = 0;
  const addLine = (line: string): void => {
    for (const token of tokenise(`${tokens.length === 0 ? '' : '\n'}${'  '.repeat(depth)}${line}`)) tokens.push(token);
  };
  while (tokens.length < length) {
    const opens = depth < 3 && random.chance(0.25);
    addLine(opens ? blockStart(random) : statement(random));
    if (opens) depth += 1;
    else if (depth > 0 && random.chance(0.4)) {
      depth -= 1;
      addLine('}');
    }
  }
  while (depth > 0) {
    depth -= 1;
    addLine('}');
  }
  return tokens;
}

function blockStart(random: Random): string {
  if (random.chance(0.5)) return `if (${random.pick(names)} > ${random.integer(0, 99)}) {`;
  return `for (const ${random.pick(names)} of ${random.pick(collections)}) {`;
}

function statement(random: Random): string {
  const drawn = random.next();
  if (drawn < 0.1) return random.pick(comments);
  if (drawn < 0.4) return `const ${random.pick(names)} = ${random.pick(calls)}(${random.pick(collections)});`;
  if (drawn < 0.7) return `${random.pick(names)} += ${random.pick(names)} * ${random.integer(2, 9)};`;
  return `${random.pick(calls)}(${random.pick(names)}, '${random.pick(names)}');`;
}

/**
 * What this library adds to a bundle, without rxjs, the SDK and zod: minified and gzipped, for the entry that the goal
 * is set for, for the whole root, and for each of its functions alone.
 *
 * npm run bench:bundle -- [--markdown]
 */
import { parseArgs } from 'node:util';
import * as root from 'rxmistral';
import { asMarkdown, asText } from '../render.js';
import { bundleSize } from './bundleSize.js';

const { values: args } = parseArgs({ options: { markdown: { type: 'boolean', default: false } } });

const names = Object.keys(root).toSorted();
const entries = [['chatStream', 'accumulate'], names, ...names.map((name) => [name])];
const sizes = await Promise.all(entries.map(bundleSize));

const rows = sizes.map(({ minified, gzipped }, index) => {
  const entry = entries[index] ?? [];
  const name = entry === names ? 'all of the root' : entry.map((each) => `\`${each}\``).join(' + ');
  return [name, kilobytes(minified), kilobytes(gzipped)];
});
const table = [['what is imported', 'minified', 'gzipped'], ...rows];
console.log(args.markdown ? asMarkdown(table) : asText(table));

function kilobytes(bytes: number): string {
  return `${(bytes / 1_000).toFixed(2)} kB`;
}

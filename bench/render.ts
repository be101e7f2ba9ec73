/** Rows of cells; the first row is the header. */
export type Table = readonly (readonly string[])[];

/** The table as text in columns. */
export function asText(table: Table): string {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  return table.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n');
}

/** The table as Markdown. */
export function asMarkdown(table: Table): string {
  const [header = '', ...lines] = table.map((row) => `| ${row.join(' | ')} |`);
  return [header, `|${'---|'.repeat(table[0]?.length ?? 0)}`, ...lines].join('\n');
}

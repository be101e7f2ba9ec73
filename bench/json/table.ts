import { median } from '../median.js';
import type { Table } from '../render.js';
import type { Comparison } from './comparisons.js';
import type { ContenderEntry } from './contenders/index.js';
import type { Document } from './documents.js';
import type { Measurement } from './messages.js';

/** All that was measured of a contender with a document in pieces of one size. */
export interface Series {
  readonly document: Document;
  readonly pieceSize: number;
  readonly contender: ContenderEntry;
  /** For each length of the comparison, one a round. */
  readonly measurements: readonly (readonly Measurement[])[];
}

/** One row for each series: medians, spread, what twice the length takes, and the ratio to the rival. */
export function tableOf({ lengths, rival }: Comparison, all: readonly Series[]): Table {
  const [half = '', whole = ''] = lengths.slice(-2).map(sizeOf);
  const header = [
    'document, pieces',
    'parser',
    'shows',
    ...lengths.map(sizeOf),
    '(min to max)',
    `${whole} ÷ ${half}`,
    `÷ ${rival.title}`,
    'values, of pieces',
  ];
  const rows = all.map((series) => {
    const { document, pieceSize, contender, measurements } = series;
    const [ofHalf = [], ofWhole = []] = cpuOf(series).slice(-2);
    const rivals = all.find((each) => each.contender === rival && each.document === document && each.pieceSize === pieceSize);
    const { values = NaN, pieces = NaN } = measurements.at(-1)?.[0] ?? {};
    return [
      `${document.title}, ${pieceSize} characters`,
      contender.title,
      contender.shows,
      ...cpuOf(series).map((cpu) => `${format(median(cpu))} ms`),
      `${format(Math.min(...ofWhole))} to ${format(Math.max(...ofWhole))} ms`,
      ratio(ofWhole, ofHalf),
      ratio(ofWhole, rivals === undefined ? [] : (cpuOf(rivals).at(-1) ?? [])),
      `${values.toLocaleString('en')} of ${pieces.toLocaleString('en')}`,
    ];
  });
  return [header, ...rows];
}

// The medians' ratio, and the minimums': on a machine that others use too, the least disturbed rounds tell more.
function ratio(own: readonly number[], other: readonly number[]): string {
  return `${format(median(own) / median(other))} (min ${format(Math.min(...own) / Math.min(...other))})`;
}

function cpuOf({ measurements }: Series): readonly (readonly number[])[] {
  return measurements.map((ofLength) => ofLength.map(({ cpu }) => cpu));
}

function sizeOf(length: number): string {
  return length < 1_000_000 ? `${length / 1_000} KB` : `${length / 1_000_000} MB`;
}

function format(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(value < 1 ? 2 : 3);
}

import { median } from '../median.js';
import type { Table } from '../render.js';
import type { Measurement } from './messages.js';

/** All that was measured of a contender in a scenario; one measurement a round. */
export interface Series {
  readonly scenario: string;
  readonly contender: string;
  readonly title: string;
  readonly measurements: readonly Measurement[];
}

const header = ['scenario', 'client', 'CPU per event', '(min to max)', 'events/s', '÷ parser', '÷ SDK'];

/** One row for each series: medians, spread, and the ratios of CPU per event to the two clients that users would pick. */
export function tableOf(all: readonly Series[]): Table {
  const rows = all.map((series) => {
    const { scenario, title } = series;
    const cpu = cpuOf(series);
    const rival = (name: string): Series | undefined =>
      all.find((each) => each.scenario === scenario && each.contender === name);
    return [
      scenario,
      title,
      duration(median(cpu)),
      `${duration(Math.min(...cpu))} to ${duration(Math.max(...cpu))}`,
      format(median(series.measurements.map((each) => each.eventsPerSecond))),
      ratio(series, rival('parser')),
      ratio(series, rival('sdk')),
    ];
  });
  return [header, ...rows];
}

// The medians' ratio, and the minimums': on a machine that others use too, the least disturbed rounds tell more.
function ratio(series: Series, rival: Series | undefined): string {
  if (rival === undefined) return '';
  const [own, other] = [cpuOf(series), cpuOf(rival)];
  return `${format(median(own) / median(other))} (min ${format(Math.min(...own) / Math.min(...other))})`;
}

function cpuOf({ measurements }: Series): readonly number[] {
  return measurements.map((each) => each.cpuPerEvent);
}

function duration(microseconds: number): string {
  return microseconds < 10_000 ? `${format(microseconds)} µs` : `${format(microseconds / 1_000)} ms`;
}

function format(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(value < 1 ? 2 : 3);
}

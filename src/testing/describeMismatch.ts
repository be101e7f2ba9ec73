import { drawMarbles, drawSubscription, MarbleLegend } from './drawMarbles.js';
import { findDifference } from './findDifference.js';
import { isMessages, isSubscriptions, type MarbleMessage, type MarbleSubscription } from './marbleRecords.js';
import { showValue } from './showValue.js';

/** Rows of the table: those before the first difference, and from it on. */
const rowsBefore = 5;
const rowsAfter = 12;
/** Above this many notifications a diagram is left out: nobody reads it. */
const maxDrawn = 60;

/**
 * What a failed expectation says: expected and actual as marbles, a table by frames, and where in the value the first
 * difference lies. `undefined` where there is no difference.
 */
export function describeMismatch(actual: unknown, expected: unknown): string | undefined {
  // The empty list is both, and says nothing of which it is; the other side does.
  if (isMessages(actual) && isMessages(expected)) return describeMessages(actual, expected);
  if (isSubscriptions(actual) && isSubscriptions(expected)) return describeSubscriptions(actual, expected);
  const difference = findDifference(actual, expected);
  if (difference === undefined) return undefined;
  return `At ${difference.path === '' ? 'the top' : `\`${difference.path}\``}: expected ${difference.expected}, got ${difference.actual}`;
}

interface Row {
  readonly frame: number;
  readonly expected: MarbleMessage | undefined;
  readonly actual: MarbleMessage | undefined;
  /** What differs, in words; `undefined` where nothing does. */
  readonly problem: string | undefined;
}

function describeMessages(actual: readonly MarbleMessage[], expected: readonly MarbleMessage[]): string | undefined {
  const rows = alignByFrame(actual, expected);
  const first = rows.findIndex(({ problem }) => problem !== undefined);
  const firstRow = rows[first];
  if (firstRow === undefined) return undefined;

  const start = Math.max(0, first - rowsBefore);
  const shown = rows.slice(start, first + rowsAfter);
  const isDrawn = actual.length <= maxDrawn && expected.length <= maxDrawn;
  const legend = new MarbleLegend(isDrawn ? [...expected, ...actual] : shown.flatMap((row) => [row.expected, row.actual]));
  const differing = rows.filter(({ problem }) => problem !== undefined).length;

  return [
    `The marbles differ at frame ${firstRow.frame}${differing === 1 ? '' : ` (first of ${differing} differences)`}`,
    '',
    ...(isDrawn ? [`  expected  ${drawMarbles(expected, legend)}`, `  actual    ${drawMarbles(actual, legend)}`, ''] : []),
    ...table(shown, legend),
    ...(rows.length > start + shown.length ? [`    … ${rows.length - start - shown.length} more`] : []),
    '',
    ...legend.lines().map((line) => `  ${line}`),
    '',
    firstRow.problem ?? '',
  ].join('\n');
}

function alignByFrame(actual: readonly MarbleMessage[], expected: readonly MarbleMessage[]): Row[] {
  const actualAt = groupByFrame(actual);
  const expectedAt = groupByFrame(expected);
  const frames = [...new Set([...actualAt.keys(), ...expectedAt.keys()])].sort((left, right) => left - right);
  return frames.flatMap((frame) => {
    const left = actualAt.get(frame) ?? [];
    const right = expectedAt.get(frame) ?? [];
    return Array.from({ length: Math.max(left.length, right.length) }, (_, place): Row => {
      const row = { frame, expected: right[place], actual: left[place] };
      return { ...row, problem: describeRow(row) };
    });
  });
}

function groupByFrame(messages: readonly MarbleMessage[]): Map<number, MarbleMessage[]> {
  const groups = new Map<number, MarbleMessage[]>();
  for (const message of messages) {
    const group = groups.get(message.frame);
    if (group === undefined) groups.set(message.frame, [message]);
    else group.push(message);
  }
  return groups;
}

function describeRow({ frame, expected, actual }: Pick<Row, 'frame' | 'expected' | 'actual'>): string | undefined {
  const kind = actual?.notification.kind;
  if (actual === undefined || expected === undefined || kind !== expected.notification.kind) {
    return `At frame ${frame}: expected ${describeMessage(expected)}, got ${describeMessage(actual)}`;
  }
  const difference = findDifference(contentOf(actual), contentOf(expected));
  if (difference === undefined) return undefined;
  const place = `At frame ${frame}, ${kind === 'N' ? 'value' : 'error'}${difference.path}`;
  return `${place}: expected ${difference.expected}, got ${difference.actual}`;
}

function describeMessage(message: MarbleMessage | undefined): string {
  switch (message?.notification.kind) {
    case 'N':
      return `the value ${showValue(message.notification.value)}`;
    case 'E':
      return `the error ${showValue(message.notification.error)}`;
    case 'C':
      return 'the completion';
    case undefined:
      return 'nothing';
  }
}

function contentOf({ notification }: MarbleMessage): unknown {
  switch (notification.kind) {
    case 'N':
      return notification.value;
    case 'E':
      return notification.error;
    case 'C':
      return undefined;
  }
}

function table(rows: readonly Row[], legend: MarbleLegend): string[] {
  const cell = (message: MarbleMessage | undefined): string => (message === undefined ? '' : legend.symbolOf(message));
  const line = (mark: string, frame: string, expected: string, actual: string): string =>
    `  ${mark} ${frame.padStart(7)}  ${expected.padEnd(8)}  ${actual}`.trimEnd();
  return [
    line(' ', 'frame', 'expected', 'actual'),
    ...rows.map((row) => line(row.problem === undefined ? ' ' : '>', String(row.frame), cell(row.expected), cell(row.actual))),
  ];
}

function describeSubscriptions(
  actual: readonly MarbleSubscription[],
  expected: readonly MarbleSubscription[],
): string | undefined {
  const isEqual = (left: MarbleSubscription | undefined, right: MarbleSubscription | undefined): boolean =>
    left?.subscribedFrame === right?.subscribedFrame && left?.unsubscribedFrame === right?.unsubscribedFrame;
  const length = Math.max(actual.length, expected.length);
  const first = Array.from({ length }).findIndex((_, place) => !isEqual(actual[place], expected[place]));
  if (first === -1) return undefined;
  const lines = Array.from({ length: Math.min(length - first, rowsAfter) }, (_, offset) => {
    const place = first + offset;
    const [left, right] = [actual[place], expected[place]];
    const mark = isEqual(left, right) ? ' ' : '>';
    return [
      `  ${mark} ${place + 1}. expected  ${right === undefined ? '(none)' : drawSubscription(right)}`,
      `       actual    ${left === undefined ? '(none)' : drawSubscription(left)}`,
    ];
  });
  return [
    `The subscriptions differ: expected ${expected.length}, got ${actual.length}`,
    '',
    ...lines.flat(),
  ].join('\n');
}

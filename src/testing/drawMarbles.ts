import { findDifference, isMatcher } from './findDifference.js';
import type { MarbleMessage, MarbleSubscription } from './marbleRecords.js';
import { showValue } from './showValue.js';

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** A longer silence is written as a time (`25ms`). */
const maxDashes = 10;

/**
 * Gives each value a letter: equal values the same one, a string of one letter or digit itself. Beyond 52 values
 * the letter is `?`.
 */
export class MarbleLegend {
  readonly #entries: { readonly symbol: string; readonly value: unknown; readonly isListed: boolean }[] = [];

  constructor(messages: readonly (MarbleMessage | undefined)[]) {
    const values: unknown[] = [];
    const errors: unknown[] = [];
    for (const message of messages) {
      if (message?.notification.kind === 'N') values.push(message.notification.value);
      if (message?.notification.kind === 'E') errors.push(message.notification.error);
    }
    const taken = new Set(values.filter(isOneLetter));
    for (const letter of taken) this.#entries.push({ symbol: letter, value: letter, isListed: false });
    const free = Array.from(letters).filter((letter) => !taken.has(letter));
    for (const value of values) {
      if (this.#letterOf(value) === undefined) this.#entries.push({ symbol: free.shift() ?? '?', value, isListed: true });
    }
    for (const value of errors) {
      if (!this.#entries.some((entry) => entry.symbol === '#' && isSame(entry.value, value))) {
        this.#entries.push({ symbol: '#', value, isListed: true });
      }
    }
  }

  /** The marble of a notification. */
  symbolOf({ notification }: MarbleMessage): string {
    switch (notification.kind) {
      case 'N':
        return this.#letterOf(notification.value) ?? '?';
      case 'E':
        return '#';
      case 'C':
        return '|';
    }
  }

  /** One line for each letter that is not its own value. */
  lines(): string[] {
    return this.#entries.filter(({ isListed }) => isListed).map(({ symbol, value }) => `${symbol} = ${showValue(value)}`);
  }

  #letterOf(value: unknown): string | undefined {
    return this.#entries.find((entry) => entry.symbol !== '#' && isSame(entry.value, value))?.symbol;
  }
}

// A matcher is a value of its own here: it may equal several.
function isSame(left: unknown, right: unknown): boolean {
  if (isMatcher(left) || isMatcher(right)) return left === right;
  return findDifference(left, right) === undefined;
}

function isOneLetter(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z0-9]$/iu.test(value);
}

/**
 * A diagram of what was recorded. Where notifications follow a group more closely than its letters are wide, no
 * diagram can say so: there they are drawn side by side.
 */
export function drawMarbles(messages: readonly MarbleMessage[], legend: MarbleLegend): string {
  let diagram = '';
  let cursor = 0;
  for (let start = 0; start < messages.length; ) {
    const frame = messages[start]?.frame ?? 0;
    let end = start;
    let group = '';
    for (let next = messages[end]; next?.frame === frame; next = messages[++end]) group += legend.symbolOf(next);
    diagram += silence(frame - cursor) + (end - start === 1 ? group : `(${group})`);
    cursor = Math.max(cursor, frame) + (end - start === 1 ? 1 : end - start + 2);
    start = end;
  }
  return diagram === '' ? '- (nothing)' : diagram.trim();
}

/** A diagram of a subscription: `--^---!`. */
export function drawSubscription({ subscribedFrame, unsubscribedFrame }: MarbleSubscription): string {
  const start = silence(subscribedFrame);
  if (unsubscribedFrame === Infinity) return `${start}^`.trim();
  if (unsubscribedFrame === subscribedFrame) return `${start}(^!)`.trim();
  return `${start}^${silence(unsubscribedFrame - subscribedFrame - 1)}!`.trim();
}

function silence(frames: number): string {
  if (frames <= 0) return '';
  return frames <= maxDashes ? '-'.repeat(frames) : ` ${frames}ms `;
}

import { asyncScheduler, type MonoTypeOperatorFunction, pipe, tap, throttleTime } from 'rxjs';
import type { Chat } from './chat.js';

type Chats = readonly Chat[];

const frameMs = 60;
const marks = { waiting: '·', answering: '▸', pausing: '↻', done: '✓', failed: '✗' } as const;
const colours = { waiting: 90, answering: 36, pausing: 33, done: 32, failed: 31 } as const;

/** Shows the chats to a person: as rows that are drawn anew on a terminal, else as a line for each thing that happens. */
export function show(output: NodeJS.WriteStream): MonoTypeOperatorFunction<Chats> {
  if (!output.isTTY) return tap(logTo(output));
  // A few frames a second while tokens pour in; the trailing one is the end.
  return pipe(throttleTime<Chats>(frameMs, asyncScheduler, { leading: true, trailing: true }), tap(drawOn(output)));
}

/** What all chats took, in one line. */
export function summarise(chats: Chats): string {
  const sum = (count: (chat: Chat) => number): number => chats.reduce((total, chat) => total + count(chat), 0);
  const done = sum(({ state }) => (state === 'done' ? 1 : 0));
  const resumed = sum((chat) => chat.resumed);
  const anew = sum(({ attempts }) => Math.max(0, attempts - 1)) - resumed;
  const prompt = sum(({ tokens }) => tokens?.prompt ?? 0);
  const completion = sum(({ tokens }) => tokens?.completion ?? 0);
  return `${done} of ${chats.length} answered, ${anew} begun anew, ${resumed} continued; ${prompt} tokens in, ${completion} tokens out.`;
}

function drawOn(output: NodeJS.WriteStream): (chats: Chats) => void {
  let drawn = 0;
  return (chats) => {
    const rows = chats.flatMap((chat) => [title(chat, output.columns), detail(chat, output.columns)]);
    const up = drawn === 0 ? '' : `\u001B[${drawn}A`;
    output.write(up + rows.map((row) => `\u001B[2K${row}\n`).join(''));
    drawn = rows.length;
  };
}

function logTo(output: NodeJS.WriteStream): (chats: Chats) => void {
  let shown: Chats = [];
  return (chats) => {
    chats.forEach((chat, index) => {
      if (chat.state === shown[index]?.state) return;
      if (chat.state !== 'waiting') output.write(`#${index + 1} ${describe(chat)}\n`);
    });
    shown = chats;
  };
}

function title({ prompt, state }: Chat, columns: number): string {
  return `\u001B[${colours[state]}m${marks[state]}\u001B[0m ${clip(prompt, columns - 2)}`;
}

function detail(chat: Chat, columns: number): string {
  const line = chat.state === 'answering' || chat.state === 'waiting' ? chat.text : describe(chat);
  return `  \u001B[2m${clipStart(oneLine(line), columns - 4)}\u001B[0m`;
}

function describe({ prompt, state, text, note = '', tokens, attempts, resumed }: Chat): string {
  switch (state) {
    case 'waiting':
      return prompt;
    case 'answering':
      if (attempts === 1) return `answering: ${prompt}`;
      return resumed > 0 ? `goes on behind "${clipStart(oneLine(text), 40)}"` : `answering, attempt ${attempts}`;
    case 'pausing':
      return text === '' ? note : `${note} (after "${clipStart(oneLine(text), 40)}")`;
    case 'done':
      return `done, ${tokens?.completion ?? 0} tokens: ${clip(oneLine(text), 60)}`;
    case 'failed':
      return `failed: ${note}`;
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 1))}…`;
}

function clipStart(text: string, length: number): string {
  return text.length <= length ? text : `…${text.slice(text.length - Math.max(0, length - 1))}`;
}

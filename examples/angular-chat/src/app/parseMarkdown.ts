/** A piece of a line. */
export interface Span {
  readonly kind: 'plain' | 'strong' | 'emphasis' | 'code';
  readonly text: string;
}

/** A part of an answer. In a paragraph, line ends stand as they came. */
export type Block =
  | { readonly kind: 'paragraph' | 'heading'; readonly spans: readonly Span[] }
  | { readonly kind: 'item'; readonly marker: string; readonly depth: number; readonly spans: readonly Span[] }
  | { readonly kind: 'code'; readonly language: string; readonly text: string };

const fence = /^ {0,3}(`{3,}|~{3,})[ \t]*([^\s`]*)[^`]*$/;
const heading = /^#{1,6}[ \t]+(.+?)[ \t#]*$/;
const item = /^([ \t]*)(?:[-*+]|(\d{1,3}[.)]))[ \t]+(.*)$/;
const inline = /`([^`\n]+)`|\*\*(\S(?:[^\n]*?\S)?)\*\*|(?<![*\w])\*([^\s*](?:[^*\n]*?[^\s*])?)\*(?![*\w])/g;

// What has begun at the end of a text.
const begun = /(`|\*\*)((?:[^\s`*][^\n`*]*)?)\*?$/;

/**
 * The little Markdown that models write most: code, lists, headings, bold, italics. Everything else is text, and stands on the page
 * as it came, character for character.
 *
 * @param isUnfinished Whether more was to come: what has begun at the end counts as what it was to be, and its marks do not flicker.
 * Code in a fence is code without its end, too.
 */
export function parseMarkdown(text: string, isUnfinished = false): readonly Block[] {
  const blocks: Block[] = [];
  let paragraph: string[] = [];
  const endParagraph = (isLast: boolean): void => {
    let content = paragraph.join('\n');
    // Between two blocks, an empty line is a distance and no content.
    if (blocks.length > 0) content = content.replace(/^\n+/, '');
    if (!isLast) content = content.replace(/\n+$/, '');
    if (content.trim() !== '') blocks.push({ kind: 'paragraph', spans: parseSpans(content, isLast && isUnfinished) });
    paragraph = [];
  };

  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const isOpen = isUnfinished && at === lines.length - 1;
    const [, ticks, language = ''] = fence.exec(line) ?? [];
    const [, title] = heading.exec(line) ?? [];
    const [, indent = '', number, entry] = item.exec(line) ?? [];
    if (ticks !== undefined) {
      endParagraph(false);
      const end = lines.findIndex((later, index) => index > at && later.trim().startsWith(ticks) && later.trim().replaceAll(ticks.charAt(0), '') === '');
      const last = end === -1 ? lines.length : end;
      blocks.push({ kind: 'code', language, text: lines.slice(at + 1, last).join('\n') });
      at = last;
    } else if (title !== undefined) {
      endParagraph(false);
      blocks.push({ kind: 'heading', spans: parseSpans(title, isOpen) });
    } else if (entry !== undefined) {
      endParagraph(false);
      blocks.push({ kind: 'item', marker: number ?? '•', depth: Math.min(3, Math.floor(indent.length / 2)), spans: parseSpans(entry, isOpen) });
    } else {
      paragraph.push(line);
    }
  }
  endParagraph(true);
  return blocks;
}

function parseSpans(text: string, isOpen: boolean): readonly Span[] {
  const spans: Span[] = [];
  let done = 0;
  for (const { 0: whole, 1: code, 2: strong, 3: emphasis = '', index } of text.matchAll(inline)) {
    if (index > done) spans.push({ kind: 'plain', text: text.slice(done, index) });
    if (code !== undefined) spans.push({ kind: 'code', text: code });
    else if (strong !== undefined) spans.push({ kind: 'strong', text: strong });
    else spans.push({ kind: 'emphasis', text: emphasis });
    done = index + whole.length;
  }
  const rest = text.slice(done);
  const open = isOpen ? begun.exec(rest) : null;
  const plain = open === null ? rest : rest.slice(0, open.index);
  if (plain !== '') spans.push({ kind: 'plain', text: plain });
  if (open?.[2]) spans.push({ kind: open[1] === '`' ? 'code' : 'strong', text: open[2] });
  return spans;
}

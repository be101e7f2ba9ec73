import { describe, expect, it } from 'vitest';
import { parseMarkdown } from '../src/app/parseMarkdown.js';

const plain = (text: string) => ({ kind: 'plain', text });

describe('parseMarkdown', () => {
  it.each(['Hello.', 'Two\nlines.\n\n  And a third.\n', '2 * 3 * 4 = 24, 2 ** 3 = 8', 'snake_case and a `lone tick', 'a*b*c', '5 - 3\n1.5 more', '🙂 ünïcödé'])(
    'leaves what is no Markdown as it came: %j',
    (text) => {
      expect(parseMarkdown(text)).toEqual([{ kind: 'paragraph', spans: [plain(text)] }]);
    },
  );

  it('tells code, bold and italics from the text around them', () => {
    expect(parseMarkdown('a `b` **c d** *e* f')).toEqual([
      {
        kind: 'paragraph',
        spans: [plain('a '), { kind: 'code', text: 'b' }, plain(' '), { kind: 'strong', text: 'c d' }, plain(' '), { kind: 'emphasis', text: 'e' }, plain(' f')],
      },
    ]);
  });

  it('takes headings, items and fenced code as blocks, without the empty lines between them', () => {
    expect(parseMarkdown('# One\n\ntext\n\n- a\n  - b\n2. c\n\n```js\nlet a;\n\n# no heading\n```\n\nend')).toEqual([
      { kind: 'heading', spans: [plain('One')] },
      { kind: 'paragraph', spans: [plain('text')] },
      { kind: 'item', marker: '•', depth: 0, spans: [plain('a')] },
      { kind: 'item', marker: '•', depth: 1, spans: [plain('b')] },
      { kind: 'item', marker: '2.', depth: 0, spans: [plain('c')] },
      { kind: 'code', language: 'js', text: 'let a;\n\n# no heading' },
      { kind: 'paragraph', spans: [plain('end')] },
    ]);
  });

  it('takes code without its end as code', () => {
    expect(parseMarkdown('```\na\n')).toEqual([{ kind: 'code', language: '', text: 'a\n' }]);
  });

  it('counts what has begun at the end of an unfinished text as what it was to be', () => {
    const spans = [plain('now '), { kind: 'strong', text: 'bold te' }];
    expect(parseMarkdown('now **bold te', true)).toEqual([{ kind: 'paragraph', spans }]);
    expect(parseMarkdown('now **', true)).toEqual([{ kind: 'paragraph', spans: [plain('now ')] }]);
    expect(parseMarkdown('now **bold te')).toEqual([{ kind: 'paragraph', spans: [plain('now **bold te')] }]);
  });
});

import * as fc from 'fast-check';

// Random JSON texts, and what is known of them. A failing property prints its seed and path:
// `fc.assert(property, { seed, path })` plays it again.

const whiteSpace = fc.constantFrom('', '', '', '', ' ', '\n', '\t', '\r\n', '  ');
const keys = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 4 }),
  fc.constantFrom('a', 'b', '', '0', '12', '__proto__', 'constructor', 'toString', 'length', '"', '\\', '\u2028', '😀'),
);
const strings = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 10 }),
  fc.constantFrom('', '```', '{"a":1}', '\ud83d', '\ude00', '😀😀', '\\u', '"', '\u0000\u001f', '\ufeff', 'null'),
);
const numbers = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? '-0' : JSON.stringify(value))),
  fc.integer().map(String),
  fc.constantFrom('0', '-0', '0.0', '1E5', '1e+05', '-1.50e-07', '0e0', '1e999', '-1e999', '123456789012345678901234567890', '5e-324'),
);

// Each character as it is, as a short escape or as \u, where JSON allows it.
const stringText = fc.tuple(strings, fc.infiniteStream(fc.nat(5))).map(([value, ways]) => writeString(value, ways));
const keyText = fc.tuple(keys, fc.infiniteStream(fc.nat(5))).map(([value, ways]) => writeString(value, ways));

function writeString(value: string, ways: Iterator<number>): string {
  const units = Array.from({ length: value.length }, (_, index) => value.charAt(index));
  return `"${units.map((unit) => writeUnit(unit, Number(ways.next().value))).join('')}"`;
}

function writeUnit(unit: string, way: number): string {
  const hex = unit.charCodeAt(0).toString(16).padStart(4, '0');
  if (way === 0) return `\\u${hex}`;
  if (way === 1) return `\\u${hex.toUpperCase()}`;
  if (unit === '/' && way === 2) return '\\/';
  return unit === '"' || unit === '\\' || unit < ' ' ? JSON.stringify(unit).slice(1, -1) : unit;
}

const { value: text } = fc.letrec<{ value: string; array: string; object: string; member: string }>((tie) => ({
  value: fc
    .tuple(
      whiteSpace,
      fc.oneof(
        { maxDepth: 5, depthIdentifier: 'json' },
        stringText,
        numbers,
        fc.constantFrom('true', 'false', 'null', '[]', '{}'),
        { weight: 3, arbitrary: tie('array') },
        { weight: 3, arbitrary: tie('object') },
      ),
      whiteSpace,
    )
    .map((parts) => parts.join('')),
  array: fc
    .tuple(whiteSpace, fc.array(tie('value'), { maxLength: 5, depthIdentifier: 'json' }))
    .map(([space, elements]) => `[${space}${elements.join(',')}]`),
  member: fc.tuple(whiteSpace, keyText, whiteSpace, tie('value')).map(([a, key, b, value]) => `${a}${key}${b}:${value}`),
  object: fc
    .tuple(whiteSpace, fc.uniqueArray(tie('member'), { maxLength: 5, depthIdentifier: 'json', selector: keyOf }))
    .map(([space, members]) => `{${space}${members.join(',')}}`),
}));

function keyOf(member: string): string {
  return Object.keys(JSON.parse(`{${member}}`) as object)[0] ?? '';
}

/** A JSON text, written in any way that JSON allows; no object has a key twice. */
export const jsonText: fc.Arbitrary<string> = text;

const signs = fc.constantFrom(...Array.from('{}[]:,"\\0123456789.eE+-tfnul /`\n\u0000\ufeff\u00a0\ud83d'));

/** A JSON text with a few characters taken out, put in, exchanged or cut off: mostly none any more. */
export const mutatedText: fc.Arbitrary<string> = fc
  .tuple(jsonText, fc.array(fc.tuple(fc.nat(), fc.constantFrom('delete', 'insert', 'replace', 'cut', 'repeat'), signs), { minLength: 1, maxLength: 3 }))
  .map(([start, mutations]) =>
    mutations.reduce((before, [place, kind, sign]) => {
      const at = place % (before.length + 1);
      const [left, right] = [before.slice(0, at), before.slice(at)];
      if (kind === 'delete') return left + right.slice(1);
      if (kind === 'insert') return left + sign + right;
      if (kind === 'replace') return left + sign + right.slice(1);
      return kind === 'cut' ? left : left + right.slice(0, 3) + right;
    }, start),
  );

/** A text of nothing but the characters that JSON is made of. */
export const signsText: fc.Arbitrary<string> = fc.array(signs, { maxLength: 8 }).map((all) => all.join(''));

/** `text` in pieces, cut at random places; some are empty. */
export function piecesOf(whole: string, sizes: readonly number[]): string[] {
  const pieces: string[] = [];
  for (let at = 0, turn = 0; at < whole.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    pieces.push(whole.slice(at, at + size));
    at += size;
  }
  return pieces;
}

/** Sizes for {@link piecesOf}. */
export const sizes: fc.Arbitrary<number[]> = fc
  .array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 })
  .filter((all) => all.some((size) => size > 0));

/**
 * Whether `value` is a beginning of `whole`: strings by their characters; lists and the keys of objects by their number,
 * with all but the last the same; anything else the same.
 */
export function isBeginning(value: unknown, whole: unknown): boolean {
  if (typeof value === 'string' && typeof whole === 'string') return whole.startsWith(value);
  if (Array.isArray(value) && Array.isArray(whole)) {
    return value.length <= whole.length && value.every((each, index) => isPart(each, whole[index], index === value.length - 1));
  }
  if (isObject(value) && isObject(whole)) {
    // Keys that look like indexes come first, whenever they came: what has not ended is at most one of all.
    const open = Object.keys(value).filter((key) => !Object.hasOwn(whole, key) || !isSame(value[key], whole[key]));
    return open.length <= 1 && open.every((key) => Object.hasOwn(whole, key) && isBeginning(value[key], whole[key]));
  }
  return isSame(value, whole);
}

function isPart(value: unknown, whole: unknown, isLast: boolean): boolean {
  return isLast ? isBeginning(value, whole) : isSame(value, whole);
}

/** Whether two JSON values are the same, `-0` and a key `__proto__` too. */
export function isSame(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((each, index) => isSame(each, other[index]));
  }
  if (isObject(one) && isObject(other)) {
    const names = Object.keys(one);
    return (
      Object.getPrototypeOf(one) === Object.getPrototypeOf(other) &&
      names.length === Object.keys(other).length &&
      names.every((key, index) => key === Object.keys(other)[index] && isSame(one[key], other[key]))
    );
  }
  return Object.is(one, other);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The best value of a text that was cut, found in another way: the text is mended and given to `JSON.parse`. `undefined`
 * where no value has begun. The text is one that was cut, so it has no fault of its own.
 */
export function mended(text: string): unknown {
  const open: string[] = [];
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const sign = text.charAt(at);
    if (isInString) {
      if (sign === '\\') at++;
      else if (sign === '"') isInString = false;
    } else if (sign === '"') isInString = true;
    else if (sign === '{' || sign === '[') open.push(sign);
    else if (sign === '}' || sign === ']') open.pop();
  }
  let rest = text;
  if (isInString) {
    // Half an escape, and half a character.
    rest = rest.replace(/(?<=(?:^|[^\\])(?:\\\\)*)\\(?:u[0-9a-fA-F]{0,3})?$/, '');
    rest = `${rest.replace(/(?:[\ud800-\udbff]|(?<=(?:^|[^\\])(?:\\\\)*)\\u[dD][89abAB][0-9a-fA-F]{2})$/, '')}"`;
  } else {
    // A number may go on, a literal may be half.
    rest = rest.replace(/(?<=^|[[:,\s])-?[0-9][-+.0-9eE]*$|-$/, '').replace(/(?<!tru|fals|nul)(?<=^|[[:,\s])[a-z]+$/, (word) =>
      ['true', 'false', 'null'].includes(word) ? word : '',
    );
  }
  if (open.at(-1) === '{') rest = rest.replace(/([{,]\s*)"(?:[^"\\]|\\.)*"\s*:?\s*$/s, '$1');
  rest = rest.replace(/,\s*$/, '');
  const closed = rest + open.toReversed().map((sign) => (sign === '{' ? '}' : ']')).join('');
  return closed.trim() === '' ? undefined : JSON.parse(closed);
}

import { RxMistralError } from '../errors/RxMistralError.js';
import { GrowingJson } from './GrowingJson.js';
import { beginJsonNumber, continueJsonNumber, isWholeJsonNumber, type JsonNumberState } from './jsonNumber.js';
import { JsonStringReader } from './JsonStringReader.js';

/** The bounds of one JSON text. */
export interface JsonLimits {
  /** How many arrays and objects may stand inside each other. */
  readonly maxDepth: number;
  /** In characters (UTF-16 code units). */
  readonly maxLength: number;
}

// What the parser stands in or waits for, and what a message says of it: never the text itself, which is the user's.
const expectations = {
  start: 'a JSON value',
  fence: 'three backticks',
  'fence-line': 'the end of the line that opens the fence',
  value: 'a JSON value',
  'first-element': 'a JSON value or ]',
  'after-element': 'a comma or ]',
  'first-key': 'a key in double quotes or }',
  key: 'a key in double quotes',
  colon: 'a colon',
  'after-member': 'a comma or }',
  string: '', // the string reader knows
  number: 'a digit',
  literal: 'true, false or null',
  end: 'the end of the text',
  'closing-fence': 'three backticks',
  'after-fence': 'the end of the text',
} as const;
type State = keyof typeof expectations;

const literals: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

// What all snapshots of a text together may cost, in elements copied: so much to begin with, and more for each character
// that is read. A usual answer never spends it; in a large one it makes the copying linear in the text.
const copyCredit = 2 ** 22;
const copyCreditPerCharacter = 8;

/**
 * Reads a JSON text from pieces that may be cut anywhere, and knows the value so far. It takes what `JSON.parse` takes
 * and refuses what that refuses, at the first character that no JSON text could have there. Beyond JSON, a Markdown
 * fence around the value is read over.
 *
 * ```ts
 * const parser = new PartialJsonParser({ maxDepth: 128, maxLength: 16_777_216 });
 * parser.push('{"name":"Par');
 * parser.takeChange(); // { name: 'Par' }
 * parser.push('is","size":1');
 * parser.takeChange(); // { name: 'Paris' }
 * parser.push('05}');
 * parser.end(); // { name: 'Paris', size: 105 }
 * ```
 *
 * Every character is looked at once: the cost is linear in the text, whatever the pieces.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8259
 */
export class PartialJsonParser {
  readonly #limits: JsonLimits;
  readonly #tree = new GrowingJson();
  readonly #string: JsonStringReader;
  #state: State = 'start';
  // The characters of the pieces before this one.
  #length = 0;
  #copyCredit = copyCredit;

  // A key, a number or a literal as far as it has come.
  #token = '';
  #isKey = false;
  #numberState: JsonNumberState = 'zero';
  #isFenced = false;
  #backticks = 0;

  constructor(limits: JsonLimits) {
    this.#limits = limits;
    this.#string = new JsonStringReader(
      (characters) => {
        if (this.#isKey) this.#token += characters;
        else this.#tree.grow(characters);
      },
      (index) => this.#fault(index),
    );
  }

  /** Whether nothing but white space has come. */
  get isBlank(): boolean {
    return this.#state === 'start';
  }

  /**
   * Reads the next piece. Where it throws, what stood before the fault has been read.
   *
   * @throws RxMistralError of kind `validation` where the text is no JSON, of kind `limit` where a bound is passed.
   */
  push(text: string): void {
    const { maxLength } = this.#limits;
    if (this.#length + text.length > maxLength) throw limitError(`The JSON text is longer than \`maxLength\` (${maxLength})`);
    for (let index = 0; index < text.length; ) index = this.#read(text, index);
    this.#length += text.length;
    this.#copyCredit += text.length * copyCreditPerCharacter;
  }

  /**
   * The value so far, where it is another than the one that was taken before; else `undefined`. Where what is open is so
   * large that copying it for each change would not be linear any more, a change waits until enough has been read.
   */
  takeChange(): unknown {
    const { copyCost, hasChanged } = this.#tree;
    if (!hasChanged || copyCost > this.#copyCredit) return undefined;
    this.#copyCredit -= copyCost;
    return this.#tree.snapshot();
  }

  /**
   * The text has ended: the whole value.
   *
   * @param addition Ends the message of the error.
   * @throws RxMistralError of kind `validation` where the value is not whole.
   */
  end(addition = ''): unknown {
    if (this.#state === 'number' && isWholeJsonNumber(this.#numberState)) this.#endNumber();
    if (this.#state === 'end' || this.#state === 'closing-fence' || this.#state === 'after-fence') return this.#tree.snapshot();
    throw jsonError(`The JSON text ended too early: expected ${this.#expected} at position ${this.#length}${addition}`);
  }

  get #expected(): string {
    return this.#state === 'string' ? this.#string.expected : expectations[this.#state];
  }

  #fault(index: number): RxMistralError {
    return jsonError(`The text is not JSON: expected ${this.#expected} at position ${this.#length + index}`);
  }

  // Reads one character or more; returns where to go on.
  #read(text: string, index: number): number {
    switch (this.#state) {
      case 'string':
        return this.#readString(text, index);
      case 'number':
        return this.#readNumber(text, index);
      case 'literal':
        this.#readLiteral(text.charAt(index), index);
        break;
      case 'fence':
      case 'closing-fence':
        this.#readBacktick(text.charAt(index), index);
        break;
      case 'fence-line':
        this.#readFenceLine(text.charAt(index), index);
        break;
      default:
        if (!isWhiteSpace(text.charCodeAt(index))) this.#readSign(text.charAt(index), index);
    }
    return index + 1;
  }

  // The first character of a value, or one that stands between two.
  #readSign(sign: string, index: number): void {
    switch (this.#state) {
      case 'start':
        if (sign === '`') this.#beginFence('fence');
        else this.#beginValue(sign, index);
        return;
      case 'value':
        this.#beginValue(sign, index);
        return;
      case 'first-element':
        if (sign === ']') this.#close();
        else this.#beginValue(sign, index);
        return;
      case 'after-element':
        if (sign === ']') this.#close();
        else this.#expect(sign === ',', 'value', index);
        return;
      case 'first-key':
        if (sign === '}') this.#close();
        else this.#beginKey(sign, index);
        return;
      case 'key':
        this.#beginKey(sign, index);
        return;
      case 'colon':
        this.#expect(sign === ':', 'value', index);
        return;
      case 'after-member':
        if (sign === '}') this.#close();
        else this.#expect(sign === ',', 'key', index);
        return;
      default:
        if (this.#state !== 'end' || !this.#isFenced || sign !== '`') throw this.#fault(index);
        this.#beginFence('closing-fence');
    }
  }

  #expect(isExpected: boolean, next: State, index: number): void {
    if (!isExpected) throw this.#fault(index);
    this.#state = next;
  }

  #beginValue(sign: string, index: number): void {
    switch (sign) {
      case '{':
        this.#open({}, 'first-key', index);
        return;
      case '[':
        this.#open([], 'first-element', index);
        return;
      case '"':
        this.#isKey = false;
        this.#string.begin();
        this.#tree.openString();
        this.#state = 'string';
        return;
      case 't':
      case 'f':
      case 'n':
        this.#token = sign;
        this.#state = 'literal';
        return;
      default: {
        const numberState = beginJsonNumber(sign.charCodeAt(0));
        if (numberState === undefined) throw this.#fault(index);
        this.#numberState = numberState;
        this.#token = sign;
        this.#state = 'number';
      }
    }
  }

  #beginKey(sign: string, index: number): void {
    this.#expect(sign === '"', 'string', index);
    this.#isKey = true;
    this.#token = '';
    this.#string.begin();
  }

  #open(entries: unknown[] | Record<string, unknown>, next: State, index: number): void {
    const { maxDepth } = this.#limits;
    if (this.#tree.depth >= maxDepth) {
      throw limitError(`The JSON is nested deeper than \`maxDepth\` (${maxDepth}) at position ${this.#length + index}`);
    }
    this.#tree.open(entries);
    this.#state = next;
  }

  #close(): void {
    this.#tree.close();
    this.#endValue();
  }

  #endValue(): void {
    if (this.#tree.depth === 0) this.#state = 'end';
    else this.#state = this.#tree.isInArray ? 'after-element' : 'after-member';
  }

  #readString(text: string, start: number): number {
    const next = this.#string.read(text, start);
    if (!this.#string.hasEnded) return next;
    if (this.#isKey) {
      this.#tree.setKey(this.#token);
      this.#state = 'colon';
    } else {
      this.#tree.closeString();
      this.#endValue();
    }
    return next;
  }

  #readNumber(text: string, start: number): number {
    let index = start;
    while (index < text.length) {
      const next = continueJsonNumber(this.#numberState, text.charCodeAt(index));
      if (next === undefined) break;
      this.#numberState = next;
      index++;
    }
    this.#token += text.slice(start, index);
    if (index < text.length) {
      if (!isWholeJsonNumber(this.#numberState)) throw this.#fault(index);
      // What follows is read by the state behind the number.
      this.#endNumber();
    }
    return index;
  }

  #endNumber(): void {
    this.#tree.add(Number(this.#token));
    this.#endValue();
  }

  #readLiteral(letter: string, index: number): void {
    this.#token += letter;
    const value = literals.get(this.#token);
    if (value !== undefined) {
      this.#tree.add(value);
      this.#endValue();
    } else if (!isLiteralSoFar(this.#token)) throw this.#fault(index);
  }

  #beginFence(state: 'fence' | 'closing-fence'): void {
    this.#backticks = 1;
    this.#state = state;
  }

  #readBacktick(sign: string, index: number): void {
    if (sign !== '`') throw this.#fault(index);
    this.#backticks += 1;
    if (this.#backticks === 3) this.#state = this.#state === 'fence' ? 'fence-line' : 'after-fence';
  }

  // A fence may name its language, on its own line.
  #readFenceLine(sign: string, index: number): void {
    if (sign === '\n') {
      this.#isFenced = true;
      this.#state = 'value';
    } else if (!/[\w+.\- \t\r]/.test(sign)) throw this.#fault(index);
  }
}

// https://www.rfc-editor.org/rfc/rfc8259#section-2: fewer characters than those that JavaScript calls white space
function isWhiteSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function isLiteralSoFar(token: string): boolean {
  for (const word of literals.keys()) if (word.startsWith(token)) return true;
  return false;
}

function jsonError(message: string): RxMistralError {
  return new RxMistralError({ kind: 'validation', message });
}

function limitError(message: string): RxMistralError {
  return new RxMistralError({ kind: 'limit', message });
}

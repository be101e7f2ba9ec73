import type { RxMistralError } from '../errors/RxMistralError.js';

/** Makes the error for a character that cannot stand where it does. */
export type JsonFault = (index: number) => RxMistralError;

const escapes: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

const expectations = {
  characters: 'a character of a string or its closing quote',
  escape: 'one of " \\ / b f n r t u behind a backslash',
  digits: 'four hexadecimal digits behind \\u',
} as const;

/** Reads a JSON string from pieces that may be cut anywhere, behind its opening quote: the characters that it stands for. */
export class JsonStringReader {
  readonly #onCharacters: (characters: string) => void;
  readonly #fault: JsonFault;
  #state: keyof typeof expectations = 'characters';
  #digits = '';
  // A high surrogate waits for its other half: what is handed on never ends in half a character.
  #highSurrogate = '';
  #hasEnded = false;

  /** @param onCharacters Takes what is read, piece by piece, never empty. */
  constructor(onCharacters: (characters: string) => void, fault: JsonFault) {
    this.#onCharacters = onCharacters;
    this.#fault = fault;
  }

  /** What must come next, for a message. */
  get expected(): string {
    return expectations[this.#state];
  }

  /** Whether the closing quote has been read. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Begins another string. */
  begin(): void {
    this.#hasEnded = false;
  }

  /**
   * Reads on from `start`, up to the closing quote or the end of the piece; returns where to go on.
   *
   * @throws what `fault` makes, where no string goes on so. What stood before it has been handed on.
   */
  read(text: string, start: number): number {
    let index = start;
    while (index < text.length && !this.#hasEnded) {
      if (this.#state === 'characters') index = this.#readCharacters(text, index);
      else if (this.#state === 'escape') this.#readEscape(text, index++);
      else this.#readDigit(text, index++);
    }
    return index;
  }

  #readCharacters(text: string, start: number): number {
    let end = start;
    let code = text.charCodeAt(end);
    while (end < text.length && code !== 0x22 && code !== 0x5c && code >= 0x20) code = text.charCodeAt(++end);
    if (end > start) this.#add(text.slice(start, end));
    if (end === text.length) return end;
    if (code === 0x5c) this.#state = 'escape';
    else if (code === 0x22) this.#end();
    else throw this.#fault(end);
    return end + 1;
  }

  #readEscape(text: string, index: number): void {
    const sign = text.charAt(index);
    if (sign === 'u') {
      this.#digits = '';
      this.#state = 'digits';
      return;
    }
    const character = escapes.get(sign);
    if (character === undefined) throw this.#fault(index);
    this.#add(character);
    this.#state = 'characters';
  }

  #readDigit(text: string, index: number): void {
    const digit = text.charAt(index);
    if (!/[0-9a-fA-F]/.test(digit)) throw this.#fault(index);
    this.#digits += digit;
    if (this.#digits.length < 4) return;
    this.#add(String.fromCharCode(parseInt(this.#digits, 16)));
    this.#state = 'characters';
  }

  #add(characters: string): void {
    const whole = this.#highSurrogate + characters;
    const endsInHalf = isHighSurrogate(whole.charCodeAt(whole.length - 1));
    this.#highSurrogate = endsInHalf ? whole.slice(-1) : '';
    const complete = endsInHalf ? whole.slice(0, -1) : whole;
    if (complete !== '') this.#onCharacters(complete);
  }

  #end(): void {
    // A half whose other half never came is JSON all the same.
    if (this.#highSurrogate !== '') this.#onCharacters(this.#highSurrogate);
    this.#highSurrogate = '';
    this.#hasEnded = true;
  }
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

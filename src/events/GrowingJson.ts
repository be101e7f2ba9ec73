/** A container that has not ended yet. */
interface OpenContainer {
  readonly entries: unknown[] | Record<string, unknown>;
  /** Of an object: the key whose value comes next, or is coming. */
  key: string;
  /** What a copy of it costs. */
  cost: number;
}

// What is copied, in units of an array's element: setting up a container, and a key with its value, cost more.
const containerCost = 64;
const keyCost = 48;

/**
 * A JSON value that grows, and the snapshots of it: the tree that a parser fills.
 *
 * A snapshot is never changed by what comes after it. It shares all that has ended with the tree and with other snapshots,
 * because that does not change any more; the containers that are still open, one inside the other, are copied.
 * {@link GrowingJson.copyCost} says what that costs, so that the one who asks can ask less often where it is much.
 */
export class GrowingJson {
  #root: unknown;
  // From the outside to the inside. Each but the first is already in the one before, as its last entry.
  readonly #open: OpenContainer[] = [];
  // The string that has not ended yet; its place in the tree is taken, and gets the text when somebody asks.
  #text = '';
  #isInString = false;
  #hasChanged = false;
  #copyCost = 0;

  /** How many containers are open. */
  get depth(): number {
    return this.#open.length;
  }

  /** Whether the innermost open container is an array. */
  get isInArray(): boolean {
    return Array.isArray(this.#open.at(-1)?.entries);
  }

  /** Whether there is something to show that the last snapshot did not have. */
  get hasChanged(): boolean {
    return this.#hasChanged;
  }

  /** What the next snapshot costs, in units of one element of an array. */
  get copyCost(): number {
    return this.#copyCost;
  }

  /** Begins an array or an object. */
  open(entries: unknown[] | Record<string, unknown>): void {
    this.#place(entries);
    this.#open.push({ entries, key: '', cost: containerCost });
    this.#copyCost += containerCost;
  }

  /** Ends the innermost container. */
  close(): void {
    this.#copyCost -= this.#open.pop()?.cost ?? 0;
  }

  /** Names the value that comes next. It stands in the object from the moment its value begins. */
  setKey(key: string): void {
    const container = this.#open.at(-1);
    if (container !== undefined) container.key = key;
  }

  /** Adds a value that is whole: a number, a literal. */
  add(value: number | boolean | null): void {
    this.#place(value);
  }

  /** Begins a string. */
  openString(): void {
    this.#text = '';
    this.#isInString = true;
    this.#place('');
  }

  /** Adds to the string. */
  grow(text: string): void {
    this.#text += text;
    this.#hasChanged = true;
  }

  /** Ends the string. */
  closeString(): void {
    this.#settleText();
    this.#isInString = false;
  }

  /** The value so far; `undefined` where none has begun. */
  snapshot(): unknown {
    this.#hasChanged = false;
    this.#settleText();
    let copy: unknown = this.#root;
    this.#open.reduceRight((inside: OpenContainer | undefined, container) => {
      copy = inside === undefined ? copyOf(container) : copyWith(container, copy);
      return container;
    }, undefined);
    return copy;
  }

  #place(value: unknown): void {
    this.#hasChanged = true;
    const container = this.#open.at(-1);
    if (container === undefined) {
      this.#root = value;
      return;
    }
    const cost = Array.isArray(container.entries) ? 1 : keyCost;
    container.cost += cost;
    this.#copyCost += cost;
    if (Array.isArray(container.entries)) container.entries.push(value);
    else setLast(container, value);
  }

  #settleText(): void {
    if (!this.#isInString) return;
    const container = this.#open.at(-1);
    if (container === undefined) this.#root = this.#text;
    else setLast(container, this.#text);
  }
}

function setLast({ entries, key }: OpenContainer, value: unknown): void {
  if (Array.isArray(entries)) entries[entries.length - 1] = value;
  // Assigning to what the prototype has may set the prototype, call a setter or be refused; JSON.parse defines.
  else if (key in Object.prototype) Object.defineProperty(entries, key, { value, writable: true, enumerable: true, configurable: true });
  else entries[key] = value;
}

function copyOf({ entries }: OpenContainer): unknown {
  return Array.isArray(entries) ? entries.slice() : { ...entries };
}

// The last entry is the container inside, whose copy takes its place.
function copyWith({ entries, key }: OpenContainer, last: unknown): unknown {
  if (!Array.isArray(entries)) return { ...entries, [key]: last };
  const copy = entries.slice();
  copy[copy.length - 1] = last;
  return copy;
}

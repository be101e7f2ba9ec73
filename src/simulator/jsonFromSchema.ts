import { lettersAndDigits, hexDigits, type Random } from './random.js';

/** Below this depth optional properties and items are left out, and the shortest branch is taken. */
const roomyDepth = 4;
/** Below this depth a schema that demands itself without end gets `null`, which does not fit: no finite value would. */
const deepest = 32;
/** After so many values, likewise only what is required… */
const roomyValues = 500;
/** …and after so many, where a schema demands even more, nothing that fits. */
const mostValues = 10_000;
const longestString = 1_000_000;
/** How deep `allOf` may stand in `allOf`. */
const deepestMerge = 8;

type Schema = Readonly<Record<string, unknown>>;

/**
 * A value that fits a JSON schema, drawn from `random`.
 *
 * Understood: `type` (also a list), `enum`, `const`, `nullable`; `properties`, `required`, `additionalProperties`, `minProperties`;
 * `items`, `prefixItems`, `minItems`, `maxItems`, `uniqueItems`; `minLength`, `maxLength`, the usual `format`s, and `pattern` where
 * one of a few usual strings fits it; `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum`, `multipleOf`; `anyOf`, `oneOf`
 * (any one branch), `allOf` (merged) and local `$ref`s. The rest is ignored.
 *
 * Bounds: optional properties are mostly filled in to a depth of 4, and left out below; nothing goes deeper than 32, holds more
 * than 10,000 values, or a string longer than 1,000,000. A schema that demands more gets a value that does not fit it.
 */
export function jsonFromSchema(schema: unknown, random: Random): unknown {
  return new ValueMaker(schema, random).value(schema, 0);
}

class ValueMaker {
  readonly #root: unknown;
  readonly #random: Random;
  #values = 0;

  constructor(root: unknown, random: Random) {
    this.#root = root;
    this.#random = random;
  }

  value(given: unknown, depth: number): unknown {
    if (depth > deepest || this.#values > mostValues) return null;
    this.#values += 1;
    // `true` allows anything.
    if (!isSchema(given)) return this.#words(1);
    const schema = this.#resolved(given);

    if ('const' in schema) return schema['const'];
    const allowed = asList(schema['enum']);
    if (allowed.length > 0) return this.#pick(allowed);
    const branches = [...asList(schema['anyOf']), ...asList(schema['oneOf'])];
    if (branches.length > 0) return this.#branch(schema, branches, depth);

    switch (this.#typeOf(schema, depth)) {
      case 'object':
        return this.#object(schema, depth);
      case 'array':
        return this.#array(schema, depth);
      case 'number':
        return this.#number(schema, false);
      case 'integer':
        return this.#number(schema, true);
      case 'boolean':
        return this.#random.chance(0.5);
      case 'null':
        return null;
      default:
        return this.#string(schema);
    }
  }

  /** Follows local references and merges `allOf`. */
  #resolved(schema: Schema, merges = 0): Schema {
    let resolved = schema;
    for (let i = 0; i < deepest && typeof resolved['$ref'] === 'string'; i += 1) {
      const { $ref: reference, ...beside } = resolved;
      const target = lookUp(this.#root, reference);
      resolved = isSchema(target) ? { ...target, ...beside } : beside;
    }
    for (const part of asList(resolved['allOf'])) {
      if (merges < deepestMerge && isSchema(part)) resolved = merged(resolved, this.#resolved(part, merges + 1));
    }
    return resolved;
  }

  #branch(schema: Schema, branches: readonly unknown[], depth: number): unknown {
    const { anyOf: _anyOf, oneOf: _oneOf, ...beside } = schema;
    // Where there is no more room, a branch that holds no other schemas ends the recursion, if there is one.
    const branch = this.#isRoomy(depth) ? this.#pick(branches) : (branches.find((each) => this.#isLeaf(each)) ?? branches[0]);
    return this.value(isSchema(branch) ? merged(beside, this.#resolved(branch)) : beside, depth + 1);
  }

  #isLeaf(given: unknown): boolean {
    if (!isSchema(given)) return false;
    const schema = this.#resolved(given);
    return !['properties', 'items', 'prefixItems', 'anyOf', 'oneOf'].some((key) => key in schema);
  }

  #typeOf(schema: Schema, depth: number): unknown {
    const types = Array.isArray(schema['type']) ? asList(schema['type']) : [];
    const mayBeNull = schema['nullable'] === true || types.includes('null');
    if (mayBeNull && (!this.#isRoomy(depth) || this.#random.chance(0.2))) return 'null';
    const others = types.filter((type) => type !== 'null');
    if (others.length > 0) return this.#pick(others);
    if (types.length > 0) return 'null';
    if (typeof schema['type'] === 'string') return schema['type'];
    if ('properties' in schema || 'required' in schema) return 'object';
    if ('items' in schema || 'prefixItems' in schema) return 'array';
    if ('minimum' in schema || 'maximum' in schema) return 'number';
    return 'string';
  }

  #object(schema: Schema, depth: number): unknown {
    const properties = isSchema(schema['properties']) ? schema['properties'] : {};
    const required = asList(schema['required']).filter((name) => typeof name === 'string');
    const entries: [string, unknown][] = [];
    for (const [name, property] of Object.entries(properties)) {
      if (required.includes(name) || (this.#isRoomy(depth) && this.#random.chance(0.8))) entries.push([name, this.value(property, depth + 1)]);
    }
    const others = schema['additionalProperties'];
    for (const name of required) {
      if (!(name in properties)) entries.push([name, this.value(others ?? true, depth + 1)]);
    }
    const least = Math.min(numberIn(schema, 'minProperties') ?? 0, roomyValues);
    while (others !== false && entries.length < least) entries.push([`key_${entries.length}`, this.value(others ?? true, depth + 1)]);
    // From entries, so that a property called `__proto__` is one.
    return Object.fromEntries(entries);
  }

  #array(schema: Schema, depth: number): unknown {
    const first = asList(schema['prefixItems']);
    const items = schema['items'];
    const least = Math.max(numberIn(schema, 'minItems') ?? 0, 0);
    const most = numberIn(schema, 'maxItems') ?? Math.max(least, first.length + (items === false ? 0 : 3));
    const wanted = Math.min(Math.max(least, Math.min(first.length, most)), mostValues);
    const length = this.#isRoomy(depth) && items !== false ? this.#random.integer(wanted, Math.max(wanted, Math.min(most, wanted + 3))) : wanted;

    const values: unknown[] = [];
    const seen = new Set<string>();
    // An item that may not repeat is drawn again a few times: there may not be enough different ones.
    for (let attempts = length * 20; values.length < length && attempts > 0; attempts -= 1) {
      const value = this.value(first[values.length] ?? items ?? true, depth + 1);
      const text = JSON.stringify(value);
      if (schema['uniqueItems'] === true && seen.has(text)) continue;
      seen.add(text);
      values.push(value);
    }
    return values;
  }

  #number(schema: Schema, whole: boolean): number {
    const step = numberIn(schema, 'multipleOf') ?? (whole ? 1 : 0.25);
    const minimum = numberIn(schema, 'minimum');
    const maximum = numberIn(schema, 'maximum');
    const above = numberIn(schema, 'exclusiveMinimum');
    const below = numberIn(schema, 'exclusiveMaximum');
    let least = Math.max(minimum ?? -Infinity, above ?? -Infinity);
    let most = Math.min(maximum ?? Infinity, below ?? Infinity);
    // A wide range is narrowed to numbers that people would give: small ones.
    const width = 1_000 * step;
    if (most - least > width) {
      if (least >= 0 || most === Infinity) least = Math.max(least, 0);
      else least = Math.max(least, Math.min(0, most - width));
      most = Math.min(most, least + width);
    }

    let first = Math.ceil(least / step);
    let last = Math.floor(most / step);
    if (above !== undefined && first * step <= above) first += 1;
    if (below !== undefined && last * step >= below) last -= 1;
    // Rounded, so that three times 0.1 is 0.3.
    if (first <= last) return Number((this.#random.integer(first, last) * step).toPrecision(15));
    // Between two multiples of our own step: any number in the range does.
    return whole ? Math.ceil(least) : (least + most) / 2;
  }

  #string(schema: Schema): string {
    const shortest = Math.min(numberIn(schema, 'minLength') ?? 0, longestString);
    const longest = numberIn(schema, 'maxLength') ?? Math.max(shortest, 40);
    const pattern = patternOf(schema['pattern']);
    const fits = (text: string): boolean => text.length >= shortest && text.length <= longest && (pattern?.test(text) ?? true);

    const formatted = this.#formatted(schema['format']);
    if (formatted !== undefined && fits(formatted)) return formatted;
    const usual = pattern && this.#usualStrings().find(fits);
    if (usual !== undefined) return usual;
    const text = this.#words(3).slice(0, longest);
    return text.length < shortest ? text + this.#random.text(shortest - text.length, 'abcdefghijklmnopqrstuvwxyz') : text;
  }

  #formatted(format: unknown): string | undefined {
    const hex = (length: number): string => this.#random.text(length, hexDigits);
    const twoDigits = (least: number, most: number): string => String(this.#random.integer(least, most)).padStart(2, '0');
    const date = `20${twoDigits(20, 29)}-${twoDigits(1, 12)}-${twoDigits(1, 28)}`;
    const time = `${twoDigits(0, 23)}:${twoDigits(0, 59)}:${twoDigits(0, 59)}Z`;
    switch (format) {
      case 'date':
        return date;
      case 'time':
        return time;
      case 'date-time':
        return `${date}T${time}`;
      case 'duration':
        return `PT${this.#random.integer(1, 48)}H`;
      case 'email':
      case 'idn-email':
        return `${this.#random.pick(cities)}@example.com`;
      case 'hostname':
        return `${this.#random.pick(cities)}.example.com`;
      case 'uri':
      case 'uri-reference':
      case 'iri':
      case 'url':
        return `https://example.com/${this.#random.pick(cities)}`;
      case 'uuid':
        return `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
      case 'base64':
        return Buffer.from(this.#words(2)).toString('base64');
      case 'base64url':
        return Buffer.from(this.#words(2)).toString('base64url');
      case 'ipv4':
        return `192.0.2.${this.#random.integer(1, 254)}`;
      case 'ipv6':
        return `2001:db8::${this.#random.integer(1, 9)}`;
      default:
        return undefined;
    }
  }

  /** What patterns in schemas usually ask for. */
  #usualStrings(): readonly string[] {
    const digits = '0123456789';
    const byFormat = ['date', 'time', 'date-time', 'email', 'uuid', 'uri', 'ipv4'].map((format) => this.#formatted(format) ?? '');
    const byLength = Array.from({ length: 12 }, (_, i) => i + 1).flatMap((length) => [
      this.#random.text(length, digits),
      this.#random.text(length, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'),
      this.#random.text(length, 'abcdefghijklmnopqrstuvwxyz'),
      this.#random.text(length, hexDigits),
      this.#random.text(length, lettersAndDigits),
    ]);
    const rest = [`${this.#random.pick(cities)}-${this.#random.integer(1, 99)}`, `+1${this.#random.text(10, digits)}`, '12:30:00', '1.2.3'];
    return [...byFormat, ...byLength, ...cities, ...rest];
  }

  #words(most: number): string {
    return Array.from({ length: this.#random.integer(1, most) }, () => this.#random.pick(words)).join(' ');
  }

  #pick(values: readonly unknown[]): unknown {
    return values[this.#random.integer(0, values.length - 1)];
  }

  #isRoomy(depth: number): boolean {
    return depth < roomyDepth && this.#values < roomyValues;
  }
}

const cities: readonly [string, ...string[]] = ['paris', 'lyon', 'marseille', 'lille', 'nantes', 'bordeaux', 'toulouse', 'nice', 'rennes', 'dijon'];
// Text is more than ASCII.
const words: readonly [string, ...string[]] = [...cities, 'orléans', 'nîmes', '"sète"'];

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function numberIn(schema: Schema, key: string): number | undefined {
  const value = schema[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function patternOf(pattern: unknown): RegExp | undefined {
  try {
    return typeof pattern === 'string' ? new RegExp(pattern, 'u') : undefined;
  } catch {
    return undefined;
  }
}

/** Both schemas at once, as far as keys can be joined. */
function merged(one: Schema, other: Schema): Schema {
  const { allOf: _allOf, ...base } = one;
  const properties = { ...(isSchema(one['properties']) && one['properties']), ...(isSchema(other['properties']) && other['properties']) };
  const required = [...asList(one['required']), ...asList(other['required'])];
  return {
    ...base,
    ...other,
    ...(Object.keys(properties).length > 0 && { properties }),
    ...(required.length > 0 && { required: [...new Set(required)] }),
  };
}

/** The target of `#`, `#/$defs/name`, …: a JSON pointer into the same document. */
function lookUp(root: unknown, reference: string): unknown {
  if (!reference.startsWith('#')) return undefined;
  let target = root;
  for (const step of decodeURIComponent(reference.slice(1)).split('/').slice(1)) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof target !== 'object' || target === null || !Object.hasOwn(target, key)) return undefined;
    target = (target as Record<string, unknown>)[key];
  }
  return target;
}

/**
 * A `T` that is still being written: properties may be missing, at any depth, and so may the last elements of a list. A
 * string may be cut, so that one of several literals is a `string`. Whole numbers, booleans and `null` are what they are.
 */
export type DeepPartial<T> = unknown extends T
  ? T
  : T extends string
    ? string
    : T extends readonly (infer Element)[]
      ? number extends T['length']
        ? readonly DeepPartial<Element>[]
        : { readonly [Index in keyof T]?: DeepPartial<T[Index]> }
      : T extends object
        ? { readonly [Key in keyof T]?: DeepPartial<T[Key]> }
        : T;

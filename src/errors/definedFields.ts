/**
 * A copy of `fields` without those that are `undefined`: a field that is absent is absent in `inspect` and under
 * `exactOptionalPropertyTypes` too.
 */
export function definedFields<Fields extends object>(fields: Fields): DefinedFields<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as DefinedFields<Fields>;
}

type DefinedFields<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

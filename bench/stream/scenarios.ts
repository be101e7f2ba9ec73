/** One answer, and the way it comes over the wire. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** How many text deltas the answer has. */
  readonly events: number;
  /** The text of each. */
  readonly piece: (index: number) => string;
  /** What the server writes at once: everything, an event, or so many bytes. */
  readonly writes: 'coalesced' | 'one-per-event' | { readonly bytes: number };
  /** The scenario that a client is warmed up on. @defaultValue this one */
  readonly warmUpOn?: string;
  /** The contenders that do not take part. */
  readonly without?: readonly string[];
  /** Those that take minutes: they run in the first round only, and not at all with `--skip-slow`. */
  readonly slow?: readonly string[];
}

const word = (index: number): string => ` word${index % 1_000}`;

export const scenarios: readonly Scenario[] = [
  {
    name: '200-coalesced',
    title: '200 events, coalesced',
    events: 200,
    piece: word,
    writes: 'coalesced',
  },
  {
    name: '20000-coalesced',
    title: '20,000 events, coalesced',
    events: 20_000,
    piece: word,
    writes: 'coalesced',
  },
  {
    name: '20000-one-per-write',
    title: '20,000 events, one per write',
    events: 20_000,
    piece: word,
    writes: 'one-per-event',
  },
  {
    name: '10-mb-event',
    title: 'one 10 MB event, 1,400 B per write',
    events: 1,
    piece: () => 'word '.repeat(2_000_000),
    writes: { bytes: 1_400 },
    warmUpOn: '200-coalesced',
    without: ['naive'],
    slow: ['sdk'],
  },
];

/** The scenario of that name. */
export function scenarioNamed(name: string): Scenario {
  const scenario = scenarios.find((each) => each.name === name);
  if (scenario === undefined) throw new Error(`No scenario is named ${name}`);
  return scenario;
}

/** The text of each delta of the answer. */
export function piecesOf({ events, piece }: Scenario): readonly string[] {
  return Array.from({ length: events }, (_, index) => piece(index));
}

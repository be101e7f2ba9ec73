import type { Random } from './random.js';

type Words = readonly [string, ...string[]];

// With characters of two, three and four bytes among them, so that a cut between bytes can fall inside one.
const openings: Words = ['In short,', 'In practice,', 'Most of the time,', 'At first glance,', 'By contrast,', 'As a rule,', 'Après tout,', 'On a quiet day,'];
const subjects: Words = [
  'a small team',
  'the river',
  'a good answer',
  'the café on the corner',
  'an old engine',
  'the night train',
  'a careful reader',
  'the north wind',
  'every model',
  'the archive',
  'a naïve plan',
  'the second draft',
];
const verbs: Words = ['follows', 'explains', 'outlives', 'carries', 'measures', 'rebuilds', 'surprises', 'remembers', 'replaces', 'describes'];
const objects: Words = [
  'the shape of the valley',
  'a longer story',
  'what was said before',
  'the smallest details',
  'a handful of facts',
  'its own history',
  'the price of bread (about €3)',
  'three simple rules',
  'the rest of the crew',
  'a coat of blue paint',
];
const endings: Words = [
  'without much noise',
  'from one season to the next',
  'because nobody asked',
  'as the numbers show',
  'long after the fact',
  'with remarkable patience',
  'more often than not',
  'à la carte',
];
const asides: Words = ['That is all there is to it.', 'It works — most days.', 'Nobody minds. 🙂', 'The reason is simple.', 'Voilà.', 'So much for theory.'];

/** Sentences without end: plausible, and of no meaning. */
export function* sentences(random: Random): Generator<string, never> {
  for (;;) {
    const subject = random.pick(subjects);
    const clause = `${random.pick(verbs)} ${random.pick(objects)} ${random.pick(endings)}`;
    yield random.chance(0.3) ? `${random.pick(openings)} ${subject} ${clause}.` : `${capitalised(subject)} ${clause}.`;
    if (random.chance(0.2)) yield random.pick(asides);
  }
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

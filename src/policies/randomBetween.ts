/** A number from `low` to `high`, whatever a hand-made `random` returns: NaN counts as 0, what is above 1 as 1. */
export function randomBetween(low: number, high: number, random: () => number): number {
  const chance = random();
  return chance > 0 ? low + (high - low) * Math.min(chance, 1) : low;
}

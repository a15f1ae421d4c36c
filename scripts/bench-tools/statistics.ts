/** Medians over rounds and ratios between brokers. */

/** The middle one, or the mean of the two in the middle; undefined for none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  const lower = sorted[sorted.length - 1 - middle];
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
}

/** How many times `other` `value` is; undefined where either is missing or `other` is zero. */
export function ratio(value: number | undefined, other: number | undefined): number | undefined {
  return value === undefined || other === undefined || other === 0 ? undefined : value / other;
}

/** For each of the named figures the median over the rounds that have it. */
export function mediansOf<Name extends string>(
  names: readonly Name[],
  rounds: readonly Readonly<Record<Name, number | undefined>>[],
): Readonly<Record<Name, number | undefined>> {
  const entries = names.map((name) => {
    const values = rounds.map((round) => round[name]).filter((value) => value !== undefined);
    return [name, median(values)];
  });
  return Object.fromEntries(entries);
}

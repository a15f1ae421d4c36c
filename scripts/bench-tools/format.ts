/** Numbers and columns for people. */

/** Three digits that count, or all digits before the point. */
export function figure(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "-";
  if (value >= 100) return count(Math.round(value));
  const decimals = value >= 10 ? 1 : value >= 1 ? 2 : 3;
  return value.toFixed(decimals);
}

/** A whole number. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** `3.42×`. */
export function times(ratio: number | undefined): string {
  return ratio === undefined ? "" : `${figure(ratio)}×`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Spans of time as the configuration writes them, in seconds. */

/** `m` is a month and `y` a year, of 30 and 365 days, as in Mosquitto. */
const UNITS: Readonly<Record<string, number>> = {
  s: 1,
  h: 3600,
  d: 86_400,
  w: 604_800,
  m: 2_592_000,
  y: 31_536_000,
};

/** A century; more is a mistake. */
export const LONGEST_DURATION = 3_153_600_000;

/** Seconds of `"2d"`, `"12h"` or a number of seconds; 0 for `""`; undefined if it is none of these. */
export function parseDuration(value: unknown): number | undefined {
  if (value === "") return 0;
  const seconds = typeof value === "number" ? value : parseWords(value);
  return Number.isInteger(seconds) && seconds >= 0 && seconds <= LONGEST_DURATION
    ? seconds
    : undefined;
}

function parseWords(value: unknown): number {
  const match = typeof value === "string" ? /^(\d{1,10}) ?([shdwmy])$/.exec(value) : null;
  if (match === null) return Number.NaN;
  return Number(match[1]) * (UNITS[match[2] as string] as number);
}

/** Durations, times of day, sizes and counts in words that are quick to read. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago, in one unit that tells enough: "now", "12 s", "3 min", "5 h", "2 d". `age` in ms. */
export function ageInWords(age: number): string {
  if (age < 2 * SECOND) return "now";
  if (age < MINUTE) return `${Math.floor(age / SECOND)} s`;
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min`;
  if (age < DAY) return `${Math.floor(age / HOUR)} h`;
  return `${Math.floor(age / DAY)} d`;
}

/** A duration in its two largest units: "3 d 4 h", "4 h 12 min", "12 min", "40 s". In seconds. */
export function durationInWords(seconds: number): string {
  const ms = seconds * SECOND;
  if (ms < MINUTE) return `${Math.floor(seconds)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${Math.floor((ms % HOUR) / MINUTE)} min`;
  return `${Math.floor(ms / DAY)} d ${Math.floor((ms % DAY) / HOUR)} h`;
}

/** HH:MM:SS in the reader's time zone. `wall` is Unix ms. */
export function timeOfDay(wall: number): string {
  const date = new Date(wall);
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** A count with its thousands set apart by narrow spaces; a dash for an unknown one. */
export function countInWords(count: number | undefined): string {
  return count === undefined ? "–" : grouped.format(count).replaceAll(",", "\u202f");
}

const SIZES = ["bytes", "kB", "MB", "GB", "TB", "PB"];

/** A size in the unit that tells enough, with about three digits: "512 bytes", "1.5 MB", "312 GB". */
export function bytesInWords(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 999.5 && unit < SIZES.length - 1) {
    size /= 1000;
    unit++;
  }
  const digits = unit === 0 || size >= 99.95 ? 0 : 1;
  return `${size.toFixed(digits)}\u202f${SIZES[unit]}`;
}

/** "1 topic", "2 topics". */
export function plural(count: number, noun: string): string {
  return `${countInWords(count)} ${noun}${count === 1 ? "" : "s"}`;
}

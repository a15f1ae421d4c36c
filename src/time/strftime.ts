/** The conversions of strftime(3) in the C locale, in local time. */

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const DAY = 86_400_000;

const digits = (value: number, width = 2, fill = "0"): string =>
  String(value).padStart(width, fill);

/** Day of the year, from 0. */
function yearDay(date: Date): number {
  const midnight = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return (midnight - Date.UTC(date.getFullYear(), 0, 1)) / DAY;
}

/** ISO 8601 week and the year it belongs to. */
function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()));
  thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7));
  const year = thursday.getUTCFullYear();
  return { year, week: 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY / 7) };
}

function offset(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${digits(Math.floor(size / 60))}${digits(size % 60)}`;
}

function zone(date: Date): string {
  const parts = new Intl.DateTimeFormat("en", { timeZoneName: "short" }).formatToParts(date);
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
}

const twelve = (date: Date): number => date.getHours() % 12 || 12;
const dayName = (date: Date): string => DAYS[date.getDay()] as string;
const monthName = (date: Date): string => MONTHS[date.getMonth()] as string;

const CONVERSIONS: Readonly<Record<string, string | ((date: Date) => string)>> = {
  A: dayName,
  B: monthName,
  C: (date) => digits(Math.floor(date.getFullYear() / 100)),
  D: "m/d/y",
  F: "Y-m-d",
  G: (date) => String(isoWeek(date).year),
  H: (date) => digits(date.getHours()),
  I: (date) => digits(twelve(date)),
  M: (date) => digits(date.getMinutes()),
  P: (date) => (date.getHours() < 12 ? "am" : "pm"),
  R: "H:M",
  S: (date) => digits(date.getSeconds()),
  T: "H:M:S",
  U: (date) => digits(Math.floor((yearDay(date) + 7 - date.getDay()) / 7)),
  V: (date) => digits(isoWeek(date).week),
  W: (date) => digits(Math.floor((yearDay(date) + 7 - ((date.getDay() + 6) % 7)) / 7)),
  X: "H:M:S",
  Y: (date) => String(date.getFullYear()),
  Z: zone,
  a: (date) => dayName(date).slice(0, 3),
  b: (date) => monthName(date).slice(0, 3),
  c: "a b e H:M:S Y",
  d: (date) => digits(date.getDate()),
  e: (date) => digits(date.getDate(), 2, " "),
  g: (date) => digits(isoWeek(date).year % 100),
  h: (date) => monthName(date).slice(0, 3),
  j: (date) => digits(yearDay(date) + 1, 3),
  k: (date) => digits(date.getHours(), 2, " "),
  l: (date) => digits(twelve(date), 2, " "),
  m: (date) => digits(date.getMonth() + 1),
  n: () => "\n",
  p: (date) => (date.getHours() < 12 ? "AM" : "PM"),
  r: "I:M:S p",
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  t: () => "\t",
  u: (date) => String(date.getDay() || 7),
  w: (date) => String(date.getDay()),
  x: "m/d/y",
  y: (date) => digits(date.getFullYear() % 100),
  z: offset,
  "%": () => "%",
};

/** One conversion, its letter without the %; one that does not exist comes out as it is. */
export function strftime(letter: string, date: Date): string {
  const conversion = CONVERSIONS[letter];
  if (conversion === undefined) return `%${letter}`;
  if (typeof conversion !== "string") return conversion(date);
  return conversion.replace(/[A-Za-z]/g, (part) => strftime(part, date));
}

/** A whole format of strftime(3): `%Y-%m-%dT%H:%M:%S`. */
export function formatTime(format: string, date: Date): string {
  return format.replace(/%(.)/gs, (_, letter: string) => strftime(letter, date));
}

/** Date and time of ISO 8601 without the offset, 2016-08-10T09:47:38. */
export function isoTime(date: Date): string {
  return `${strftime("F", date)}T${strftime("T", date)}`;
}

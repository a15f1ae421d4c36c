/**
 * How much is written to the disk: today, and what a year of that would be. Kept over restarts in a
 * record of the store, which goes with a commit that is made anyway.
 */
import { decodeUtf8, encodeUtf8 } from "../bytes/utf8.ts";
import type { StoredRecord } from "../seams/journal.ts";
import type { Clock } from "../time/clock.ts";

/** Where the record stands. */
export const WEAR_KEY = "!/wear";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const YEAR = 365 * DAY;
/** What is older than this counts half as much in the estimate. */
const MEMORY = 30 * DAY;

interface Account {
  /** Bytes, and the running time in which they were written, ms. */
  total: number;
  elapsed: number;
  /** Of the wall clock, in UTC, and the bytes of that day. */
  day: string;
  today: number;
}

export class Wear {
  readonly #clock: Clock;
  /** Bytes that were written since the process began. */
  readonly #written: () => number;
  readonly #account: Account;
  #lastWritten: number;
  #lastTime: number;
  #lastRecord: number;

  /** `stored` is the record of before; one that cannot be read counts as none. */
  constructor(clock: Clock, written: () => number, stored: Uint8Array | undefined) {
    this.#clock = clock;
    this.#written = written;
    this.#account = read(stored) ?? { total: 0, elapsed: 0, day: dayOf(clock), today: 0 };
    this.#lastWritten = written();
    this.#lastTime = clock.now();
    this.#lastRecord = Number.NEGATIVE_INFINITY;
  }

  /** Bytes written on this day. */
  get today(): number {
    this.#bringForward();
    return this.#account.today;
  }

  /** Bytes that a year of what was written of late would be; undefined in the first minute. */
  get perYear(): number | undefined {
    this.#bringForward();
    const { total, elapsed } = this.#account;
    return elapsed < MINUTE ? undefined : Math.round((total / elapsed) * YEAR);
  }

  /** To go with a commit; undefined where the last one is young. */
  record(): StoredRecord | undefined {
    const now = this.#clock.now();
    if (now - this.#lastRecord < MINUTE) return undefined;
    this.#lastRecord = now;
    this.#bringForward();
    return { key: WEAR_KEY, value: encodeUtf8(JSON.stringify(this.#account)) };
  }

  #bringForward(): void {
    const account = this.#account;
    const now = this.#clock.now();
    const written = this.#written();
    const more = Math.max(0, written - this.#lastWritten);
    const day = dayOf(this.#clock);
    if (day !== account.day) {
      account.day = day;
      account.today = 0;
    }
    account.today += more;
    account.total += more;
    account.elapsed += now - this.#lastTime;
    if (account.elapsed > MEMORY) {
      account.total = Math.round(account.total / 2);
      account.elapsed /= 2;
    }
    this.#lastWritten = written;
    this.#lastTime = now;
  }
}

function dayOf(clock: Clock): string {
  return new Date(clock.wall()).toISOString().slice(0, 10);
}

function read(stored: Uint8Array | undefined): Account | undefined {
  if (stored === undefined) return undefined;
  try {
    const { total, elapsed, day, today } = JSON.parse(
      decodeUtf8(stored, 0, stored.length) ?? "",
    ) as Account;
    const isWhole = [total, elapsed, today].every((one) => Number.isFinite(one) && one >= 0);
    return isWhole && typeof day === "string" ? { total, elapsed, day, today } : undefined;
  } catch {
    return undefined;
  }
}

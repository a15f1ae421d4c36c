/**
 * Tells how long messages have waited, over restarts too, whatever the wall clock does. It counts
 * seconds of the monotonic clock; of the wall clock it takes only for how long the process did not run.
 * So a wall clock that is set while the process runs, as on a board without a battery, makes no message
 * older. Time between two lives is not counted where the wall clock cannot be believed: it shows less
 * than at the end of the one before, or a time that it shows only where nobody has set it. Then messages
 * are kept for longer than they might be; none is given up that is young.
 */
import type { Clock } from "../time/clock.ts";
import type { Records } from "./records.ts";

/** What is kept of the clock over a restart. */
export interface QueueTime {
  /** What it showed. */
  readonly seconds: number;
  /** What the wall clock showed then, ms. */
  readonly wall: number;
  /** Since when it has gone without a pause, 0 if it does not go. */
  readonly since: number;
}

/** A wall clock that shows less was never set: 2025-01-01, ms. */
const FIRST_BELIEVABLE = 1_735_689_600_000;
/** What records can hold. Only a wall clock that is wrong by a century leads there. */
export const LATEST_QUEUE_TIME = 0xffffffff;
/** The wall clock has been set if it goes this much wrong, ms. */
const STEP = 2000;

export class QueueClock {
  readonly #clock: Clock;
  readonly #records: Records;
  /** What is to be added to the monotonic clock, seconds. */
  #offset: number;
  #since = 0;
  /** When it was kept, monotonic ms, and how far the wall clock was ahead then. */
  #keptAt = -Infinity;
  #keptAhead = 0;

  constructor(clock: Clock, records: Records) {
    this.#clock = clock;
    this.#records = records;
    // 0 is no time.
    this.#offset = 1 - clock.now() / 1000;
  }

  /** It goes: all that begins to wait is stamped. */
  get isGoing(): boolean {
    return this.#since > 0;
  }

  /** For a message that begins to wait now; 0 while the clock does not go. */
  stamp(): number {
    return this.#since === 0 ? 0 : this.#seconds;
  }

  /**
   * Messages stamped before this have waited for longer than `limit` seconds, 0 for no limit. Those
   * without a stamp have waited since the clock began to go, as far as is known.
   */
  oldest(limit: number): number {
    if (limit === 0 || this.#since === 0) return -Infinity;
    const oldest = this.#seconds - limit;
    return this.#since < oldest ? oldest : -Infinity;
  }

  /** Goes from now on, if it does not yet. */
  start(): void {
    if (this.isGoing) return;
    this.#since = this.#seconds;
    this.keep();
  }

  /** Goes no more; what waits is taken to have waited since it goes again. */
  stop(): void {
    if (!this.isGoing) return;
    this.#since = 0;
    this.keep();
  }

  restore({ seconds, wall, since }: QueueTime): void {
    const shown = this.#clock.wall();
    const away = wall < FIRST_BELIEVABLE ? 0 : Math.max(0, shown - wall);
    this.#offset = seconds + (away - this.#clock.now()) / 1000;
    this.#since = since;
  }

  /** Has what it shows survive a restart. */
  keep(): void {
    const now = this.#clock.now();
    const wall = this.#clock.wall();
    this.#keptAt = now;
    this.#keptAhead = wall - now;
    const shown = Math.floor(wall);
    this.#records.putQueueTime({ seconds: this.#seconds, wall: shown, since: this.#since });
  }

  /** The same, if that was done longer ago than `interval` ms, or the wall clock has been set since. */
  keepIfDue(interval: number): void {
    const now = this.#clock.now();
    const hasJumped = Math.abs(this.#clock.wall() - now - this.#keptAhead) > STEP;
    if (hasJumped || now - this.#keptAt >= interval) this.keep();
  }

  get #seconds(): number {
    return Math.min(LATEST_QUEUE_TIME, Math.floor(this.#offset + this.#clock.now() / 1000));
  }
}

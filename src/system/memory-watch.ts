/** Watches how much memory the process takes, against the limit that it was given. */
import type { Log } from "../seams/log.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";

export interface MemoryWatchParts {
  readonly scheduler: Scheduler;
  readonly log: Log;
  /** Bytes; 0 is no limit. Asked for anew each time. */
  readonly limit: () => number;
  /** Told whenever the limit is passed, one way or the other. */
  readonly full: (isFull: boolean) => void;
}

const INTERVAL = 1000;
/** What must have been given back before it counts as room again, as a share of the limit. */
const RELIEF = 0.95;

export class MemoryWatch {
  readonly #parts: MemoryWatchParts;
  #full = false;
  #timer: Timer | undefined;

  constructor(parts: MemoryWatchParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = this.#parts.scheduler.after(INTERVAL, () => {
      this.#look();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    const { limit, full, log } = this.#parts;
    const bound = limit();
    const used = bound === 0 ? 0 : process.memoryUsage.rss();
    const isFull = bound > 0 && used > (this.#full ? bound * RELIEF : bound);
    if (isFull === this.#full) return;
    this.#full = isFull;
    full(isFull);
    if (isFull)
      log.warn(`Midge takes ${used} bytes, over memory_limit: refusing messages and clients.`);
    else log.notice("Midge is below memory_limit again.");
  }
}

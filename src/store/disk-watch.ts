/** Watches how much room the disk has, against the reserve that is to be left free. */
import { statfs } from "node:fs/promises";
import type { Log } from "../seams/log.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";

export interface DiskWatchParts {
  /** A folder on the disk. */
  readonly path: string;
  /** To be left free, bytes; 0 is nothing. Asked for anew each time. */
  readonly reserve: () => number;
  /** Told whenever the reserve is reached, or free again. */
  readonly low: (isLow: boolean) => void;
  readonly scheduler: Scheduler;
  readonly log: Log;
}

const INTERVAL = 1000;
/** LevelDB begins new files when it opens, bytes. */
const LEAST = 200_000;
/** What must be free before there is room again, as a multiple of the reserve. */
const RELIEF = 1.1;

export class DiskWatch {
  readonly #parts: DiskWatchParts;
  #isLow = false;
  #isStopped = false;
  #timer: Timer | undefined;
  /** Bytes at the last look; undefined where the system does not tell. */
  free: number | undefined;

  constructor(parts: DiskWatchParts) {
    this.#parts = parts;
  }

  /** Takes the first look at once. */
  async start(): Promise<void> {
    await this.look();
    if (this.#isStopped) return;
    this.#timer = this.#parts.scheduler.after(INTERVAL, () => void this.start());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Whether there is enough to open the store; the reserve is for that as well. */
  async hasRoom(): Promise<boolean> {
    await this.look();
    return this.free === undefined || this.free >= LEAST;
  }

  async look(): Promise<void> {
    const { path, reserve, low, log } = this.#parts;
    this.free = await freeBytes(path);
    if (this.free === undefined || this.#isStopped) return;
    const bound = reserve();
    const isLow = this.free < (this.#isLow ? bound * RELIEF : bound);
    if (isLow === this.#isLow) return;
    this.#isLow = isLow;
    low(isLow);
    if (isLow) {
      log.error(
        `store: only ${this.free} bytes are free on the disk of ${path}, less than store.reserve ` +
          `(${bound}): nothing that would have to be kept is accepted`,
      );
    } else {
      log.notice("store: there is room on the disk again");
    }
  }
}

async function freeBytes(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

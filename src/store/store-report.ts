/** `$SYS/broker/store/…` and log lines: how the store is, and what it costs the disk. */
import type { Log } from "../seams/log.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";

/** What is known of the store now; what does not apply is undefined. */
export interface StoreFigures {
  /** `slow`: changes wait far too long. `low`: less than the reserve is free. `failing`: the disk refuses. */
  readonly state: "ok" | "slow" | "low" | "failing" | "memory";
  readonly mode: "strict" | "interval" | "memory";
  /** Where things are kept. */
  readonly folder: string;
  /** What the disk says when it refuses. */
  readonly problem: string | undefined;
  readonly commits: number;
  /** Handed to the store, bytes. */
  readonly bytes: number;
  /** Changes that are not on the disk, the age of the oldest, and how old it may well get, ms. */
  readonly unsafe: number;
  readonly unsafeAge: number;
  readonly unsafeLimit: number;
  readonly today: number | undefined;
  readonly perYear: number | undefined;
  /** Free on the disk, and to be left free, bytes. */
  readonly free: number | undefined;
  readonly reserve: number;
  /** Folders with damaged files. */
  readonly damaged: readonly string[];
}

export interface StoreReportParts {
  readonly figures: () => StoreFigures;
  readonly announce: (topic: string, payload: Uint8Array) => void;
  /** Between reports, ms; 0 is never. Asked for anew each time. */
  readonly interval: () => number;
  readonly scheduler: Scheduler;
  readonly log: Log;
}

/** What the state of a store that is on a disk follows from; see `StoreFigures`. */
export function storeState({
  problem,
  full,
  unsafeAge,
  unsafeLimit,
}: Pick<StoreFigures, "problem" | "unsafeAge" | "unsafeLimit"> & {
  /** Nothing new is to be kept. */
  readonly full: boolean;
}): StoreFigures["state"] {
  if (problem !== undefined) return "failing";
  if (full) return "low";
  return unsafeAge > unsafeLimit ? "slow" : "ok";
}

const HOUR = 3_600_000;
const encoder = new TextEncoder();

export class StoreReport {
  readonly #parts: StoreReportParts;
  readonly #shown = new Map<string, string>();
  #timer: Timer | undefined;
  #logTimer: Timer | undefined;
  #loggedCommits = 0;

  constructor(parts: StoreReportParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#logLater();
    this.update();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#logTimer?.cancel();
    this.#log();
  }

  reload(): undefined {
    this.update();
  }

  /** Publishes what has changed. */
  update(): void {
    this.#timer?.cancel();
    const { figures, interval, scheduler } = this.#parts;
    if (interval() === 0) return;
    const now = figures();
    this.#show("state", now.state);
    this.#show("problem", now.problem ?? "");
    this.#show("damaged", now.damaged.join(" "));
    if (now.state !== "memory") {
      this.#show("mode", now.mode);
      this.#show("folder", now.folder);
      this.#show("commits", now.commits);
      this.#show("bytes/written", now.bytes);
      this.#show("bytes/today", now.today);
      this.#show("bytes/year", now.perYear);
      this.#show("unsafe/count", now.unsafe);
      this.#show("unsafe/age", Math.round(now.unsafeAge));
      this.#show("unsafe/limit", now.unsafeLimit);
      this.#show("disk/free", now.free);
      this.#show("disk/reserve", now.reserve);
    }
    this.#timer = scheduler.after(interval(), () => this.update());
  }

  #show(topic: string, value: string | number | undefined): void {
    if (value === undefined) return;
    const text = String(value);
    // What was never shown need not be cleared.
    if (text === (this.#shown.get(topic) ?? "")) return;
    this.#shown.set(topic, text);
    this.#parts.announce(`$SYS/broker/store/${topic}`, encoder.encode(text));
  }

  #logLater(): void {
    this.#logTimer = this.#parts.scheduler.after(HOUR, () => {
      this.#log();
      this.#logLater();
    });
  }

  #log(): void {
    const { commits, bytes, unsafe, unsafeAge, today } = this.#parts.figures();
    if (commits === this.#loggedCommits && unsafe === 0) return;
    this.#loggedCommits = commits;
    const oldest =
      unsafe === 0
        ? "nothing is unsafe"
        : `the oldest unsafe change is ${Math.round(unsafeAge)} ms old`;
    const disk = today === undefined ? "" : `, the disk took ${today} bytes today`;
    this.#parts.log.info(`store: ${commits} commits, ${bytes} bytes written; ${oldest}${disk}`);
  }
}

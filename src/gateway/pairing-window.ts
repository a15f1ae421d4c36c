/** The time in which unknown nodes are let in for good, opened by someone who brings them. */
import type { Log } from "../seams/log.ts";
import type { Clock } from "../time/clock.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";

interface OpenWindow {
  /** The only link that it is open on; "" for all. */
  readonly link: string;
  /** Monotonic ms. */
  readonly until: number;
  readonly timer: Timer;
  /** How many nodes it let in. */
  paired: number;
}

export class PairingWindow {
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #log: Log;
  #open: OpenWindow | undefined;

  constructor(clock: Clock, scheduler: Scheduler, log: Log) {
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#log = log;
  }

  /** Seconds left; 0 where it is closed. */
  get left(): number {
    return this.#open === undefined
      ? 0
      : Math.max(0, Math.ceil((this.#open.until - this.#clock.now()) / 1000));
  }

  /** The only link that it is open on; "" for all, or where it is closed. */
  get link(): string {
    return this.#open?.link ?? "";
  }

  /** How many nodes the window that is open has let in. */
  get paired(): number {
    return this.#open?.paired ?? 0;
  }

  /** Opens it for so many seconds from now, whatever it was before. */
  open(seconds: number, link: string): void {
    this.#open?.timer.cancel();
    const until = this.#clock.now() + seconds * 1000;
    const timer = this.#scheduler.at(until, () => this.close());
    this.#open = { link, until, timer, paired: 0 };
    const where = link === "" ? "" : ` on ${link}`;
    this.#log.notice(`pairing: open${where} for ${seconds} s`);
  }

  /** False where it was closed already. */
  close(): boolean {
    const open = this.#open;
    if (open === undefined) return false;
    open.timer.cancel();
    this.#open = undefined;
    this.#log.notice(`pairing: closed, ${open.paired} nodes paired`);
    return true;
  }

  isOpenOn(link: string): boolean {
    return this.left > 0 && (this.link === "" || this.link === link);
  }

  /** One was let in. */
  count(): void {
    if (this.#open !== undefined) this.#open.paired++;
  }
}

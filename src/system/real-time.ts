/** The machine's clocks, and the one real timer behind the deadline heap. */
import type { Clock } from "../time/clock.ts";
import { Scheduler } from "../time/scheduler.ts";

/** setTimeout takes no longer delays; a deadline further off is looked at again then. */
const LONGEST_DELAY = 2_147_483_647;

export class RealTime implements Clock {
  readonly scheduler: Scheduler;
  #timer: NodeJS.Timeout | undefined;
  #running = false;

  constructor() {
    this.scheduler = new Scheduler(this);
  }

  now(): number {
    return performance.now();
  }

  wall(): number {
    return Date.now();
  }

  /** Begins to run what is scheduled. */
  start(): void {
    this.#running = true;
    this.scheduler.onEarlier = (deadline) => this.#arm(deadline);
    this.#next();
  }

  /** Runs nothing more. */
  stop(): void {
    this.#running = false;
    this.scheduler.onEarlier = undefined;
    clearTimeout(this.#timer);
  }

  #arm(deadline: number): void {
    clearTimeout(this.#timer);
    const delay = Math.min(Math.max(0, Math.ceil(deadline - this.now())), LONGEST_DELAY);
    this.#timer = setTimeout(() => {
      this.scheduler.runDue();
      this.#next();
    }, delay);
  }

  #next(): void {
    const deadline = this.scheduler.nextDeadline();
    if (this.#running && deadline !== undefined) this.#arm(deadline);
  }
}

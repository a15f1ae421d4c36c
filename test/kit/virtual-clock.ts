/** A clock moved by hand, with the deadline heap it drives. */
import type { Clock } from "../../src/time/clock.ts";
import { Scheduler } from "../../src/time/scheduler.ts";

export class VirtualClock implements Clock {
  #now = 0;
  #epoch: number;
  readonly scheduler: Scheduler;

  /** `epoch`: what the wall clock shows at the start, Unix ms. */
  constructor(epoch = Date.UTC(2026, 0, 1)) {
    this.#epoch = epoch;
    this.scheduler = new Scheduler(this);
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#epoch + this.#now;
  }

  /** Somebody sets the wall clock so many ms on, or back. */
  stepWall(by: number): void {
    this.#epoch += by;
  }

  /** Moves to `time` (ms since the start), running every deadline on the way at its own time. */
  advanceTo(time: number): void {
    for (;;) {
      const deadline = this.scheduler.nextDeadline();
      if (deadline === undefined || deadline > time) break;
      this.#now = Math.max(this.#now, deadline);
      this.scheduler.runDue();
    }
    this.#now = Math.max(this.#now, time);
  }

  /** Moves on by `duration` ms. */
  advance(duration: number): void {
    this.advanceTo(this.#now + duration);
  }
}

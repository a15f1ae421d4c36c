/** Tells when a node was silent for too long (MQTT-SN 1.2 §6.11). */
import type { Clock } from "../time/clock.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";

/** Silence stays below the keep alive by this much, for what the way to the gateway takes. */
const SHARE = 0.8;

export class KeepAlive {
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #due: () => void;
  #interval = 0;
  #lastSent = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, scheduler: Scheduler, due: () => void) {
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#due = due;
  }

  /** Starts with a keep alive of `duration` seconds; 0 is none. */
  start(duration: number): void {
    this.stop();
    this.#interval = duration * 1000 * SHARE;
    if (duration > 0) this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Something was sent. */
  sent(): void {
    this.#lastSent = this.#clock.now();
  }

  // The timer is set anew only when it runs, so that sending stays cheap.
  #arm(): void {
    const timer = this.#scheduler.at(this.#lastSent + this.#interval, () => {
      // As the deadline is reckoned: a difference may round to less than the interval.
      if (this.#clock.now() >= this.#lastSent + this.#interval) {
        this.#due();
        // Whatever `due` did, the next round must lie ahead.
        this.#lastSent = this.#clock.now();
      }
      if (this.#timer === timer) this.#arm();
    });
    this.#timer = timer;
  }
}

/**
 * Keep alive from the client's side: a PINGREQ when nothing was sent, or nothing heard, for the keep
 * alive time [MQTT-3.1.2-23], and word of it when the server stays silent.
 */
import type { Clock } from "../time/clock.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";

export interface KeepAliveParts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Keep alive, ms. */
  readonly interval: number;
  /** How long the server may take to answer a ping, ms. */
  readonly patience: number;
  readonly ping: () => void;
  readonly silent: () => void;
}

export class KeepAlive {
  readonly #parts: KeepAliveParts;
  #timer: Timer | undefined;
  #lastSent: number;
  #lastHeard: number;
  #pingedAt: number | undefined;

  constructor(parts: KeepAliveParts) {
    this.#parts = parts;
    this.#lastSent = parts.clock.now();
    this.#lastHeard = this.#lastSent;
  }

  start(): void {
    this.#wait();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  sent(): void {
    this.#lastSent = this.#parts.clock.now();
  }

  heard(): void {
    this.#lastHeard = this.#parts.clock.now();
  }

  // Traffic only moves the two times on; the timer looks at them when it fires.
  get #due(): number {
    return Math.min(this.#lastSent, this.#lastHeard) + this.#parts.interval;
  }

  #wait(): void {
    this.#timer = this.#parts.scheduler.at(this.#due, () => this.#check());
  }

  #check(): void {
    const { clock, scheduler, patience, ping } = this.#parts;
    const now = clock.now();
    if (now < this.#due) {
      this.#wait();
      return;
    }
    ping();
    this.#lastSent = now;
    this.#pingedAt = now;
    this.#timer = scheduler.at(now + patience, () => this.#judge());
  }

  #judge(): void {
    // On a slow link PINGRESP queues behind other packets; those prove the server alive as well.
    if (this.#lastHeard >= (this.#pingedAt as number)) this.#wait();
    else this.#parts.silent();
  }
}

/** How long to wait before the next attempt: decorrelated jitter, as Mosquitto waits. */
import type { Random } from "./clock.ts";

export class Backoff {
  readonly #base: number;
  readonly #cap: number;
  readonly #random: Random;
  #last: number;

  /** Shortest and longest wait, ms; with a cap not above the base the wait is always the base. */
  constructor(base: number, cap: number, random: Random) {
    this.#base = base;
    this.#cap = cap;
    this.#random = random;
    this.#last = base;
  }

  /** The next wait, ms: anywhere from the base to three times the last wait, up to the cap. */
  next(): number {
    if (this.#cap <= this.#base) return this.#base;
    const spread = this.#last * 3 - this.#base;
    this.#last = Math.min(this.#cap, Math.round(this.#base + this.#random() * spread));
    return this.#last;
  }

  /** All went well: the next failure begins anew. */
  reset(): void {
    this.#last = this.#base;
  }
}

/** How many messages may be sent in a second: a bucket that fills at that rate, and holds one second's worth. */
import type { Clock } from "../time/clock.ts";

export class Rate {
  readonly #clock: Clock;
  readonly #perSecond: number;
  #tokens: number;
  #filledAt: number;

  /** `perSecond`: 0 is no limit. */
  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
    this.#filledAt = clock.now();
  }

  /** Counts one message. Answers how long the next one is to wait, ms. */
  spend(): number {
    const perSecond = this.#perSecond;
    if (perSecond === 0) return 0;
    const now = this.#clock.now();
    const filled = this.#tokens + ((now - this.#filledAt) * perSecond) / 1000;
    this.#tokens = Math.min(perSecond, filled) - 1;
    this.#filledAt = now;
    return this.#tokens >= 1 ? 0 : Math.ceil(((1 - this.#tokens) * 1000) / perSecond);
  }
}

/** Lets a thing happen so often for each key in a time, with bounded memory whatever the keys. */
import type { Clock } from "../time/clock.ts";

/** Keys remembered at a time; while so many are in use, further ones are refused. */
const KEYS = 1000;

interface Window {
  readonly start: number;
  count: number;
}

export class RateLimit {
  readonly #clock: Clock;
  readonly #rate: number;
  readonly #span: number;
  /** In order of `start`, as a key whose window is over is taken out and put in anew. */
  readonly #windows = new Map<string, Window>();

  /** At most `rate` times per key within `span` ms from its first. */
  constructor(clock: Clock, rate: number, span: number) {
    this.#clock = clock;
    this.#rate = rate;
    this.#span = span;
  }

  allow(key: string): boolean {
    const now = this.#clock.now();
    const window = this.#windows.get(key);
    if (window !== undefined && now - window.start < this.#span) {
      window.count++;
      return window.count <= this.#rate;
    }
    for (const [old, { start }] of this.#windows) {
      if (now - start < this.#span) break;
      this.#windows.delete(old);
    }
    if (this.#windows.size >= KEYS) return false;
    this.#windows.set(key, { start: now, count: 1 });
    return this.#rate > 0;
  }
}

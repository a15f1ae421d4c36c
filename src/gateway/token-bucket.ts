/**
 * Token buckets of one size, each of which is a single number: the time at which it would be full
 * again. So that a bucket costs its owner next to nothing, and none at all while it is full.
 */

/** So many a second for good, and so many at once. */
export interface Rate {
  /** 0 is no limit. */
  readonly perSecond: number;
  /** At least 1. */
  readonly burst: number;
}

/** Of a bucket that nothing was taken from. */
export const FULL = 0;

export class TokenBucket {
  /** Until one token is back, ms. */
  readonly #interval: number;
  /** Until an empty bucket is full, less one token, ms. */
  readonly #tolerance: number;
  readonly unlimited: boolean;

  constructor({ perSecond, burst }: Rate) {
    this.unlimited = perSecond <= 0;
    this.#interval = this.unlimited ? 0 : 1000 / perSecond;
    this.#tolerance = this.#interval * (Math.max(1, burst) - 1);
  }

  /**
   * Takes a token at `now` (monotonic ms) from the bucket that is full at `fullAt`: answers when it
   * will be full then, or undefined where it is empty.
   */
  take(fullAt: number, now: number): number | undefined {
    const from = fullAt > now ? fullAt : now;
    return from - now > this.#tolerance ? undefined : from + this.#interval;
  }
}

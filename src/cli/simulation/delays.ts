/** How long things took, in so many classes that percentiles come out within a few per cent. */

/** Each class ends this much above the one before. */
const STEP = 1.05;
/** The first class ends here, ms. */
const FIRST = 0.1;

export class Delays {
  readonly #classes: number[] = [];
  #count = 0;
  #longest = 0;

  get count(): number {
    return this.#count;
  }

  /** ms */
  get longest(): number {
    return this.#longest;
  }

  /** `delay` in ms. */
  add(delay: number): void {
    const index = Math.max(0, Math.ceil(Math.log(delay / FIRST) / Math.log(STEP)));
    this.#classes[index] = (this.#classes[index] ?? 0) + 1;
    this.#count++;
    this.#longest = Math.max(this.#longest, delay);
  }

  /** The delay that this share (0 to 1) of all kept within, ms; 0 where there are none. */
  percentile(share: number): number {
    let left = this.#count * share;
    for (const [index, count = 0] of this.#classes.entries()) {
      left -= count;
      if (left <= 0) return Math.min(FIRST * STEP ** index, this.#longest);
    }
    return this.#longest;
  }
}

/** Counts what is kept on behalf of nodes, so that all of them together stay within a bound. */

export class MemoryBound {
  readonly #limit: number;
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** Takes `amount`, or nothing and answers false where it does not fit. */
  take(amount: number): boolean {
    if (this.#used + amount > this.#limit) return false;
    this.#used += amount;
    return true;
  }

  /** Takes `amount` also where it does not fit. */
  force(amount: number): void {
    this.#used += amount;
  }

  give(amount: number): void {
    this.#used -= amount;
  }
}

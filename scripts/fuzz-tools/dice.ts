/** Choices that follow from a seed. */
import { seededRandom } from "../../src/time/seeded-random.ts";

export class Dice {
  readonly #random: () => number;

  /** `parts` tell streams of the same run apart. */
  constructor(...parts: readonly number[]) {
    let seed = 0;
    for (const part of parts) seed = (Math.imul(seed ^ part, 0x9e3779b1) + 0x7f4a7c15) | 0;
    this.#random = seededRandom(seed);
  }

  /** A whole number from 0, below `count`. */
  below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** The value, or nothing, with equal chances. */
  perhaps<T>(make: () => T): T | undefined {
    return this.chance(0.5) ? make() : undefined;
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.below(256));
  }

  /** A length that is mostly short, and sometimes at a place where lengths get another form. */
  length(): number {
    return this.chance(0.9) ? this.below(20) : this.pick([0, 127, 128, 300, 16_383, 16_384]);
  }
}

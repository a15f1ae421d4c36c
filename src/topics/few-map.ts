/**
 * A map that is small in memory while it has few entries, as most of a hundred thousand maps have: a
 * plain list then, and a Map from there on.
 */

const FEW = 4;

export class FewMap<K, V> {
  /** Keys and values in turn; undefined once there were more than a few. */
  #few: (K | V)[] | undefined = [];
  #many: Map<K, V> | undefined;

  get size(): number {
    return this.#many?.size ?? (this.#few as (K | V)[]).length / 2;
  }

  get(key: K): V | undefined {
    if (this.#many !== undefined) return this.#many.get(key);
    const few = this.#few as (K | V)[];
    for (let index = 0; index < few.length; index += 2) {
      if (few[index] === key) return few[index + 1] as V;
    }
    return undefined;
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  /** `value` is not undefined. */
  set(key: K, value: V): void {
    if (this.#many !== undefined) {
      this.#many.set(key, value);
      return;
    }
    const few = this.#few as (K | V)[];
    for (let index = 0; index < few.length; index += 2) {
      if (few[index] !== key) continue;
      few[index + 1] = value;
      return;
    }
    if (few.length === FEW * 2) this.#become(key, value);
    // A list that grows by pushing, or is spread, gets room for many more.
    else this.#few = few.length === 0 ? [key, value] : few.concat([key, value]);
  }

  /** False if there was no such entry. */
  delete(key: K): boolean {
    if (this.#many !== undefined) return this.#many.delete(key);
    const few = this.#few as (K | V)[];
    for (let index = 0; index < few.length; index += 2) {
      if (few[index] !== key) continue;
      this.#few = few.slice(0, index).concat(few.slice(index + 2));
      return true;
    }
    return false;
  }

  *keys(): Iterable<K> {
    for (const [key] of this) yield key;
  }

  /** In the order in which the keys were set first. */
  *[Symbol.iterator](): Iterator<readonly [K, V]> {
    if (this.#many !== undefined) {
      yield* this.#many;
      return;
    }
    const few = this.#few as (K | V)[];
    for (let index = 0; index < few.length; index += 2) {
      yield [few[index] as K, few[index + 1] as V];
    }
  }

  /** A Map takes over, with one more entry. */
  #become(key: K, value: V): void {
    const many = new Map<K, V>();
    for (const [known, its] of this) many.set(known, its);
    many.set(key, value);
    this.#many = many;
    this.#few = undefined;
  }
}

/**
 * A first-in first-out queue that stays cheap when long: a ring, which is written in place. Arrays or
 * maps that are replaced as they drain would keep what they held from the garbage collector's quick
 * pass, once they are old themselves.
 */

const SMALLEST = 16;

export class Queue<T> {
  /** As many as a power of two. */
  #ring: (T | undefined)[] = [];
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#ring.length) this.#resize(Math.max(SMALLEST, this.#length * 2));
    this.#ring[(this.#head + this.#length) & (this.#ring.length - 1)] = item;
    this.#length++;
  }

  peek(): T | undefined {
    return this.#length === 0 ? undefined : this.#ring[this.#head];
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const ring = this.#ring;
    const item = ring[this.#head];
    ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (ring.length - 1);
    this.#length--;
    if (ring.length > SMALLEST && this.#length * 8 < ring.length) this.#resize(ring.length / 2);
    return item;
  }

  /** Takes out the first item that `test` accepts, from the front. */
  takeFirst(test: (item: T) => boolean): T | undefined {
    for (let index = 0; index < this.#length; index++) {
      const item = this.#at(index);
      if (!test(item)) continue;
      // What is before it moves up by one.
      for (let later = index; later > 0; later--) this.#put(later, this.#at(later - 1));
      this.shift();
      return item;
    }
    return undefined;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let index = 0; index < this.#length; index++) yield this.#at(index);
  }

  clear(): void {
    this.#ring = [];
    this.#head = 0;
    this.#length = 0;
  }

  #at(index: number): T {
    return this.#ring[(this.#head + index) & (this.#ring.length - 1)] as T;
  }

  #put(index: number, item: T): void {
    this.#ring[(this.#head + index) & (this.#ring.length - 1)] = item;
  }

  #resize(capacity: number): void {
    const ring = new Array<T | undefined>(capacity).fill(undefined);
    for (let index = 0; index < this.#length; index++) ring[index] = this.#at(index);
    this.#ring = ring;
    this.#head = 0;
  }
}

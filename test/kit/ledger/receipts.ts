/** What came to somebody: by topic the numbers in the order in which they came. */
import { numberOf } from "./stream.ts";

export class Receipts {
  readonly #numbers = new Map<string, number[]>();
  /** Messages in all. */
  total = 0;

  add(topic: string, payload: Uint8Array): void {
    const numbers = this.#numbers.get(topic);
    const number = numberOf(payload);
    if (numbers === undefined) this.#numbers.set(topic, [number]);
    else numbers.push(number);
    this.total++;
  }

  of(topic: string): readonly number[] {
    return this.#numbers.get(topic) ?? [];
  }

  topics(): Iterable<string> {
    return this.#numbers.keys();
  }
}

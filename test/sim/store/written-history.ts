/** What is written into a store, at random, and what it holds after each batch. */
import type { Journal } from "../../../src/seams/journal.ts";
import type { Random } from "../../../src/time/clock.ts";
import { between, chance, garbage, pick } from "./choice.ts";
import { forgedFragments } from "./forged-fragments.ts";

/** By key; every value that is written differs from all others. */
export type Contents = ReadonlyMap<string, Uint8Array>;

type Change = readonly [key: string, value: Uint8Array | undefined];

/** How much a store is given: keys there are, changes of a batch, and bytes of a value, at the most. */
interface Habit {
  readonly keys: number;
  readonly changes: number;
  readonly bytes: number;
}

const HABITS: readonly Habit[] = [
  { keys: 8, changes: 3, bytes: 60 },
  { keys: 60, changes: 20, bytes: 400 },
  { keys: 300, changes: 40, bytes: 150 },
  { keys: 40, changes: 6, bytes: 9000 },
  { keys: 12, changes: 3, bytes: 90_000 },
];
const PREFIXES = ["s/a", "q/client\x00", "q/Zürich\x00", "r/", "g/𝄞"] as const;

export class WrittenHistory {
  readonly #random: Random;
  readonly #habit: Habit;
  /** What the store holds after each of the batches from `#first` on. */
  #states: Contents[] = [new Map()];
  #first = 0;
  #values = 0;
  /** All that a key ever had. */
  readonly ever = new Map<string, Uint8Array[]>();

  constructor(random: Random) {
    this.#random = random;
    this.#habit = pick(random, HABITS);
  }

  /** Batches that were written. */
  get count(): number {
    return this.#first + this.#states.length - 1;
  }

  /** What the store holds when all of them are there. */
  get latest(): Contents {
    return this.#states.at(-1) as Contents;
  }

  /** Puts one batch, in one turn. */
  write(journal: Journal): void {
    const contents = new Map(this.latest);
    for (const [key, value] of this.#batch()) {
      if (value === undefined) {
        journal.delete(key);
        contents.delete(key);
      } else {
        journal.put(key, value);
        contents.set(key, value);
        const values = this.ever.get(key);
        if (values === undefined) this.ever.set(key, [value]);
        else values.push(value);
      }
    }
    this.#states.push(contents);
  }

  /** So many batches are safe for good. */
  safe(count: number): void {
    if (count <= this.#first) return;
    this.#states = this.#states.slice(count - this.#first);
    this.#first = count;
  }

  /**
   * What was found is all of the first batches, at least those that are safe, and nothing of the rest:
   * the history goes on from there. False if it is anything else.
   */
  accept(found: Contents): boolean {
    const index = this.#states.findIndex((state) => isSame(state, found));
    if (index < 0) return false;
    this.#states = this.#states.slice(index, index + 1);
    this.#first += index;
    return true;
  }

  /** What was found, against what there must be if all is there, in words. */
  differenceTo(found: Contents): string {
    const wrong = [...found].filter(([key, value]) => !isEqual(this.latest.get(key), value));
    const missing = [...this.latest.keys()].filter((key) => !found.has(key));
    const words = (keys: readonly string[]) => JSON.stringify(keys.slice(0, 5));
    return (
      `what was found is no beginning of ${this.#first} to ${this.count} batches: ` +
      `${missing.length} keys missing ${words(missing)}, ` +
      `${wrong.length} not as last written ${words(wrong.map(([key]) => key))}`
    );
  }

  #batch(): Change[] {
    const random = this.#random;
    const { changes, keys } = this.#habit;
    return Array.from({ length: between(random, 1, changes) }, (): Change => {
      const number = between(random, 1, keys);
      const key = `${PREFIXES[number % PREFIXES.length]}${number}`;
      return [key, chance(random, 0.25) ? undefined : this.#value()];
    });
  }

  #value(): Uint8Array {
    const random = this.#random;
    const length = 8 + Math.floor(this.#habit.bytes * random() ** 3);
    const value = content(length, random);
    new DataView(value.buffer).setFloat64(0, ++this.#values);
    return value;
  }
}

function content(length: number, random: Random): Uint8Array {
  switch (between(random, 0, 4)) {
    case 0:
      return garbage(random, length);
    case 1:
      return new Uint8Array(length);
    case 2:
      return forgedFragments(length, random);
    default:
      return new Uint8Array(length).fill(between(random, 1, 255));
  }
}

export function isSame(one: Contents, other: Contents): boolean {
  if (one.size !== other.size) return false;
  for (const [key, value] of one) {
    if (!isEqual(other.get(key), value)) return false;
  }
  return true;
}

export function isEqual(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && Buffer.compare(one, other) === 0;
}

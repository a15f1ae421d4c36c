/** Changes that are not in the database yet, laid over what is read from it. */
import type { StoredRecord } from "../seams/journal.ts";
import { compareKeys } from "./key-order.ts";

type Changes = ReadonlyMap<string, Uint8Array | undefined>;

export class Overlay {
  readonly #changes = new Map<string, Uint8Array | undefined>();

  /** Of the keys from `from` to before `to`; later changes count. */
  constructor(changes: readonly Changes[], from: string, to: string) {
    for (const some of changes) {
      for (const [key, value] of some) {
        const isWithin = compareKeys(key, from) >= 0 && compareKeys(key, to) < 0;
        if (isWithin) this.#changes.set(key, value);
      }
    }
  }

  /** What the database has of this key is out of date. */
  has(key: string): boolean {
    return this.#changes.has(key);
  }

  /** The first `limit` of the records, in order, with those that were put among them. */
  over(records: StoredRecord[], limit: number): StoredRecord[] {
    const put = [...this.#changes].flatMap(([key, value]) =>
      value === undefined ? [] : [{ key, value }],
    );
    if (put.length === 0) return records;
    return [...records, ...put].sort((a, b) => compareKeys(a.key, b.key)).slice(0, limit);
  }
}

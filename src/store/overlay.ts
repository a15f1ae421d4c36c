/** Changes that are not in the database yet, laid over what is read from it. */
import type { StoredRecord } from "../seams/journal.ts";
import { compareKeys } from "./key-order.ts";

type Changes = ReadonlyMap<string, Uint8Array | undefined>;

export class Overlay {
  readonly #changes = new Map<string, Uint8Array | undefined>();

  /** Of the keys from `from` to before `to`; later changes count. */
  constructor(changes: readonly Changes[], from: string, to: string) {
    const common = commonPrefix(from, to);
    const isWithin = within(from, to, common.length);
    for (const some of changes) {
      for (const [key, value] of some) {
        if (key.startsWith(common) && isWithin(key)) this.#changes.set(key, value);
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

/** Whether a key that begins as both bounds do lies between them. */
function within(from: string, to: string, common: number): (key: string) => boolean {
  // Against ASCII a string's own order is that of its bytes in UTF-8, and many times as fast.
  if (isAscii(from, common) && isAscii(to, common)) return (key) => key >= from && key < to;
  return (key) => compareKeys(key, from) >= 0 && compareKeys(key, to) < 0;
}

function commonPrefix(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return a.slice(0, length);
}

function isAscii(text: string, from: number): boolean {
  for (let at = from; at < text.length; at++) if (text.charCodeAt(at) > 127) return false;
  return true;
}

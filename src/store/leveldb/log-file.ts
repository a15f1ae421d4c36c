/**
 * LevelDB's log files, and its manifests, which are logs as well: records in blocks of 32 kB, each
 * fragment with a checksum.
 */
import { crc32c } from "../../bytes/crc32c.ts";
import type { CommitOrder } from "./commit-order.ts";
import { LittleReader, maskedChecksum, u32At } from "./little-reader.ts";

const BLOCK = 32_768;
const HEADER = 7;
const Fragment = { zero: 0, full: 1, first: 2, middle: 3, last: 4 } as const;

export interface LogContent {
  /** Those that are whole, in their order. */
  readonly records: readonly Uint8Array[];
  /** Places at which something was lost although there is more behind it. */
  readonly damaged: readonly number[];
  /** Where the end was cut off, as a write is that the power went in; undefined if it was not. */
  readonly tornAt: number | undefined;
}

/** With `order`, what is behind a damaged place counts only if it is a commit that may come there. */
export function readLog(bytes: Uint8Array, order?: CommitOrder): LogContent {
  return new LogWalk(bytes, order).walk();
}

class LogWalk {
  readonly #bytes: Uint8Array;
  readonly #order: CommitOrder | undefined;
  readonly #records: Uint8Array[] = [];
  /** Places at which something is wrong. */
  readonly #faults: number[] = [];
  /** Places at which there is nothing up to the block's end, as LevelDB leaves it at the file's end alone. */
  readonly #gaps: number[] = [];
  /** Behind this place there was something whole. */
  #lastWhole = -1;
  /** Where the last whole record ended. */
  #end = 0;
  /** Of a record that is not complete. */
  #parts: Uint8Array[] = [];
  #begunAt = -1;

  constructor(bytes: Uint8Array, order: CommitOrder | undefined) {
    this.#bytes = bytes;
    this.#order = order;
  }

  walk(): LogContent {
    const { length } = this.#bytes;
    for (let block = 0; block < length; block += BLOCK) {
      this.#walkBlock(block, Math.min(block + BLOCK, length));
    }
    this.#abandon();
    this.#order?.lose(length - this.#end);
    const isDamage = (at: number): boolean => at < this.#lastWhole;
    return {
      records: this.#records,
      damaged: [...this.#faults, ...this.#gaps].filter(isDamage).sort((a, b) => a - b),
      tornAt: this.#faults.find((at) => !isDamage(at)),
    };
  }

  #walkBlock(start: number, end: number): void {
    for (let at = start; at < end; ) {
      const found = readFragment(this.#bytes, at, end);
      if (found === "filler") {
        if (end - at >= HEADER) this.#gaps.push(at);
        return;
      }
      if (found === "bad") {
        const next = this.#passBad(at, end);
        if (next === undefined) return;
        at = next;
      } else {
        this.#take(at, found);
        at += HEADER + found.payload.length;
      }
    }
  }

  /** Where to go on behind a damaged fragment; undefined: not in this block. */
  #passBad(at: number, end: number): number | undefined {
    this.#abandon();
    this.#faults.push(at);
    const next = at + HEADER + lengthAt(this.#bytes, at);
    if (this.#goesOn(next, end)) return next;
    // Where the length is damaged, it is not known where the next one begins: none is taken up.
    for (let place = at + 1; place + HEADER < end; place++) {
      if (!this.#goesOn(place, end)) continue;
      this.#lastWhole = place;
      break;
    }
    return undefined;
  }

  /** Whether something whole is there that may come behind what is damaged. */
  #goesOn(at: number, end: number): boolean {
    // What is asked of every place is cheap: the checksum is compared last.
    return this.#mayGoOn(at) && at < end && typeof readFragment(this.#bytes, at, end) === "object";
  }

  #mayGoOn(at: number): boolean {
    if (this.#order === undefined) return true;
    const bytes = this.#bytes;
    const type = bytes[at + 6];
    if (type !== Fragment.full && type !== Fragment.first) return false;
    const start = at + HEADER;
    const payload = bytes.subarray(start, start + lengthAt(bytes, at));
    return this.#order.mayFollow(payload, at - this.#end);
  }

  #take(at: number, { type, payload }: WholeFragment): void {
    const begins = type === Fragment.full || type === Fragment.first;
    if (begins) {
      this.#abandon();
      this.#begunAt = at;
    } else if (this.#begunAt < 0) {
      this.#faults.push(at);
      return;
    }
    this.#parts.push(payload);
    if (type !== Fragment.full && type !== Fragment.last) return;
    const record = this.#parts.length === 1 ? payload : joined(this.#parts);
    this.#records.push(record);
    this.#order?.take(record);
    this.#lastWhole = at;
    this.#end = at + HEADER + payload.length;
    this.#parts = [];
    this.#begunAt = -1;
  }

  /** What was begun has no end. */
  #abandon(): void {
    if (this.#begunAt >= 0) this.#faults.push(this.#begunAt);
    this.#parts = [];
    this.#begunAt = -1;
  }
}

interface WholeFragment {
  readonly type: number;
  readonly payload: Uint8Array;
}

function readFragment(
  bytes: Uint8Array,
  at: number,
  end: number,
): WholeFragment | "filler" | "bad" {
  if (at + HEADER > end) return isZero(bytes, at, end) ? "filler" : "bad";
  const length = lengthAt(bytes, at);
  const type = bytes[at + 6] as number;
  // Space that the file system had given and nobody had written to yet.
  if (type === Fragment.zero && length === 0) return isZero(bytes, at, end) ? "filler" : "bad";
  if (type === Fragment.zero || type > Fragment.last || at + HEADER + length > end) return "bad";
  const stop = at + HEADER + length;
  if (maskedChecksum(crc32c(bytes, at + 6, stop)) !== u32At(bytes, at)) return "bad";
  return { type, payload: bytes.subarray(at + HEADER, stop) };
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return (bytes[at + 4] ?? 0) | ((bytes[at + 5] ?? 0) << 8);
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0) return false;
  return true;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Told of each change: without a value the key was deleted. Later ones have the higher sequence. */
export type Visit = (key: Uint8Array, sequence: number, value: Uint8Array | undefined) => void;

const DELETION = 0;
const VALUE = 1;

/** Reads the changes of one commit; false where it is not whole, and then none was told. */
export function readBatch(record: Uint8Array, visit: Visit): boolean {
  const reader = new LittleReader(record);
  const sequence = reader.u64();
  const count = reader.u32();
  const changes: (readonly [Uint8Array, Uint8Array | undefined])[] = [];
  while (reader.remaining > 0) {
    const type = reader.u8();
    if (type !== DELETION && type !== VALUE) return false;
    const key = reader.prefixed();
    changes.push([key, type === VALUE ? reader.prefixed() : undefined]);
    if (reader.overrun) return false;
  }
  if (reader.overrun || changes.length !== count) return false;
  for (const [index, [key, value]] of changes.entries()) visit(key, sequence + index, value);
  return true;
}

/**
 * LevelDB's log files, and its manifests, which are logs as well: records in blocks of 32 kB, each
 * fragment with a checksum.
 */
import { crc32c } from "../../bytes/crc32c.ts";
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

/** Where something is wrong, and where what is whole begins again. */
interface Fault {
  readonly at: number;
}

export function readLog(bytes: Uint8Array): LogContent {
  const records: Uint8Array[] = [];
  const faults: Fault[] = [];
  let lastWhole = -1;
  let parts: Uint8Array[] = [];
  let begunAt = -1;
  const abandon = (): void => {
    if (begunAt >= 0) faults.push({ at: begunAt });
    parts = [];
    begunAt = -1;
  };
  for (let block = 0; block < bytes.length; block += BLOCK) {
    const end = Math.min(block + BLOCK, bytes.length);
    for (let at = block; at < end; ) {
      const found = readFragment(bytes, at, end);
      if (found === "filler") break;
      if (found === "bad") {
        abandon();
        faults.push({ at });
        break;
      }
      const { type, payload } = found;
      if (type === Fragment.full || type === Fragment.first) {
        abandon();
        begunAt = at;
      } else if (begunAt < 0) {
        faults.push({ at });
        at += HEADER + payload.length;
        continue;
      }
      parts.push(payload);
      if (type === Fragment.full || type === Fragment.last) {
        records.push(parts.length === 1 ? payload : joined(parts));
        lastWhole = at;
        parts = [];
        begunAt = -1;
      }
      at += HEADER + payload.length;
    }
  }
  abandon();
  const damaged = faults.filter(({ at }) => at < lastWhole).map(({ at }) => at);
  const tornAt = faults.find(({ at }) => at > lastWhole)?.at;
  return { records, damaged, tornAt };
}

function readFragment(
  bytes: Uint8Array,
  at: number,
  end: number,
): { type: number; payload: Uint8Array } | "filler" | "bad" {
  if (at + HEADER > end) return isZero(bytes, at, end) ? "filler" : "bad";
  const length = (bytes[at + 4] as number) | ((bytes[at + 5] as number) << 8);
  const type = bytes[at + 6] as number;
  // Space that the file system had given and nobody had written to yet.
  if (type === Fragment.zero && length === 0) return isZero(bytes, at, end) ? "filler" : "bad";
  if (type === Fragment.zero || type > Fragment.last || at + HEADER + length > end) return "bad";
  const stop = at + HEADER + length;
  if (maskedChecksum(crc32c(bytes, at + 6, stop)) !== u32At(bytes, at)) return "bad";
  return { type, payload: bytes.subarray(at + HEADER, stop) };
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

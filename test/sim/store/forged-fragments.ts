/** A message that looks like a piece of LevelDB's log, as somebody might send who wants to be believed. */
import { crc32c } from "../../../src/bytes/crc32c.ts";
import { maskedChecksum } from "../../../src/store/leveldb/little-reader.ts";
import type { Random } from "../../../src/time/clock.ts";
import { between } from "./choice.ts";

const FULL = 1;
/** Never written: where it is found, something was made up. */
const FORGED_KEY = "forged";

/** Commits of a key that nobody wrote, one behind the other, after 8 bytes of anything. */
export function forgedFragments(length: number, random: Random): Uint8Array {
  const bytes = new Uint8Array(length);
  const fragment = forgedFragment(between(random, 1, 0xffff_ffff));
  for (let at = 8; at + fragment.length <= length; at += fragment.length) bytes.set(fragment, at);
  return bytes;
}

function forgedFragment(sequence: number): Uint8Array {
  const key = new TextEncoder().encode(FORGED_KEY);
  const head = 7;
  const batch = [...littleEndian(sequence), 1, 0, 0, 0, 1, 0, 0, 0];
  const change = [1, key.length, ...key, 2, 33, 33];
  const payload = [...batch, ...change];
  const fragment = Uint8Array.from([0, 0, 0, 0, payload.length, 0, FULL, ...payload]);
  const crc = crc32c(fragment, head - 1);
  new DataView(fragment.buffer).setUint32(0, maskedChecksum(crc), true);
  return fragment;
}

function littleEndian(number: number): number[] {
  return [0, 8, 16, 24].map((shift) => (number >>> shift) & 255);
}

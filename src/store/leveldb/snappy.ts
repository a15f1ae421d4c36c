/** Unpacks what the Snappy compression packed: blocks of LevelDB's tables. */
import { LittleReader } from "./little-reader.ts";

/** Nothing that one block holds is longer: it is a record, or a few thousand bytes. */
const LONGEST = 512 * 1024 * 1024;

/** Undefined where the input is not whole. */
export function unpackSnappy(packed: Uint8Array): Uint8Array | undefined {
  const reader = new LittleReader(packed);
  const length = reader.varint();
  if (reader.overrun || length > LONGEST || length > packed.length * 64) return undefined;
  const output = new Uint8Array(length);
  let at = 0;
  while (reader.remaining > 0) {
    const tag = reader.u8();
    if ((tag & 3) === 0) {
      const literal = reader.raw(literalLength(tag >>> 2, reader));
      if (reader.overrun || at + literal.length > length) return undefined;
      output.set(literal, at);
      at += literal.length;
      continue;
    }
    const { distance, count } = copyOf(tag, reader);
    if (reader.overrun || distance === 0 || distance > at || at + count > length) return undefined;
    // Byte by byte: a copy may reach into what it is writing.
    for (const end = at + count; at < end; at++) output[at] = output[at - distance] as number;
  }
  return at === length ? output : undefined;
}

function literalLength(short: number, reader: LittleReader): number {
  if (short < 60) return short + 1;
  let length = 0;
  for (let byte = 0; byte < short - 59; byte++) length += reader.u8() * 2 ** (8 * byte);
  return length + 1;
}

function copyOf(tag: number, reader: LittleReader): { distance: number; count: number } {
  switch (tag & 3) {
    case 1:
      return { count: ((tag >>> 2) & 7) + 4, distance: ((tag >>> 5) << 8) | reader.u8() };
    case 2:
      return { count: (tag >>> 2) + 1, distance: reader.u8() | (reader.u8() << 8) };
    default:
      return { count: (tag >>> 2) + 1, distance: reader.u32() };
  }
}

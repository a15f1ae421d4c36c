/**
 * A cursor over bytes as LevelDB writes them: little-endian numbers, and numbers of variable length.
 * Reading past the end sets `overrun`, and answers zero or nothing.
 */
const NOTHING = new Uint8Array(0);
const WORD = 2 ** 32;

export class LittleReader {
  readonly bytes: Uint8Array;
  position: number;
  readonly end: number;
  overrun = false;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  u8(): number {
    if (this.position >= this.end) {
      this.overrun = true;
      return 0;
    }
    return this.bytes[this.position++] as number;
  }

  u32(): number {
    const raw = this.raw(4);
    return raw.length < 4 ? 0 : u32At(raw, 0);
  }

  /** Exact below 2^53, which no sequence number reaches. */
  u64(): number {
    const low = this.u32();
    return low + this.u32() * WORD;
  }

  /** Seven bits a byte, lowest first. Exact below 2^53. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    this.overrun = true;
    return 0;
  }

  /** A view on the next `count` bytes. */
  raw(count: number): Uint8Array {
    if (count > this.end - this.position) {
      this.overrun = true;
      this.position = this.end;
      return NOTHING;
    }
    this.position += count;
    return this.bytes.subarray(this.position - count, this.position);
  }

  /** A view on bytes that come after their number. */
  prefixed(): Uint8Array {
    return this.raw(this.varint());
  }
}

export function u32At(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

/** LevelDB stores checksums changed in this way, lest bytes that hold checksums have odd ones. */
export function maskedChecksum(crc: number): number {
  return ((((crc >>> 15) | (crc << 17)) >>> 0) + 0xa282ead8) >>> 0;
}

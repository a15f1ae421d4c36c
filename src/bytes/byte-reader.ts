/**
 * A cursor over received bytes, big-endian. Reading past the end does not throw: it returns zero
 * or nothing and sets `overrun`, which the decoder checks once when it is done.
 */
import { decodeUtf8 } from "./utf8.ts";

const NOTHING = new Uint8Array(0);

export class ByteReader {
  bytes: Uint8Array;
  position: number;
  end: number;
  /** More was asked for than there is. */
  overrun = false;
  /** A string was not well-formed UTF-8, or held a character that MQTT forbids. */
  badText = false;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  #take(count: number): number {
    const at = this.position;
    if (at + count > this.end) {
      this.overrun = true;
      this.position = this.end;
      return -1;
    }
    this.position = at + count;
    return at;
  }

  u8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : (this.bytes[at] as number);
  }

  u16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number);
  }

  u32(): number {
    const high = this.u16();
    return high * 0x10000 + this.u16();
  }

  f64(): number {
    const at = this.#take(8);
    if (at < 0) return 0;
    return new DataView(this.bytes.buffer, this.bytes.byteOffset + at, 8).getFloat64(0);
  }

  /** MQTT's Variable Byte Integer. More bytes than it takes, or than four, count as overrun [MQTT-1.5.5-1]. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.u8();
      value |= (byte & 127) << shift;
      if (byte >= 128) continue;
      if (byte === 0 && shift > 0) break;
      return value;
    }
    this.overrun = true;
    return 0;
  }

  /** A view on the next `count` bytes. */
  raw(count: number): Uint8Array {
    const at = this.#take(count);
    return at < 0 ? NOTHING : this.bytes.subarray(at, at + count);
  }

  /** A view on all that is left. */
  rest(): Uint8Array {
    return this.raw(this.end - this.position);
  }

  /** A view on bytes whose length stands in two bytes in front. */
  binary(): Uint8Array {
    return this.raw(this.u16());
  }

  /** A string whose length stands in two bytes in front [MQTT-1.5.3]; "" with `badText` set if forbidden. */
  utf8(): string {
    return this.text(this.u16());
  }

  /** The next `count` bytes as a string; "" with `badText` set if forbidden. */
  text(count: number): string {
    const at = this.#take(count);
    if (at < 0) return "";
    const value = decodeUtf8(this.bytes, at, at + count);
    if (value !== undefined) return value;
    this.badText = true;
    return "";
  }
}

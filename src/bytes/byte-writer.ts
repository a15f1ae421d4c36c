/** A growing buffer that packets are encoded into, big-endian. */

const encoder = new TextEncoder();
const floatBytes = new Uint8Array(8);
const float = new DataView(floatBytes.buffer);
const SHORT_TEXT = 48;
const SHORT_BYTES = 24;

export class ByteWriter {
  /** The backing store; only the first `length` bytes are written. Replaced when it grows. */
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `count` more bytes, so that direct writes to `bytes` are safe. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2, 64));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.bytes[this.length++] = value >>> 8;
    this.bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.bytes[this.length++] = value >>> 24;
    this.bytes[this.length++] = value >>> 16;
    this.bytes[this.length++] = value >>> 8;
    this.bytes[this.length++] = value;
  }

  /** An IEEE 754 double; also carries integers up to 2^53 exactly. */
  f64(value: number): void {
    this.reserve(8);
    float.setFloat64(0, value);
    for (let index = 0; index < 8; index++) {
      this.bytes[this.length++] = floatBytes[index] as number;
    }
  }

  /** MQTT's Variable Byte Integer, at most 268 435 455. */
  varint(value: number): void {
    this.reserve(4);
    let rest = value;
    while (rest > 127) {
      this.bytes[this.length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  raw(bytes: Uint8Array): void {
    const count = bytes.length;
    this.reserve(count);
    const start = this.length;
    if (count > SHORT_BYTES) {
      this.bytes.set(bytes, start);
    } else {
      // A call out of the compiled code costs more than a few bytes.
      for (let index = 0; index < count; index++)
        this.bytes[start + index] = bytes[index] as number;
    }
    this.length = start + count;
  }

  /** UTF-8 without a length in front. */
  text(value: string): void {
    const count = value.length;
    this.reserve(count * 3);
    if (count <= SHORT_TEXT) {
      const start = this.length;
      let index = 0;
      for (; index < count; index++) {
        const code = value.charCodeAt(index);
        if (code > 127) break;
        this.bytes[start + index] = code;
      }
      if (index === count) {
        this.length = start + count;
        return;
      }
    }
    this.length += encoder.encodeInto(value, this.bytes.subarray(this.length)).written;
  }

  /** UTF-8 with its length in two bytes in front [MQTT-1.5.3]. The caller keeps it below 65 536 bytes. */
  utf8(value: string): void {
    this.reserve(2);
    const at = this.length;
    this.length += 2;
    this.text(value);
    const count = this.length - at - 2;
    this.bytes[at] = count >>> 8;
    this.bytes[at + 1] = count;
  }

  /** Bytes with their length in two bytes in front. The caller keeps them below 65 536. */
  binary(bytes: Uint8Array): void {
    this.u16(bytes.length);
    this.raw(bytes);
  }

  /** A view on what was written, valid until the next write. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** A copy of what was written. */
  copy(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }
}

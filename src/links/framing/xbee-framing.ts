/** XBee API frames, modes 1 and 2: `7E`, length, data, and a sum over the data. */
import type { ByteWriter } from "../../bytes/byte-writer.ts";
import {
  type Framing,
  type FramingFaults,
  type FramingOptions,
  noFaults,
  type TakeFrame,
} from "./framing.ts";

const DELIMITER = 0x7e;
const ESCAPE = 0x7d;
const FLIP = 0x20;
const XON = 0x11;
const XOFF = 0x13;
const HEADER = 3;
/** Header and sum. */
const AROUND = 4;

export interface XBeeOptions extends FramingOptions {
  /** Mode 2: bytes that mean something on the line are escaped, so that 7E is always a beginning. */
  readonly escaped: boolean;
}

/** Frames here are the data of API frames: their type, and what belongs to it. */
export class XBeeFraming implements Framing {
  readonly faults: FramingFaults = noFaults();
  readonly #options: XBeeOptions;
  readonly #buffer: Uint8Array;
  #end = 0;
  #last = 0;
  /** The next byte was escaped. */
  #flip = false;
  #noisy = false;

  constructor(options: XBeeOptions) {
    this.#options = options;
    this.#buffer = new Uint8Array(options.maximumFrame + AROUND);
  }

  get unfinished(): boolean {
    return this.#end > 0;
  }

  encode(data: Uint8Array, into: ByteWriter): void {
    into.reserve(2 * (data.length + AROUND));
    let sum = 0xff;
    for (const byte of data) sum -= byte;
    into.u8(DELIMITER);
    this.#write(data.length >>> 8, into);
    this.#write(data.length & 0xff, into);
    for (const byte of data) this.#write(byte, into);
    this.#write(sum & 0xff, into);
  }

  feed(bytes: Uint8Array, now: number, take: TakeFrame): void {
    if (now - this.#last > this.#options.gap) this.silence(take);
    this.#last = now;
    if (this.#options.escaped) this.#feedEscaped(bytes, take);
    else this.#feedPlain(bytes, take);
  }

  silence(take: TakeFrame): void {
    this.#flip = false;
    if (this.#end === 0) return;
    this.faults.cut++;
    if (this.#options.escaped) {
      this.#end = 0;
      return;
    }
    // What was taken for a beginning was none, or lost its end: others may be behind it.
    while (this.#end > 0) {
      this.#buffer.copyWithin(0, 1, this.#end);
      this.#end--;
      this.#scan(take, false);
    }
  }

  reset(): void {
    this.#end = 0;
    this.#flip = false;
    this.#noisy = false;
  }

  #write(byte: number, into: ByteWriter): void {
    const special = byte === DELIMITER || byte === ESCAPE || byte === XON || byte === XOFF;
    if (special && this.#options.escaped) {
      into.u8(ESCAPE);
      into.u8(byte ^ FLIP);
    } else {
      into.u8(byte);
    }
  }

  #feedPlain(bytes: Uint8Array, take: TakeFrame): void {
    for (let at = 0; at < bytes.length; ) {
      const count = Math.min(this.#buffer.length - this.#end, bytes.length - at);
      this.#buffer.set(bytes.subarray(at, at + count), this.#end);
      this.#end += count;
      at += count;
      this.#scan(take, true);
    }
  }

  #feedEscaped(bytes: Uint8Array, take: TakeFrame): void {
    for (const byte of bytes) {
      if (byte === DELIMITER) {
        if (this.#end > 0) this.faults.cut++;
        this.#end = 0;
        this.#flip = false;
      } else if (this.#end === 0) {
        this.#skipNoise(true);
        continue;
      } else if (byte === ESCAPE) {
        this.#flip = true;
        continue;
      }
      this.#buffer[this.#end++] = this.#flip ? byte ^ FLIP : byte;
      this.#flip = false;
      this.#finishEscaped(take);
    }
  }

  /** Hands over what is whole; what cannot become so is dropped up to the next beginning. */
  #finishEscaped(take: TakeFrame): void {
    if (this.#end < HEADER) return;
    const length = this.#dataLength(0);
    const sane = length > 0 && length <= this.#options.maximumFrame;
    const whole = length + AROUND;
    if (sane && this.#end < whole) return;
    this.#end = 0;
    if (sane && this.#sumIsRight(0, whole)) {
      this.#noisy = false;
      take(this.#buffer.subarray(HEADER, whole - 1));
      return;
    }
    this.faults[sane ? "checksum" : "overlong"]++;
    this.#noisy = true;
  }

  #scan(take: TakeFrame, counted: boolean): void {
    const bytes = this.#buffer;
    const end = this.#end;
    let start = 0;
    while (start < end) {
      if (bytes[start] !== DELIMITER) {
        this.#skipNoise(counted);
        start++;
        continue;
      }
      if (end - start < HEADER) break;
      const length = this.#dataLength(start);
      const whole = length + AROUND;
      const sane = length > 0 && length <= this.#options.maximumFrame;
      if (sane && end - start < whole) break;
      if (sane && this.#sumIsRight(start, whole)) {
        this.#noisy = false;
        take(bytes.subarray(start + HEADER, start + whole - 1));
        start += whole;
        continue;
      }
      if (counted) this.faults[sane ? "checksum" : "overlong"]++;
      // What follows up to the next beginning is counted by this.
      this.#noisy = true;
      start++;
    }
    bytes.copyWithin(0, start, end);
    this.#end = end - start;
  }

  #dataLength(start: number): number {
    return ((this.#buffer[start + 1] as number) << 8) | (this.#buffer[start + 2] as number);
  }

  #skipNoise(counted: boolean): void {
    if (!this.#noisy && counted) this.faults.noise++;
    this.#noisy = true;
  }

  #sumIsRight(start: number, whole: number): boolean {
    let sum = 0;
    for (let at = start + HEADER; at < start + whole; at++) sum += this.#buffer[at] as number;
    return (sum & 0xff) === 0xff;
  }
}

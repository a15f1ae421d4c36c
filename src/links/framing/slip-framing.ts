/** SLIP (RFC 1055), with END before and after each message, and with a CRC-16 behind it if asked for. */
import type { ByteWriter } from "../../bytes/byte-writer.ts";
import { crc16 } from "./crc16.ts";
import {
  type Framing,
  type FramingFault,
  type FramingFaults,
  type FramingOptions,
  noFaults,
  type TakeFrame,
} from "./framing.ts";

const END = 0xc0;
const ESCAPE = 0xdb;
const ESCAPED_END = 0xdc;
const ESCAPED_ESCAPE = 0xdd;
const CRC_LENGTH = 2;

export interface SlipOptions extends Pick<FramingOptions, "maximumFrame"> {
  /** CRC-16/CCITT-FALSE over the message, high byte first, between it and END. */
  readonly crc?: boolean | undefined;
  /** Counted there, if not in an object of its own. */
  readonly faults?: FramingFaults | undefined;
}

export class SlipFraming implements Framing {
  readonly faults: FramingFaults;
  readonly #crc: boolean;
  readonly #buffer: Uint8Array;
  #length = 0;
  #escaped = false;
  /** The rest up to END is dropped; it is counted already. */
  #skipping = false;

  constructor({ maximumFrame, crc = false, faults = noFaults() }: SlipOptions) {
    this.#crc = crc;
    this.#buffer = new Uint8Array(maximumFrame + (crc ? CRC_LENGTH : 0));
    this.faults = faults;
  }

  /** END tells where messages begin, so that nothing waits for the line to be silent. */
  get unfinished(): boolean {
    return false;
  }

  encode(frame: Uint8Array, into: ByteWriter): void {
    into.reserve(2 * (frame.length + CRC_LENGTH) + 2);
    into.u8(END);
    for (const byte of frame) writeEscaped(byte, into);
    if (this.#crc) {
      const crc = crc16(frame);
      writeEscaped(crc >>> 8, into);
      writeEscaped(crc & 0xff, into);
    }
    into.u8(END);
  }

  feed(bytes: Uint8Array, _now: number, take: TakeFrame): void {
    for (const byte of bytes) {
      if (byte === END) this.#end(take);
      else if (this.#skipping) continue;
      else if (this.#escaped) this.#unescape(byte);
      else if (byte === ESCAPE) this.#escaped = true;
      else this.#put(byte);
    }
  }

  silence(): void {}

  reset(): void {
    this.#length = 0;
    this.#escaped = false;
    this.#skipping = false;
  }

  #unescape(byte: number): void {
    this.#escaped = false;
    if (byte === ESCAPED_END) this.#put(END);
    else if (byte === ESCAPED_ESCAPE) this.#put(ESCAPE);
    else this.#skip("escape");
  }

  #put(byte: number): void {
    if (this.#length === this.#buffer.length) this.#skip("overlong");
    else this.#buffer[this.#length++] = byte;
  }

  #skip(cause: FramingFault): void {
    this.faults[cause]++;
    this.#skipping = true;
  }

  #end(take: TakeFrame): void {
    const length = this.#length;
    const skipping = this.#skipping;
    const escaped = this.#escaped;
    this.reset();
    if (skipping) return;
    if (escaped) this.faults.escape++;
    else if (length === 0) return;
    else if (!this.#crc) take(this.#buffer.subarray(0, length));
    else if (length <= CRC_LENGTH) this.faults.cut++;
    else if (crc16(this.#buffer.subarray(0, length)) !== 0) this.faults.checksum++;
    else take(this.#buffer.subarray(0, length - CRC_LENGTH));
  }
}

function writeEscaped(byte: number, into: ByteWriter): void {
  if (byte === END) {
    into.u8(ESCAPE);
    into.u8(ESCAPED_END);
  } else if (byte === ESCAPE) {
    into.u8(ESCAPE);
    into.u8(ESCAPED_ESCAPE);
  } else {
    into.u8(byte);
  }
}

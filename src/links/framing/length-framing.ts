/**
 * MQTT-SN messages back to back: the length that each begins with (§5.2.1) is all that tells them
 * apart. After silence a message begins. Where bytes are no message, every later byte is tried as the
 * beginning of one, so that a line without any silence is found into again, too.
 */
import type { ByteWriter } from "../../bytes/byte-writer.ts";

import { MsgType } from "../../mqttsn/packets.ts";
import {
  type Framing,
  type FramingFault,
  type FramingFaults,
  type FramingOptions,
  noFaults,
  type TakeFrame,
} from "./framing.ts";
import { isMessage } from "./is-message.ts";

const TYPES: ReadonlySet<number> = new Set(Object.values(MsgType));

/** How long what begins somewhere is; the other answers are below 0. */
const TOO_FEW_BYTES = -1;
const NO_LENGTH = -2;
const TOO_LONG = -3;

export class LengthFraming implements Framing {
  readonly faults: FramingFaults;
  readonly #maximum: number;
  readonly #gap: number;
  readonly #buffer: Uint8Array;
  #end = 0;
  #last = 0;
  /** The last bytes were no message; counted already. */
  #lost = false;

  constructor({ maximumFrame, gap }: FramingOptions, faults: FramingFaults = noFaults()) {
    this.#maximum = maximumFrame;
    this.#gap = gap;
    this.#buffer = new Uint8Array(maximumFrame + 4);
    this.faults = faults;
  }

  get unfinished(): boolean {
    return this.#end > 0;
  }

  encode(frame: Uint8Array, into: ByteWriter): void {
    into.raw(frame);
  }

  feed(bytes: Uint8Array, now: number, take: TakeFrame): void {
    if (now - this.#last > this.#gap) this.silence(take);
    this.#last = now;
    for (let at = 0; at < bytes.length; ) {
      const count = Math.min(this.#buffer.length - this.#end, bytes.length - at);
      this.#buffer.set(bytes.subarray(at, at + count), this.#end);
      this.#end += count;
      at += count;
      this.#scan(take);
    }
  }

  /**
   * What came before a message may have claimed it as a part of itself: messages that go on up to the
   * silence are found behind it.
   */
  silence(take: TakeFrame): void {
    if (this.#end > 0 && !this.#lost) this.faults.cut++;
    const end = this.#end;
    this.#end = 0;
    this.#lost = false;
    for (let start = 1; start < end; start++) {
      if (!this.#isChain(start, end)) continue;
      for (let at = start; at < end; ) {
        const length = this.#lengthAt(at, end);
        take(this.#buffer.subarray(at, at + length));
        at += length;
      }
      return;
    }
  }

  reset(): void {
    this.#end = 0;
    this.#lost = false;
  }

  #scan(take: TakeFrame): void {
    const end = this.#end;
    let start = 0;
    while (start < end) {
      const length = this.#lengthAt(start, end);
      if (length === TOO_FEW_BYTES) break;
      if (length < 0) {
        this.#lose(length === TOO_LONG ? "overlong" : "malformed");
        start++;
        continue;
      }
      if (start + length > end) break;
      const frame = this.#buffer.subarray(start, start + length);
      if (!isMessage(frame)) {
        this.#lose("malformed");
        start++;
        continue;
      }
      this.#lost = false;
      take(frame);
      start += length;
    }
    this.#buffer.copyWithin(0, start, end);
    this.#end = end - start;
  }

  #lose(cause: FramingFault): void {
    if (this.#lost) return;
    this.#lost = true;
    this.faults[cause]++;
  }

  /** Whether messages follow each other from `start` to exactly `end`. */
  #isChain(start: number, end: number): boolean {
    let at = start;
    while (at < end) {
      const length = this.#lengthAt(at, end);
      if (length < 0 || at + length > end) return false;
      if (!isMessage(this.#buffer, at, at + length)) return false;
      at += length;
    }
    return true;
  }

  /** With what a forwarder's frame encapsulates, which comes behind its own length (§5.5). */
  #lengthAt(start: number, end: number): number {
    const length = this.#messageLength(start, end);
    if (length < 0 || this.#typeAt(start) !== MsgType.encapsulated) return length;
    const inner = start + length;
    const innerLength = this.#messageLength(inner, end);
    if (innerLength < 0) return innerLength;
    if (this.#typeAt(inner) === MsgType.encapsulated) return NO_LENGTH;
    return length + innerLength > this.#maximum ? TOO_LONG : length + innerLength;
  }

  #messageLength(start: number, end: number): number {
    if (start >= end) return TOO_FEW_BYTES;
    const bytes = this.#buffer;
    const first = bytes[start] as number;
    if (first === 0) return NO_LENGTH;
    const isLong = first === 1;
    if (start + (isLong ? 3 : 1) >= end) return TOO_FEW_BYTES;
    const length = isLong
      ? ((bytes[start + 1] as number) << 8) | (bytes[start + 2] as number)
      : first;
    if (length < (isLong ? 4 : 2) || !TYPES.has(this.#typeAt(start))) return NO_LENGTH;
    return length > this.#maximum ? TOO_LONG : length;
  }

  #typeAt(start: number): number {
    return this.#buffer[start + (this.#buffer[start] === 1 ? 3 : 1)] as number;
  }
}

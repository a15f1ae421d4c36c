/** Cuts a stream of bytes into MQTT control packets, wherever the reads happen to end. */

export interface PacketTaker {
  /**
   * One packet: its first byte, and its body as `bytes[start, end)`, which is valid during the call
   * only.
   */
  packet(header: number, bytes: Uint8Array, start: number, end: number): void;
}

/** A Remaining Length has at most four bytes [MQTT-2.2.3]. */
const LONGEST_HEADER = 5;

/** Where the body begins and the packet ends. */
interface Extent {
  body: number;
  end: number;
}

/** Measures the packet that begins at `at`, into `extent`; false if its header is not complete yet. */
function measure(bytes: Uint8Array, at: number, count: number, extent: Extent): boolean {
  let length = 0;
  for (let index = 1; index < LONGEST_HEADER; index++) {
    if (at + index >= count) return false;
    const byte = bytes[at + index] as number;
    length |= (byte & 127) << (7 * (index - 1));
    if (byte < 128) {
      extent.body = at + index + 1;
      extent.end = extent.body + length;
      return true;
    }
  }
  throw new Error("the broker sent a packet whose length is malformed");
}

export class PacketScanner {
  readonly #taker: PacketTaker;
  readonly #extent: Extent = { body: 0, end: 0 };
  /** The beginning of a packet that the last read cut off. */
  #held = new Uint8Array(512);
  #heldLength = 0;

  constructor(taker: PacketTaker) {
    this.#taker = taker;
  }

  /** Takes `bytes[0, count)`. Throws where a length is malformed. */
  push(bytes: Uint8Array, count: number): void {
    let at = this.#heldLength > 0 ? this.#completeHeld(bytes, count) : 0;
    while (count - at >= 2) {
      const short = bytes[at + 1] as number;
      let body = at + 2;
      let end = body + short;
      if (short > 127) {
        if (!measure(bytes, at, count, this.#extent)) break;
        ({ body, end } = this.#extent);
      }
      if (end > count) break;
      this.#taker.packet(bytes[at] as number, bytes, body, end);
      at = end;
    }
    if (at < count) this.#hold(bytes, at, count);
  }

  #hold(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#heldLength + end - start;
    if (length > this.#held.length) {
      const larger = new Uint8Array(length * 2);
      larger.set(this.#held.subarray(0, this.#heldLength));
      this.#held = larger;
    }
    this.#held.set(bytes.subarray(start, end), this.#heldLength);
    this.#heldLength = length;
  }

  /** Adds to the packet held until it is whole; answers how many bytes that took. */
  #completeHeld(bytes: Uint8Array, count: number): number {
    let at = 0;
    while (!measure(this.#held, 0, this.#heldLength, this.#extent)) {
      if (at === count) return at;
      this.#hold(bytes, at, at + 1);
      at++;
    }
    const { body, end } = this.#extent;
    const take = Math.min(end - this.#heldLength, count - at);
    this.#hold(bytes, at, at + take);
    if (this.#heldLength === end) {
      this.#heldLength = 0;
      this.#taker.packet(this.#held[0] as number, this.#held, body, end);
    }
    return at + take;
  }
}

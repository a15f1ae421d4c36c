/**
 * Memory for datagrams on their way out. The system mostly takes a datagram within the call, but may
 * leave it queued, and reads it from here later; so what is queued must not be overwritten.
 */

const SIZE = 65_536;

export class SendSlab {
  #bytes = new Uint8Array(SIZE);
  #used = 0;
  readonly #queued: () => number;

  /** `queued`: how many datagrams are still to be taken. */
  constructor(queued: () => number) {
    this.#queued = queued;
  }

  /** A copy of `frame` that stays as it is until it is sent. */
  copy(frame: Uint8Array): Uint8Array {
    const count = frame.length;
    if (count > SIZE) return frame.slice();
    if (this.#used + count > SIZE) {
      if (this.#queued() > 0) this.#bytes = new Uint8Array(SIZE);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used = start + count;
    this.#bytes.set(frame, start);
    return this.#bytes.subarray(start, this.#used);
  }
}

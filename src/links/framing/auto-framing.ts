/**
 * Finds out by what arrives whether a line carries SLIP or messages back to back: the framing by which
 * the first proper message is found is the line's, until it yields faults only. Nothing can be sent
 * before.
 */
import type { ByteWriter } from "../../bytes/byte-writer.ts";

import {
  type Framing,
  type FramingFaults,
  type FramingOptions,
  noFaults,
  type TakeFrame,
} from "./framing.ts";
import { isMessage } from "./is-message.ts";
import { LengthFraming } from "./length-framing.ts";
import { SlipFraming } from "./slip-framing.ts";

/** Messages in a row that make no sense before the other framing is thought of. */
const PATIENCE = 4;
const SLIP_END = 0xc0;

export class AutoFraming implements Framing {
  readonly faults: FramingFaults = noFaults();
  readonly #options: FramingOptions;
  #slip: SlipFraming;
  #length: LengthFraming;
  /** The line's framing once it is known; what is sent goes by it while another is looked for. */
  #found: "slip" | "length" | undefined;
  #looking = true;
  /** A message without END before it, which END may still follow. */
  #candidate: Uint8Array | undefined;
  #last = 0;
  /** Faults at the last proper message, and messages since that were none. */
  #faultsThen = 0;
  #nonsense = 0;
  /** Bytes since the last proper message. */
  #bytes = 0;

  constructor(options: FramingOptions) {
    this.#options = options;
    this.#slip = this.#newSlip();
    this.#length = this.#newLength();
  }

  /** The framing found, if any. */
  get found(): "slip" | "length" | undefined {
    return this.#found;
  }

  get unfinished(): boolean {
    if (this.#looking) return this.#candidate !== undefined || this.#length.unfinished;
    return this.#found === "length" && this.#length.unfinished;
  }

  encode(frame: Uint8Array, into: ByteWriter): void {
    if (this.#found === "slip") this.#slip.encode(frame, into);
    else if (this.#found === "length") this.#length.encode(frame, into);
  }

  feed(bytes: Uint8Array, now: number, take: TakeFrame): void {
    if (now - this.#last > this.#options.gap) this.silence(take);
    this.#last = now;
    let at = 0;
    // One by one, so that nothing is read by the wrong framing once the right one is known.
    while (this.#looking && at < bytes.length) {
      const candidate = this.#candidate;
      if (candidate !== undefined && bytes[at] !== SLIP_END) {
        this.#candidate = undefined;
        this.#decide("length", candidate, take);
        break;
      }
      const byte = bytes.subarray(at, at + 1);
      at++;
      this.#look(byte, now, take);
    }
    if (at === bytes.length) return;
    this.#bytes += bytes.length - at;
    const framing = this.#found === "length" ? this.#length : this.#slip;
    framing.feed(bytes.subarray(at), now, (frame) => this.#check(frame, take));
    this.#doubt();
  }

  silence(take: TakeFrame): void {
    if (!this.#looking) {
      if (this.#found === "length") this.#length.silence(take);
      return;
    }
    const candidate = this.#candidate;
    this.#candidate = undefined;
    if (candidate !== undefined) {
      this.#decide("length", candidate, take);
      return;
    }
    const length = this.#length;
    this.#length = this.#newLength();
    length.silence((frame) => this.#decide("length", frame, take));
  }

  reset(): void {
    this.#slip.reset();
    this.#length = this.#newLength();
    this.#candidate = undefined;
    this.#looking = true;
  }

  #look(byte: Uint8Array, now: number, take: TakeFrame): void {
    this.#slip.feed(byte, now, (frame) => {
      if (!isMessage(frame)) this.faults.malformed++;
      else this.#decide("slip", frame, take);
    });
    this.#candidate = undefined;
    if (!this.#looking) return;
    const length = this.#length;
    length.feed(byte, now, (frame) => {
      // What is found behind other bytes may be the inside of something.
      if (sumOf(length.faults) === 0) this.#candidate = frame.slice();
    });
  }

  /** The first proper message is there; others that the same call brings are of the same framing. */
  #decide(framing: "slip" | "length", frame: Uint8Array, take: TakeFrame): void {
    if (this.#looking) {
      this.#looking = false;
      this.#found = framing;
      this.#proper();
      if (framing === "slip") this.#slip = this.#newSlip();
      else this.#length = this.#newLength(this.faults);
    }
    take(frame);
  }

  #newSlip(): SlipFraming {
    return new SlipFraming({ maximumFrame: this.#options.maximumFrame, faults: this.faults });
  }

  /** While both are tried, only one counts. */
  #newLength(faults: FramingFaults = noFaults()): LengthFraming {
    return new LengthFraming(this.#options, faults);
  }

  #check(frame: Uint8Array, take: TakeFrame): void {
    if (!isMessage(frame)) this.#nonsense++;
    else this.#proper();
    take(frame);
  }

  #proper(): void {
    this.#faultsThen = sumOf(this.faults);
    this.#nonsense = 0;
    this.#bytes = 0;
  }

  #doubt(): void {
    const faults = sumOf(this.faults) - this.#faultsThen + this.#nonsense;
    // Without END, SLIP has one fault only.
    if (faults < PATIENCE && this.#bytes <= 2 * this.#options.maximumFrame) return;
    this.reset();
    this.#slip = this.#newSlip();
    this.#proper();
  }
}

function sumOf(faults: FramingFaults): number {
  let sum = 0;
  for (const count of Object.values(faults)) sum += count;
  return sum;
}

/** How messages are told apart in a stream of bytes, as a serial line carries them. */
import type { ByteWriter } from "../../bytes/byte-writer.ts";

/** Takes one whole message; the bytes are reused after the call. */
export type TakeFrame = (frame: Uint8Array) => void;

export interface Framing {
  /** What was amiss so far, by cause. */
  readonly faults: FramingFaults;
  /**
   * Something has begun that is not whole yet. If the line then stays silent for the inter-byte gap,
   * `silence` is to be called, so that what was held back comes at once.
   */
  readonly unfinished: boolean;
  /** Appends a message in the form in which it goes over the line. */
  encode(frame: Uint8Array, into: ByteWriter): void;
  /**
   * Bytes as they came at `now`, monotonic ms, in pieces of any size. `take` is called within the
   * call for each message that became whole.
   */
  feed(bytes: Uint8Array, now: number, take: TakeFrame): void;
  /** Nothing has come for the inter-byte gap: what is unfinished will not be finished any more. */
  silence(take: TakeFrame): void;
  /** The line was closed; what comes next has nothing to do with what came before. */
  reset(): void;
}

/**
 * Causes for which bytes are given up:
 * - `noise`: bytes that belong to no message, each run of them once
 * - `checksum`: a message whose check does not fit
 * - `cut`: a message that ends too early
 * - `overlong`: a message that is longer than any may be
 * - `escape`: an escape sequence that does not exist
 * - `malformed`: bytes where a message should be, and that are none
 */
export const FRAMING_FAULTS = [
  "noise",
  "checksum",
  "cut",
  "overlong",
  "escape",
  "malformed",
] as const;
export type FramingFault = (typeof FRAMING_FAULTS)[number];
export type FramingFaults = Record<FramingFault, number>;

export function noFaults(): FramingFaults {
  return { noise: 0, checksum: 0, cut: 0, overlong: 0, escape: 0, malformed: 0 };
}

export interface FramingOptions {
  /** Longer messages are given up, bytes. */
  readonly maximumFrame: number;
  /** Silence after which a message that has begun is given up, ms. */
  readonly gap: number;
}

/** The inter-byte gap where nothing else is said, ms. */
export const DEFAULT_GAP = 100;

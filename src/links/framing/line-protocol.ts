/** How messages for and from nodes go over a line: one node at its end, or a radio with many. */
import type { LinkAddress, Reception } from "../../seams/link.ts";
import type { FramingFaults } from "./framing.ts";

export interface LineProtocolEnd {
  /** Bytes to be sent; they are reused after the call. Urgent ones may overtake others. */
  write(bytes: Uint8Array, urgent: boolean): void;
  /** A message from a node; the bytes are reused after the call. */
  receive(from: LinkAddress, frame: Uint8Array, reception?: Reception): void;
  /** What whoever looks after the radio should know. */
  tell(text: string): void;
}

export interface LineProtocol {
  readonly faults: FramingFaults;
  /** See `Framing`. */
  readonly unfinished: boolean;
  /** What else is worth counting, by name. */
  counters(): Readonly<Record<string, number>>;
  send(to: LinkAddress, frame: Uint8Array): void;
  broadcast(frame: Uint8Array, radius: number): void;
  /** Bytes that came at `now`, monotonic ms. */
  feed(bytes: Uint8Array, now: number): void;
  /** See `Framing`. */
  silence(): void;
  /** See `Framing`. */
  reset(): void;
  /** See `Link`. */
  addressOf(key: string): LinkAddress | undefined;
}

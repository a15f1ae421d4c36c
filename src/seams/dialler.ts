/** How a core asks for a connection to somewhere else. */
import type { Wire, WireEnd } from "./wire.ts";

export interface DialTarget {
  /** A host name or an IP address. */
  readonly host: string;
  readonly port: number;
}

export interface Dialling {
  /** Gives up; neither function is called any more. Does nothing once one of them was. */
  cancel(): void;
}

export interface Dialler {
  /**
   * Connects, and calls exactly one of the two, never from within this call: `accept` with the wire,
   * whose end it answers, or `failed` with the cause in words.
   */
  dial(
    target: DialTarget,
    accept: (wire: Wire) => WireEnd,
    failed: (cause: string) => void,
  ): Dialling;
}

/** What is wrong with received bytes, as a value; the receiver decides what the peer is told. */
import { Reason, type ReasonCode } from "./reason-codes.ts";

export interface DecodeFault {
  readonly kind: "fault";
  readonly reason: ReasonCode;
  /** In words for the log: what, and where in the packet. */
  readonly detail: string;
}

export function fault(reason: ReasonCode, detail: string): DecodeFault {
  return { kind: "fault", reason, detail };
}

export function malformed(detail: string): DecodeFault {
  return fault(Reason.malformedPacket, detail);
}

/** What a refusal by the broker becomes on the MQTT-SN side (§5.3.10). */
import { Reason } from "../mqtt/reason-codes.ts";
import { ReturnCode } from "../mqttsn/packets.ts";

/**
 * "Congestion" asks the node to come back later; everything else will not get better by waiting.
 */
const CONGESTION: ReadonlySet<number> = new Set([
  Reason.serverUnavailable,
  Reason.serverBusy,
  Reason.serverShuttingDown,
  Reason.quotaExceeded,
  Reason.receiveMaximumExceeded,
]);

/** `reason` is of 0x80 and above. */
export function returnCodeOf(reason: number): ReturnCode {
  return CONGESTION.has(reason) ? ReturnCode.congestion : ReturnCode.notSupported;
}

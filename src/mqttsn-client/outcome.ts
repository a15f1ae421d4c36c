/** How what a node asked of its gateway ended. */
import { ReturnCode } from "../mqttsn/packets.ts";

export type Outcome =
  | "accepted"
  /** The gateway does not know the topic id. */
  | "invalidTopicId"
  | "notSupported"
  /** Rejected with a return code that MQTT-SN 1.2 reserves. */
  | "refused"
  /** No answer after N_RETRY repetitions. */
  | "timeout"
  /** Not connected, or the connection ended first. */
  | "disconnected"
  /** Too much waits already. */
  | "queueFull";

export type Done = (outcome: Outcome) => void;

/** What a return code means; congestion is not an end but a reason to wait (§6.5, §6.6, §6.9). */
export function outcomeOf(returnCode: number): Outcome | "congestion" {
  switch (returnCode) {
    case ReturnCode.accepted:
      return "accepted";
    case ReturnCode.congestion:
      return "congestion";
    case ReturnCode.invalidTopicId:
      return "invalidTopicId";
    case ReturnCode.notSupported:
      return "notSupported";
    default:
      return "refused";
  }
}

/** Whether bytes are one whole MQTT-SN message, as far as can be told without knowing who talks. */
import { decodeMessage } from "../../mqttsn/decode.ts";

/** What a forwarder's frame encapsulates is looked at, too (MQTT-SN 1.2 §5.5). */
export function isMessage(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
  const message = decodeMessage(bytes, start, end);
  if (message.kind !== "encapsulated") return message.kind !== "fault";
  const inner = decodeMessage(message.message);
  return inner.kind !== "fault" && inner.kind !== "encapsulated";
}

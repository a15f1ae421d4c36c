/** Whether a message for a node answers one of its own, and may overtake what else waits for the line. */
import { MsgType } from "../../mqttsn/packets.ts";

/**
 * Not those that end something: PINGRESP lets a node sleep, DISCONNECT go, and what waits before them
 * is to come first.
 */
const ANSWERS: ReadonlySet<number> = new Set([
  MsgType.connack,
  MsgType.regack,
  MsgType.puback,
  MsgType.pubrec,
  MsgType.pubrel,
  MsgType.pubcomp,
  MsgType.suback,
  MsgType.unsuback,
]);

/** Also in a forwarder's frame (MQTT-SN 1.2 §5.5). */
export function isAnswer(frame: Uint8Array): boolean {
  const [length = 0] = frame;
  const type = frame[length === 1 ? 3 : 1];
  if (type === MsgType.encapsulated && length > 1) {
    const inner = frame.subarray(length);
    return inner[1] !== MsgType.encapsulated && isAnswer(inner);
  }
  return type !== undefined && ANSWERS.has(type);
}

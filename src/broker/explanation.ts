/**
 * The properties by which a server of MQTT 5.0 explains a refusal: Reason String and Server Reference.
 * Neither is worth a refusal that does not reach the client, so that both can be taken off again.
 */
import type { Packet } from "../mqtt/packets.ts";
import type { Properties } from "../mqtt/properties.ts";
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";

export interface ExplanationParts {
  /** The properties of CONNECT. */
  readonly asked: Properties | undefined;
  readonly reason: ReasonCode;
  readonly sentence: string | undefined;
  /** Where clients are sent that cannot stay; "" is nowhere. */
  readonly serverReference: string;
}

/**
 * A reason string goes to who has asked for problem information in so many words, though
 * [MQTT-3.1.2-29] forbids it only to who has declined: Mosquitto sends none, and small clients are
 * spared. The server reference goes with the reason codes that it belongs to (§4.11).
 */
export function explanation(parts: ExplanationParts): Properties | undefined {
  const { asked, reason, sentence, serverReference } = parts;
  const told = asked?.requestProblemInformation === 1 ? sentence : undefined;
  const refers = reason === Reason.useAnotherServer || reason === Reason.serverMoved;
  const reference = refers && serverReference !== "" ? serverReference : undefined;
  if (told === undefined && reference === undefined) return undefined;
  return { serverReference: reference, reasonString: told };
}

/**
 * The packet with one of them less, the reason string first, for a client that takes no packet of that
 * length [MQTT-3.2.2-19, MQTT-3.4.2-2, MQTT-3.9.2-1, MQTT-3.14.2-3]; undefined where it has none.
 */
export function withLessExplanation(packet: Packet): Packet | undefined {
  if (!("properties" in packet) || packet.properties === undefined) return undefined;
  const { reasonString, serverReference, ...others } = packet.properties;
  if (reasonString === undefined && serverReference === undefined) return undefined;
  const kept = reasonString === undefined ? undefined : serverReference;
  const properties = kept === undefined ? others : { ...others, serverReference: kept };
  return { ...packet, properties: Object.keys(properties).length === 0 ? undefined : properties };
}

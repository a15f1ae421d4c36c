/** PUBACK, PUBREC, PUBREL and PUBCOMP from an MQTT client [MQTT-3.4 to MQTT-3.7]. */
import type { AckPacket } from "../mqtt/packets.ts";
import { isFailure, Reason } from "../mqtt/reason-codes.ts";
import type { ClientHold } from "./client-hold.ts";
import type { Connection } from "./connection.ts";

export function handleAcknowledgement(
  connection: Connection,
  client: ClientHold,
  packet: AckPacket,
): void {
  const { kind, packetId, reasonCode = 0 } = packet;
  if (kind === "pubrel") {
    // Answered even when unknown: the client repeats it until it is [MQTT-4.3.3-11].
    if (client.isUnreleased(packetId)) client.release(packetId);
    else connection.acknowledge("pubcomp", packetId, Reason.packetIdentifierNotFound);
    return;
  }
  const awaited = client.awaits(packetId);
  if (awaited === undefined) {
    // Of a message that is gone meanwhile; only PUBREC wants an answer.
    if (kind === "pubrec" && !isFailure(reasonCode)) {
      connection.acknowledge("pubrel", packetId, Reason.packetIdentifierNotFound);
    }
    return;
  }
  if (kind === "pubrec" && awaited !== "puback") {
    // [MQTT-4.4.0-2] of 5.0: a failure ends the exchange.
    if (isFailure(reasonCode) && awaited === "pubrec") client.acknowledge(packetId);
    else client.received(packetId);
  } else if (kind === awaited) {
    client.acknowledge(packetId);
  } else {
    connection.close("lost", `sent ${kind} where ${awaited} is due`, Reason.protocolError);
  }
}

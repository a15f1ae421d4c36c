/** DISCONNECT from an MQTT client [MQTT-3.14]. */
import type { DisconnectPacket } from "../mqtt/packets.ts";
import { Reason } from "../mqtt/reason-codes.ts";
import type { Connection } from "./connection.ts";
import { expiryOf } from "./handle-connect.ts";

/** Reason codes that a client may give; the others of table 3-10 are a server's. */
const OF_CLIENTS: ReadonlySet<number> = new Set([
  Reason.success,
  Reason.disconnectWithWill,
  Reason.unspecifiedError,
  Reason.malformedPacket,
  Reason.protocolError,
  Reason.implementationSpecificError,
  Reason.topicNameInvalid,
  Reason.receiveMaximumExceeded,
  Reason.topicAliasInvalid,
  Reason.packetTooLarge,
  Reason.messageRateTooHigh,
  Reason.quotaExceeded,
  Reason.administrativeAction,
  Reason.payloadFormatInvalid,
]);

export function handleDisconnect(connection: Connection, packet: DisconnectPacket): void {
  const trouble = troubleWith(connection, packet);
  if (trouble !== undefined) {
    connection.close("lost", trouble, Reason.protocolError);
    return;
  }
  const { reasonCode = 0, properties } = packet;
  const asked = properties?.sessionExpiryInterval;
  const expiry = asked === undefined ? undefined : (expiryOf(asked) ?? Infinity);
  // Any reason but a normal disconnection leaves the will to be published (§3.14.4).
  if (reasonCode === 0) connection.leave("normal", "", expiry);
  else connection.leave("withWill", whyOf(reasonCode), expiry);
}

/** For the log. */
function whyOf(reasonCode: number): string {
  return reasonCode === Reason.disconnectWithWill
    ? "disconnected with its will"
    : `gave reason code 0x${reasonCode.toString(16)}`;
}

function troubleWith(
  connection: Connection,
  { reasonCode = 0, properties = {} }: DisconnectPacket,
): string | undefined {
  if (!OF_CLIENTS.has(reasonCode)) {
    return `sent DISCONNECT with reason code 0x${reasonCode.toString(16)}, which only a server sends`;
  }
  if (properties.serverReference !== undefined) {
    return "sent DISCONNECT with a server reference, which only a server sends";
  }
  const before = connection.packet?.properties?.sessionExpiryInterval ?? 0;
  // A session that was to end with its connection cannot be prolonged (§3.14.2.2.2).
  return (properties.sessionExpiryInterval ?? 0) > 0 && before === 0
    ? "prolonged a session that has no expiry"
    : undefined;
}

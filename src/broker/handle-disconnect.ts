/** DISCONNECT from an MQTT client [MQTT-3.14]. */
import type { DisconnectPacket } from "../mqtt/packets.ts";
import { Reason } from "../mqtt/reason-codes.ts";
import type { Connection } from "./connection.ts";
import { expiryOf } from "./handle-connect.ts";

export function handleDisconnect(connection: Connection, packet: DisconnectPacket): void {
  const asked = packet.properties?.sessionExpiryInterval;
  const before = connection.packet?.properties?.sessionExpiryInterval ?? 0;
  if (asked !== undefined && asked > 0 && before === 0) {
    // [MQTT-3.14.2-2]: a session that was to end cannot be prolonged.
    connection.close("lost", "prolonged a session that has no expiry", Reason.protocolError);
    return;
  }
  // Any reason but a normal disconnection leaves the will to be published (§3.14.4).
  const how = (packet.reasonCode ?? 0) === 0 ? "normal" : "withWill";
  connection.leave(how, asked === undefined ? undefined : (expiryOf(asked) ?? Infinity));
}

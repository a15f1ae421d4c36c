/** What is done with each kind of packet from a client that has come in. */
import type { Packet } from "../mqtt/packets.ts";
import { Reason } from "../mqtt/reason-codes.ts";
import type { ClientHold } from "./client-hold.ts";
import type { Connection } from "./connection.ts";
import { handleAcknowledgement } from "./handle-acknowledgement.ts";
import { handleAuth } from "./handle-auth.ts";
import { handleDisconnect } from "./handle-disconnect.ts";
import { handlePublish } from "./handle-publish.ts";
import { handleSubscribe, handleUnsubscribe } from "./handle-subscribe.ts";

export function dispatch(connection: Connection, client: ClientHold, packet: Packet): void {
  switch (packet.kind) {
    case "connect":
      connection.close("lost", "sent a second CONNECT", Reason.protocolError); // [MQTT-3.1.0-2]
      return;
    case "publish":
      handlePublish(connection, client, packet);
      return;
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      handleAcknowledgement(connection, client, packet);
      return;
    case "subscribe":
      handleSubscribe(connection, client, packet);
      return;
    case "unsubscribe":
      handleUnsubscribe(connection, client, packet);
      return;
    case "pingreq":
      connection.send({ kind: "pingresp" });
      return;
    case "disconnect":
      handleDisconnect(connection, packet);
      return;
    case "auth":
      handleAuth(connection, packet);
      return;
    case "connack":
    case "suback":
    case "unsuback":
    case "pingresp": {
      const why = `sent ${packet.kind.toUpperCase()}, which only a server sends`;
      connection.close("lost", why, Reason.protocolError);
      return;
    }
  }
}

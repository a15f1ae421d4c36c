/** CONNECT [MQTT-3.1]. */
import type { ConnectPacket } from "../mqtt/packets.ts";
import type { Will } from "../seams/door.ts";
import { isTopicName } from "../topics/names.ts";
import type { Connection } from "./connection.ts";

/** Return codes of 3.1.1 §3.2.2.3. */
const ReturnCode = {
  accepted: 0,
  identifierRejected: 2,
  serverUnavailable: 3,
  notAuthorized: 5,
} as const;

/** max_keepalive of this value is no limit: no keep alive can be longer. */
const UNLIMITED = 65535;

export function handleConnect(connection: Connection, packet: ConnectPacket): void {
  const { broker, policy, wire } = connection;
  const { cleanSession, will } = packet;
  if (will !== undefined && !isTopicName(will.topic, broker.options.maxTopicLevels)) {
    connection.close("lost", "gave a will topic that is not a topic name");
    return;
  }
  let { clientId } = packet;
  if (clientId === "") {
    // [MQTT-3.1.3-7, MQTT-3.1.3-8]; MQTT 3.1 has no empty identifiers.
    if (!cleanSession || packet.level === 3) {
      refuse(connection, ReturnCode.identifierRejected, "gave no client identifier");
      return;
    }
    clientId = inventClientId(connection);
  }
  const { maxKeepAlive, maxConnections } = broker.options;
  // Before MQTT 5.0 a server cannot set a keep alive of its own; Mosquitto answers the same.
  if (packet.keepAlive > maxKeepAlive || (packet.keepAlive === 0 && maxKeepAlive < UNLIMITED)) {
    refuse(connection, ReturnCode.identifierRejected, `asked for keep alive ${packet.keepAlive}`);
    return;
  }
  if (maxConnections > 0 && broker.connected >= maxConnections) {
    refuse(connection, ReturnCode.serverUnavailable, "is one more than max_connections");
    return;
  }
  if (!policy.allowAnonymous) {
    refuse(
      connection,
      ReturnCode.notAuthorized,
      "is not authorised: this listener has no anonymous access",
    );
    return;
  }
  const entry = broker.enter(
    {
      clientId,
      cleanStart: cleanSession,
      persistent: !cleanSession,
      origin: policy.origin,
      remote: wire.remote,
      username: packet.username,
      will: will as Will | undefined,
      receiveMaximum: broker.options.maxInflightMessages,
      queueQos0: broker.options.queueQos0Messages,
      bridge: packet.bridge,
    },
    connection,
  );
  if (!entry.ok) {
    refuse(connection, ReturnCode.notAuthorized, "was refused");
    return;
  }
  // MQTT 3.1 has a reserved byte where 3.1.1 has the flag.
  const sessionPresent = packet.level > 3 && entry.sessionPresent;
  connection.send({ kind: "connack", sessionPresent, returnCode: ReturnCode.accepted });
  const clean = cleanSession ? 1 : 0;
  const user = packet.username === undefined ? "" : `, u'${packet.username}'`;
  const version = packet.level === 3 ? 1 : 2;
  broker.log.info(
    `New client connected from ${wire.remote} as ${clientId} (p${version}, c${clean}, k${packet.keepAlive}${user}).`,
  );
  connection.begin(entry.client, packet);
}

function refuse(connection: Connection, returnCode: number, why: string): void {
  connection.send({ kind: "connack", sessionPresent: false, returnCode });
  connection.close("lost", why);
}

/** A client identifier for someone who gave none: "auto-" and 32 hexadecimal digits. */
function inventClientId({ random }: Connection): string {
  let digits = "";
  while (digits.length < 32) {
    digits += Math.floor(random() * 0x10000)
      .toString(16)
      .padStart(4, "0");
  }
  return `auto-${digits}`;
}

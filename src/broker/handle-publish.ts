/** PUBLISH from an MQTT client [MQTT-3.3]. */
import type { PublishPacket } from "../mqtt/packets.ts";
import { isFailure, Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Client } from "../seams/door.ts";
import { PENDING } from "../seams/door.ts";
import { Message } from "../seams/message.ts";
import { isTopicName, LONGEST_TOPIC } from "../topics/names.ts";
import type { Connection } from "./connection.ts";
import { forwardedProperties } from "./forwarded-properties.ts";
import { topicFault } from "./handle-connect.ts";
import { mountTopic } from "./mount-point.ts";
import { quoted } from "./reason-strings.ts";

export function handlePublish(connection: Connection, client: Client, packet: PublishPacket): void {
  const { broker, policy } = connection;
  const { qos, packetId, properties } = packet;
  if (policy.maxQos !== undefined && qos > policy.maxQos) {
    const why = `published at QoS ${qos}, beyond the maximum of ${policy.maxQos}`;
    connection.close("lost", why, Reason.qosNotSupported); // [MQTT-3.2.2-11]
    return;
  }
  if (connection.level === 5 && qos > 0 && !connection.admit(packetId, qos)) {
    const why = `exceeded the receive maximum of ${broker.options.receiveMaximum}`;
    connection.close("lost", why, Reason.receiveMaximumExceeded); // [MQTT-3.3.4-7]
    return;
  }
  const topic = topicOf(connection, packet);
  if (topic === undefined) return;
  const mounted = mountTopic(connection.mountPoint, topic);
  if (mounted === undefined) {
    connection.close("lost", "published to a topic that is too long", Reason.topicNameInvalid);
    return;
  }
  const { messageSizeLimit } = broker.options;
  if (messageSizeLimit > 0 && packet.payload.length > messageSizeLimit) {
    broker.counters.publishDropped++;
    logPublish(connection, packet, "Dropped too large");
    answer(connection, packet, topic, Reason.implementationSpecificError);
    return;
  }
  const expiry = properties?.messageExpiryInterval;
  const message = new Message(
    mounted,
    packet.payload,
    qos,
    packet.retain,
    true,
    properties === undefined ? undefined : forwardedProperties(properties),
    expiry === undefined ? undefined : broker.clock.now() + expiry * 1000,
  );
  const outcome = client.publish(message, packetId, packet.dup);
  if (outcome === PENDING) connection.await(packetId, qos);
  else answer(connection, packet, topic, outcome);
}

/** The topic name that the packet is for; undefined where that closes the connection. */
function topicOf(connection: Connection, packet: PublishPacket): string | undefined {
  const { topic, properties } = packet;
  const response = properties?.responseTopic;
  if (response !== undefined && !isTopicName(response, LONGEST_TOPIC)) {
    connection.close("lost", "gave a response topic that is no topic name", Reason.protocolError); // [MQTT-3.3.2-14]
    return undefined;
  }
  if (properties?.subscriptionIdentifiers !== undefined) {
    connection.close("lost", "published with a subscription identifier", Reason.protocolError); // [MQTT-3.3.4-6]
    return undefined;
  }
  const alias = properties?.topicAlias;
  if (alias === undefined) {
    if (topic !== "") return topic;
    const reason = connection.level === 5 ? Reason.protocolError : Reason.topicNameInvalid;
    connection.close("lost", "published to an empty topic name", reason); // [MQTT-4.7.3-1]
    return undefined;
  }
  const resolved = connection.aliases.resolve(topic, alias);
  if (resolved === undefined) {
    const why = `used topic alias ${alias}, beyond the maximum`;
    connection.close("lost", why, Reason.topicAliasInvalid); // [MQTT-3.3.2-9]
    return undefined;
  }
  if (resolved !== "") return resolved;
  connection.close("lost", `used topic alias ${alias}, which has no topic`, Reason.protocolError); // [MQTT-3.3.2-7]
  return undefined;
}

/** `topic` is the one that the packet was for, alias or not. */
function answer(
  connection: Connection,
  packet: PublishPacket,
  topic: string,
  outcome: ReasonCode,
): void {
  const { qos, packetId } = packet;
  if (outcome === Reason.topicNameInvalid) {
    const reason = topicFault(topic);
    connection.close("lost", "published to an invalid topic name", reason); // [MQTT-3.3.2-2]
    return;
  }
  if (outcome === Reason.retainNotSupported) {
    connection.close(
      "lost",
      "published a retained message, which this broker does not keep",
      outcome,
    ); // [MQTT-3.2.2-14]
    return;
  }
  if (outcome === Reason.notAuthorized || outcome === Reason.quotaExceeded) {
    logPublish(connection, packet, "Denied");
  }
  if (qos === 0) return;
  if (outcome === Reason.quotaExceeded && connection.level < 5) {
    // It can be neither refused nor, since it is not kept, acknowledged: that would have the client
    // forget it. Parted from its connection the client has it still, and sends it again.
    connection.close("lost", "published more than there is room for");
    return;
  }
  // Before 5.0 a PUBLISH cannot be refused: one that may not go on is acknowledged and dropped
  // [MQTT-3.3.5-2] of 3.1.1.
  const sentence = isFailure(outcome) ? sentenceOf(connection, topic, outcome) : undefined;
  connection.acknowledge(qos === 1 ? "puback" : "pubrec", packetId, outcome, sentence);
}

/** What the client is told of a message that was not taken. */
function sentenceOf({ broker }: Connection, topic: string, outcome: ReasonCode): string {
  switch (outcome) {
    case Reason.notAuthorized:
      return `Publishing to ${quoted(topic)} is not allowed.`;
    case Reason.implementationSpecificError:
      return `The payload is longer than ${broker.options.messageSizeLimit} bytes.`;
    default:
      return "The server has no room for the message.";
  }
}

/** Says in Mosquitto's words what becomes of a message. */
function logPublish({ broker, clientId }: Connection, packet: PublishPacket, what: string): void {
  const { dup, qos, retain, packetId, topic, payload } = packet;
  broker.log.debug(
    `${what} PUBLISH from ${clientId} (d${dup ? 1 : 0}, q${qos}, r${retain ? 1 : 0}, m${packetId}, '${topic}', ... (${payload.length} bytes))`,
  );
}

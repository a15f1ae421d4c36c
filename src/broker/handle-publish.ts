/** PUBLISH from an MQTT client [MQTT-3.3]. */
import type { PublishPacket } from "../mqtt/packets.ts";
import { Reason } from "../mqtt/reason-codes.ts";
import type { Client } from "../seams/door.ts";
import { PENDING } from "../seams/door.ts";
import { Message } from "../seams/message.ts";
import type { Connection } from "./connection.ts";

export function handlePublish(connection: Connection, client: Client, packet: PublishPacket): void {
  const { topic, payload, qos, packetId } = packet;
  const message = new Message(topic, payload, qos, packet.retain, true);
  const outcome = client.publish(message, packetId);
  if (outcome === Reason.topicNameInvalid) {
    connection.close("lost", "published to an invalid topic name"); // [MQTT-3.3.2-2]
    return;
  }
  if (outcome === Reason.retainNotSupported) {
    connection.close("lost", "published a retained message, which this broker does not keep");
    return;
  }
  if (qos === 0) return;
  // MQTT 3.1.1 cannot refuse a PUBLISH: one that may not go on is acknowledged and dropped [MQTT-3.3.5-2].
  if (outcome === PENDING) connection.await(packetId, qos);
  else connection.acknowledge(qos === 1 ? "puback" : "pubrec", packetId);
}

/** SUBSCRIBE and UNSUBSCRIBE from an MQTT client [MQTT-3.8, MQTT-3.10]. */
import type { SubscribePacket, UnsubscribePacket } from "../mqtt/packets.ts";
import { isFailure } from "../mqtt/reason-codes.ts";
import type { Client } from "../seams/door.ts";
import { isTopicFilter } from "../topics/names.ts";
import type { Connection } from "./connection.ts";

export function handleSubscribe(
  connection: Connection,
  client: Client,
  packet: SubscribePacket,
): void {
  const { broker } = connection;
  const levels = broker.options.maxTopicLevels;
  const { packetId, subscriptions } = packet;
  if (subscriptions.some(({ filter }) => !isTopicFilter(filter, levels))) {
    connection.close("lost", "subscribed to an invalid topic filter"); // [MQTT-4.7.1-2]
    return;
  }
  const codes = subscriptions.map(({ filter, qos }) => {
    const outcome = client.subscribe(filter, qos);
    broker.log.debug(`${client.clientId} ${outcome} ${filter}`);
    return isFailure(outcome) ? 0x80 : outcome;
  });
  connection.send({ kind: "suback", packetId, codes });
  for (const [index, { filter, qos }] of subscriptions.entries()) {
    if (codes[index] !== 0x80) client.deliverRetained(filter, qos);
  }
}

export function handleUnsubscribe(
  connection: Connection,
  client: Client,
  packet: UnsubscribePacket,
): void {
  const levels = connection.broker.options.maxTopicLevels;
  if (packet.filters.some((filter) => !isTopicFilter(filter, levels))) {
    connection.close("lost", "unsubscribed from an invalid topic filter");
    return;
  }
  for (const filter of packet.filters) client.unsubscribe(filter);
  connection.send({ kind: "unsuback", packetId: packet.packetId }); // [MQTT-3.10.4-5]
}

/** SUBSCRIBE and UNSUBSCRIBE from an MQTT client [MQTT-3.8, MQTT-3.10]. */
import type { SubscribePacket, SubscriptionRequest, UnsubscribePacket } from "../mqtt/packets.ts";
import type { QoS } from "../mqtt/qos.ts";
import { isFailure, Reason } from "../mqtt/reason-codes.ts";
import type { Client, SubscriptionOptions } from "../seams/door.ts";
import { isTopicFilter } from "../topics/names.ts";
import type { Connection } from "./connection.ts";
import { mountFilter } from "./mount-point.ts";
import { sharedFilter } from "./shared-filter.ts";

export function handleSubscribe(
  connection: Connection,
  client: Client,
  packet: SubscribePacket,
): void {
  const { packetId, subscriptions, properties } = packet;
  if (
    !checkFilters(
      connection,
      subscriptions.map(({ filter }) => filter),
    )
  )
    return;
  const identifier = properties?.subscriptionIdentifiers?.[0];
  const session = connection.broker.sessions.get(client.clientId);
  const isNew = subscriptions.map(
    ({ filter }) => session?.subscriptions.has(mountFilter(connection.mountPoint, filter)) !== true,
  );
  const codes: number[] = [];
  for (const request of subscriptions) {
    const code = subscribe(connection, client, request, identifier);
    if (connection.ended) return;
    codes.push(code);
  }
  connection.send({ kind: "suback", packetId, codes });
  for (const [index, request] of subscriptions.entries()) {
    if (isFailure(codes[index] as number)) continue;
    if (request.retainHandling === 1 && isNew[index] === false) continue; // [MQTT-3.3.1-10]
    const filter = mountFilter(connection.mountPoint, request.filter);
    client.deliverRetained(filter, codes[index] as QoS, optionsOf(request, identifier));
  }
}

/** Subscribes to one filter; answers what SUBACK says of it. */
function subscribe(
  connection: Connection,
  client: Client,
  request: SubscriptionRequest,
  identifier: number | undefined,
): number {
  const { broker, policy, level } = connection;
  const { filter } = request;
  const qos = Math.min(request.qos, policy.maxQos ?? 2) as QoS;
  const mounted = mountFilter(connection.mountPoint, filter);
  const outcome = client.subscribe(mounted, qos, optionsOf(request, identifier));
  if (outcome === Reason.protocolError) {
    connection.close("lost", "asked for no local on a shared subscription", outcome);
  }
  broker.log.subscribe(`${client.clientId} ${outcome} ${filter}`);
  return isFailure(outcome) && level < 5 ? Reason.unspecifiedError : outcome;
}

function optionsOf(
  { noLocal, retainAsPublished, retainHandling }: SubscriptionRequest,
  identifier: number | undefined,
): SubscriptionOptions {
  return { noLocal, retainAsPublished, retainHandling, identifier };
}

/** Whether all filters are valid; one that is not closes the connection [MQTT-4.7.1-2, MQTT-4.8.2-1]. */
function checkFilters(connection: Connection, filters: readonly string[]): boolean {
  const levels = connection.broker.options.maxTopicLevels;
  for (const filter of filters) {
    const shared = sharedFilter(filter);
    const plain = shared === undefined ? filter : shared === "invalid" ? "" : shared.filter;
    if (isTopicFilter(plain, levels)) continue;
    connection.close("lost", "gave an invalid topic filter", Reason.topicFilterInvalid);
    return false;
  }
  return true;
}

export function handleUnsubscribe(
  connection: Connection,
  client: Client,
  packet: UnsubscribePacket,
): void {
  if (!checkFilters(connection, packet.filters)) return;
  const { rights } = connection.broker.sessions.get(client.clientId) ?? {};
  const codes = packet.filters.map((filter) => {
    if (rights?.mayUnsubscribe(filter) === false) return Reason.notAuthorized;
    connection.broker.log.unsubscribe(`${client.clientId} ${filter}`);
    const mounted = mountFilter(connection.mountPoint, filter);
    return client.unsubscribe(mounted) ? Reason.success : Reason.noSubscriptionExisted;
  });
  connection.send({ kind: "unsuback", packetId: packet.packetId, codes }); // [MQTT-3.10.4-5]
}

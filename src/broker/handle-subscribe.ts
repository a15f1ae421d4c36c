/** SUBSCRIBE and UNSUBSCRIBE from an MQTT client [MQTT-3.8, MQTT-3.10]. */
import type {
  SubackPacket,
  SubscribePacket,
  SubscriptionRequest,
  UnsubscribePacket,
} from "../mqtt/packets.ts";
import type { Properties } from "../mqtt/properties.ts";
import type { QoS } from "../mqtt/qos.ts";
import { isFailure, Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Client, SubscriptionOptions } from "../seams/door.ts";
import { isTopicFilter, LONGEST_TOPIC } from "../topics/names.ts";
import type { Connection } from "./connection.ts";
import { mountFilter } from "./mount-point.ts";
import { quoted } from "./reason-strings.ts";
import { sharedFilter } from "./shared-filter.ts";
import { whenStored } from "./when-stored.ts";

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
  const isNew: boolean[] = [];
  const outcomes: ReasonCode[] = [];
  for (const request of subscriptions) {
    const mounted = mountFilter(connection.mountPoint, request.filter);
    isNew.push(session?.subscriptions.has(mounted) !== true);
    outcomes.push(subscribe(connection, client, request, identifier));
    if (connection.ended) return;
  }
  const codes = outcomes.map((outcome, index) =>
    answerOf(connection, outcome, (subscriptions[index] as SubscriptionRequest).qos),
  );
  const refused = subscriptions.filter((_, index) => isFailure(outcomes[index] as ReasonCode));
  const suback: SubackPacket = {
    kind: "suback",
    packetId,
    codes,
    properties: explain(
      connection,
      "Subscribing to",
      refused.map(({ filter }) => filter),
    ),
  };
  whenStored(connection, session, () => {
    connection.send(suback);
    for (const [index, request] of subscriptions.entries()) {
      const outcome = outcomes[index] as ReasonCode;
      if (isFailure(outcome)) continue;
      if (request.retainHandling === 1 && isNew[index] === false) continue; // [MQTT-3.3.1-10]
      const filter = mountFilter(connection.mountPoint, request.filter);
      client.deliverRetained(filter, outcome as QoS, optionsOf(request, identifier));
    }
  });
}

/** One packet answers for all filters, and has one reason string for those of them that were refused. */
function explain(
  connection: Connection,
  what: string,
  refused: readonly string[],
): Properties | undefined {
  const [first] = refused;
  if (first === undefined || connection.level < 5) return undefined;
  const others = refused.length === 1 ? "" : ` and ${refused.length - 1} more`;
  const sentence = `${what} ${quoted(first)}${others} is not allowed.`;
  return connection.explain(Reason.notAuthorized, sentence);
}

/** What SUBACK says: before 5.0 one failure only, in MQTT 3.1 none at all. */
function answerOf({ level }: Connection, outcome: ReasonCode, asked: QoS): number {
  if (!isFailure(outcome) || level === 5) return outcome;
  return level === 3 ? asked : Reason.unspecifiedError;
}

/** Subscribes to one filter. */
function subscribe(
  connection: Connection,
  client: Client,
  request: SubscriptionRequest,
  identifier: number | undefined,
): ReasonCode {
  const { broker, policy } = connection;
  const { filter } = request;
  const qos = Math.min(request.qos, policy.maxQos ?? 2) as QoS;
  const mounted = mountFilter(connection.mountPoint, filter);
  const outcome = client.subscribe(mounted, qos, optionsOf(request, identifier));
  if (outcome === Reason.protocolError) {
    connection.close("lost", "asked for no local on a shared subscription", outcome);
  }
  broker.log.subscribe(`${client.clientId} ${outcome} ${filter}`);
  return outcome;
}

function optionsOf(
  { noLocal, retainAsPublished, retainHandling }: SubscriptionRequest,
  identifier: number | undefined,
): SubscriptionOptions {
  return { noLocal, retainAsPublished, retainHandling, identifier };
}

/** Whether all filters are valid; one that is not closes the connection [MQTT-4.7.1-1, MQTT-4.8.2-1]. */
function checkFilters(connection: Connection, filters: readonly string[]): boolean {
  const levels = connection.broker.options.maxTopicLevels;
  for (const filter of filters) {
    const shared = sharedFilter(filter);
    const plain = shared === undefined ? filter : shared === "invalid" ? "" : shared.filter;
    if (isTopicFilter(plain, levels)) continue;
    // Well-formed, but with too many levels, or not even that (§3.14.2.1).
    const known = isTopicFilter(plain, LONGEST_TOPIC);
    const reason = known ? Reason.topicFilterInvalid : Reason.malformedPacket;
    const sentence = known
      ? `The topic filter ${quoted(filter)} has more than ${levels} levels.`
      : `The topic filter ${quoted(filter)} is not valid.`;
    connection.close("lost", "gave an invalid topic filter", reason, sentence);
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
  const session = connection.broker.sessions.get(client.clientId);
  const refused: string[] = [];
  const codes = packet.filters.map((filter) => {
    if (session?.rights?.mayUnsubscribe(filter) === false) {
      refused.push(filter);
      return Reason.notAuthorized;
    }
    connection.broker.log.unsubscribe(`${client.clientId} ${filter}`);
    const mounted = mountFilter(connection.mountPoint, filter);
    return client.unsubscribe(mounted) ? Reason.success : Reason.noSubscriptionExisted;
  });
  const properties = explain(connection, "Ending the subscription to", refused);
  const { packetId } = packet;
  whenStored(connection, session, () => {
    connection.send({ kind: "unsuback", packetId, codes, properties }); // [MQTT-3.10.4-5]
  });
}

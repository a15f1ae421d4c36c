/** What a bridge can be told, what it takes where nothing is said, and what makes no sense. */
import { utf8Length } from "../bytes/utf8.ts";
import type { QoS } from "../mqtt/qos.ts";
import { isTopicFilter, isTopicName, LONGEST_TOPIC } from "../topics/names.ts";

export interface RemoteAddress {
  readonly host: string;
  readonly port: number;
}

/** One `topic` line: which topics are shared, which way, and under what name on either side. */
export interface TopicRule {
  /** A topic filter without the prefixes; "" where the two prefixes name one topic. */
  readonly pattern: string;
  readonly direction: "in" | "out" | "both";
  /** The highest QoS that messages keep on their way. */
  readonly qos: QoS;
  /** What stands before the pattern here; "" for nothing. */
  readonly localPrefix: string;
  /** What stands before the pattern at the remote broker; "" for nothing. */
  readonly remotePrefix: string;
}

export interface BridgeOptions {
  /** For logs. */
  readonly name: string;
  /** At least one; the first is the main one unless `roundRobin`. */
  readonly addresses: readonly RemoteAddress[];
  readonly topics: readonly TopicRule[];
  /** The client identifier at the remote broker. */
  readonly remoteClientId: string;
  /** The client identifier at this broker. */
  readonly localClientId: string;
  /** The user that this broker takes the bridge for. */
  readonly localUsername?: string | undefined;
  /** At the remote broker. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly protocol: "mqttv31" | "mqttv311";
  /** Seconds. */
  readonly keepAlive: number;
  /** The remote broker forgets the bridge whenever the connection ends. */
  readonly cleanSession: boolean;
  /** This broker keeps nothing for the bridge while the connection is down. */
  readonly localCleanSession: boolean;
  /** Keep QoS 0 messages, too, while the connection is down. */
  readonly queueQos0: boolean;
  /** Tell the remote broker that this is a bridge, see `ConnectPacket.bridge`. */
  readonly tryPrivate: boolean;
  /** Publish "1" or "0" on `notificationTopic`: whether the bridge is connected. */
  readonly notifications: boolean;
  /** Only at this broker. */
  readonly notificationsLocalOnly: boolean;
  readonly notificationTopic: string;
  /** Unsubscribe at the remote broker from what is configured as `out` only. */
  readonly attemptUnsubscribe: boolean;
  /** Shortest wait before connecting again, ms. */
  readonly restartBase: number;
  /** Longest wait, ms; one not above `restartBase` makes the wait constant. */
  readonly restartCap: number;
  /** All addresses are equal: stay with the one that answers. */
  readonly roundRobin: boolean;
  /** How many QoS 1 and 2 messages may be on their way to the remote broker at a time. */
  readonly maxInflight: number;
  /** Longest packet taken from the remote broker, bytes. */
  readonly maximumPacketSize: number;
}

type Needed = "name" | "addresses" | "topics" | "remoteClientId";
export type GivenBridgeOptions = Pick<BridgeOptions, Needed> & Partial<Omit<BridgeOptions, Needed>>;

/** Fills in what Mosquitto takes where nothing is said. */
export function bridgeOptions(given: GivenBridgeOptions): BridgeOptions {
  const { remoteClientId, restartBase = 5000 } = given;
  const cleanSession = given.cleanSession ?? false;
  return {
    ...given,
    localClientId: given.localClientId ?? `local.${remoteClientId}`,
    protocol: given.protocol ?? "mqttv311",
    keepAlive: given.keepAlive ?? 60,
    cleanSession,
    localCleanSession: given.localCleanSession ?? cleanSession,
    queueQos0: given.queueQos0 ?? false,
    tryPrivate: given.tryPrivate ?? true,
    notifications: given.notifications ?? true,
    notificationsLocalOnly: given.notificationsLocalOnly ?? false,
    notificationTopic: given.notificationTopic ?? `$SYS/broker/connection/${remoteClientId}/state`,
    attemptUnsubscribe: given.attemptUnsubscribe ?? true,
    restartBase,
    restartCap: given.restartCap ?? Math.max(30_000, restartBase),
    roundRobin: given.roundRobin ?? false,
    maxInflight: given.maxInflight ?? 20,
    maximumPacketSize: given.maximumPacketSize ?? 2_000_000,
  };
}

/** What is wrong with a topic rule, in words for whoever wrote it; undefined if nothing is. */
export function topicRuleFault(rule: TopicRule): string | undefined {
  const { pattern, localPrefix, remotePrefix } = rule;
  if (pattern === "" && (localPrefix === "" || remotePrefix === "")) {
    return "a rule without a pattern maps one topic to another and needs both prefixes";
  }
  for (const [side, prefix] of [
    ["local", localPrefix],
    ["remote", remotePrefix],
  ] as const) {
    if (prefix !== "" && !isTopicName(prefix, LONGEST_TOPIC)) {
      return `the ${side} prefix "${prefix}" must not contain + or #`;
    }
    const filter = prefix + pattern;
    if (!isTopicFilter(filter, LONGEST_TOPIC) || utf8Length(filter) > LONGEST_TOPIC) {
      return `"${filter}", the ${side} prefix and the pattern put together, is no topic filter`;
    }
  }
  return undefined;
}

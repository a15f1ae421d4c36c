/** What a bridge can be told, what it takes where nothing is said, and what makes no sense. */
import { utf8Length } from "../bytes/utf8.ts";
import type { QoS } from "../mqtt/qos.ts";
import type { QueuePolicy } from "../seams/door.ts";
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
  /** Topic filters, by their names here, of what never goes either way. */
  readonly exclude: readonly string[];
  /** The client identifier at the remote broker. */
  readonly remoteClientId: string;
  /** The client identifier at this broker. */
  readonly localClientId: string;
  /** The user that this broker takes the bridge for. */
  readonly localUsername?: string | undefined;
  /** At the remote broker. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly protocol: "mqttv31" | "mqttv311" | "mqttv50";
  /**
   * `lazy` connects when `threshold` messages wait, and leaves when nothing was carried for
   * `idleTimeout`; `once` connects at start only.
   */
  readonly startType: "automatic" | "lazy" | "once";
  readonly threshold: number;
  /** ms. */
  readonly idleTimeout: number;
  /** Seconds. */
  readonly keepAlive: number;
  /** The remote broker forgets the bridge whenever the connection ends. */
  readonly cleanSession: boolean;
  /** This broker keeps nothing for the bridge while the connection is down. */
  readonly localCleanSession: boolean;
  /** How long a remote broker of MQTT 5.0 keeps the session, seconds; 4294967295 is for good. */
  readonly sessionExpiry: number;
  /** Keep QoS 0 messages, too, while the connection is down. */
  readonly queueQos0: boolean;
  /** Messages that may wait for the remote broker; 0 is no limit. */
  readonly maxQueuedMessages: number;
  /** Payload bytes that may wait; 0 is no limit. */
  readonly maxQueuedBytes: number;
  /** How long a message may wait, seconds; 0 is no limit. */
  readonly maxQueuedAge: number;
  readonly queuePolicy: QueuePolicy;
  /** Whether what has waited goes first, or takes turns with what comes now. */
  readonly backlog: "order" | "interleave";
  /** Tell the remote broker that this is a bridge, see `ConnectPacket.bridge`. */
  readonly tryPrivate: boolean;
  /** Publish "1" or "0" on `notificationTopic`: whether the bridge is connected. */
  readonly notifications: boolean;
  /** Only at this broker. */
  readonly notificationsLocalOnly: boolean;
  readonly notificationTopic: string;
  /** Between two reports of the counters, ms; 0 is none. */
  readonly reportInterval: number;
  /** Unsubscribe at the remote broker from what is configured as `out` only. */
  readonly attemptUnsubscribe: boolean;
  /** Shortest wait before connecting again, ms. */
  readonly restartBase: number;
  /** Longest wait, ms; one not above `restartBase` makes the wait constant. */
  readonly restartCap: number;
  /** A connection that stood this long was a good one: the next wait is a short one again, ms. */
  readonly restartStable: number;
  /** All addresses are equal: stay with the one that answers. */
  readonly roundRobin: boolean;
  /**
   * How many QoS 1 and 2 messages may be on their way to the remote broker at a time, if that takes as
   * many; 0 leaves it to the remote broker, and to `UNTOLD_WINDOW` and `UNTOLD_WINDOW_QOS2` where that
   * cannot tell.
   */
  readonly maxInflight: number;
  /** The same the other way, which only a remote broker of MQTT 5.0 is told. */
  readonly receiveMaximum: number;
  /** Topic aliases that a remote broker of MQTT 5.0 may use. */
  readonly topicAliasMaximum: number;
  /** Longest packet taken from the remote broker, bytes. */
  readonly maximumPacketSize: number;
  /** Longest PUBLISH sent to the remote broker, bytes; 0 is no limit. */
  readonly outgoingPacketSize: number;
  /** Longest topic sent there, bytes; 0 is no limit. */
  readonly maximumTopicLength: number;
  /** Levels that such a topic may have; 0 is no limit. */
  readonly maximumTopicLevels: number;
  /** Messages are sent there at this QoS at most. */
  readonly maximumQos: QoS;
  /** Messages sent there keep their RETAIN flag. */
  readonly outgoingRetain: boolean;
  /** Messages sent in a second; 0 is no limit. */
  readonly maximumRate: number;
  /** The user property that tells a remote broker of MQTT 5.0 how old a message is; "" is none. */
  readonly ageProperty: string;
  /** Mark messages for brokers of MQTT 5.0 with where they have been, and stop those that come round. */
  readonly loopMark: boolean;
}

/** On their way to a broker that cannot tell how many it takes, where nothing else is said. */
export const UNTOLD_WINDOW = 100;
/**
 * Of these at QoS 2: Mosquitto, unless told otherwise, silently drops what comes while it has 20
 * exchanges of QoS 2 with a client open.
 */
export const UNTOLD_WINDOW_QOS2 = 19;
/** More on their way do not make it faster. */
export const WIDEST_WINDOW = 10_000;
/** A session that is kept until it is ended. */
export const FOR_GOOD = 0xffffffff;

type Needed = "name" | "addresses" | "topics" | "remoteClientId";
export type GivenBridgeOptions = Pick<BridgeOptions, Needed> & Partial<Omit<BridgeOptions, Needed>>;

const DEFAULTS = {
  exclude: [],
  protocol: "mqttv311",
  startType: "automatic",
  threshold: 10,
  idleTimeout: 60_000,
  keepAlive: 60,
  cleanSession: false,
  sessionExpiry: FOR_GOOD,
  queueQos0: false,
  maxQueuedMessages: 0,
  maxQueuedBytes: 0,
  maxQueuedAge: 0,
  queuePolicy: "drop-newest",
  backlog: "order",
  tryPrivate: true,
  notifications: true,
  notificationsLocalOnly: false,
  reportInterval: 0,
  attemptUnsubscribe: true,
  restartBase: 5000,
  restartStable: 10_000,
  roundRobin: false,
  maxInflight: 0,
  receiveMaximum: 1000,
  topicAliasMaximum: 10,
  maximumPacketSize: 2_000_000,
  outgoingPacketSize: 0,
  maximumTopicLength: 0,
  maximumTopicLevels: 0,
  maximumQos: 2,
  outgoingRetain: true,
  maximumRate: 0,
  ageProperty: "",
  loopMark: true,
} as const satisfies Partial<BridgeOptions>;

/** Fills in what Mosquitto takes where nothing is said, and what loses nothing where it has no such option. */
export function bridgeOptions(given: GivenBridgeOptions): BridgeOptions {
  const { remoteClientId, restartBase = DEFAULTS.restartBase } = given;
  return {
    ...DEFAULTS,
    localClientId: `local.${remoteClientId}`,
    localCleanSession: given.cleanSession ?? DEFAULTS.cleanSession,
    notificationTopic: `$SYS/broker/connection/${remoteClientId}/state`,
    restartCap: Math.max(30_000, restartBase),
    ...given,
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

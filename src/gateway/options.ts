/** What a gateway can be told. */
import type { PredefinedTopic } from "../topics/predefined-topic.ts";
import type { KnownNode } from "./known-nodes.ts";
import type { Rate } from "./token-bucket.ts";

/**
 * Who may connect: everyone, the nodes that the configuration lists, or those and the ones that
 * somebody approved.
 */
export type AdmissionMode = "open" | "known" | "pairing";

/** What holds for one link; what is left out is as for all. */
export interface LinkRules {
  readonly admission?: AdmissionMode | undefined;
  /** Nodes connected or connecting there at a time. */
  readonly maxNodes?: number | undefined;
  /** See `GatewayOptions.username`. */
  readonly username?: string | undefined;
}

export interface GatewayOptions {
  /** GwId, 0 to 255 (MQTT-SN 1.2 §5.3.6), on links that have none of their own. */
  readonly gatewayId: number;
  /** T_ADV of §6.1, seconds, at most 65535, on links that have none of their own; 0 is never. */
  readonly advertiseInterval: number;
  /** Nodes known at a time, connected or not. */
  readonly maxNodes: number;
  /**
   * Topic ids registered for one node at a time. Enough for a node that subscribes to a whole
   * branch, and at some 100 bytes an id still bounded for a node that registers without end.
   */
  readonly maxTopicIds: number;
  /**
   * Characters of ClientIds, topic names and wills, and will bytes, kept for all nodes together.
   */
  readonly maxNameMemory: number;
  /** Levels that a topic name or filter may have. */
  readonly maxTopicLevels: number;
  /** Refuse ClientIds of more than 23 octets (§5.3.1). */
  readonly strictClientId: boolean;
  /** Keep QoS 0 messages for nodes that sleep or are away. */
  readonly queueQos0: boolean;
  /** Whether PUBLISH of QoS -1 is taken from those who are not connected (§6.8). */
  readonly qosMinusOne: "allow" | "deny";
  /** The client identifier under which those are published. */
  readonly qosMinusOneClientId: string;
  /** What the configuration defines; see `PredefinedSources`. */
  readonly predefinedTopics: readonly PredefinedTopic[];
  readonly admission: AdmissionMode;
  /** The nodes that are let in where not all are. */
  readonly knownNodes: readonly KnownNode[];
  /** By the link's name. */
  readonly links: ReadonlyMap<string, LinkRules>;
  /**
   * From where QoS -1 is taken where not all nodes are let in: names of links, IP addresses and
   * ranges of them, addresses as logs show them.
   */
  readonly qosMinusOneFrom: readonly string[];
  /** The user name of nodes: `%c` is the ClientId, `%l` the link's name; "" for none. */
  readonly username: string;
  /** Frames from one address: an IP address, or an IPv6 /64. */
  readonly addressRate: Rate;
  /** Messages of one node. */
  readonly nodeRate: Rate;
  /** CONNECTs of one node. */
  readonly connectRate: Rate;
  /** What may wait for one node, payload bytes; 0 is no limit but the broker's. */
  readonly maxBufferedBytes: number;
  /** What may wait for all nodes together; 0 is no limit. */
  readonly maxBufferedBytesTotal: number;
  /** Between two reports on one node under `$SYS/gateway/`, seconds; 0 turns reports off. */
  readonly reportInterval: number;
  /** DISCONNECTs answered to one address without a node, within ten seconds. */
  readonly unknownSenderRate: number;
  /** T_WAIT of §7.2, seconds: how long a node that answered "congestion" is left alone. */
  readonly waitInterval: number;
  /** QoS 1 and 2 PUBLISHes of one node that wait for custody at a time; more are congestion. */
  readonly maxPending: number;
  /** Messages handed to a node in one waking before it is let back to sleep. */
  readonly awakeMessages: number;
  /** Send PINGREQ to an active node whose keep alive is over, before it counts as lost (§6.11). */
  readonly probe: boolean;
}

export const DEFAULT_GATEWAY_OPTIONS: GatewayOptions = {
  gatewayId: 1,
  advertiseInterval: 900,
  maxNodes: 10_000,
  maxTopicIds: 1000,
  maxNameMemory: 64 * 1024 * 1024,
  maxTopicLevels: 200,
  strictClientId: false,
  queueQos0: true,
  qosMinusOne: "allow",
  qosMinusOneClientId: "midge-qos-minus-one",
  predefinedTopics: [],
  admission: "open",
  knownNodes: [],
  links: new Map(),
  qosMinusOneFrom: [],
  username: "",
  addressRate: { perSecond: 0, burst: 1 },
  nodeRate: { perSecond: 0, burst: 1 },
  connectRate: { perSecond: 10, burst: 100 },
  maxBufferedBytes: 0,
  maxBufferedBytesTotal: 256 * 1024 * 1024,
  reportInterval: 10,
  unknownSenderRate: 5,
  waitInterval: 300,
  maxPending: 32,
  awakeMessages: 1000,
  probe: true,
};

/** MQTT-SN 1.2 messages as values (§5.4). */

/** MsgType (§5.2.2, table 3). */
export const MsgType = {
  advertise: 0x00,
  searchgw: 0x01,
  gwinfo: 0x02,
  connect: 0x04,
  connack: 0x05,
  willtopicreq: 0x06,
  willtopic: 0x07,
  willmsgreq: 0x08,
  willmsg: 0x09,
  register: 0x0a,
  regack: 0x0b,
  publish: 0x0c,
  puback: 0x0d,
  pubcomp: 0x0e,
  pubrec: 0x0f,
  pubrel: 0x10,
  subscribe: 0x12,
  suback: 0x13,
  unsubscribe: 0x14,
  unsuback: 0x15,
  pingreq: 0x16,
  pingresp: 0x17,
  disconnect: 0x18,
  willtopicupd: 0x1a,
  willtopicresp: 0x1b,
  willmsgupd: 0x1c,
  willmsgresp: 0x1d,
  encapsulated: 0xfe,
} as const;

/** ReturnCode (§5.3.10, table 5). */
export const ReturnCode = {
  accepted: 0x00,
  congestion: 0x01,
  invalidTopicId: 0x02,
  notSupported: 0x03,
} as const;
export type ReturnCode = (typeof ReturnCode)[keyof typeof ReturnCode];

/** QoS on the wire; -1 is coded 0b11 (§5.3.4). */
export type SnQoS = -1 | 0 | 1 | 2;

/** TopicIdType (§5.3.4): how a topic is named in PUBLISH. */
export type TopicIdType = "normal" | "predefined" | "short";

/**
 * How a topic is named in SUBSCRIBE and UNSUBSCRIBE (§5.4.15). A short name is one of exactly two
 * octets.
 */
export type TopicReference =
  | { readonly type: "name"; readonly name: string }
  | { readonly type: "predefined"; readonly topicId: number }
  | { readonly type: "short"; readonly name: string };

export interface Advertise {
  readonly kind: "advertise";
  readonly gatewayId: number;
  /** Seconds until the next one. */
  readonly duration: number;
}
export interface SearchGw {
  readonly kind: "searchgw";
  /** Broadcast radius in hops, 0 for all. */
  readonly radius: number;
}
export interface GwInfo {
  readonly kind: "gwinfo";
  readonly gatewayId: number;
  /** Only where a client answers for a gateway; empty otherwise. */
  readonly gatewayAddress: Uint8Array;
}
export interface Connect {
  readonly kind: "connect";
  readonly clientId: string;
  readonly cleanSession: boolean;
  readonly will: boolean;
  /** Keep alive, seconds. */
  readonly duration: number;
  /** 0x01 is the only one specified. */
  readonly protocolId: number;
}
/** CONNACK, WILLTOPICRESP, WILLMSGRESP: a return code alone. */
export interface ReturnCodeMessage {
  readonly kind: "connack" | "willtopicresp" | "willmsgresp";
  readonly returnCode: number;
}
/** WILLTOPICREQ, WILLMSGREQ, PINGRESP: a header alone. */
export interface BareMessage {
  readonly kind: "willtopicreq" | "willmsgreq" | "pingresp";
}
/** WILLTOPIC and WILLTOPICUPD; `topic` undefined is the empty message that deletes the will. */
export interface WillTopic {
  readonly kind: "willtopic" | "willtopicupd";
  readonly topic: string | undefined;
  readonly qos: SnQoS;
  readonly retain: boolean;
}
export interface WillMsg {
  readonly kind: "willmsg" | "willmsgupd";
  readonly payload: Uint8Array;
}
export interface Register {
  readonly kind: "register";
  readonly topicId: number;
  readonly messageId: number;
  readonly topicName: string;
}
export interface TopicAck {
  readonly kind: "regack" | "puback";
  readonly topicId: number;
  readonly messageId: number;
  readonly returnCode: number;
}
export interface Publish {
  readonly kind: "publish";
  readonly dup: boolean;
  readonly qos: SnQoS;
  readonly retain: boolean;
  readonly topicIdType: TopicIdType;
  /** The id; for a short name its two octets, the first one high. */
  readonly topicId: number;
  readonly messageId: number;
  readonly payload: Uint8Array;
}
export interface MessageIdOnly {
  readonly kind: "pubrec" | "pubrel" | "pubcomp" | "unsuback";
  readonly messageId: number;
}
export interface Subscribe {
  readonly kind: "subscribe";
  readonly dup: boolean;
  readonly qos: SnQoS;
  readonly messageId: number;
  readonly topic: TopicReference;
}
export interface Unsubscribe {
  readonly kind: "unsubscribe";
  readonly messageId: number;
  readonly topic: TopicReference;
}
export interface Suback {
  readonly kind: "suback";
  readonly qos: SnQoS;
  readonly topicId: number;
  readonly messageId: number;
  readonly returnCode: number;
}
export interface PingReq {
  readonly kind: "pingreq";
  /** Given by a sleeping client that wakes (§6.14). */
  readonly clientId: string | undefined;
}
export interface Disconnect {
  readonly kind: "disconnect";
  /** Sleep duration in seconds (§6.14). */
  readonly duration: number | undefined;
}
/** Forwarder encapsulation (§5.5); the inner message is still encoded. */
export interface Encapsulated {
  readonly kind: "encapsulated";
  readonly radius: number;
  readonly wirelessNodeId: Uint8Array;
  readonly message: Uint8Array;
}

export type SnMessage =
  | Advertise
  | SearchGw
  | GwInfo
  | Connect
  | ReturnCodeMessage
  | BareMessage
  | WillTopic
  | WillMsg
  | Register
  | TopicAck
  | Publish
  | MessageIdOnly
  | Subscribe
  | Unsubscribe
  | Suback
  | PingReq
  | Disconnect
  | Encapsulated;

/** What is wrong with a frame, to count it by. */
export const FAULT_CAUSES = [
  // Shorter than the message must be.
  "truncated",
  // Length is not that of the frame, or of the message.
  "length",
  // A reserved MsgType.
  "type",
  // A reserved TopicIdType.
  "flags",
  // Text that is no UTF-8.
  "text",
  // A forwarder's frame without a proper header, or in another.
  "encapsulation",
  // A message that only gateways send.
  "direction",
] as const;
export type FaultCause = (typeof FAULT_CAUSES)[number];

/** What is wrong with a frame. */
export interface SnFault {
  readonly kind: "fault";
  readonly cause: FaultCause;
  /** In words for the log. */
  readonly detail: string;
}

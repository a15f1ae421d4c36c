/** MQTT control packets as values. Version 3.1 and 3.1.1; both directions. */
import type { QoS } from "./qos.ts";

/** Control packet types [MQTT-2.2.1]. */
export const PacketType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
} as const;

/** Protocol levels: 3 is MQTT 3.1, 4 is 3.1.1. */
export type ProtocolLevel = 3 | 4;

export interface ConnectPacket {
  readonly kind: "connect";
  readonly level: ProtocolLevel;
  /** Mosquitto's marking of a bridge, bit 7 of the level: echo nothing back, keep RETAIN as published. */
  readonly bridge: boolean;
  readonly clientId: string;
  readonly cleanSession: boolean;
  /** Seconds; 0 is no supervision. */
  readonly keepAlive: number;
  readonly will?: WillFields | undefined;
  readonly username?: string | undefined;
  readonly password?: Uint8Array | undefined;
}

export interface WillFields {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
}

export interface ConnackPacket {
  readonly kind: "connack";
  readonly sessionPresent: boolean;
  /** The return code of 3.1.1 §3.2.2.3. */
  readonly returnCode: number;
}

export interface PublishPacket {
  readonly kind: "publish";
  readonly topic: string;
  /** A view on the receive buffer. */
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
  /** 0 at QoS 0. */
  readonly packetId: number;
}

export interface AckPacket {
  readonly kind: "puback" | "pubrec" | "pubrel" | "pubcomp" | "unsuback";
  readonly packetId: number;
}

export interface SubscriptionRequest {
  readonly filter: string;
  readonly qos: QoS;
}

export interface SubscribePacket {
  readonly kind: "subscribe";
  readonly packetId: number;
  readonly subscriptions: readonly SubscriptionRequest[];
}

export interface SubackPacket {
  readonly kind: "suback";
  readonly packetId: number;
  /** Granted QoS each, or 0x80. */
  readonly codes: readonly number[];
}

export interface UnsubscribePacket {
  readonly kind: "unsubscribe";
  readonly packetId: number;
  readonly filters: readonly string[];
}

export interface BarePacket {
  readonly kind: "pingreq" | "pingresp" | "disconnect";
}

export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AckPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | BarePacket;

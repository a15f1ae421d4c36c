/** MQTT control packets as values, for MQTT 3.1, 3.1.1 and 5.0; both directions. */
import type { ProtocolLevel } from "./packet-types.ts";
import type { Properties } from "./properties.ts";
import type { QoS } from "./qos.ts";

export { PacketType, type ProtocolLevel } from "./packet-types.ts";

/** Properties stand in packets of MQTT 5.0 only; undefined is none. */
interface WithProperties {
  readonly properties?: Properties | undefined;
}

export interface ConnectPacket extends WithProperties {
  readonly kind: "connect";
  readonly level: ProtocolLevel;
  /** Mosquitto's marking of a bridge, bit 7 of the level: echo nothing back, keep RETAIN as published. */
  readonly bridge: boolean;
  readonly clientId: string;
  /** Clean Start of 5.0, Clean Session of 3.1.1. */
  readonly cleanStart: boolean;
  /** Seconds; 0 is no supervision. */
  readonly keepAlive: number;
  readonly will?: WillFields | undefined;
  readonly username?: string | undefined;
  readonly password?: Uint8Array | undefined;
}

export interface WillFields extends WithProperties {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
}

export interface ConnackPacket extends WithProperties {
  readonly kind: "connack";
  readonly sessionPresent: boolean;
  /** The return code of 3.1.1 §3.2.2.3, the reason code of 5.0. */
  readonly returnCode: number;
}

export interface PublishPacket extends WithProperties {
  readonly kind: "publish";
  /** May be empty where a topic alias stands for it. */
  readonly topic: string;
  /** A view on the receive buffer. */
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
  /** 0 at QoS 0. */
  readonly packetId: number;
}

export interface AckPacket extends WithProperties {
  readonly kind: "puback" | "pubrec" | "pubrel" | "pubcomp";
  readonly packetId: number;
  /** Of 5.0; absent is success. */
  readonly reasonCode?: number | undefined;
}

export interface SubscriptionRequest {
  readonly filter: string;
  readonly qos: QoS;
  readonly noLocal?: boolean | undefined;
  readonly retainAsPublished?: boolean | undefined;
  /** 0 sends retained messages, 1 for new subscriptions only, 2 never [MQTT-3.3.1-9 to 11]. */
  readonly retainHandling?: 0 | 1 | 2 | undefined;
}

export interface SubscribePacket extends WithProperties {
  readonly kind: "subscribe";
  readonly packetId: number;
  readonly subscriptions: readonly SubscriptionRequest[];
}

export interface SubackPacket extends WithProperties {
  readonly kind: "suback";
  readonly packetId: number;
  /** Granted QoS each, or a failure of 0x80 and above. */
  readonly codes: readonly number[];
}

export interface UnsubscribePacket extends WithProperties {
  readonly kind: "unsubscribe";
  readonly packetId: number;
  readonly filters: readonly string[];
}

export interface UnsubackPacket extends WithProperties {
  readonly kind: "unsuback";
  readonly packetId: number;
  /** Of 5.0, one for each filter. */
  readonly codes?: readonly number[] | undefined;
}

export interface PingPacket {
  readonly kind: "pingreq" | "pingresp";
}

export interface DisconnectPacket extends WithProperties {
  readonly kind: "disconnect";
  /** Of 5.0; absent is 0x00, normal disconnection. */
  readonly reasonCode?: number | undefined;
}

export interface AuthPacket extends WithProperties {
  readonly kind: "auth";
  readonly reasonCode: number;
}

export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AckPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | PingPacket
  | DisconnectPacket
  | AuthPacket;

/** The MQTT packets that the load generator sends, encoded once; a PUBLISH is patched when sent. */
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { encodePacket, encodePublish, encodePublish5 } from "../../src/mqtt/encode.ts";
import type { Packet } from "../../src/mqtt/packets.ts";
import type { Properties } from "../../src/mqtt/properties.ts";
import type { Login } from "./logins.ts";
import { STAMP_LENGTH } from "./stamp.ts";

/** MQTT 3.1.1 or 5.0. */
export type MqttProtocol = 4 | 5;

/** More than any load has on its way to one client, so that the broker's own limit is what holds. */
const RECEIVE_MAXIMUM = 2000;
/** For sessions that are to outlive their connection, s. */
const SESSION_EXPIRY = 3600;
/** The alias that a publisher of one topic gives it. */
const TOPIC_ALIAS = 1;

function encoded(packet: Packet, protocol: MqttProtocol): Uint8Array {
  const writer = new ByteWriter();
  encodePacket(writer, packet, protocol);
  return writer.copy();
}

export interface ConnectFields {
  readonly protocol: MqttProtocol;
  readonly clientId: string;
  readonly cleanStart: boolean;
  /** Seconds; 0 is no supervision. */
  readonly keepAlive: number;
  /** Undefined: without a user name. */
  readonly login: Login | undefined;
  /** How many topic aliases the broker may use; of 5.0 only. */
  readonly topicAliases: number;
}

export function connectPacket(fields: ConnectFields): Uint8Array {
  const { protocol, clientId, cleanStart, keepAlive, login } = fields;
  return encoded(
    {
      kind: "connect",
      level: protocol,
      bridge: false,
      clientId,
      cleanStart,
      keepAlive,
      username: login?.username,
      password: login && new TextEncoder().encode(login.password),
      properties: protocol === 5 ? connectProperties(fields) : undefined,
    },
    protocol,
  );
}

function connectProperties({ cleanStart, topicAliases }: ConnectFields): Properties {
  return {
    receiveMaximum: RECEIVE_MAXIMUM,
    sessionExpiryInterval: cleanStart ? undefined : SESSION_EXPIRY,
    topicAliasMaximum: topicAliases === 0 ? undefined : topicAliases,
  };
}

export function subscribePacket(
  filters: readonly string[],
  qos: 0 | 1,
  protocol: MqttProtocol,
): Uint8Array {
  const subscriptions = filters.map((filter) => ({ filter, qos }));
  return encoded({ kind: "subscribe", packetId: 1, subscriptions }, protocol);
}

/** The same bytes in both protocols. */
export const DISCONNECT_PACKET = encoded({ kind: "disconnect" }, 4);

/** A PUBLISH whose packet identifier and stamp are still to be filled in, and where they are. */
export interface PublishTemplate {
  readonly bytes: Uint8Array;
  /** Meaningless at QoS 0. */
  readonly packetIdAt: number;
  readonly stampAt: number;
}

/** A payload of `length` octets, at least STAMP_LENGTH, that begins with room for a stamp. */
export function stampedPayload(length: number): Uint8Array {
  return new Uint8Array(length).fill(0x78).fill(0, 0, STAMP_LENGTH);
}

export interface TemplateFields {
  readonly protocol: MqttProtocol;
  readonly qos: 0 | 1;
  /** Octets, those of the stamp included. */
  readonly payload: number;
}

export function publishTemplate(
  topic: string,
  { protocol, qos, payload }: TemplateFields,
): PublishTemplate {
  const writer = new ByteWriter();
  if (protocol === 5) {
    encodePublish5(writer, topic, stampedPayload(payload), qos, false, false, 0, undefined);
  } else {
    encodePublish(writer, topic, stampedPayload(payload), qos, false, false, 0);
  }
  // 5.0 has a length of properties between the two, of one octet for none.
  return templateOf(writer.copy(), payload, protocol === 5 ? 1 : 0);
}

/** Of 5.0: the first PUBLISH of a topic, which gives it an alias, and those that use the alias. */
export function aliasTemplates(
  topic: string,
  { qos, payload }: TemplateFields,
): readonly [first: PublishTemplate, others: PublishTemplate] {
  const withAlias = (name: string): PublishTemplate => {
    const writer = new ByteWriter();
    const properties = { topicAlias: TOPIC_ALIAS };
    encodePublish5(writer, name, stampedPayload(payload), qos, false, false, 0, properties);
    return templateOf(writer.copy(), payload, 4);
  };
  return [withAlias(topic), withAlias("")];
}

/** `properties` counts the octets of properties, their length included. */
function templateOf(bytes: Uint8Array, payload: number, properties: number): PublishTemplate {
  const stampAt = bytes.length - payload;
  return { bytes, packetIdAt: stampAt - properties - 2, stampAt };
}

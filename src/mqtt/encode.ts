/** Encodes MQTT control packets of 3.1, 3.1.1 and 5.0. */
import { ByteWriter } from "../bytes/byte-writer.ts";
import { utf8Length } from "../bytes/utf8.ts";
import { PacketType, type ProtocolLevel } from "./packet-types.ts";
import type {
  AckPacket,
  AuthPacket,
  ConnackPacket,
  ConnectPacket,
  DisconnectPacket,
  Packet,
  SubackPacket,
  SubscribePacket,
  SubscriptionRequest,
  UnsubackPacket,
  UnsubscribePacket,
} from "./packets.ts";
import { encodeProperties, type Properties } from "./properties.ts";
import type { QoS } from "./qos.ts";
import { Reason } from "./reason-codes.ts";

/** Fixed headers of acknowledgements; PUBREL has its reserved bit set [MQTT-3.6.1-1]. */
const ACK_HEADER = {
  puback: PacketType.puback << 4,
  pubrec: PacketType.pubrec << 4,
  pubrel: (PacketType.pubrel << 4) | 2,
  pubcomp: PacketType.pubcomp << 4,
} as const satisfies Record<AckPacket["kind"], number>;

/** An acknowledgement of success; the same bytes at every protocol level. */
export function encodeAck(writer: ByteWriter, kind: AckPacket["kind"], packetId: number): void {
  writer.reserve(4);
  const { bytes } = writer;
  let at = writer.length;
  bytes[at++] = ACK_HEADER[kind];
  bytes[at++] = 2;
  bytes[at++] = packetId >>> 8;
  bytes[at++] = packetId;
  writer.length = at;
}

/** A PUBLISH of 3.1 or 3.1.1. */
export function encodePublish(
  writer: ByteWriter,
  topic: string,
  payload: Uint8Array,
  qos: QoS,
  retain: boolean,
  dup: boolean,
  packetId: number,
): void {
  const topicLength = utf8Length(topic);
  writer.u8((PacketType.publish << 4) | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0));
  writer.varint(2 + topicLength + (qos > 0 ? 2 : 0) + payload.length);
  writer.utf8(topic);
  if (qos > 0) writer.u16(packetId);
  writer.raw(payload);
}

const propertyBytes = new ByteWriter(256);

/** A PUBLISH of 5.0. */
export function encodePublish5(
  writer: ByteWriter,
  topic: string,
  payload: Uint8Array,
  qos: QoS,
  retain: boolean,
  dup: boolean,
  packetId: number,
  properties: Properties | undefined,
): void {
  const fixed = 2 + utf8Length(topic) + (qos > 0 ? 2 : 0) + payload.length;
  writer.u8((PacketType.publish << 4) | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0));
  if (properties === undefined) {
    writer.varint(fixed + 1);
  } else {
    propertyBytes.clear();
    encodeProperties(propertyBytes, properties);
    writer.varint(fixed + propertyBytes.length);
  }
  writer.utf8(topic);
  if (qos > 0) writer.u16(packetId);
  if (properties === undefined) writer.u8(0);
  else writer.raw(propertyBytes.view());
  writer.raw(payload);
}

/** How long a PUBLISH of 3.1.1 is on the wire, bytes. */
export function publishSize(topic: string, payloadLength: number, qos: QoS): number {
  const remaining = 2 + utf8Length(topic) + (qos > 0 ? 2 : 0) + payloadLength;
  return 1 + varintSize(remaining) + remaining;
}

function varintSize(value: number): number {
  if (value < 128) return 1;
  if (value < 16384) return 2;
  return value < 2097152 ? 3 : 4;
}

const body = new ByteWriter(512);

/** Appends one packet to the writer. Strings are at most 65 535 bytes; the caller has seen to that. */
export function encodePacket(writer: ByteWriter, packet: Packet, level: ProtocolLevel = 4): void {
  switch (packet.kind) {
    case "publish":
      encodePublishPacket(writer, packet, level);
      return;
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      if (level < 5 || isPlain(packet)) encodeAck(writer, packet.kind, packet.packetId);
      else encodeWithBody(writer, ACK_HEADER[packet.kind], packet, level);
      return;
    case "pingreq":
    case "pingresp":
      writer.u8(PacketType[packet.kind] << 4);
      writer.u8(0);
      return;
    case "subscribe":
    case "unsubscribe":
      encodeWithBody(writer, (PacketType[packet.kind] << 4) | 2, packet, level);
      return;
    case "connect":
      encodeWithBody(writer, PacketType.connect << 4, packet, packet.level);
      return;
    case "connack":
    case "suback":
    case "unsuback":
    case "disconnect":
    case "auth":
      encodeWithBody(writer, PacketType[packet.kind] << 4, packet, level);
      return;
  }
}

function encodePublishPacket(
  writer: ByteWriter,
  packet: Packet & { kind: "publish" },
  level: ProtocolLevel,
): void {
  const { topic, payload, qos, retain, dup, packetId, properties } = packet;
  if (level < 5) encodePublish(writer, topic, payload, qos, retain, dup, packetId);
  else encodePublish5(writer, topic, payload, qos, retain, dup, packetId, properties);
}

function isPlain(packet: AckPacket): boolean {
  return (
    (packet.reasonCode ?? Reason.success) === Reason.success && packet.properties === undefined
  );
}

type PacketWithBody =
  | ConnectPacket
  | ConnackPacket
  | AckPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | DisconnectPacket
  | AuthPacket;

function encodeWithBody(
  writer: ByteWriter,
  header: number,
  packet: PacketWithBody,
  level: ProtocolLevel,
): void {
  body.clear();
  encodeBody(packet, level);
  writer.u8(header);
  writer.varint(body.length);
  writer.raw(body.view());
}

function encodeBody(packet: PacketWithBody, level: ProtocolLevel): void {
  switch (packet.kind) {
    case "connect":
      encodeConnect(packet);
      return;
    case "connack":
      body.u8(packet.sessionPresent ? 1 : 0);
      body.u8(packet.returnCode);
      if (level === 5) encodeProperties(body, packet.properties);
      return;
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      body.u16(packet.packetId);
      encodeReason(packet.reasonCode ?? Reason.success, packet.properties);
      return;
    case "subscribe":
      encodeSubscribe(packet, level);
      return;
    case "suback":
      body.u16(packet.packetId);
      if (level === 5) encodeProperties(body, packet.properties);
      for (const code of packet.codes) body.u8(code);
      return;
    case "unsubscribe":
      body.u16(packet.packetId);
      if (level === 5) encodeProperties(body, packet.properties);
      for (const filter of packet.filters) body.utf8(filter);
      return;
    case "unsuback":
      body.u16(packet.packetId);
      if (level < 5) return;
      encodeProperties(body, packet.properties);
      for (const code of packet.codes ?? []) body.u8(code);
      return;
    case "disconnect":
    case "auth": {
      const reasonCode = packet.reasonCode ?? Reason.success;
      const plain = reasonCode === Reason.success && packet.properties === undefined;
      if (level === 5 && !plain) encodeReason(reasonCode, packet.properties);
      return;
    }
  }
}

/** Reason code and properties; the latter may be left out where there are none (§3.4.2.2.1). */
function encodeReason(reasonCode: number, properties: Properties | undefined): void {
  body.u8(reasonCode);
  if (properties !== undefined) encodeProperties(body, properties);
}

function encodeSubscribe(packet: SubscribePacket, level: ProtocolLevel): void {
  body.u16(packet.packetId);
  if (level === 5) encodeProperties(body, packet.properties);
  for (const subscription of packet.subscriptions) {
    body.utf8(subscription.filter);
    body.u8(level === 5 ? subscriptionOptions(subscription) : subscription.qos);
  }
}

function subscriptionOptions(subscription: SubscriptionRequest): number {
  const { qos, noLocal, retainAsPublished, retainHandling = 0 } = subscription;
  return (
    qos | (noLocal === true ? 4 : 0) | (retainAsPublished === true ? 8 : 0) | (retainHandling << 4)
  );
}

function encodeConnect(packet: ConnectPacket): void {
  const { will, username, password, level } = packet;
  let flags = packet.cleanStart ? 0x02 : 0;
  if (will !== undefined) flags |= 0x04 | (will.qos << 3) | (will.retain ? 0x20 : 0);
  if (username !== undefined) flags |= 0x80;
  if (password !== undefined) flags |= 0x40;
  body.utf8(level === 3 ? "MQIsdp" : "MQTT");
  body.u8(packet.bridge ? level | 0x80 : level);
  body.u8(flags);
  body.u16(packet.keepAlive);
  if (level === 5) encodeProperties(body, packet.properties);
  body.utf8(packet.clientId);
  if (will !== undefined) {
    if (level === 5) encodeProperties(body, will.properties);
    body.utf8(will.topic);
    body.binary(will.payload);
  }
  if (username !== undefined) body.utf8(username);
  if (password !== undefined) body.binary(password);
}

/** Encodes MQTT-SN 1.2 messages (§5). */
import type { ByteWriter } from "../bytes/byte-writer.ts";
import {
  MsgType,
  type Publish,
  type SnMessage,
  type SnQoS,
  type TopicIdType,
  type TopicReference,
} from "./packets.ts";

/** The TopicIdType bits of Flags (§5.3.4). */
const TOPIC_ID_TYPE: Readonly<Record<TopicIdType | "name", number>> = {
  normal: 0,
  name: 0,
  predefined: 1,
  short: 2,
};

/** QoS -1 in two bits is 0b11. */
function qosBits(qos: SnQoS): number {
  return (qos & 3) << 5;
}

/**
 * Appends `message` to the writer. The protocol ends at 65 535 octets: what comes out longer, or
 * longer than its link carries, is the caller's to drop.
 */
export function encodeMessage(writer: ByteWriter, message: SnMessage): void {
  if (message.kind === "publish") {
    encodePublish(writer, message);
    return;
  }
  const start = writer.length;
  writer.u8(0);
  writer.u8(MsgType[message.kind]);
  encodeVariablePart(writer, message);
  if (message.kind === "encapsulated") {
    writer.bytes[start] = writer.length - start;
    writer.raw(message.message);
    return;
  }
  const length = writer.length - start;
  if (length < 256) writer.bytes[start] = length;
  else lengthen(writer, start);
}

/** Makes room for the 3-octet Length in front of what was written with one octet left for it (§5.2.1). */
function lengthen(writer: ByteWriter, start: number): void {
  const end = writer.length;
  writer.reserve(2);
  writer.bytes.copyWithin(start + 3, start + 1, end);
  writer.length = end + 2;
  writeLongLength(writer.bytes, start, writer.length - start);
}

function writeLongLength(bytes: Uint8Array, at: number, length: number): void {
  const told = Math.min(length, 0xffff);
  bytes[at] = 1;
  bytes[at + 1] = told >>> 8;
  bytes[at + 2] = told;
}

/** §5.4.12 */
function encodePublish(writer: ByteWriter, message: Publish): void {
  const payload = message.payload;
  const short = payload.length + 7;
  const length = short < 256 ? short : short + 2;
  writer.reserve(length);
  const bytes = writer.bytes;
  let at = writer.length;
  if (length === short) {
    bytes[at++] = length;
  } else {
    writeLongLength(bytes, at, length);
    at += 3;
  }
  bytes[at] = MsgType.publish;
  bytes[at + 1] =
    (message.dup ? 0x80 : 0) |
    qosBits(message.qos) |
    (message.retain ? 0x10 : 0) |
    TOPIC_ID_TYPE[message.topicIdType];
  bytes[at + 2] = message.topicId >>> 8;
  bytes[at + 3] = message.topicId;
  bytes[at + 4] = message.messageId >>> 8;
  bytes[at + 5] = message.messageId;
  bytes.set(payload, at + 6);
  writer.length += length;
}

function encodeVariablePart(writer: ByteWriter, message: Exclude<SnMessage, Publish>): void {
  switch (message.kind) {
    case "puback":
    case "regack":
      writer.u16(message.topicId);
      writer.u16(message.messageId);
      writer.u8(message.returnCode);
      return;
    case "pubrec":
    case "pubrel":
    case "pubcomp":
    case "unsuback":
      writer.u16(message.messageId);
      return;
    case "pingreq":
      if (message.clientId !== undefined) writer.text(message.clientId);
      return;
    case "disconnect":
      if (message.duration !== undefined) writer.u16(message.duration);
      return;
    case "pingresp":
    case "willtopicreq":
    case "willmsgreq":
      return;
    case "register":
      writer.u16(message.topicId);
      writer.u16(message.messageId);
      writer.text(message.topicName);
      return;
    case "subscribe":
      writer.u8(
        (message.dup ? 0x80 : 0) | qosBits(message.qos) | TOPIC_ID_TYPE[message.topic.type],
      );
      writer.u16(message.messageId);
      encodeReference(writer, message.topic);
      return;
    case "unsubscribe":
      writer.u8(TOPIC_ID_TYPE[message.topic.type]);
      writer.u16(message.messageId);
      encodeReference(writer, message.topic);
      return;
    case "suback":
      writer.u8(qosBits(message.qos));
      writer.u16(message.topicId);
      writer.u16(message.messageId);
      writer.u8(message.returnCode);
      return;
    case "connect":
      writer.u8((message.will ? 0x08 : 0) | (message.cleanSession ? 0x04 : 0));
      writer.u8(message.protocolId);
      writer.u16(message.duration);
      writer.text(message.clientId);
      return;
    case "connack":
    case "willtopicresp":
    case "willmsgresp":
      writer.u8(message.returnCode);
      return;
    case "willtopic":
    case "willtopicupd":
      if (message.topic === undefined) return;
      writer.u8(qosBits(message.qos) | (message.retain ? 0x10 : 0));
      writer.text(message.topic);
      return;
    case "willmsg":
    case "willmsgupd":
      writer.raw(message.payload);
      return;
    case "advertise":
      writer.u8(message.gatewayId);
      writer.u16(message.duration);
      return;
    case "searchgw":
      writer.u8(message.radius);
      return;
    case "gwinfo":
      writer.u8(message.gatewayId);
      writer.raw(message.gatewayAddress);
      return;
    case "encapsulated":
      writer.u8(message.radius & 3);
      writer.raw(message.wirelessNodeId);
      return;
  }
}

function encodeReference(writer: ByteWriter, topic: TopicReference): void {
  if (topic.type === "predefined") writer.u16(topic.topicId);
  else writer.text(topic.name);
}

/** Encodes MQTT 3.1 and 3.1.1 control packets. */
import type { ByteWriter } from "../bytes/byte-writer.ts";
import { utf8Length } from "../bytes/utf8.ts";
import type { AckPacket, ConnectPacket, Packet } from "./packets.ts";
import { PacketType } from "./packets.ts";
import type { QoS } from "./qos.ts";

/** Fixed headers of the packets that carry a packet identifier alone; PUBREL has its reserved bit set [MQTT-3.6.1-1]. */
const ACK_HEADER = {
  puback: PacketType.puback << 4,
  pubrec: PacketType.pubrec << 4,
  pubrel: (PacketType.pubrel << 4) | 2,
  pubcomp: PacketType.pubcomp << 4,
  unsuback: PacketType.unsuback << 4,
} as const satisfies Record<AckPacket["kind"], number>;

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

/** How long a PUBLISH is on the wire, bytes. */
export function publishSize(topic: string, payloadLength: number, qos: QoS): number {
  const remaining = 2 + utf8Length(topic) + (qos > 0 ? 2 : 0) + payloadLength;
  return 1 + varintSize(remaining) + remaining;
}

function varintSize(value: number): number {
  if (value < 128) return 1;
  if (value < 16384) return 2;
  return value < 2097152 ? 3 : 4;
}

/** Appends one packet to the writer. Strings are at most 65 535 bytes; the caller has seen to that. */
export function encodePacket(writer: ByteWriter, packet: Packet): void {
  switch (packet.kind) {
    case "connect":
      encodeConnect(writer, packet);
      return;
    case "connack":
      writer.u8(PacketType.connack << 4);
      writer.u8(2);
      writer.u8(packet.sessionPresent ? 1 : 0);
      writer.u8(packet.returnCode);
      return;
    case "publish":
      encodePublish(
        writer,
        packet.topic,
        packet.payload,
        packet.qos,
        packet.retain,
        packet.dup,
        packet.packetId,
      );
      return;
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
    case "unsuback":
      encodeAck(writer, packet.kind, packet.packetId);
      return;
    case "subscribe": {
      let size = 2;
      for (const { filter } of packet.subscriptions) size += utf8Length(filter) + 3;
      writer.u8((PacketType.subscribe << 4) | 2);
      writer.varint(size);
      writer.u16(packet.packetId);
      for (const { filter, qos } of packet.subscriptions) {
        writer.utf8(filter);
        writer.u8(qos);
      }
      return;
    }
    case "suback":
      writer.u8(PacketType.suback << 4);
      writer.varint(2 + packet.codes.length);
      writer.u16(packet.packetId);
      for (const code of packet.codes) writer.u8(code);
      return;
    case "unsubscribe": {
      let size = 2;
      for (const filter of packet.filters) size += utf8Length(filter) + 2;
      writer.u8((PacketType.unsubscribe << 4) | 2);
      writer.varint(size);
      writer.u16(packet.packetId);
      for (const filter of packet.filters) writer.utf8(filter);
      return;
    }
    case "pingreq":
    case "pingresp":
    case "disconnect":
      writer.u8(PacketType[packet.kind] << 4);
      writer.u8(0);
      return;
  }
}

function encodeConnect(writer: ByteWriter, packet: ConnectPacket): void {
  const { will, username, password } = packet;
  const name = packet.level === 3 ? "MQIsdp" : "MQTT";
  let size = 2 + name.length + 4 + 2 + utf8Length(packet.clientId);
  let flags = packet.cleanSession ? 0x02 : 0;
  if (will !== undefined) {
    flags |= 0x04 | (will.qos << 3) | (will.retain ? 0x20 : 0);
    size += 4 + utf8Length(will.topic) + will.payload.length;
  }
  if (username !== undefined) {
    flags |= 0x80;
    size += 2 + utf8Length(username);
  }
  if (password !== undefined) {
    flags |= 0x40;
    size += 2 + password.length;
  }
  writer.u8(PacketType.connect << 4);
  writer.varint(size);
  writer.utf8(name);
  writer.u8(packet.bridge ? packet.level | 0x80 : packet.level);
  writer.u8(flags);
  writer.u16(packet.keepAlive);
  writer.utf8(packet.clientId);
  if (will !== undefined) {
    writer.utf8(will.topic);
    writer.binary(will.payload);
  }
  if (username !== undefined) writer.utf8(username);
  if (password !== undefined) writer.binary(password);
}

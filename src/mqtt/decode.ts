/**
 * Decodes MQTT 3.1 and 3.1.1 control packets from a complete frame. Strict: reserved bits, lengths,
 * strings and identifiers are checked as the specification's conformance statements demand.
 */
import { ByteReader } from "../bytes/byte-reader.ts";
import type { TextCache } from "../bytes/text-cache.ts";
import type { DecodeFault } from "./decode-fault.ts";
import { fault } from "./decode-fault.ts";
import type {
  AckPacket,
  ConnectPacket,
  Packet,
  PublishPacket,
  SubscribePacket,
  SubscriptionRequest,
  UnsubscribePacket,
  WillFields,
} from "./packets.ts";
import { PacketType } from "./packets.ts";
import type { QoS } from "./qos.ts";
import { Reason } from "./reason-codes.ts";

const ACK_KINDS: Readonly<Record<number, AckPacket["kind"]>> = {
  [PacketType.puback]: "puback",
  [PacketType.pubrec]: "pubrec",
  [PacketType.pubrel]: "pubrel",
  [PacketType.pubcomp]: "pubcomp",
  [PacketType.unsuback]: "unsuback",
};

const BARE_KINDS: Readonly<Record<number, "pingreq" | "pingresp" | "disconnect">> = {
  [PacketType.pingreq]: "pingreq",
  [PacketType.pingresp]: "pingresp",
  [PacketType.disconnect]: "disconnect",
};

function malformed(detail: string): DecodeFault {
  return fault(Reason.malformedPacket, detail);
}

/**
 * The packet whose fixed header byte is `header` and whose variable part is `bytes[start, end)`.
 * Payloads are views on `bytes`.
 */
export function decodePacket(
  header: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  topics: TextCache,
): Packet | DecodeFault {
  const type = header >>> 4;
  if (type === PacketType.publish) return decodePublish(header, bytes, start, end, topics);
  const flags = header & 15;
  const expected =
    type === PacketType.pubrel || type === PacketType.subscribe || type === PacketType.unsubscribe
      ? 2
      : 0;
  if (flags !== expected) return malformed(`reserved header bits ${flags} in packet type ${type}`);
  const ack = ACK_KINDS[type];
  if (ack !== undefined) return decodeAck(ack, bytes, start, end);
  const bare = BARE_KINDS[type];
  if (bare !== undefined) {
    return start === end ? { kind: bare } : malformed(`${bare} with a body`);
  }
  const reader = new ByteReader(bytes, start, end);
  switch (type) {
    case PacketType.connect:
      return decodeConnect(reader);
    case PacketType.connack:
      return decodeConnack(reader);
    case PacketType.subscribe:
      return decodeSubscribe(reader);
    case PacketType.suback:
      return decodeSuback(reader);
    case PacketType.unsubscribe:
      return decodeUnsubscribe(reader);
    default:
      return malformed(`packet type ${type} does not exist`);
  }
}

function decodePublish(
  header: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  topics: TextCache,
): PublishPacket | DecodeFault {
  const qos = (header >>> 1) & 3;
  if (qos === 3) return malformed("PUBLISH with QoS 3"); // [MQTT-3.3.1-4]
  const dup = (header & 8) !== 0;
  if (dup && qos === 0) return malformed("PUBLISH with DUP at QoS 0"); // [MQTT-3.3.1-2]
  let at = start + 2;
  if (at > end) return malformed("PUBLISH is cut off in its topic name");
  const topicEnd = at + (((bytes[start] as number) << 8) | (bytes[start + 1] as number));
  if (topicEnd > end) return malformed("PUBLISH is cut off in its topic name");
  const topic = topics.read(bytes, at, topicEnd);
  if (topic === undefined) return malformed("PUBLISH topic name is not valid UTF-8 for MQTT");
  at = topicEnd;
  let packetId = 0;
  if (qos > 0) {
    if (at + 2 > end) return malformed("PUBLISH is cut off in its packet identifier");
    packetId = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    if (packetId === 0) return malformed("PUBLISH with packet identifier 0"); // [MQTT-2.3.1-1]
    at += 2;
  }
  return {
    kind: "publish",
    topic,
    payload: bytes.subarray(at, end),
    qos: qos as QoS,
    retain: (header & 1) !== 0,
    dup,
    packetId,
  };
}

function decodeAck(
  kind: AckPacket["kind"],
  bytes: Uint8Array,
  start: number,
  end: number,
): AckPacket | DecodeFault {
  if (end - start !== 2) return malformed(`${kind} of ${end - start} bytes`);
  const packetId = ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
  return packetId === 0 ? malformed(`${kind} with packet identifier 0`) : { kind, packetId };
}

/** What the reader ran into, if anything, once a packet of the given kind is read. */
function readFault(reader: ByteReader, kind: string): DecodeFault | undefined {
  if (reader.overrun) return malformed(`${kind} is cut off`);
  if (reader.badText) return malformed(`${kind} holds a string that is not valid UTF-8 for MQTT`);
  if (reader.remaining > 0) return malformed(`${kind} has ${reader.remaining} bytes too many`);
  return undefined;
}

const LEVELS: Readonly<Record<string, 3 | 4>> = { MQIsdp: 3, MQTT: 4 };

function decodeConnect(reader: ByteReader): ConnectPacket | DecodeFault {
  const name = reader.utf8();
  const levelByte = reader.u8();
  const level = LEVELS[name];
  if (level === undefined || reader.overrun) return malformed("CONNECT of another protocol"); // [MQTT-3.1.2-1]
  if ((levelByte & 0x7f) !== level) {
    // [MQTT-3.1.2-2]
    return fault(Reason.unsupportedProtocolVersion, `protocol level ${levelByte} of ${name}`);
  }
  const flags = reader.u8();
  const keepAlive = reader.u16();
  const clientId = reader.utf8();
  if ((flags & 0x01) !== 0) return malformed("CONNECT with its reserved flag set"); // [MQTT-3.1.2-3]
  const willQos = (flags >>> 3) & 3;
  let will: WillFields | undefined;
  if ((flags & 0x04) !== 0) {
    if (willQos === 3) return malformed("CONNECT with will QoS 3"); // [MQTT-3.1.2-14]
    const topic = reader.utf8();
    const payload = reader.binary().slice();
    will = { topic, payload, qos: willQos as QoS, retain: (flags & 0x20) !== 0 };
  } else if ((flags & 0x38) !== 0) {
    return malformed("CONNECT with will flags but no will"); // [MQTT-3.1.2-13, MQTT-3.1.2-15]
  }
  const username = (flags & 0x80) !== 0 ? reader.utf8() : undefined;
  const hasPassword = (flags & 0x40) !== 0;
  if (hasPassword && username === undefined)
    return malformed("CONNECT with a password but no user name"); // [MQTT-3.1.2-22]
  const password = hasPassword ? reader.binary().slice() : undefined;
  const trouble = readFault(reader, "CONNECT");
  if (trouble !== undefined) return trouble;
  return {
    kind: "connect",
    level,
    bridge: (levelByte & 0x80) !== 0,
    clientId,
    cleanSession: (flags & 0x02) !== 0,
    keepAlive,
    will,
    username,
    password,
  };
}

function decodeConnack(reader: ByteReader): Packet | DecodeFault {
  const flags = reader.u8();
  const returnCode = reader.u8();
  const trouble = readFault(reader, "CONNACK");
  if (trouble !== undefined) return trouble;
  if (flags > 1) return malformed("CONNACK with reserved flags");
  return { kind: "connack", sessionPresent: flags === 1, returnCode };
}

function decodeSubscribe(reader: ByteReader): SubscribePacket | DecodeFault {
  const packetId = reader.u16();
  const subscriptions: SubscriptionRequest[] = [];
  while (reader.remaining > 0) {
    const filter = reader.utf8();
    const qos = reader.u8();
    if (qos > 2) return malformed(`SUBSCRIBE with options ${qos}`); // [MQTT-3.8.3-4]
    subscriptions.push({ filter, qos: qos as QoS });
  }
  const trouble = readFault(reader, "SUBSCRIBE");
  if (trouble !== undefined) return trouble;
  if (packetId === 0) return malformed("SUBSCRIBE with packet identifier 0");
  if (subscriptions.length === 0) return malformed("SUBSCRIBE without a topic filter"); // [MQTT-3.8.3-3]
  return { kind: "subscribe", packetId, subscriptions };
}

function decodeSuback(reader: ByteReader): Packet | DecodeFault {
  const packetId = reader.u16();
  const codes = [...reader.rest()];
  const trouble = readFault(reader, "SUBACK");
  if (trouble !== undefined) return trouble;
  if (packetId === 0 || codes.length === 0) return malformed("SUBACK without an answer");
  if (codes.some((code) => code > 2 && code !== 0x80))
    return malformed("SUBACK with an unknown return code"); // [MQTT-3.9.3-2]
  return { kind: "suback", packetId, codes };
}

function decodeUnsubscribe(reader: ByteReader): UnsubscribePacket | DecodeFault {
  const packetId = reader.u16();
  const filters: string[] = [];
  while (reader.remaining > 0) filters.push(reader.utf8());
  const trouble = readFault(reader, "UNSUBSCRIBE");
  if (trouble !== undefined) return trouble;
  if (packetId === 0) return malformed("UNSUBSCRIBE with packet identifier 0");
  if (filters.length === 0) return malformed("UNSUBSCRIBE without a topic filter"); // [MQTT-3.10.3-2]
  return { kind: "unsubscribe", packetId, filters };
}

/**
 * Decodes MQTT control packets of 3.1, 3.1.1 and 5.0 from a complete frame. Strict: reserved bits,
 * lengths, strings, identifiers and properties are checked as the specification's conformance
 * statements demand.
 */
import { ByteReader } from "../bytes/byte-reader.ts";
import type { TextCache } from "../bytes/text-cache.ts";
import { decodeConnect } from "./decode-connect.ts";
import type { DecodeFault } from "./decode-fault.ts";
import { fault, malformed } from "./decode-fault.ts";
import { PacketType, type ProtocolLevel } from "./packet-types.ts";
import type {
  AckPacket,
  Packet,
  PublishPacket,
  SubscribePacket,
  SubscriptionRequest,
  UnsubscribePacket,
} from "./packets.ts";
import { decodeProperties, type Properties } from "./properties.ts";
import type { QoS } from "./qos.ts";
import { readFault } from "./read-fault.ts";
import { Reason } from "./reason-codes.ts";

const ACK_KINDS: Readonly<Record<number, AckPacket["kind"]>> = {
  [PacketType.puback]: "puback",
  [PacketType.pubrec]: "pubrec",
  [PacketType.pubrel]: "pubrel",
  [PacketType.pubcomp]: "pubcomp",
};

/** Reason codes that an acknowledgement may carry: tables 3-4 to 3-7 of 5.0. */
const ACK_REASONS: Readonly<Record<AckPacket["kind"], ReadonlySet<number>>> = {
  puback: new Set([0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]),
  pubrec: new Set([0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]),
  pubrel: new Set([0x00, 0x92]),
  pubcomp: new Set([0x00, 0x92]),
};

/** Header bits that are not PUBLISH's own: PUBREL, SUBSCRIBE and UNSUBSCRIBE have 2, all others 0 [MQTT-2.2.2-2]. */
function expectedFlags(type: number): number {
  const two =
    type === PacketType.pubrel || type === PacketType.subscribe || type === PacketType.unsubscribe;
  return two ? 2 : 0;
}

/**
 * The packet whose fixed header byte is `header` and whose variable part is `bytes[start, end)`.
 * Payloads are views on `bytes`. `level` is what CONNECT said; it does not matter for CONNECT.
 */
export function decodePacket(
  header: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  topics: TextCache,
  level: ProtocolLevel,
): Packet | DecodeFault {
  const type = header >>> 4;
  if (type === PacketType.publish) return decodePublish(header, bytes, start, end, topics, level);
  // MQTT 3.1 sets DUP on PUBREL, SUBSCRIBE and UNSUBSCRIBE that are repeated.
  const flags = level === 3 && expectedFlags(type) === 2 ? header & 7 : header & 15;
  if (flags !== expectedFlags(type)) {
    return malformed(`reserved header bits ${flags} in packet type ${type}`);
  }
  const ack = ACK_KINDS[type];
  if (ack !== undefined) return decodeAck(ack, bytes, start, end, level);
  const reader = new ByteReader(bytes, start, end);
  switch (type) {
    case PacketType.connect:
      return decodeConnect(reader);
    case PacketType.connack:
      return decodeConnack(reader, level);
    case PacketType.subscribe:
      return decodeSubscribe(reader, level);
    case PacketType.suback:
      return decodeSuback(reader, level);
    case PacketType.unsubscribe:
      return decodeUnsubscribe(reader, level);
    case PacketType.unsuback:
      return decodeUnsuback(reader, level);
    case PacketType.pingreq:
      return start === end ? { kind: "pingreq" } : malformed("PINGREQ with a body");
    case PacketType.pingresp:
      return start === end ? { kind: "pingresp" } : malformed("PINGRESP with a body");
    case PacketType.disconnect:
      return decodeDisconnect(reader, level);
    case PacketType.auth:
      if (level === 5) return decodeAuth(reader);
      break;
  }
  return malformed(`packet type ${type} does not exist`);
}

function decodePublish(
  header: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  topics: TextCache,
  level: ProtocolLevel,
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
    if (packetId === 0) return notAllowed("PUBLISH with packet identifier 0", level); // [MQTT-2.3.1-1]
    at += 2;
  }
  let properties: Properties | undefined;
  if (level === 5) {
    if (bytes[at] === 0 && at < end) {
      at++;
    } else {
      const reader = new ByteReader(bytes, at, end);
      const read = decodeProperties(reader, PacketType.publish);
      if (isFault(read)) return read;
      if (reader.overrun) return malformed("PUBLISH is cut off in its properties");
      if (reader.badText) return malformed("PUBLISH has a property that is not valid UTF-8");
      properties = read;
      at = reader.position;
    }
  }
  return {
    kind: "publish",
    topic,
    payload: bytes.subarray(at, end),
    qos: qos as QoS,
    retain: (header & 1) !== 0,
    dup,
    packetId,
    properties,
  };
}

function isFault(read: Properties | DecodeFault | undefined): read is DecodeFault {
  return read !== undefined && "kind" in read;
}

function decodeAck(
  kind: AckPacket["kind"],
  bytes: Uint8Array,
  start: number,
  end: number,
  level: ProtocolLevel,
): AckPacket | DecodeFault {
  if (end - start < 2 || (level < 5 && end - start > 2)) {
    return malformed(`${kind} of ${end - start} bytes`);
  }
  const packetId = ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
  if (packetId === 0) return notAllowed(`${kind} with packet identifier 0`, level);
  if (end - start === 2) return { kind, packetId };
  const reader = new ByteReader(bytes, start + 2, end);
  const reasonCode = reader.u8();
  if (!ACK_REASONS[kind].has(reasonCode))
    return malformed(`${kind} with reason code ${reasonCode}`);
  const properties = reader.remaining > 0 ? decodeProperties(reader, PacketType[kind]) : undefined;
  if (isFault(properties)) return properties;
  return readFault(reader, kind) ?? { kind, packetId, reasonCode, properties };
}

function decodeConnack(reader: ByteReader, level: ProtocolLevel): Packet | DecodeFault {
  const flags = reader.u8();
  const returnCode = reader.u8();
  // A server that does not know 5.0 refuses in the form of 3.1.1, without properties.
  const old = level < 5 || (returnCode > 0 && returnCode < 0x80 && reader.remaining === 0);
  const properties = old ? undefined : decodeProperties(reader, PacketType.connack);
  if (isFault(properties)) return properties;
  const trouble = readFault(reader, "CONNACK");
  if (trouble !== undefined) return trouble;
  if (flags > 1) return malformed("CONNACK with reserved flags");
  return { kind: "connack", sessionPresent: flags === 1, returnCode, properties };
}

function decodeSubscribe(reader: ByteReader, level: ProtocolLevel): SubscribePacket | DecodeFault {
  const packetId = reader.u16();
  const properties = level === 5 ? decodeProperties(reader, PacketType.subscribe) : undefined;
  if (isFault(properties)) return properties;
  const subscriptions: SubscriptionRequest[] = [];
  while (reader.remaining > 0) {
    const filter = reader.utf8();
    const options = reader.u8();
    const qos = options & 3;
    // [MQTT-3.8.3-4] of 3.1.1, [MQTT-3.8.3-5] of 5.0.
    if (options > (level === 5 ? 0x3f : 3)) return malformed(`SUBSCRIBE with options ${options}`);
    if (qos === 3) return notAllowed("SUBSCRIBE with QoS 3", level);
    if (level < 5) {
      subscriptions.push({ filter, qos: qos as QoS });
      continue;
    }
    const retainHandling = options >>> 4;
    if (retainHandling === 3)
      return fault(Reason.protocolError, "SUBSCRIBE with retain handling 3");
    subscriptions.push({
      filter,
      qos: qos as QoS,
      noLocal: (options & 4) !== 0,
      retainAsPublished: (options & 8) !== 0,
      retainHandling: retainHandling as 0 | 1 | 2,
    });
  }
  const trouble = readFault(reader, "SUBSCRIBE");
  if (trouble !== undefined) return trouble;
  if (packetId === 0) return notAllowed("SUBSCRIBE with packet identifier 0", level);
  // [MQTT-3.8.3-3] of 3.1.1, [MQTT-3.8.3-2] of 5.0.
  if (subscriptions.length === 0) return notAllowed("SUBSCRIBE without a topic filter", level);
  return { kind: "subscribe", packetId, subscriptions, properties };
}

/** What can be read but is not allowed is a protocol error in 5.0 and malformed before. */
function notAllowed(detail: string, level: ProtocolLevel): DecodeFault {
  return level === 5 ? fault(Reason.protocolError, detail) : malformed(detail);
}

const SUBACK_CODES = new Set([0, 1, 2, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2]);

function decodeSuback(reader: ByteReader, level: ProtocolLevel): Packet | DecodeFault {
  const packetId = reader.u16();
  const properties = level === 5 ? decodeProperties(reader, PacketType.suback) : undefined;
  if (isFault(properties)) return properties;
  const codes = [...reader.rest()];
  const trouble = readFault(reader, "SUBACK");
  if (trouble !== undefined) return trouble;
  if (packetId === 0) return notAllowed("SUBACK with packet identifier 0", level);
  if (codes.length === 0) return malformed("SUBACK without an answer");
  const isKnown = (code: number): boolean =>
    level === 5 ? SUBACK_CODES.has(code) : code <= 2 || code === 0x80; // [MQTT-3.9.3-2]
  if (!codes.every(isKnown)) return malformed("SUBACK with an unknown return code");
  return { kind: "suback", packetId, codes, properties };
}

function decodeUnsubscribe(
  reader: ByteReader,
  level: ProtocolLevel,
): UnsubscribePacket | DecodeFault {
  const packetId = reader.u16();
  const properties = level === 5 ? decodeProperties(reader, PacketType.unsubscribe) : undefined;
  if (isFault(properties)) return properties;
  const filters: string[] = [];
  while (reader.remaining > 0) filters.push(reader.utf8());
  const trouble = readFault(reader, "UNSUBSCRIBE");
  if (trouble !== undefined) return trouble;
  if (packetId === 0) return notAllowed("UNSUBSCRIBE with packet identifier 0", level);
  if (filters.length === 0) return notAllowed("UNSUBSCRIBE without a topic filter", level); // [MQTT-3.10.3-2]
  return { kind: "unsubscribe", packetId, filters, properties };
}

const UNSUBACK_CODES = new Set([0, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91]);

function decodeUnsuback(reader: ByteReader, level: ProtocolLevel): Packet | DecodeFault {
  const packetId = reader.u16();
  const properties = level === 5 ? decodeProperties(reader, PacketType.unsuback) : undefined;
  if (isFault(properties)) return properties;
  const codes = level === 5 ? [...reader.rest()] : undefined;
  const trouble = readFault(reader, "UNSUBACK");
  if (trouble !== undefined) return trouble;
  if (packetId === 0) return notAllowed("UNSUBACK with packet identifier 0", level);
  if (codes?.length === 0) return malformed("UNSUBACK without an answer");
  if (codes?.every((code) => UNSUBACK_CODES.has(code)) === false) {
    return malformed("UNSUBACK with an unknown reason code"); // [MQTT-3.11.3-2]
  }
  return { kind: "unsuback", packetId, codes, properties };
}

/** Reason codes of DISCONNECT: table 3-10 of 5.0. */
const DISCONNECT_REASONS = new Set([
  0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95,
  0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
]);

function decodeDisconnect(reader: ByteReader, level: ProtocolLevel): Packet | DecodeFault {
  if (reader.remaining === 0) return { kind: "disconnect" };
  if (level < 5) return malformed("DISCONNECT with a body");
  const reasonCode = reader.u8();
  if (!DISCONNECT_REASONS.has(reasonCode)) {
    return malformed(`DISCONNECT with reason code ${reasonCode}`);
  }
  const properties =
    reader.remaining > 0 ? decodeProperties(reader, PacketType.disconnect) : undefined;
  if (isFault(properties)) return properties;
  return readFault(reader, "DISCONNECT") ?? { kind: "disconnect", reasonCode, properties };
}

function decodeAuth(reader: ByteReader): Packet | DecodeFault {
  if (reader.remaining === 0) return { kind: "auth", reasonCode: Reason.success };
  const reasonCode = reader.u8();
  if (reasonCode !== 0x00 && reasonCode !== 0x18 && reasonCode !== 0x19) {
    return malformed(`AUTH with reason code ${reasonCode}`); // [MQTT-3.15.2-1]
  }
  const properties = reader.remaining > 0 ? decodeProperties(reader, PacketType.auth) : undefined;
  if (isFault(properties)) return properties;
  return readFault(reader, "AUTH") ?? { kind: "auth", reasonCode, properties };
}

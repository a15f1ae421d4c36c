/**
 * Decodes one MQTT-SN 1.2 frame. Strict: a frame is exactly one message, or a fault; nothing is
 * read past its end and nothing throws.
 */
import { decodeUtf8 } from "../bytes/utf8.ts";
import {
  type FaultCause,
  MsgType,
  type SnFault,
  type SnMessage,
  type SnQoS,
  type TopicIdType,
  type TopicReference,
} from "./packets.ts";

const MISSING = 0xff;
/** Fewest and most octets after MsgType, by MsgType; MISSING where the type is reserved (§5.2.2). */
const FEWEST = new Uint8Array(256).fill(MISSING);
const MOST = new Uint16Array(256);

function variablePart(type: number, fewest: number, most: number): void {
  FEWEST[type] = fewest;
  MOST[type] = most;
}

const ANY = 0xffff;
variablePart(MsgType.advertise, 3, 3);
variablePart(MsgType.searchgw, 1, 1);
variablePart(MsgType.gwinfo, 1, ANY);
variablePart(MsgType.connect, 4, ANY);
variablePart(MsgType.connack, 1, 1);
variablePart(MsgType.willtopicreq, 0, 0);
variablePart(MsgType.willtopic, 0, ANY);
variablePart(MsgType.willmsgreq, 0, 0);
variablePart(MsgType.willmsg, 0, ANY);
variablePart(MsgType.register, 4, ANY);
variablePart(MsgType.regack, 5, 5);
variablePart(MsgType.publish, 5, ANY);
variablePart(MsgType.puback, 5, 5);
variablePart(MsgType.pubcomp, 2, 2);
variablePart(MsgType.pubrec, 2, 2);
variablePart(MsgType.pubrel, 2, 2);
variablePart(MsgType.subscribe, 3, ANY);
variablePart(MsgType.suback, 6, 6);
variablePart(MsgType.unsubscribe, 3, ANY);
variablePart(MsgType.unsuback, 2, 2);
variablePart(MsgType.pingreq, 0, ANY);
variablePart(MsgType.pingresp, 0, 0);
variablePart(MsgType.disconnect, 0, 2);
variablePart(MsgType.willtopicupd, 0, ANY);
variablePart(MsgType.willtopicresp, 1, 1);
variablePart(MsgType.willmsgupd, 0, ANY);
variablePart(MsgType.willmsgresp, 1, 1);

/** The QoS bits of a Flags octet (§5.3.4). */
const QOS: readonly SnQoS[] = [0, 1, 2, -1];
/** The TopicIdType bits; 0b11 is reserved. */
const TOPIC_ID_TYPES: readonly (TopicIdType | undefined)[] = ["normal", "predefined", "short"];

function qosOf(flags: number): SnQoS {
  return QOS[(flags >>> 5) & 3] as SnQoS;
}

function fault(cause: FaultCause, detail: string): SnFault {
  return { kind: "fault", cause, detail };
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/**
 * The message in `bytes[start, end)`, or what is wrong with it. Payloads, addresses and inner
 * messages are views on `bytes`. Names may be empty: what an empty one means is for the receiver.
 */
export function decodeMessage(
  bytes: Uint8Array,
  start = 0,
  end = bytes.length,
): SnMessage | SnFault {
  const frameLength = end - start;
  if (frameLength < 2)
    return fault("truncated", `frame of ${frameLength} octets: shorter than a header`);
  let length = bytes[start] as number;
  let at = start + 2;
  if (length === 1) {
    if (frameLength < 4)
      return fault("truncated", `frame of ${frameLength} octets: shorter than its header`);
    length = u16(bytes, start + 1);
    at = start + 4;
  }
  const type = bytes[at - 1] as number;
  if (type === MsgType.encapsulated) return decodeEncapsulated(bytes, start, end);
  if (length !== frameLength)
    return fault("length", `length ${length} in a frame of ${frameLength} octets`);

  const count = end - at;
  const fewest = FEWEST[type] as number;
  if (fewest === MISSING)
    return fault("type", `unknown MsgType 0x${type.toString(16).padStart(2, "0")}`);
  if (count < fewest)
    return fault("truncated", `${nameOf(type)} truncated at ${frameLength} octets`);
  if (count > (MOST[type] as number)) {
    return fault("length", `${nameOf(type)} of ${frameLength} octets: too long`);
  }

  if (type === MsgType.publish) return decodePublish(bytes, at, end);
  if (type === MsgType.puback) {
    return {
      kind: "puback",
      topicId: u16(bytes, at),
      messageId: u16(bytes, at + 2),
      returnCode: bytes[at + 4] as number,
    };
  }
  return decodeOther(type, bytes, at, end);
}

function nameOf(type: number): string {
  for (const [name, value] of Object.entries(MsgType)) {
    if (value === type) return name.toUpperCase();
  }
  return "message";
}

/** §5.4.12 */
function decodePublish(bytes: Uint8Array, at: number, end: number): SnMessage | SnFault {
  const flags = bytes[at] as number;
  const topicIdType = TOPIC_ID_TYPES[flags & 3];
  if (topicIdType === undefined)
    return fault("flags", "PUBLISH with the reserved TopicIdType 0b11");
  return {
    kind: "publish",
    dup: flags >= 0x80,
    qos: qosOf(flags),
    retain: (flags & 0x10) !== 0,
    topicIdType,
    topicId: u16(bytes, at + 1),
    messageId: u16(bytes, at + 3),
    payload: bytes.subarray(at + 5, end),
  };
}

/** Every other type; the length has been checked against the table. */
function decodeOther(
  type: number,
  bytes: Uint8Array,
  at: number,
  end: number,
): SnMessage | SnFault {
  switch (type) {
    case MsgType.pubrec:
      return { kind: "pubrec", messageId: u16(bytes, at) };
    case MsgType.pubrel:
      return { kind: "pubrel", messageId: u16(bytes, at) };
    case MsgType.pubcomp:
      return { kind: "pubcomp", messageId: u16(bytes, at) };
    case MsgType.unsuback:
      return { kind: "unsuback", messageId: u16(bytes, at) };
    case MsgType.pingreq:
      return decodePingReq(bytes, at, end);
    case MsgType.pingresp:
      return { kind: "pingresp" };
    case MsgType.register:
      return decodeRegister(bytes, at, end);
    case MsgType.regack:
      return {
        kind: "regack",
        topicId: u16(bytes, at),
        messageId: u16(bytes, at + 2),
        returnCode: bytes[at + 4] as number,
      };
    case MsgType.subscribe:
    case MsgType.unsubscribe:
      return decodeSubscription(type, bytes, at, end);
    case MsgType.suback:
      return {
        kind: "suback",
        qos: qosOf(bytes[at] as number),
        topicId: u16(bytes, at + 1),
        messageId: u16(bytes, at + 3),
        returnCode: bytes[at + 5] as number,
      };
    case MsgType.disconnect:
      if (end - at === 1) return fault("truncated", "DISCONNECT with half a Duration");
      return { kind: "disconnect", duration: end > at ? u16(bytes, at) : undefined };
    case MsgType.connect:
      return decodeConnect(bytes, at, end);
    case MsgType.connack:
      return { kind: "connack", returnCode: bytes[at] as number };
    case MsgType.advertise:
      return { kind: "advertise", gatewayId: bytes[at] as number, duration: u16(bytes, at + 1) };
    case MsgType.searchgw:
      return { kind: "searchgw", radius: bytes[at] as number };
    case MsgType.gwinfo:
      return {
        kind: "gwinfo",
        gatewayId: bytes[at] as number,
        gatewayAddress: bytes.subarray(at + 1, end),
      };
    default:
      return decodeWill(type, bytes, at, end);
  }
}

/** §5.4.6 to §5.4.9 and §5.4.22 to §5.4.25 */
function decodeWill(type: number, bytes: Uint8Array, at: number, end: number): SnMessage | SnFault {
  switch (type) {
    case MsgType.willtopicreq:
      return { kind: "willtopicreq" };
    case MsgType.willmsgreq:
      return { kind: "willmsgreq" };
    case MsgType.willtopicresp:
      return { kind: "willtopicresp", returnCode: bytes[at] as number };
    case MsgType.willmsgresp:
      return { kind: "willmsgresp", returnCode: bytes[at] as number };
    case MsgType.willmsg:
      return { kind: "willmsg", payload: bytes.subarray(at, end) };
    case MsgType.willmsgupd:
      return { kind: "willmsgupd", payload: bytes.subarray(at, end) };
    case MsgType.willtopic:
      return decodeWillTopic("willtopic", bytes, at, end);
    default:
      return decodeWillTopic("willtopicupd", bytes, at, end);
  }
}

function decodeWillTopic(
  kind: "willtopic" | "willtopicupd",
  bytes: Uint8Array,
  at: number,
  end: number,
): SnMessage | SnFault {
  if (at === end) return { kind, topic: undefined, qos: 0, retain: false };
  const topic = decodeUtf8(bytes, at + 1, end);
  if (topic === undefined)
    return fault("text", `${kind.toUpperCase()} with an ill-formed WillTopic`);
  const flags = bytes[at] as number;
  return { kind, topic, qos: qosOf(flags), retain: (flags & 0x10) !== 0 };
}

/** §5.4.4 */
function decodeConnect(bytes: Uint8Array, at: number, end: number): SnMessage | SnFault {
  const clientId = decodeUtf8(bytes, at + 4, end);
  if (clientId === undefined) return fault("text", "CONNECT with an ill-formed ClientId");
  const flags = bytes[at] as number;
  return {
    kind: "connect",
    clientId,
    cleanSession: (flags & 0x04) !== 0,
    will: (flags & 0x08) !== 0,
    duration: u16(bytes, at + 2),
    protocolId: bytes[at + 1] as number,
  };
}

/** §5.4.10 */
function decodeRegister(bytes: Uint8Array, at: number, end: number): SnMessage | SnFault {
  const topicName = decodeUtf8(bytes, at + 4, end);
  if (topicName === undefined) return fault("text", "REGISTER with an ill-formed TopicName");
  return {
    kind: "register",
    topicId: u16(bytes, at),
    messageId: u16(bytes, at + 2),
    topicName,
  };
}

/** §5.4.15, §5.4.17 */
function decodeSubscription(
  type: number,
  bytes: Uint8Array,
  at: number,
  end: number,
): SnMessage | SnFault {
  const kind = type === MsgType.subscribe ? "subscribe" : "unsubscribe";
  const flags = bytes[at] as number;
  const messageId = u16(bytes, at + 1);
  const topic = decodeReference(TOPIC_ID_TYPES[flags & 3], bytes, at + 3, end);
  if ("cause" in topic) return fault(topic.cause, `${kind.toUpperCase()} with ${topic.detail}`);
  if (kind === "unsubscribe") return { kind, messageId, topic };
  return { kind, dup: flags >= 0x80, qos: qosOf(flags), messageId, topic };
}

/** The topic, or what is wrong with it. */
function decodeReference(
  type: TopicIdType | undefined,
  bytes: Uint8Array,
  at: number,
  end: number,
): TopicReference | Omit<SnFault, "kind"> {
  if (type === undefined) return { cause: "flags", detail: "the reserved TopicIdType 0b11" };
  if (type !== "normal" && end - at !== 2) {
    const what = type === "short" ? "a short topic name" : "a TopicId";
    return { cause: "length", detail: `${what} not of 2 octets` };
  }
  if (type === "predefined") return { type, topicId: u16(bytes, at) };
  const name = decodeUtf8(bytes, at, end);
  if (name === undefined) return { cause: "text", detail: "an ill-formed TopicName" };
  return type === "short" ? { type, name } : { type: "name", name };
}

/** §5.4.19 */
function decodePingReq(bytes: Uint8Array, at: number, end: number): SnMessage | SnFault {
  if (at === end) return { kind: "pingreq", clientId: undefined };
  const clientId = decodeUtf8(bytes, at, end);
  if (clientId === undefined) return fault("text", "PINGREQ with an ill-formed ClientId");
  return { kind: "pingreq", clientId };
}

/** §5.5: the Length octet ends with the wireless node id, and the inner message is the rest. */
function decodeEncapsulated(bytes: Uint8Array, start: number, end: number): SnMessage | SnFault {
  const length = bytes[start] as number;
  // Length is one octet here, so 0x01 is not the mark of a longer form but too short a length.
  if (length < 3) return fault("encapsulation", `encapsulated message with length ${length}`);
  if (start + length >= end)
    return fault("encapsulation", "encapsulated message without an inner message");
  return {
    kind: "encapsulated",
    radius: (bytes[start + 2] as number) & 3,
    wirelessNodeId: bytes.subarray(start + 3, start + length),
    message: bytes.subarray(start + length, end),
  };
}

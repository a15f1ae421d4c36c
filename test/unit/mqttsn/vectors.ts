/** Known-good MQTT-SN 1.2 frames, written by hand from §5, with the message each one is. */
import type { SnMessage } from "../../../src/mqttsn/packets.ts";

export interface Vector {
  readonly title: string;
  /** Hex, spaces free. */
  readonly hex: string;
  readonly message: SnMessage;
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

export const VECTORS: readonly Vector[] = [
  {
    title: "§5.4.1 ADVERTISE",
    hex: "05 00 07 03 84",
    message: { kind: "advertise", gatewayId: 7, duration: 900 },
  },
  { title: "§5.4.2 SEARCHGW", hex: "03 01 02", message: { kind: "searchgw", radius: 2 } },
  {
    title: "§5.4.3 GWINFO from a gateway",
    hex: "03 02 07",
    message: { kind: "gwinfo", gatewayId: 7, gatewayAddress: bytes() },
  },
  {
    title: "§5.4.3 GWINFO from a client, with an address",
    hex: "07 02 07 c0 a8 00 01",
    message: { kind: "gwinfo", gatewayId: 7, gatewayAddress: bytes(192, 168, 0, 1) },
  },
  {
    title: "§5.4.4 CONNECT, clean session",
    hex: "0a 04 04 01 00 3c 6e 6f 64 65",
    message: {
      kind: "connect",
      clientId: "node",
      cleanSession: true,
      will: false,
      duration: 60,
      protocolId: 1,
    },
  },
  {
    title: "§5.4.4 CONNECT, will, kept session",
    hex: "07 04 08 01 ff ff 61",
    message: {
      kind: "connect",
      clientId: "a",
      cleanSession: false,
      will: true,
      duration: 65535,
      protocolId: 1,
    },
  },
  {
    title: "§5.4.4 CONNECT without a ClientId and with another ProtocolId",
    hex: "06 04 0c 02 00 00",
    message: {
      kind: "connect",
      clientId: "",
      cleanSession: true,
      will: true,
      duration: 0,
      protocolId: 2,
    },
  },
  { title: "§5.4.5 CONNACK", hex: "03 05 03", message: { kind: "connack", returnCode: 3 } },
  { title: "§5.4.6 WILLTOPICREQ", hex: "02 06", message: { kind: "willtopicreq" } },
  {
    title: "§5.4.7 WILLTOPIC",
    hex: "06 07 30 61 2f 62",
    message: { kind: "willtopic", topic: "a/b", qos: 1, retain: true },
  },
  {
    title: "§5.4.7 WILLTOPIC, empty",
    hex: "02 07",
    message: { kind: "willtopic", topic: undefined, qos: 0, retain: false },
  },
  {
    title: "§5.4.7 WILLTOPIC with Flags but no name",
    hex: "03 07 00",
    message: { kind: "willtopic", topic: "", qos: 0, retain: false },
  },
  { title: "§5.4.8 WILLMSGREQ", hex: "02 08", message: { kind: "willmsgreq" } },
  {
    title: "§5.4.9 WILLMSG",
    hex: "05 09 00 ff 41",
    message: { kind: "willmsg", payload: bytes(0, 255, 0x41) },
  },
  {
    title: "§5.4.9 WILLMSG, empty",
    hex: "02 09",
    message: { kind: "willmsg", payload: bytes() },
  },
  {
    title: "§5.4.10 REGISTER from a client",
    hex: "09 0a 00 00 00 01 61 2f 62",
    message: { kind: "register", topicId: 0, messageId: 1, topicName: "a/b" },
  },
  {
    title: "§5.4.10 REGISTER from a gateway, name beyond ASCII",
    hex: "09 0a 01 02 fe dc e2 82 ac",
    message: { kind: "register", topicId: 0x102, messageId: 0xfedc, topicName: "€" },
  },
  {
    title: "§5.4.11 REGACK",
    hex: "07 0b 00 05 00 01 00",
    message: { kind: "regack", topicId: 5, messageId: 1, returnCode: 0 },
  },
  {
    title: "§5.4.12 PUBLISH, QoS 0, normal id",
    hex: "09 0c 00 00 05 00 00 68 69",
    message: {
      kind: "publish",
      dup: false,
      qos: 0,
      retain: false,
      topicIdType: "normal",
      topicId: 5,
      messageId: 0,
      payload: bytes(0x68, 0x69),
    },
  },
  {
    title: "§5.4.12 PUBLISH, QoS 1, DUP, retained, predefined id",
    hex: "08 0c b1 01 00 12 34 00",
    message: {
      kind: "publish",
      dup: true,
      qos: 1,
      retain: true,
      topicIdType: "predefined",
      topicId: 256,
      messageId: 0x1234,
      payload: bytes(0),
    },
  },
  {
    title: "§5.4.12 PUBLISH, QoS 2, short name, empty",
    hex: "07 0c 42 61 62 ff ff",
    message: {
      kind: "publish",
      dup: false,
      qos: 2,
      retain: false,
      topicIdType: "short",
      topicId: 0x6162,
      messageId: 0xffff,
      payload: bytes(),
    },
  },
  {
    title: "§6.8 PUBLISH, QoS -1",
    hex: "08 0c 61 00 01 00 00 2a",
    message: {
      kind: "publish",
      dup: false,
      qos: -1,
      retain: false,
      topicIdType: "predefined",
      topicId: 1,
      messageId: 0,
      payload: bytes(42),
    },
  },
  {
    title: "§5.2.1 PUBLISH of 255 octets in the 1-octet form",
    hex: `ff 0c 00 00 05 00 00 ${"61".repeat(248)}`,
    message: {
      kind: "publish",
      dup: false,
      qos: 0,
      retain: false,
      topicIdType: "normal",
      topicId: 5,
      messageId: 0,
      payload: new Uint8Array(248).fill(0x61),
    },
  },
  {
    title: "§5.2.1 PUBLISH of one octet more in the 3-octet form",
    hex: `01 01 02 0c 00 00 05 00 00 ${"61".repeat(249)}`,
    message: {
      kind: "publish",
      dup: false,
      qos: 0,
      retain: false,
      topicIdType: "normal",
      topicId: 5,
      messageId: 0,
      payload: new Uint8Array(249).fill(0x61),
    },
  },
  {
    title: "§5.2.1 REGISTER in the 3-octet form",
    hex: `01 01 2e 0a 00 00 00 01 ${"62".repeat(294)}`,
    message: { kind: "register", topicId: 0, messageId: 1, topicName: "b".repeat(294) },
  },
  {
    title: "§5.4.13 PUBACK",
    hex: "07 0d 00 05 12 34 02",
    message: { kind: "puback", topicId: 5, messageId: 0x1234, returnCode: 2 },
  },
  { title: "§5.4.14 PUBCOMP", hex: "04 0e 00 01", message: { kind: "pubcomp", messageId: 1 } },
  { title: "§5.4.14 PUBREC", hex: "04 0f 00 02", message: { kind: "pubrec", messageId: 2 } },
  { title: "§5.4.14 PUBREL", hex: "04 10 00 03", message: { kind: "pubrel", messageId: 3 } },
  {
    title: "§5.4.15 SUBSCRIBE to a name",
    hex: "08 12 a0 00 01 61 2f 23",
    message: {
      kind: "subscribe",
      dup: true,
      qos: 1,
      messageId: 1,
      topic: { type: "name", name: "a/#" },
    },
  },
  {
    title: "§5.4.15 SUBSCRIBE to a predefined id",
    hex: "07 12 41 00 02 01 2c",
    message: {
      kind: "subscribe",
      dup: false,
      qos: 2,
      messageId: 2,
      topic: { type: "predefined", topicId: 300 },
    },
  },
  {
    title: "§5.4.15 SUBSCRIBE to a short name",
    hex: "07 12 02 00 03 61 62",
    message: {
      kind: "subscribe",
      dup: false,
      qos: 0,
      messageId: 3,
      topic: { type: "short", name: "ab" },
    },
  },
  {
    title: "§5.4.16 SUBACK",
    hex: "08 13 20 00 05 00 01 00",
    message: { kind: "suback", qos: 1, topicId: 5, messageId: 1, returnCode: 0 },
  },
  {
    title: "§5.4.17 UNSUBSCRIBE from a name",
    hex: "06 14 00 00 01 61",
    message: { kind: "unsubscribe", messageId: 1, topic: { type: "name", name: "a" } },
  },
  {
    title: "§5.4.17 UNSUBSCRIBE from a predefined id",
    hex: "07 14 01 00 02 00 09",
    message: { kind: "unsubscribe", messageId: 2, topic: { type: "predefined", topicId: 9 } },
  },
  { title: "§5.4.18 UNSUBACK", hex: "04 15 00 01", message: { kind: "unsuback", messageId: 1 } },
  {
    title: "§5.4.19 PINGREQ",
    hex: "02 16",
    message: { kind: "pingreq", clientId: undefined },
  },
  {
    title: "§5.4.19 PINGREQ with a ClientId",
    hex: "06 16 6e 6f 64 65",
    message: { kind: "pingreq", clientId: "node" },
  },
  { title: "§5.4.20 PINGRESP", hex: "02 17", message: { kind: "pingresp" } },
  {
    title: "§5.4.21 DISCONNECT",
    hex: "02 18",
    message: { kind: "disconnect", duration: undefined },
  },
  {
    title: "§5.4.21 DISCONNECT with a Duration",
    hex: "04 18 01 2c",
    message: { kind: "disconnect", duration: 300 },
  },
  {
    title: "§5.4.22 WILLTOPICUPD",
    hex: "04 1a 50 77",
    message: { kind: "willtopicupd", topic: "w", qos: 2, retain: true },
  },
  {
    title: "§5.4.22 WILLTOPICUPD, empty",
    hex: "02 1a",
    message: { kind: "willtopicupd", topic: undefined, qos: 0, retain: false },
  },
  {
    title: "§5.4.23 WILLMSGUPD",
    hex: "03 1c 21",
    message: { kind: "willmsgupd", payload: bytes(0x21) },
  },
  {
    title: "§5.4.24 WILLTOPICRESP",
    hex: "03 1b 00",
    message: { kind: "willtopicresp", returnCode: 0 },
  },
  {
    title: "§5.4.25 WILLMSGRESP",
    hex: "03 1d 03",
    message: { kind: "willmsgresp", returnCode: 3 },
  },
  {
    title: "§5.5 encapsulated PINGRESP",
    hex: "05 fe 01 ab cd 02 17",
    message: {
      kind: "encapsulated",
      radius: 1,
      wirelessNodeId: bytes(0xab, 0xcd),
      message: bytes(0x02, 0x17),
    },
  },
  {
    title: "§5.5 encapsulated with an empty wireless node id",
    hex: "03 fe 00 02 17",
    message: {
      kind: "encapsulated",
      radius: 0,
      wirelessNodeId: bytes(),
      message: bytes(0x02, 0x17),
    },
  },
];

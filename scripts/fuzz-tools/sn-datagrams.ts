/** What one MQTT-SN node sends from one address: messages of 1.2, some of them spoilt. */
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { encodeMessage } from "../../src/mqttsn/encode.ts";
import type { SnMessage, SnQoS, TopicIdType, TopicReference } from "../../src/mqttsn/packets.ts";
import type { Dice } from "./dice.ts";
import { mutate } from "./mutate.ts";
import { snSequence } from "./sn-sequence.ts";

const SPOILT = 0.15;
const SPOILT_IN_STEP = 0.05;

const CLIENT_IDS = ["n1", "n2", "n3", "n4", "a", "b"];
const TOPICS = ["t", "t/a", "n/x", "ab", "#", "t/+", "", "$SYS/x", "ü"];

/** The datagrams of a node, in order. */
export function snDatagrams(dice: Dice): Uint8Array[] {
  if (dice.chance(0.5)) return sequenceDatagrams(dice);
  const datagrams = [spoilt(encoded(connect(dice)), dice)];
  for (let count = dice.below(12); count > 0; count--) {
    const message = dice.pick(MESSAGES)(dice);
    const bytes = dice.chance(0.1) ? encapsulated(message, dice) : encoded(message);
    datagrams.push(spoilt(bytes, dice));
  }
  if (dice.chance(0.1)) datagrams.push(dice.bytes(dice.length()));
  return datagrams;
}

/** Behind a forwarder or not, but in step; the fewer are spoilt, the further it gets. */
function sequenceDatagrams(dice: Dice): Uint8Array[] {
  const wirelessNodeId = dice.chance(0.3) ? dice.bytes(dice.below(9)) : undefined;
  return snSequence(dice).map((message) => {
    const inner = encoded(message);
    const bytes =
      wirelessNodeId === undefined
        ? inner
        : encoded({ kind: "encapsulated", radius: 0, wirelessNodeId, message: inner });
    return dice.chance(SPOILT_IN_STEP) ? mutate(bytes, dice) : bytes;
  });
}

function spoilt(bytes: Uint8Array, dice: Dice): Uint8Array {
  return dice.chance(SPOILT) ? mutate(bytes, dice) : bytes;
}

function encoded(message: SnMessage): Uint8Array {
  const writer = new ByteWriter();
  encodeMessage(writer, message);
  return writer.copy();
}

function encapsulated(message: SnMessage, dice: Dice): Uint8Array {
  return encoded({
    kind: "encapsulated",
    radius: dice.below(4),
    wirelessNodeId: dice.bytes(dice.below(4)),
    message: encoded(message),
  });
}

function connect(dice: Dice): SnMessage {
  return {
    kind: "connect",
    clientId: dice.pick(CLIENT_IDS),
    cleanSession: dice.chance(0.6),
    will: dice.chance(0.3),
    duration: dice.pick([1, 2, 60]),
    protocolId: dice.chance(0.95) ? 1 : 2,
  };
}

function topic(dice: Dice): TopicReference {
  const type = dice.pick(["name", "name", "predefined", "short"] as const);
  if (type === "name") return { type, name: dice.pick(TOPICS) };
  if (type === "short") return { type, name: dice.pick(["ab", "zz", "+/"]) };
  return { type, topicId: topicId(dice) };
}

function topicId(dice: Dice): number {
  return dice.pick([0, 1, 2, 3, 0x6162, 65535]);
}

function messageId(dice: Dice): number {
  return dice.pick([0, 1, 2, 3, 65535]);
}

function qos(dice: Dice): SnQoS {
  return dice.pick<SnQoS>([-1, 0, 1, 1, 2]);
}

function publish(dice: Dice): SnMessage {
  return {
    kind: "publish",
    dup: dice.chance(0.1),
    qos: qos(dice),
    retain: dice.chance(0.1),
    topicIdType: dice.pick<TopicIdType>(["normal", "predefined", "short"]),
    topicId: topicId(dice),
    messageId: messageId(dice),
    payload: dice.bytes(dice.below(60)),
  };
}

const MESSAGES: readonly ((dice: Dice) => SnMessage)[] = [
  connect,
  publish,
  publish,
  publish,
  (dice) => ({
    kind: "willtopic",
    topic: dice.perhaps(() => dice.pick(TOPICS)),
    qos: qos(dice),
    retain: dice.chance(0.1),
  }),
  (dice) => ({ kind: "willmsg", payload: dice.bytes(dice.below(40)) }),
  (dice) => ({
    kind: "willtopicupd",
    topic: dice.perhaps(() => dice.pick(TOPICS)),
    qos: qos(dice),
    retain: false,
  }),
  (dice) => ({ kind: "willmsgupd", payload: dice.bytes(dice.below(40)) }),
  (dice) => ({
    kind: "register",
    topicId: 0,
    messageId: messageId(dice),
    topicName: dice.pick(TOPICS),
  }),
  (dice) => ({
    kind: "regack",
    topicId: topicId(dice),
    messageId: messageId(dice),
    returnCode: dice.below(4),
  }),
  (dice) => ({
    kind: "puback",
    topicId: topicId(dice),
    messageId: messageId(dice),
    returnCode: dice.below(4),
  }),
  (dice) => ({ kind: dice.pick(["pubrec", "pubrel", "pubcomp"]), messageId: messageId(dice) }),
  (dice) => ({
    kind: "subscribe",
    dup: false,
    qos: qos(dice),
    messageId: messageId(dice),
    topic: topic(dice),
  }),
  (dice) => ({
    kind: "subscribe",
    dup: true,
    qos: qos(dice),
    messageId: messageId(dice),
    topic: topic(dice),
  }),
  (dice) => ({ kind: "unsubscribe", messageId: messageId(dice), topic: topic(dice) }),
  (dice) => ({ kind: "pingreq", clientId: dice.perhaps(() => dice.pick(CLIENT_IDS)) }),
  (dice) => ({ kind: "disconnect", duration: dice.perhaps(() => dice.pick([1, 2, 3])) }),
  () => ({ kind: "searchgw", radius: 0 }),
  () => ({ kind: "pingresp" }),
  () => ({ kind: "willtopicreq" }),
];

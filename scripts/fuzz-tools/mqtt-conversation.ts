/** What one MQTT client sends on one connection: packets of 3.1, 3.1.1 or 5.0, some of them spoilt. */
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { encodePacket } from "../../src/mqtt/encode.ts";
import type { ProtocolLevel } from "../../src/mqtt/packet-types.ts";
import type { ConnectPacket, Packet } from "../../src/mqtt/packets.ts";
import type { Properties } from "../../src/mqtt/properties.ts";
import type { QoS } from "../../src/mqtt/qos.ts";
import type { Dice } from "./dice.ts";
import { mutate } from "./mutate.ts";

/** How much of what is sent is spoilt: most must be whole for the rest to get anywhere. */
const SPOILT_FIRST = 0.08;
const SPOILT = 0.15;

const CLIENT_IDS = ["", "a", "b", "c", "d", "e/f", "g+", "fuzz"];
const TOPICS = ["t", "t/a", "t/b/c", "/", "t//", "$SYS/x", "$CONTROL/x", "$x", "ü", ""];
const FILTERS = [
  "t",
  "#",
  "t/#",
  "+/a",
  "+",
  "$share/g/t/#",
  "$share/g/+",
  "$SYS/#",
  "t/+/c",
  "$share/",
  "a/#/b",
];

/** The packets of a conversation, encoded, in order. */
export function mqttConversation(dice: Dice): Uint8Array[] {
  const level = dice.pick<ProtocolLevel>([3, 4, 4, 5, 5, 5]);
  const first = encoded(connect(dice, level), level);
  const packets = [dice.chance(SPOILT_FIRST) ? mutate(first, dice) : first];
  for (let count = dice.below(14); count > 0; count--) {
    const bytes = encoded(dice.pick(PACKETS)(dice), level);
    packets.push(dice.chance(SPOILT) ? mutate(bytes, dice) : bytes);
  }
  if (dice.chance(0.05)) packets.push(dice.bytes(dice.length()));
  return packets;
}

function encoded(packet: Packet, level: ProtocolLevel): Uint8Array {
  const writer = new ByteWriter();
  encodePacket(writer, packet, level);
  return writer.copy();
}

function connect(dice: Dice, level: ProtocolLevel): ConnectPacket {
  const will = dice.perhaps(() => ({
    topic: dice.pick(TOPICS),
    payload: dice.bytes(dice.length()),
    qos: qos(dice),
    retain: dice.chance(0.1),
    properties: { willDelayInterval: dice.below(3), ...messageProperties(dice) },
  }));
  return {
    kind: "connect",
    level,
    bridge: dice.chance(0.1),
    clientId: dice.pick(CLIENT_IDS),
    cleanStart: dice.chance(0.6),
    keepAlive: dice.pick([0, 1, 2, 60]),
    will,
    username: dice.perhaps(() => dice.pick(["", "user", "ü"])),
    password: undefined,
    properties: level === 5 ? connectProperties(dice) : undefined,
  };
}

function connectProperties(dice: Dice): Properties {
  return {
    // Short, so that what one round leaves behind does not pile up for the next.
    sessionExpiryInterval: dice.perhaps(() => dice.below(4)),
    receiveMaximum: dice.perhaps(() => dice.pick([1, 2, 20, 65535])),
    maximumPacketSize: dice.perhaps(() => dice.pick([1, 20, 100, 268435455])),
    topicAliasMaximum: dice.perhaps(() => dice.pick([0, 1, 5, 65535])),
    requestProblemInformation: dice.perhaps(() => dice.below(2)),
    requestResponseInformation: dice.perhaps(() => dice.below(2)),
    authenticationMethod: dice.chance(0.1) ? dice.pick(["SCRAM-SHA-256", "x"]) : undefined,
    userProperties: userProperties(dice),
  };
}

function messageProperties(dice: Dice): Properties {
  return {
    payloadFormatIndicator: dice.perhaps(() => dice.below(2)),
    messageExpiryInterval: dice.perhaps(() => dice.pick([0, 1, 10])),
    contentType: dice.perhaps(() => "text/plain"),
    responseTopic: dice.perhaps(() => dice.pick(TOPICS)),
    correlationData: dice.perhaps(() => dice.bytes(dice.length())),
    userProperties: userProperties(dice),
  };
}

function userProperties(dice: Dice): Properties["userProperties"] {
  if (dice.chance(0.7)) return undefined;
  return Array.from({ length: 1 + dice.below(4) }, () => ["k", "v"] as const);
}

function qos(dice: Dice): QoS {
  return dice.below(3) as QoS;
}

function packetId(dice: Dice): number {
  return dice.chance(0.95) ? 1 + dice.below(4) : dice.pick([255, 256, 65535]);
}

type Maker = (dice: Dice) => Packet;

function publish(dice: Dice): Packet {
  const level = qos(dice);
  const alias = dice.chance(0.2) ? dice.pick([1, 2, 10, 11]) : undefined;
  return {
    kind: "publish",
    topic: dice.pick(TOPICS),
    payload: dice.bytes(dice.length()),
    qos: level,
    retain: dice.chance(0.1),
    dup: level > 0 && dice.chance(0.2),
    packetId: level > 0 ? packetId(dice) : 0,
    properties: { topicAlias: alias, ...messageProperties(dice) },
  };
}

function subscribe(dice: Dice): Packet {
  const subscriptions = Array.from({ length: 1 + dice.below(3) }, () => ({
    filter: dice.pick(FILTERS),
    qos: qos(dice),
    noLocal: dice.chance(0.1),
    retainAsPublished: dice.chance(0.3),
    retainHandling: dice.below(3) as 0 | 1 | 2,
  }));
  const identifier = dice.perhaps(() => dice.pick([1, 127, 128, 268435455]));
  const properties =
    identifier === undefined ? undefined : { subscriptionIdentifiers: [identifier] };
  return { kind: "subscribe", packetId: packetId(dice), subscriptions, properties };
}

function acknowledge(dice: Dice): Packet {
  const kind = dice.pick(["puback", "pubrec", "pubrel", "pubcomp"] as const);
  const reasonCode = dice.perhaps(() => dice.pick([0x00, 0x10, 0x80, 0x92]));
  return { kind, packetId: packetId(dice), reasonCode };
}

/** More of what leads to states worth having. */
const PACKETS: readonly Maker[] = [
  publish,
  publish,
  publish,
  publish,
  subscribe,
  subscribe,
  acknowledge,
  acknowledge,
  acknowledge,
  (dice) => ({ kind: "unsubscribe", packetId: packetId(dice), filters: [dice.pick(FILTERS)] }),
  () => ({ kind: "pingreq" }),
  (dice) => ({
    kind: "disconnect",
    reasonCode: dice.pick([0, 4, 0x82]),
    properties: dice.perhaps(() => ({ sessionExpiryInterval: dice.below(3) })),
  }),
  (dice) => connect(dice, dice.pick<ProtocolLevel>([3, 4, 5])),
  (dice) => ({ kind: "auth", reasonCode: dice.pick([0x00, 0x18, 0x19]) }),
  (dice) => ({ kind: "suback", packetId: packetId(dice), codes: [0] }),
  () => ({ kind: "connack", sessionPresent: false, returnCode: 0 }),
];

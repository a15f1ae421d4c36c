/**
 * MQTT 5.0 against mqtt-packet, an independent codec, both ways.
 *
 * Where mqtt-packet itself is loose, it is not asked: it joins the values of equal user properties
 * under one name (their order among other names is lost) and forgets an empty one that has a
 * successor, reads AUTH of no bytes as malformed, reads DISCONNECT into what follows it, writes
 * level 3 for a bridge that speaks 5, makes no password without a user name and no empty will topic,
 * and lets pass reserved values, empty SUBSCRIBEs and bytes left over.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import mqttPacket from "mqtt-packet";
import { ByteWriter } from "../../../src/bytes/byte-writer.ts";
import { encodePacket } from "../../../src/mqtt/encode.ts";
import { PacketStream } from "../../../src/mqtt/packet-stream.ts";
import type { Packet } from "../../../src/mqtt/packets.ts";
import type { Properties } from "../../../src/mqtt/properties.ts";
import { asDecoded, connect, packet5 } from "../../kit/mqtt5-packets.ts";
import { plain } from "../../kit/plain.ts";

type Theirs = Record<string, unknown>;

/** What mqtt-packet calls a property otherwise than Midge. */
const NAMES: Readonly<Partial<Record<keyof Properties, string>>> = {
  maximumQos: "maximumQoS",
  subscriptionIdentifiers: "subscriptionIdentifier",
  subscriptionIdentifierAvailable: "subscriptionIdentifiersAvailable",
};
/** What mqtt-packet takes for booleans. */
const FLAGS = new Set<string>([
  "payloadFormatIndicator",
  "requestProblemInformation",
  "requestResponseInformation",
  "retainAvailable",
  "wildcardSubscriptionAvailable",
  "subscriptionIdentifierAvailable",
  "sharedSubscriptionAvailable",
]);

function theirProperties(properties: Properties | undefined): Theirs | undefined {
  if (properties === undefined) return undefined;
  const theirs: Theirs = {};
  for (const [name, value] of Object.entries(properties)) {
    theirs[NAMES[name as keyof Properties] ?? name] = theirValue(name, value);
  }
  return theirs;
}

function theirValue(name: string, value: unknown): unknown {
  if (FLAGS.has(name)) return value === 1;
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (name === "subscriptionIdentifiers") {
    const list = value as readonly number[];
    return list.length === 1 ? list[0] : list;
  }
  if (name !== "userProperties") return value;
  const groups = new Map<string, string[]>();
  for (const [key, text] of value as Properties["userProperties"] & object) {
    groups.set(key, [...(groups.get(key) ?? []), text]);
  }
  const object: Theirs = Object.create(null);
  for (const [key, texts] of groups) object[key] = texts.length === 1 ? texts[0] : texts;
  return object;
}

/** The packet as mqtt-packet makes and takes it. */
function theirPacket(packet: Packet): Theirs {
  switch (packet.kind) {
    case "connect":
      return theirConnect(packet);
    case "connack":
      return {
        cmd: "connack",
        sessionPresent: packet.sessionPresent,
        reasonCode: packet.returnCode,
        properties: theirProperties(packet.properties),
      };
    case "publish":
      return {
        cmd: "publish",
        topic: packet.topic,
        payload: Buffer.from(packet.payload),
        qos: packet.qos,
        retain: packet.retain,
        dup: packet.dup,
        ...(packet.qos > 0 ? { messageId: packet.packetId } : {}),
        properties: theirProperties(packet.properties),
      };
    case "subscribe":
      return {
        cmd: "subscribe",
        messageId: packet.packetId,
        subscriptions: packet.subscriptions.map((one) => ({
          topic: one.filter,
          qos: one.qos,
          nl: one.noLocal,
          rap: one.retainAsPublished,
          rh: one.retainHandling,
        })),
        properties: theirProperties(packet.properties),
      };
    case "suback":
    case "unsuback":
      return {
        cmd: packet.kind,
        messageId: packet.packetId,
        granted: packet.codes,
        properties: theirProperties(packet.properties),
      };
    case "unsubscribe":
      return {
        cmd: "unsubscribe",
        messageId: packet.packetId,
        unsubscriptions: packet.filters,
        properties: theirProperties(packet.properties),
      };
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return {
        cmd: packet.kind,
        messageId: packet.packetId,
        reasonCode: packet.reasonCode ?? 0,
        properties: theirProperties(packet.properties),
      };
    case "disconnect":
    case "auth":
      return {
        cmd: packet.kind,
        reasonCode: packet.reasonCode ?? 0,
        properties: theirProperties(packet.properties),
      };
    case "pingreq":
    case "pingresp":
      return { cmd: packet.kind };
  }
}

function theirConnect(packet: Packet & { kind: "connect" }): Theirs {
  const { will, password } = packet;
  return {
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion: 5,
    ...(packet.bridge ? { bridgeMode: true } : {}),
    clean: packet.cleanStart,
    keepalive: packet.keepAlive,
    clientId: packet.clientId,
    username: packet.username,
    password: password === undefined ? undefined : Buffer.from(password),
    properties: theirProperties(packet.properties),
    will:
      will === undefined
        ? undefined
        : {
            topic: will.topic,
            payload: Buffer.from(will.payload),
            qos: will.qos,
            retain: will.retain,
            properties: theirProperties(will.properties),
          },
  };
}

function userPropertiesIn(packet: Packet): readonly (readonly [string, string])[] {
  const { properties } = packet as { properties?: Properties };
  const will = packet.kind === "connect" ? packet.will?.properties?.userProperties : undefined;
  return [...(properties?.userProperties ?? []), ...(will ?? [])];
}

/** mqtt-packet keeps what it is given: names that differ, none of them one that objects have. */
function keptByThem(packet: Packet): boolean {
  const all = userPropertiesIn(packet);
  if (all.some(([name, value]) => name === "__proto__" || value === "")) return false;
  return !(packet.kind === "auth" && packet.reasonCode === 0 && packet.properties === undefined);
}

function madeByThem(packet: Packet): boolean {
  if (!keptByThem(packet)) return false;
  if (packet.kind !== "connect") return true;
  if (packet.bridge || packet.will?.topic === "") return false;
  if (packet.password !== undefined && packet.username === undefined) return false;
  return packet.clientId !== "" || packet.cleanStart;
}

/** Values as mqtt-packet answers them, without what it keeps for itself. */
function comparable(theirs: object): unknown {
  const { length: _, topic, retain, qos, dup, payload, messageId, ...rest } = theirs as Theirs;
  const publish = rest.cmd === "publish" ? { topic, retain, qos, dup, payload } : {};
  return plain({ ...rest, ...publish, ...(messageId === null ? {} : { messageId }) });
}

test("what Midge encodes, mqtt-packet decodes to the same", () => {
  fc.assert(
    fc.property(fc.oneof(connect, packet5).filter(keptByThem), (packet) => {
      const writer = new ByteWriter();
      encodePacket(writer, packet, 5);
      const parser = mqttPacket.parser({ protocolVersion: 5 });
      const got: object[] = [];
      parser.on("packet", (one) => got.push(one));
      parser.on("error", (error) => assert.fail(error));
      parser.parse(Buffer.from(writer.copy()));
      assert.equal(got.length, 1);
      assert.deepEqual(comparable(got[0] as object), comparable(theirPacket(packet)));
    }),
    { numRuns: 1500 },
  );
});

/** User properties in mqtt-packet's order: by name, in the order of each name's first. */
function regrouped(properties: Properties): Properties {
  const { userProperties } = properties;
  if (userProperties === undefined) return properties;
  const names = Object.keys(Object.fromEntries(userProperties));
  const pairs = names.flatMap((name) => userProperties.filter(([own]) => own === name));
  return { ...properties, userProperties: pairs };
}

function expectedFromThem(packet: Packet): Packet {
  // It writes the reason code of DISCONNECT even where that could be left out.
  const decoded =
    packet.kind === "disconnect"
      ? { ...packet, reasonCode: packet.reasonCode ?? 0 }
      : asDecoded(packet);
  const { properties } = decoded as { properties?: Properties };
  const mine =
    properties === undefined ? decoded : { ...decoded, properties: regrouped(properties) };
  if (mine.kind !== "connect" || mine.will?.properties === undefined) return plain(mine);
  const will = { ...mine.will, properties: regrouped(mine.will.properties) };
  return plain({ ...mine, will });
}

test("what mqtt-packet encodes, Midge decodes to the same", () => {
  fc.assert(
    fc.property(fc.oneof(connect, packet5).filter(madeByThem), (packet) => {
      const theirs = theirPacket(packet) as unknown as mqttPacket.Packet;
      const bytes = new Uint8Array(mqttPacket.generate(theirs, { protocolVersion: 5 }));
      const role = packet.kind === "connect" ? "server" : "client";
      const stream = new PacketStream({ maximumPacketSize: 1_000_000, role, level: 5 });
      const got: Packet[] = [];
      if (role === "client") stream.feed(new Uint8Array([0x20, 3, 0, 0, 0]), () => {});
      const fault = stream.feed(bytes, (one) => got.push(one));
      assert.equal(fault?.detail, undefined);
      assert.equal(got.length, 1);
      const [mine] = got as [Packet];
      const copy = mine.kind === "publish" ? { ...mine, payload: mine.payload.slice() } : mine;
      assert.deepEqual(plain(copy), expectedFromThem(packet));
    }),
    { numRuns: 1500 },
  );
});

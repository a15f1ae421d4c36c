/** The MQTT-SN codec against frames written by hand, malformed frames, and random ones. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ByteWriter } from "../../../src/bytes/byte-writer.ts";
import { decodeMessage } from "../../../src/mqttsn/decode.ts";
import { encodeMessage } from "../../../src/mqttsn/encode.ts";
import type { SnMessage, SnQoS } from "../../../src/mqttsn/packets.ts";
import { hex as fromHex, toHex } from "../../kit/hex.ts";
import { VECTORS } from "./vectors.ts";

function encoded(message: SnMessage): Uint8Array {
  const writer = new ByteWriter(4);
  encodeMessage(writer, message);
  return writer.copy();
}

describe("MQTT-SN 1.2 §5 known-good frames", () => {
  for (const { title, hex, message } of VECTORS) {
    it(`decodes ${title}`, () => {
      assert.deepEqual(decodeMessage(fromHex(hex)), message);
    });
    it(`encodes ${title}`, () => {
      assert.equal(toHex(encoded(message)), toHex(fromHex(hex)));
    });
  }

  it("decodes a frame in the midst of other bytes", () => {
    const bytes = fromHex("ff ff 04 0e 00 09 ff ff");
    assert.deepEqual(decodeMessage(bytes, 2, 6), { kind: "pubcomp", messageId: 9 });
  });

  it("takes the 3-octet Length for a short message too (§5.2.1)", () => {
    assert.deepEqual(decodeMessage(fromHex("01 00 04 17")), { kind: "pingresp" });
  });

  it("ignores flags that do not concern the message (§5.3.4)", () => {
    assert.deepEqual(decodeMessage(fromHex("07 04 f7 01 00 0a 61")), {
      kind: "connect",
      clientId: "a",
      cleanSession: true,
      will: false,
      duration: 10,
      protocolId: 1,
    });
    assert.deepEqual(decodeMessage(fromHex("08 13 9f 00 05 00 01 00")), {
      kind: "suback",
      qos: 0,
      topicId: 5,
      messageId: 1,
      returnCode: 0,
    });
    assert.deepEqual(decodeMessage(fromHex("04 07 8f 61")), {
      kind: "willtopic",
      topic: "a",
      qos: 0,
      retain: false,
    });
  });

  it("appends to what the writer holds", () => {
    const writer = new ByteWriter(1);
    encodeMessage(writer, { kind: "pingresp" });
    encodeMessage(writer, {
      kind: "register",
      topicId: 0,
      messageId: 1,
      topicName: "b".repeat(300),
    });
    encodeMessage(writer, { kind: "pubrel", messageId: 1 });
    assert.equal(toHex(writer.view().subarray(0, 6)), "02170101340a");
    assert.equal(toHex(writer.view().subarray(-4)), "04100001");
    assert.equal(writer.length, 2 + 308 + 4);
  });
});

const MALFORMED: readonly (readonly [title: string, hex: string])[] = [
  ["nothing", ""],
  ["a Length alone", "02"],
  ["Length 0", "00 17"],
  ["Length 0 alone", "00"],
  ["Length below the frame's", "03 0e 00 01"],
  ["Length above the frame's", "05 0e 00 01"],
  ["Length 2 with more behind", "02 17 00"],
  ["the 3-octet form cut in its Length", "01 00"],
  ["the 3-octet form without MsgType", "01 00 03"],
  ["the 3-octet form with Length 0", "01 00 00 17"],
  ["the 3-octet form with Length 3", "01 00 03 17"],
  ["the 3-octet form with Length above the frame's", "01 00 05 17"],
  ["the 3-octet form with Length below the frame's", "01 00 04 0e 00 01"],
  ["MsgType 0x03", "02 03"],
  ["MsgType 0x11", "02 11"],
  ["MsgType 0x19", "02 19"],
  ["MsgType 0x1e", "02 1e"],
  ["MsgType 0xfd", "02 fd"],
  ["MsgType 0xff", "02 ff"],
  ["ADVERTISE cut short", "04 00 07 03"],
  ["ADVERTISE too long", "06 00 07 03 84 00"],
  ["SEARCHGW without Radius", "02 01"],
  ["SEARCHGW too long", "04 01 02 00"],
  ["GWINFO without GwId", "02 02"],
  ["CONNECT cut in Duration", "05 04 04 01 00"],
  ["CONNECT with ill-formed UTF-8", "07 04 04 01 00 3c ff"],
  ["CONNECT with NUL in ClientId", "07 04 04 01 00 3c 00"],
  ["CONNACK without ReturnCode", "02 05"],
  ["CONNACK too long", "04 05 00 00"],
  ["WILLTOPICREQ too long", "03 06 00"],
  ["WILLTOPIC with an overlong encoding", "05 07 00 c0 af"],
  ["WILLMSGREQ too long", "03 08 00"],
  ["REGISTER cut in MsgId", "05 0a 00 00 00"],
  ["REGISTER with a surrogate", "09 0a 00 00 00 01 ed a0 80"],
  ["REGISTER with a truncated character", "08 0a 00 00 00 01 e2 82"],
  ["REGACK without ReturnCode", "06 0b 00 05 00 01"],
  ["REGACK too long", "08 0b 00 05 00 01 00 00"],
  ["PUBLISH cut in MsgId", "06 0c 00 00 05 00"],
  ["PUBLISH with TopicIdType 0b11", "07 0c 03 00 05 00 00"],
  ["PUBACK without ReturnCode", "06 0d 00 05 12 34"],
  ["PUBACK too long", "08 0d 00 05 12 34 00 00"],
  ["PUBCOMP cut short", "03 0e 00"],
  ["PUBREC too long", "05 0f 00 01 00"],
  ["PUBREL without MsgId", "02 10"],
  ["SUBSCRIBE cut in MsgId", "04 12 00 00"],
  ["SUBSCRIBE with TopicIdType 0b11", "07 12 03 00 01 61 62"],
  ["SUBSCRIBE with half a TopicId", "06 12 01 00 01 00"],
  ["SUBSCRIBE with a TopicId too long", "08 12 01 00 01 00 05 00"],
  ["SUBSCRIBE with a short name of one octet", "06 12 02 00 01 61"],
  ["SUBSCRIBE with a short name of three octets", "08 12 02 00 01 61 62 63"],
  ["SUBSCRIBE with an ill-formed short name", "07 12 02 00 01 61 ff"],
  ["SUBSCRIBE with an ill-formed name", "06 12 00 00 01 80"],
  ["SUBACK cut short", "07 13 00 00 05 00 01"],
  ["SUBACK too long", "09 13 00 00 05 00 01 00 00"],
  ["UNSUBSCRIBE with TopicIdType 0b11", "07 14 03 00 01 61 62"],
  ["UNSUBSCRIBE without a TopicId", "05 14 01 00 01"],
  ["UNSUBACK too long", "05 15 00 01 00"],
  ["PINGREQ with an ill-formed ClientId", "03 16 fe"],
  ["PINGRESP too long", "03 17 00"],
  ["DISCONNECT with half a Duration", "03 18 01"],
  ["DISCONNECT too long", "05 18 01 2c 00"],
  ["WILLTOPICUPD with U+FFFF", "06 1a 00 ef bf bf"],
  ["WILLTOPICRESP without ReturnCode", "02 1b"],
  ["WILLMSGRESP too long", "04 1d 00 00"],
  ["encapsulated with Length 0", "00 fe 00 02 17"],
  ["encapsulated in the 3-octet form", "01 00 07 fe 00 02 17"],
  ["encapsulated with Length 2", "02 fe 02 17"],
  ["encapsulated without an inner message", "05 fe 00 ab cd"],
  ["encapsulated with Length above the frame's", "09 fe 00 ab cd 02 17"],
];

describe("malformed frames are faults", () => {
  for (const [title, hex] of MALFORMED) {
    it(title, () => {
      const outcome = decodeMessage(fromHex(hex));
      assert.equal(outcome.kind, "fault");
      assert.ok("detail" in outcome && outcome.detail.length > 0);
    });
  }

  it("every known-good frame cut by its last octet, or with one more, is refused or another message", () => {
    for (const { hex, message } of VECTORS) {
      const bytes = fromHex(hex);
      const cut = decodeMessage(bytes, 0, bytes.length - 1);
      if (message.kind !== "encapsulated") assert.equal(cut.kind, "fault", hex);
      const longer = new Uint8Array(bytes.length + 1);
      longer.set(bytes);
      if (message.kind !== "encapsulated") assert.equal(decodeMessage(longer).kind, "fault", hex);
    }
  });

  it("octets behind the frame do not count", () => {
    const bytes = fromHex("06 0d 00 05 12 34 00");
    assert.equal(decodeMessage(bytes, 0, 6).kind, "fault");
  });
});

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 65535 });
const flag = fc.boolean();
const qos = fc.constantFrom<SnQoS>(-1, 0, 1, 2);
const payload = fc.uint8Array({ maxLength: 600 });
const name = fc.string({
  unit: fc.constantFrom("a", "Z", "/", "+", "#", "$", " ", "ä", "€", "𐍈"),
  maxLength: 120,
});
const shortName = fc.constantFrom("ab", "é", "zz", "$1");
const reference = fc.oneof(
  fc.record({ type: fc.constant("name" as const), name }),
  fc.record({ type: fc.constant("predefined" as const), topicId: u16 }),
  fc.record({ type: fc.constant("short" as const), name: shortName }),
);

function kind<const K extends string>(...kinds: K[]): fc.Arbitrary<K> {
  return fc.constantFrom(...kinds);
}

const anyMessage: fc.Arbitrary<SnMessage> = fc.oneof(
  fc.record({ kind: kind("advertise"), gatewayId: u8, duration: u16 }),
  fc.record({ kind: kind("searchgw"), radius: u8 }),
  fc.record({
    kind: kind("gwinfo"),
    gatewayId: u8,
    gatewayAddress: fc.uint8Array({ maxLength: 16 }),
  }),
  fc.record({
    kind: kind("connect"),
    clientId: name,
    cleanSession: flag,
    will: flag,
    duration: u16,
    protocolId: u8,
  }),
  fc.record({ kind: kind("connack", "willtopicresp", "willmsgresp"), returnCode: u8 }),
  fc.record({ kind: kind("willtopicreq", "willmsgreq", "pingresp") }),
  fc.record({ kind: kind("willtopic", "willtopicupd"), topic: name, qos, retain: flag }),
  fc.record({ kind: kind("willmsg", "willmsgupd"), payload }),
  fc.record({ kind: kind("register"), topicId: u16, messageId: u16, topicName: name }),
  fc.record({ kind: kind("regack", "puback"), topicId: u16, messageId: u16, returnCode: u8 }),
  fc.record({
    kind: kind("publish"),
    dup: flag,
    qos,
    retain: flag,
    topicIdType: kind("normal", "predefined", "short"),
    topicId: u16,
    messageId: u16,
    payload,
  }),
  fc.record({ kind: kind("pubrec", "pubrel", "pubcomp", "unsuback"), messageId: u16 }),
  fc.record({ kind: kind("subscribe"), dup: flag, qos, messageId: u16, topic: reference }),
  fc.record({ kind: kind("unsubscribe"), messageId: u16, topic: reference }),
  fc.record({ kind: kind("suback"), qos, topicId: u16, messageId: u16, returnCode: u8 }),
  fc.record({
    kind: kind("pingreq"),
    clientId: fc.option(
      name.filter((text) => text !== ""),
      { nil: undefined },
    ),
  }),
  fc.record({ kind: kind("disconnect"), duration: fc.option(u16, { nil: undefined }) }),
  fc.record({
    kind: kind("encapsulated"),
    radius: fc.integer({ min: 0, max: 3 }),
    wirelessNodeId: fc.uint8Array({ maxLength: 252 }),
    message: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  }),
);

describe("codec properties", () => {
  it("what is encoded decodes to itself", () => {
    fc.assert(
      fc.property(anyMessage, (drawn) => {
        // fast-check draws records without a prototype, which deepEqual tells apart.
        const message = structuredClone(drawn);
        assert.deepEqual(decodeMessage(encoded(message)), message);
      }),
      { numRuns: 2000 },
    );
  });

  it("random octets never throw, and what decodes encodes to an equal meaning", () => {
    const typed = fc
      .tuple(u8, fc.integer({ min: 0, max: 0x1d }), fc.uint8Array({ maxLength: 40 }))
      .map(([length, type, rest]) => {
        const right = length < 200;
        return Uint8Array.from([right ? rest.length + 2 : length, type, ...rest]);
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), typed), (bytes) => {
        const message = decodeMessage(bytes);
        if (message.kind === "fault") return;
        assert.deepEqual(decodeMessage(encoded(message)), message);
      }),
      { numRuns: 5000 },
    );
  });
});

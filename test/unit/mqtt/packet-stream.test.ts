/** The MQTT codec: malformed packets as data, round trips, and mqtt-packet as an independent oracle. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import mqttPacket from "mqtt-packet";
import { ByteWriter } from "../../../src/bytes/byte-writer.ts";
import { encodePacket, publishSize } from "../../../src/mqtt/encode.ts";
import { PacketStream } from "../../../src/mqtt/packet-stream.ts";
import type { Packet } from "../../../src/mqtt/packets.ts";
import type { QoS } from "../../../src/mqtt/qos.ts";
import { hex } from "../../kit/hex.ts";
import { plain } from "../../kit/plain.ts";
import malformed from "./malformed.json" with { type: "json" };

const CONNECT = hex("10 0c 0004 4d515454 04 02 003c 0000");

/** A stream that has had its CONNECT, and what it decodes from then on. */
function started(): { stream: PacketStream; packets: Packet[] } {
  const stream = new PacketStream({ maximumPacketSize: 100_000, role: "server" });
  assert.equal(
    stream.feed(CONNECT, () => {}),
    undefined,
  );
  return { stream, packets: [] };
}

/** A packet with its views on the receive buffer turned into copies, and without what is undefined. */
function kept(packet: Packet): Packet {
  const copy = packet.kind === "publish" ? { ...packet, payload: packet.payload.slice() } : packet;
  return plain(copy);
}

for (const { name, bytes, first, reason } of malformed as {
  name: string;
  bytes: string;
  first?: boolean;
  reason: string;
}[]) {
  test(`refused: ${name}`, () => {
    const stream = new PacketStream({ maximumPacketSize: 100_000, role: "server" });
    if (first !== true) stream.feed(CONNECT, () => {});
    const packets: Packet[] = [];
    const fault = stream.feed(hex(bytes), (packet) => packets.push(packet));
    assert.deepEqual(packets, []);
    assert.equal(fault?.reason, Number(reason));
    assert.notEqual(fault?.detail, "");
  });
}

/** Objects as literals make them. */
const PLAIN = { noNullPrototype: true } as const;

const id = fc.integer({ min: 1, max: 65535 });
const qos = fc.constantFrom<QoS[]>(0, 1, 2);
const text = fc.string({ maxLength: 40 });
const payload = fc.uint8Array({ maxLength: 400 });
const topic = fc.string({ minLength: 1, maxLength: 60 });

const publish = fc.record({ topic, payload, qos, retain: fc.boolean(), dup: fc.boolean(), id }).map(
  ({ id, qos, dup, ...rest }): Packet => ({
    kind: "publish",
    ...rest,
    qos,
    dup: qos > 0 && dup,
    packetId: qos > 0 ? id : 0,
  }),
);
const others = fc.oneof(
  fc
    .tuple(fc.constantFrom("puback", "pubrec", "pubrel", "pubcomp", "unsuback"), id)
    .map(([kind, packetId]): Packet => ({ kind, packetId })),
  fc
    .tuple(id, fc.array(fc.record({ filter: topic, qos }, PLAIN), { minLength: 1, maxLength: 5 }))
    .map(([packetId, subscriptions]): Packet => ({ kind: "subscribe", packetId, subscriptions })),
  fc
    .tuple(id, fc.array(fc.constantFrom(0, 1, 2, 0x80), { minLength: 1, maxLength: 5 }))
    .map(([packetId, codes]): Packet => ({ kind: "suback", packetId, codes })),
  fc
    .tuple(id, fc.array(topic, { minLength: 1, maxLength: 5 }))
    .map(([packetId, filters]): Packet => ({ kind: "unsubscribe", packetId, filters })),
  fc.constantFrom("pingreq", "pingresp", "disconnect").map((kind): Packet => ({ kind })),
);
const connect = fc
  .record({
    level: fc.constantFrom(3 as const, 4 as const),
    bridge: fc.boolean(),
    clientId: text,
    cleanStart: fc.boolean(),
    keepAlive: fc.nat({ max: 65535 }),
    will: fc.option(fc.record({ topic, payload, qos, retain: fc.boolean() }, PLAIN), {
      nil: undefined,
    }),
    username: fc.option(text, { nil: undefined }),
    password: fc.option(payload, { nil: undefined }),
  })
  .map(
    (fields): Packet => ({
      kind: "connect",
      ...fields,
      password: fields.username === undefined ? undefined : fields.password,
    }),
  );

/** Feeds bytes in pieces cut at the given places. */
function feedInPieces(stream: PacketStream, bytes: Uint8Array, cuts: readonly number[]): Packet[] {
  const packets: Packet[] = [];
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let from = 0;
  for (const to of [...places, bytes.length]) {
    // The buffer is reused after each call: what a stream keeps must be its own.
    const piece = bytes.slice(from, to);
    assert.equal(
      stream.feed(piece, (packet) => packets.push(kept(packet))),
      undefined,
    );
    piece.fill(0xee);
    from = to;
  }
  return packets;
}

test("packets come back as encoded, however the stream is cut", () => {
  fc.assert(
    fc.property(
      connect,
      fc.array(fc.oneof(publish, others), { maxLength: 12 }),
      fc.array(fc.nat({ max: 5000 }), { maxLength: 12 }),
      (first, packets, cuts) => {
        const writer = new ByteWriter(0);
        for (const packet of [first, ...packets]) encodePacket(writer, packet);
        const stream = new PacketStream({ maximumPacketSize: 1_000_000, role: "server" });
        assert.deepEqual(feedInPieces(stream, writer.copy(), cuts), [first, ...packets].map(kept));
      },
    ),
  );
});

test("publishSize is the length of the encoded PUBLISH", () => {
  fc.assert(
    fc.property(publish, (packet) => {
      if (packet.kind !== "publish") return;
      const writer = new ByteWriter();
      encodePacket(writer, packet);
      assert.equal(publishSize(packet.topic, packet.payload.length, packet.qos), writer.length);
    }),
  );
});

test("PUBLISH is encoded as by mqtt-packet, byte for byte", () => {
  fc.assert(
    fc.property(publish, (packet) => {
      if (packet.kind !== "publish") return;
      const writer = new ByteWriter();
      encodePacket(writer, packet);
      const theirs = mqttPacket.generate({
        cmd: "publish",
        topic: packet.topic,
        payload: Buffer.from(packet.payload),
        qos: packet.qos,
        retain: packet.retain,
        dup: packet.dup,
        messageId: packet.packetId,
      });
      assert.deepEqual(writer.copy(), new Uint8Array(theirs));
    }),
  );
});

test("CONNECT of mqtt-packet is understood", () => {
  fc.assert(
    fc.property(connect, (packet) => {
      if (packet.kind !== "connect") return;
      const { will } = packet;
      // mqtt-packet does not make what no client may send.
      if (packet.clientId === "" && (!packet.cleanStart || packet.level === 3)) return;
      const theirs = mqttPacket.generate({
        cmd: "connect",
        protocolId: packet.level === 3 ? "MQIsdp" : "MQTT",
        protocolVersion: packet.level as 3 | 4,
        // Known to mqtt-packet, though its types do not say so.
        ...{ bridgeMode: packet.bridge },
        clientId: packet.clientId,
        clean: packet.cleanStart,
        keepalive: packet.keepAlive,
        ...(will === undefined
          ? {}
          : {
              will: {
                topic: will.topic,
                qos: will.qos,
                retain: will.retain,
                payload: Buffer.from(will.payload),
              },
            }),
        ...(packet.username ? { username: packet.username } : {}),
        ...(packet.username && packet.password ? { password: Buffer.from(packet.password) } : {}),
      });
      const stream = new PacketStream({ maximumPacketSize: 1_000_000, role: "server" });
      const expected = {
        ...packet,
        username: packet.username || undefined,
        password: packet.username && packet.password?.length ? packet.password : undefined,
      };
      const got: Packet[] = [];
      assert.equal(
        stream.feed(new Uint8Array(theirs), (decoded) => got.push(decoded)),
        undefined,
      );
      const [first] = got;
      assert.equal(first?.kind, "connect");
      if (first?.kind !== "connect") return;
      assert.equal(first.clientId, expected.clientId);
      assert.equal(first.level, expected.level);
      assert.equal(first.bridge, expected.bridge);
      assert.deepEqual(plain(first.will), expected.will);
      assert.equal(first.username, expected.username);
    }),
  );
});

test("random bytes after CONNECT never throw, and are kept only up to the maximum", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), (pieces) => {
      const { stream } = started();
      for (const piece of pieces) if (stream.feed(piece, () => {}) !== undefined) break;
    }),
    { numRuns: 2000 },
  );
});

test("no packet is decoded after the owner has stopped the stream", () => {
  const { stream, packets } = started();
  stream.feed(hex("c000 c000 c000"), (packet) => {
    packets.push(packet);
    stream.stopped = true;
  });
  assert.equal(packets.length, 1);
});

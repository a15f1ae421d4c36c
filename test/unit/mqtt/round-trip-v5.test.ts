/** MQTT 5.0 packets there and back: what is encoded is what is decoded, however the bytes arrive. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter } from "../../../src/bytes/byte-writer.ts";
import { encodePacket } from "../../../src/mqtt/encode.ts";
import { PacketStream } from "../../../src/mqtt/packet-stream.ts";
import type { Packet } from "../../../src/mqtt/packets.ts";
import { asDecoded, connect, packet5 } from "../../kit/mqtt5-packets.ts";
import { plain } from "../../kit/plain.ts";

function encoded(packets: readonly Packet[]): Uint8Array {
  const writer = new ByteWriter(0);
  for (const packet of packets) encodePacket(writer, packet, 5);
  return writer.copy();
}

/** A packet with its views on the receive buffer turned into copies, and without what is undefined. */
function kept(packet: Packet): Packet {
  const copy = packet.kind === "publish" ? { ...packet, payload: packet.payload.slice() } : packet;
  return plain(copy);
}

/** Feeds bytes in pieces cut at the given places, each from a buffer that is then overwritten. */
function feedInPieces(stream: PacketStream, bytes: Uint8Array, cuts: readonly number[]): Packet[] {
  const packets: Packet[] = [];
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let from = 0;
  for (const to of [...places, bytes.length]) {
    const piece = bytes.slice(from, to);
    const fault = stream.feed(piece, (packet) => packets.push(kept(packet)));
    assert.equal(fault?.detail, undefined);
    piece.fill(0xee);
    from = to;
  }
  return packets;
}

const cuts = fc.array(fc.nat({ max: 5000 }), { maxLength: 12 });

test("packets with all their properties come back as encoded, however the stream is cut", () => {
  fc.assert(
    fc.property(connect, fc.array(packet5, { maxLength: 12 }), cuts, (first, packets, cuts) => {
      const all = [first, ...packets];
      const stream = new PacketStream({ maximumPacketSize: 1_000_000, role: "server" });
      const expected = all.map((packet) => kept(asDecoded(packet)));
      assert.deepEqual(feedInPieces(stream, encoded(all), cuts), expected);
    }),
    { numRuns: 500 },
  );
});

test("a stream fed byte by byte decodes the same", () => {
  fc.assert(
    fc.property(connect, packet5, (first, packet) => {
      const bytes = encoded([first, packet]);
      const stream = new PacketStream({ maximumPacketSize: 1_000_000, role: "server" });
      const everywhere = Array.from(bytes, (_, at) => at);
      assert.deepEqual(feedInPieces(stream, bytes, everywhere), [
        kept(first),
        kept(asDecoded(packet)),
      ]);
    }),
  );
});

test("a client's stream takes what a server sends, from CONNACK on", () => {
  fc.assert(
    fc.property(fc.array(packet5, { maxLength: 6 }), cuts, (packets, cuts) => {
      const first: Packet = { kind: "connack", sessionPresent: false, returnCode: 0 };
      const stream = new PacketStream({ maximumPacketSize: 1_000_000, role: "client", level: 5 });
      const all = [first, ...packets];
      const expected = all.map((packet) => kept(asDecoded(packet)));
      assert.deepEqual(feedInPieces(stream, encoded(all), cuts), expected);
    }),
  );
});

test("ten thousand user properties keep their order, their doubles and their number", () => {
  const userProperties = Array.from({ length: 10_000 }, (_, at) => [`${at % 7}`, `${at}`] as const);
  const packet: Packet = {
    kind: "publish",
    topic: "a",
    payload: new Uint8Array(1),
    qos: 1,
    retain: false,
    dup: false,
    packetId: 1,
    properties: { userProperties },
  };
  const stream = new PacketStream({ maximumPacketSize: 1_000_000, role: "client", level: 5 });
  const bytes = encoded([{ kind: "connack", sessionPresent: false, returnCode: 0 }, packet]);
  assert.deepEqual(feedInPieces(stream, bytes, [])[1], packet);
});

test("flipping any bit of a packet yields packets or a fault, never a throw", () => {
  fc.assert(
    fc.property(packet5, fc.nat(), fc.nat({ max: 7 }), (packet, place, bit) => {
      const bytes = encoded([packet]);
      const at = place % bytes.length;
      bytes[at] = (bytes[at] as number) ^ (1 << bit);
      const stream = new PacketStream({ maximumPacketSize: 100_000, role: "client", level: 5 });
      stream.feed(encoded([{ kind: "connack", sessionPresent: false, returnCode: 0 }]), () => {});
      stream.feed(bytes, () => {});
    }),
    { numRuns: 2000 },
  );
});

test("a packet whose end is missing waits for it", () => {
  fc.assert(
    fc.property(packet5, fc.nat(), (packet, place) => {
      const bytes = encoded([packet]);
      const stream = new PacketStream({ maximumPacketSize: 100_000, role: "client", level: 5 });
      stream.feed(encoded([{ kind: "connack", sessionPresent: false, returnCode: 0 }]), () => {});
      const got: Packet[] = [];
      const fault = stream.feed(bytes.subarray(0, place % bytes.length), (one) => got.push(one));
      assert.deepEqual([fault, got], [undefined, []]);
    }),
  );
});

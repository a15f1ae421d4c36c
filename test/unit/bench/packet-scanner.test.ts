/** The load generator's incremental parser: whole packets, however the stream is cut. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { PacketScanner } from "../../../scripts/bench-tools/packet-scanner.ts";
import { hex, toHex } from "../../kit/hex.ts";

/** The packets that `pieces` are scanned into, as header and body in hexadecimal. */
function scanned(pieces: readonly Uint8Array[]): string[] {
  const packets: string[] = [];
  const scanner = new PacketScanner({
    packet: (header, bytes, start, end) => {
      packets.push(`${header.toString(16)} ${toHex(bytes.subarray(start, end))}`);
    },
  });
  // One buffer for all reads, as a socket's, so that what is kept must have been copied.
  const shared = new Uint8Array(65536);
  for (const piece of pieces) {
    shared.fill(0xff);
    shared.set(piece);
    scanner.push(shared, piece.length);
  }
  return packets;
}

describe("the load generator's packet scanner", () => {
  it("finds several packets in one read", () => {
    assert.deepEqual(scanned([hex("40 02 00 01 d0 00 30 03 00 01 61")]), [
      "40 0001",
      "d0 ",
      "30 000161",
    ]);
  });

  it("finds a packet that comes byte by byte", () => {
    const bytes = hex("d0 00 30 03 00 01 61");
    assert.deepEqual(scanned(Array.from(bytes, (byte) => Uint8Array.of(byte))), [
      "d0 ",
      "30 000161",
    ]);
  });

  it("reads a Remaining Length of several bytes, also where a read cuts it", () => {
    const body = new Uint8Array(200).fill(7);
    const packet = Uint8Array.from([0x30, 0xc8, 0x01, ...body]);
    const expected = [`30 ${toHex(body)}`];
    assert.deepEqual(scanned([packet]), expected);
    assert.deepEqual(scanned([packet.subarray(0, 2), packet.subarray(2)]), expected);
  });

  it("gives the same packets for every way to cut the stream", () => {
    const packet = fc
      .tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 1000 }))
      .map(([header, body]) => {
        const { length } = body;
        return length < 128
          ? [header, length, ...body]
          : [header, (length & 127) | 128, length >> 7, ...body];
      });
    fc.assert(
      fc.property(fc.array(packet), fc.array(fc.nat({ max: 5000 })), (packets, cuts) => {
        const stream = Uint8Array.from(packets.flat());
        const edges = [
          ...new Set([0, ...cuts.filter((cut) => cut < stream.length), stream.length]),
        ];
        edges.sort((one, other) => one - other);
        const pieces = edges.slice(1).map((edge, index) => stream.subarray(edges[index], edge));
        const result = scanned(pieces);
        assert.deepEqual(result, scanned([stream]));
        assert.equal(result.length, packets.length);
      }),
    );
  });

  it("refuses a Remaining Length of five bytes [MQTT-2.2.3]", () => {
    assert.throws(() => scanned([hex("30 ff ff ff ff 01")]), /length is malformed/);
  });
});

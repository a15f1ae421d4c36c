/** Malformed packets and protocol errors of MQTT 5.0 as data, each with the reason code it calls for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PacketStream } from "../../../src/mqtt/packet-stream.ts";
import type { Packet } from "../../../src/mqtt/packets.ts";
import { hex } from "../../kit/hex.ts";
import { frame, rawConnect } from "../../kit/raw-packets.ts";
import malformed from "./malformed-v5.json" with { type: "json" };

/** `first`: it comes instead of CONNECT. `from`: who sends it, a client if not said. */
const TABLE: readonly {
  name: string;
  bytes: string;
  reason: string;
  first?: boolean;
  from?: string;
}[] = malformed;

for (const { name, bytes, reason, first, from } of TABLE) {
  test(`refused: ${name}`, () => {
    const role = from === "server" ? "client" : "server";
    const stream = new PacketStream({ maximumPacketSize: 100_000, role, level: 5 });
    const before = role === "server" ? rawConnect({ level: 5 }) : frame(0x20, "000000");
    if (first !== true)
      assert.equal(
        stream.feed(before, () => {}),
        undefined,
      );
    const packets: Packet[] = [];
    const fault = stream.feed(hex(bytes), (packet) => packets.push(packet));
    assert.deepEqual(packets, []);
    assert.equal(fault?.reason, Number(reason), fault?.detail);
    assert.notEqual(fault?.detail, "");
  });
}

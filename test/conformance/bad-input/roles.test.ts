/** Packets out of place: those of a server sent by a client, acknowledgements of nothing, and the like. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAlive, assertEmpty } from "../../kit/alive.ts";
import { hex } from "../../kit/hex.ts";
import { joined, rawConnect } from "../../kit/raw-packets.ts";
import { TestBroker } from "../../kit/test-broker.ts";

/** What only a server sends, well-formed and crafted, for 3.1.1 and 5.0. */
const SERVER_PACKETS: readonly string[] = [
  "20 02 00 00",
  "20 03 00 00 00",
  "20 02 01 05",
  "20 00",
  "20 7f",
  "90 03 0001 00",
  "90 04 0001 00 00",
  "90 02 0001",
  "90 00",
  "90 03 0000 80",
  "b0 02 0001",
  "b0 03 0001 00",
  "b0 04 0001 00 11",
  "b0 00",
  "d0 00",
  "d0 01 00",
];

test("packets that only a server sends close the connection and harm nobody (CVE-2021-28166)", () => {
  for (const level of [3, 4, 5] as const) {
    const broker = new TestBroker();
    for (const bytes of SERVER_PACKETS) {
      // Twice: a crash may need what the first has left behind.
      for (let round = 0; round < 2; round++) {
        const client = broker.connect("c", { level, cleanStart: false });
        client.subscribe("t", 2);
        client.sendBytes(hex(bytes));
        if (bytes !== "20 7f") assert.equal(client.closed, true, `${bytes} at level ${level}`);
        client.break();
      }
    }
    broker.connect("c").break();
    assertAlive(broker);
    assertEmpty(broker);
  }
});

test("they do so, too, as the first packet and right behind CONNECT", () => {
  for (const bytes of SERVER_PACKETS) {
    if (bytes === "20 7f") continue;
    const broker = new TestBroker();
    const first = broker.dial();
    first.sendBytes(hex(bytes));
    assert.equal(first.closed, true, bytes);
    const second = broker.dial();
    second.sendBytes(joined(rawConnect(), bytes));
    assert.equal(second.closed, true, bytes);
    assertAlive(broker);
  }
});

test("AUTH closes the connection where no authentication is under way, and of old versions always", () => {
  for (const level of [3, 4, 5] as const) {
    for (const bytes of [
      "f0 00",
      "f0 02 18 00",
      "f0 02 19 00",
      "f0 01 00",
      "f0 05 18 03 15 0000",
      "f0 02 77 00",
    ]) {
      const broker = new TestBroker();
      const client = broker.connect("c", { level });
      client.sendBytes(hex(bytes));
      assert.equal(client.closed, true, `${bytes} at level ${level}`);
      assertAlive(broker);
    }
  }
});

test("acknowledgements of what was never sent change nothing, for every identifier", () => {
  for (const level of [4, 5] as const) {
    const broker = new TestBroker();
    const watcher = broker.connect("w");
    watcher.subscribe("t", 2);
    for (let id = 1; id <= 65_535; id += 257) {
      const client = broker.connect("c", { level });
      for (const header of [0x40, 0x50, 0x62, 0x70]) {
        client.sendBytes(new Uint8Array([header, 2, id >>> 8, id & 255]));
      }
      client.break();
    }
    assert.deepEqual(watcher.take(), []);
    assert.equal(broker.broker.sessions.size, 1);
    assertAlive(broker);
  }
});

test("acknowledgements of the wrong kind lose no message and bring nobody down", () => {
  for (const qos of [1, 2] as const) {
    for (const header of [0x40, 0x50, 0x62, 0x70]) {
      const right = header === (qos === 1 ? 0x40 : 0x50);
      if (right) continue;
      const broker = new TestBroker();
      const client = broker.connect("c", { cleanStart: false });
      client.subscribe("t", qos);
      broker.connect("p").publish("t", "x", qos, 1);
      client.take();
      client.sendBytes(new Uint8Array([header, 2, 0, 1]));
      client.break();
      const back = broker.connect("c", { cleanStart: false });
      assert.deepEqual(
        back.messages(),
        [`t=x q${qos} dup`],
        `header ${header.toString(16)}, QoS ${qos}`,
      );
    }
  }
});

/** QoS 2 identifiers that are never released, and floods of what costs the broker more than the sender. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAlive, assertEmpty } from "../../kit/alive.ts";
import { hex } from "../../kit/hex.ts";
import { keptBufferBytes } from "../../kit/kept-memory.ts";
import { field, frame, joined, u16 } from "../../kit/raw-packets.ts";
import { TestBroker, type TestClient } from "../../kit/test-broker.ts";

/** QoS 2 publishes of 1 kB under identifiers from `first` on, as one run of bytes. */
function publishes(first: number, count: number, dup = false): Uint8Array {
  const payload = new Uint8Array(1000);
  return joined(
    ...Array.from({ length: count }, (_, index) =>
      frame(dup ? 0x3c : 0x34, field("t"), u16(first + index), payload),
    ),
  );
}

test("QoS 2 messages of 3.1.1 under every identifier, repeated and never released, keep no payload (CVE-2023-28366)", () => {
  const broker = new TestBroker();
  const client = broker.connect("a");
  const before = keptBufferBytes();
  for (let round = 0; round < 3; round++) {
    for (let first = 1; first <= 60_000 && !client.closed; first += 500) {
      client.sendBytes(publishes(first, 500, round > 0));
      client.take();
    }
  }
  const taken = keptBufferBytes() - before;
  // 180 MB came in.
  assert.ok(taken < 40_000_000, `${taken} bytes`);
  assert.ok((broker.broker.sessions.get("a")?.incoming.size ?? 0) <= 60_000);
  client.break();
  assertEmpty(broker);
  assertAlive(broker);
});

test("QoS 2 messages of 5.0 that are never released end at the receive maximum (CVE-2023-28366)", () => {
  const broker = new TestBroker({ options: { maxInflightMessages: 20 } });
  const client = broker.connect5("a", { sessionExpiryInterval: 60 });
  for (let id = 1; id <= 20; id++) client.publish("t", "x", 2, id);
  assert.equal(client.closed, false);
  // What is repeated is not one more.
  for (let id = 1; id <= 20; id++) client.publish("t", "x", 2, id, false, true);
  assert.equal(client.closed, false);
  client.take();
  client.publish("t", "x", 2, 21);
  const last = client.take().at(-1);
  assert.equal(last?.kind === "disconnect" && last.reasonCode, 0x93);
  assert.equal(client.closed, true);
  client.break();
  // The count is one connection's own (§4.9), and begins anew; each identifier is held once all the same.
  const back = broker.connect5("a", { sessionExpiryInterval: 60 }, { cleanStart: false });
  for (let id = 1; id <= 20; id++) back.publish("t", "x", 2, id, false, true);
  assert.ok((broker.broker.sessions.get("a")?.incoming.size ?? 0) <= 20);
});

test("a kept session's unreleased identifiers are on the disk once each, and gone with the session", () => {
  const broker = new TestBroker();
  const client = broker.connect("a", { cleanStart: false });
  for (let round = 0; round < 5; round++) {
    for (let id = 1; id <= 50; id++) client.publish("t", "x", 2, id, false, round > 0);
  }
  assert.equal(broker.disk.records().filter(({ key }) => key.startsWith("i/")).length, 50);
  client.break();
  broker.connect("a").break();
  assertEmpty(broker);
});

test("SUBSCRIBE and UNSUBSCRIBE by the ten thousands leave nothing behind", () => {
  const broker = new TestBroker();
  const client = broker.connect("a", { cleanStart: false });
  for (let round = 0; round < 20; round++) {
    const filters = Array.from(
      { length: 500 },
      (_, index) => `${round % 2 ? "$share/g/" : ""}a/${index}/+/#`,
    );
    client.send({
      kind: "subscribe",
      packetId: 1,
      subscriptions: filters.map((filter) => ({ filter, qos: 2 })),
    });
    client.send({ kind: "unsubscribe", packetId: 2, filters });
  }
  client.take();
  assert.equal(broker.broker.subscriptions.count, 0);
  client.break();
  broker.connect("a").break();
  assertEmpty(broker);
});

test("the same filter a hundred thousand times in one packet is one subscription", () => {
  const broker = new TestBroker();
  const client = broker.connect("a");
  client.sendBytes(frame(0x82, "0001", hex("0001 74 00".repeat(100_000))));
  const [suback] = client.take();
  assert.equal(suback?.kind === "suback" && suback.codes.length, 100_000);
  assert.equal(broker.broker.subscriptions.count, 1);
  client.publish("t", "x");
  assert.deepEqual(client.messages(), ["t=x"]);
});

/** What a subscriber got, acknowledging as it reads. */
function readAll(client: TestClient): number {
  let count = 0;
  for (let packets = client.take(); packets.length > 0; packets = client.take()) {
    for (const packet of packets) {
      if (packet.kind === "publish") {
        count++;
        if (packet.qos === 1) client.send({ kind: "puback", packetId: packet.packetId });
        if (packet.qos === 2) client.send({ kind: "pubrec", packetId: packet.packetId });
      } else if (packet.kind === "pubrel") {
        client.send({ kind: "pubcomp", packetId: packet.packetId });
      }
    }
  }
  return count;
}

test("a flood that fills every queue stops nobody, and what was not dropped arrives (CVE-2024-48077)", () => {
  for (const qos of [0, 1, 2] as const) {
    const broker = new TestBroker({ options: { maxQueuedMessages: 50 } });
    const stuck = Array.from({ length: 10 }, (_, index) => {
      const client = broker.connect(`stuck-${index}`);
      client.subscribe("t/#", qos);
      client.wire.stuck = 10_000_000;
      return client;
    });
    const publishers = Array.from({ length: 10 }, (_, index) => broker.connect(`p-${index}`));
    for (let n = 1; n <= 200; n++) {
      for (const publisher of publishers) {
        publisher.publish("t/x", "x", qos, qos > 0 ? n : 0);
        if (qos === 2) publisher.send({ kind: "pubrel", packetId: n });
      }
    }
    // Everyone is answered all the same.
    for (const publisher of publishers) {
      publisher.take();
      publisher.send({ kind: "pingreq" });
      assert.deepEqual(publisher.take(), [{ kind: "pingresp" }]);
    }
    for (const client of stuck) client.wire.drain();
    const received = stuck.map(readAll);
    const dropped = broker.broker.counters.publishDropped;
    assert.equal(received.reduce((sum, count) => sum + count, 0) + dropped, 10 * 2000);
    assert.ok(received.every((count) => count >= 50));
    for (const client of [...stuck, ...publishers]) client.break();
    assertAlive(broker);
    assertEmpty(broker);
  }
});

test("the queue of a session that is away is bounded, in messages and in bytes, by every QoS", () => {
  for (const options of [
    { maxQueuedMessages: 100 },
    { maxQueuedMessages: 0, maxQueuedBytes: 100_000 },
  ]) {
    for (const qos of [0, 1, 2] as const) {
      const broker = new TestBroker({ options: { ...options, queueQos0Messages: true } });
      const client = broker.connect("away", { cleanStart: false });
      client.subscribe("t", qos);
      client.break();
      const publisher = broker.connect("p");
      for (let n = 1; n <= 1000; n++) {
        publisher.publish("t", "x".repeat(1000), qos, qos > 0 ? n : 0);
        if (qos === 2) publisher.send({ kind: "pubrel", packetId: n });
      }
      assert.equal(broker.broker.sessions.get("away")?.outgoing.backlog, 100);
      assert.equal(broker.broker.counters.publishDropped, 900);
      const kept = broker.disk.records().filter(({ key }) => key.startsWith("q/"));
      assert.equal(kept.length, qos === 0 ? 0 : 100);
    }
  }
});

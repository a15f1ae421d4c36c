/** What a SUBACK and an UNSUBACK promise of a kept session, and what that costs the disk. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connectPacket, TestBroker } from "../../kit/test-broker.ts";

const KEPT = { cleanStart: false } as const;

function subscribe(filter: string, qos: 0 | 1 | 2) {
  return { kind: "subscribe", packetId: 1, subscriptions: [{ filter, qos }] } as const;
}

const kinds = (packets: readonly { readonly kind: string }[]) => packets.map(({ kind }) => kind);

test("SUBACK and UNSUBACK of a kept session come when a power cut no longer changes them", () => {
  const broker = new TestBroker({ autoCommit: false });
  const client = broker.connect("a", KEPT);
  for (const packet of [
    subscribe("t", 1),
    subscribe("t", 2),
    { kind: "unsubscribe", packetId: 1, filters: ["t"] } as const,
  ]) {
    client.send(packet);
    assert.deepEqual(kinds(client.take()), []);
    broker.disk.commit();
    assert.deepEqual(kinds(client.take()), [packet.kind === "subscribe" ? "suback" : "unsuback"]);
  }
});

test("a client that comes back and subscribes as before waits for no disk, and has nothing written", () => {
  const broker = new TestBroker({ autoCommit: false });
  broker.connect("a", KEPT).subscribe("t", 1);
  broker.disk.commit();
  const before = broker.disk.records();
  const later = broker.restart();
  const back = later.connect("a", KEPT);
  back.send(subscribe("t", 1));
  assert.deepEqual(kinds(back.take()), ["suback"]);
  later.disk.commit();
  const subscriptions = (records: typeof before) =>
    records.filter(({ key }) => key.startsWith("f/"));
  assert.deepEqual(subscriptions(later.disk.records()), subscriptions(before));
});

test("what was subscribed just before the connection broke is not promised earlier to who comes back", () => {
  const broker = new TestBroker({ autoCommit: false });
  const client = broker.connect("a", KEPT);
  client.send(subscribe("t", 1));
  client.break();
  const back = broker.dial();
  back.send(connectPacket("a", KEPT));
  back.send(subscribe("t", 1));
  assert.deepEqual(kinds(back.take()), ["connack"]);
  broker.disk.commit();
  assert.deepEqual(kinds(back.take()), ["suback"]);
});

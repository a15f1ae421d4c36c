/** What the broker's limits do, each for itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RetainedSweep } from "../../../src/broker/retained-sweep.ts";
import { Reason } from "../../../src/mqtt/reason-codes.ts";
import { connectPacket, TestBroker, type TestClient } from "../../kit/test-broker.ts";

const KEPT = { cleanStart: false };

/** Publishes each payload at QoS 1 to "t". */
function publishAll(publisher: TestClient, ...payloads: string[]): void {
  for (const [index, payload] of payloads.entries()) publisher.publish("t", payload, 1, index + 1);
  publisher.take();
}

test("max_inflight_messages: so many are on their way, the next goes with each acknowledgement", () => {
  const broker = new TestBroker({ options: { maxInflightMessages: 2 } });
  const reader = broker.connect("reader");
  reader.subscribe("t", 1);
  publishAll(broker.connect("p"), "1", "2", "3", "4");
  const [first] = reader.publishes();
  assert.ok(first);
  assert.deepEqual(reader.messages(), []);
  reader.send({ kind: "puback", packetId: first.packetId });
  assert.deepEqual(reader.messages(), ["t=3 q1"]);
});

test("max_inflight_bytes: as many as fit are on their way, but always one", () => {
  const broker = new TestBroker({ options: { maxInflightBytes: 10 } });
  const reader = broker.connect("reader");
  reader.subscribe("t", 1);
  publishAll(broker.connect("p"), "longer than ten bytes", "12345", "123456");
  const long = reader.publishes();
  assert.equal(long.length, 1);
  reader.send({ kind: "puback", packetId: long[0]?.packetId ?? 0 });
  const short = reader.publishes();
  assert.equal(short.length, 1);
  reader.send({ kind: "puback", packetId: short[0]?.packetId ?? 0 });
  assert.deepEqual(reader.messages(), ["t=123456 q1"]);
});

test("max_queued_messages: what comes then is dropped, and the publisher acknowledged", () => {
  const broker = new TestBroker({ options: { maxQueuedMessages: 2 } });
  const away = broker.connect("away", KEPT);
  away.subscribe("t", 1);
  away.break();
  const publisher = broker.connect("p");
  for (let packetId = 1; packetId <= 4; packetId++) publisher.publish("t", "x", 1, packetId);
  assert.equal(publisher.take().filter(({ kind }) => kind === "puback").length, 4);
  assert.equal(broker.broker.counters.publishDropped, 2);
  assert.equal(broker.connect("away", KEPT).messages().length, 2);
});

test("max_queued_bytes: what does not fit is dropped, what is shorter still comes in", () => {
  const broker = new TestBroker({ options: { maxQueuedBytes: 10 } });
  const away = broker.connect("away", KEPT);
  away.subscribe("t", 1);
  away.break();
  publishAll(broker.connect("p"), "123456", "123456", "1234");
  assert.equal(broker.broker.counters.publishDropped, 1);
  assert.deepEqual(broker.connect("away", KEPT).messages(), ["t=123456 q1", "t=1234 q1"]);
});

test("queue_qos0_messages: at the bound the oldest goes, since the newest is worth most", () => {
  const broker = new TestBroker({ options: { queueQos0Messages: true, maxQueuedMessages: 2 } });
  const away = broker.connect("away", KEPT);
  away.subscribe("t", 0);
  away.break();
  const publisher = broker.connect("p");
  for (const payload of ["1", "2", "3"]) publisher.publish("t", payload);
  assert.deepEqual(broker.connect("away", KEPT).messages(), ["t=2", "t=3"]);
  assert.equal(broker.broker.counters.publishDropped, 1);
});

test("upgrade_outgoing_qos: the subscription's QoS counts, whatever that of the message", () => {
  for (const upgradeOutgoingQos of [false, true]) {
    const broker = new TestBroker({ options: { upgradeOutgoingQos } });
    const reader = broker.connect("reader");
    reader.subscribe("t", 2);
    broker.connect("p").publish("t", "x");
    assert.deepEqual(reader.messages(), [upgradeOutgoingQos ? "t=x q2" : "t=x"]);
  }
});

test("memory_limit: over it QoS 1 is not acknowledged, nobody comes in, and below it all is well", () => {
  const broker = new TestBroker();
  const reader = broker.connect("reader");
  reader.subscribe("t", 1);
  const old = broker.connect("old");
  const young = broker.connect5("young");
  broker.broker.memoryFull = true;
  young.publish("t", "x", 1, 1);
  const [answer] = young.take();
  assert.equal(answer?.kind === "puback" && answer.reasonCode, Reason.quotaExceeded);
  old.publish("t", "x", 1, 1);
  assert.equal(old.ending(), "closed");
  const newcomer = broker.dial(5);
  newcomer.send(connectPacket("new", { level: 5 }));
  assert.equal(newcomer.ending(), "0x97 connack");
  assert.deepEqual(reader.messages(), []);
  broker.broker.memoryFull = false;
  young.publish("t", "y", 1, 2);
  assert.deepEqual(reader.messages(), ["t=y q1"]);
});

test("retain_expiry_interval: expired retained messages go without anybody asking for them", () => {
  const broker = new TestBroker({ options: { retainSweep: 60_000 } });
  const sweep = new RetainedSweep(broker.broker);
  sweep.start();
  const publisher = broker.connect5("p");
  publisher.publishWith({ messageExpiryInterval: 30 }, "t", "x", true);
  publisher.publishWith({ messageExpiryInterval: 90 }, "u", "x", true);
  broker.clock.advance(59_000);
  assert.equal(broker.broker.retained.count, 2);
  broker.clock.advance(1000);
  assert.equal(broker.broker.retained.count, 1);
  broker.clock.advance(60_000);
  assert.equal(broker.broker.retained.count, 0);
  publisher.publishWith({ messageExpiryInterval: 30 }, "t", "x", true);
  broker.broker.options = { ...broker.broker.options, retainSweep: 0 };
  sweep.reload();
  broker.clock.advance(120_000);
  assert.equal(broker.broker.retained.count, 1);
  broker.broker.options = { ...broker.broker.options, retainSweep: 60_000 };
  sweep.reload();
  broker.clock.advance(60_000);
  assert.equal(broker.broker.retained.count, 0);
  sweep.stop();
});

test("persistent_client_expiration: the session is gone with its messages, counted and told", () => {
  const broker = new TestBroker({ options: { sessionExpiry: 3_600_000 } });
  const away = broker.connect("away", KEPT);
  away.subscribe("t", 1);
  away.break();
  publishAll(broker.connect("p"), "x");
  broker.clock.advance(3_599_000);
  assert.ok(broker.broker.sessions.has("away"));
  broker.clock.advance(1000);
  assert.ok(!broker.broker.sessions.has("away"));
  assert.equal(broker.broker.counters.sessionsExpired, 1);
  assert.ok(broker.log.lines.includes("info: Expiring client away due to timeout."));
  assert.deepEqual(broker.connect("away", KEPT).messages(), []);
});

test("global_max_clients counts sessions of those who are away; global_max_connections does not", () => {
  const asks = (broker: TestBroker, clientId: string) => {
    const client = broker.dial(5);
    client.send(connectPacket(clientId, { level: 5 }));
    return client.ending();
  };
  const sessions = new TestBroker({ options: { maxClients: 1 } });
  sessions.connect("away", KEPT).break();
  assert.equal(asks(sessions, "b"), "0x97 connack");
  assert.equal(asks(sessions, "away"), "open");
  const connections = new TestBroker({ options: { maxConnections: 1 } });
  connections.connect("away", KEPT).break();
  assert.equal(asks(connections, "b"), "open");
  assert.match(asks(connections, "c"), /^0x\d\d connack$/);
  assert.equal(asks(connections, "b"), "open");
});

test("max_packet_size: a longer packet ends the connection before it has been read", () => {
  const broker = new TestBroker({ options: { maxPacketSize: 1000 } });
  const client = broker.connect5("a");
  client.sendBytes(new Uint8Array([0x30, 0xe9, 0x07]));
  assert.equal(client.ending(), "0x95");
});

test("retain_available false: a retained message ends the connection", () => {
  const broker = new TestBroker({ options: { retainAvailable: false } });
  const client = broker.connect5("a");
  client.publish("t", "x", 0, 0, true);
  assert.equal(client.ending(), "0x9a");
  assert.equal(broker.broker.retained.count, 0);
});

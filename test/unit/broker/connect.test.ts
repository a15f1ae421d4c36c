/** CONNECT, keep alive, wills, take-over and the end of a connection. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "../../kit/hex.ts";
import { connectPacket, TestBroker } from "../../kit/test-broker.ts";

const WILL = {
  topic: "state",
  payload: new TextEncoder().encode("gone"),
  qos: 0,
  retain: false,
} as const;

test("[MQTT-3.1.4-4] CONNECT is answered by CONNACK with code 0", () => {
  const client = new TestBroker().connect("a");
  assert.deepEqual(client.connack, { kind: "connack", sessionPresent: false, returnCode: 0 });
});

test("[MQTT-3.1.0-2] a second CONNECT closes the connection", () => {
  const client = new TestBroker().connect("a");
  client.send(connectPacket("a"));
  assert.equal(client.closed, true);
});

test("[MQTT-3.1.2-2] an unknown protocol level is answered with return code 1 and closed", () => {
  const client = new TestBroker().dial();
  client.sendBytes(hex("10 0c 0004 4d515454 06 02 003c 0000"));
  assert.deepEqual(client.take(), [{ kind: "connack", sessionPresent: false, returnCode: 1 }]);
  assert.equal(client.closed, true);
});

test("[MQTT-3.1.3-8] no client identifier without clean session: return code 2", () => {
  const client = new TestBroker().dial();
  client.send(connectPacket("", { cleanStart: false }));
  assert.deepEqual(client.take(), [{ kind: "connack", sessionPresent: false, returnCode: 2 }]);
  assert.equal(client.closed, true);
});

test("[MQTT-3.1.3-6] clients without an identifier get one each", () => {
  const broker = new TestBroker();
  const clients = [broker.connect(""), broker.connect("")];
  for (const client of clients) assert.equal(client.closed, false);
  assert.equal(broker.broker.sessions.size, 2);
});

test("a listener without anonymous access refuses with return code 5", () => {
  const client = new TestBroker({ allowAnonymous: false }).dial();
  client.send(connectPacket("a", { username: "u" }));
  assert.deepEqual(client.take(), [{ kind: "connack", sessionPresent: false, returnCode: 5 }]);
  assert.equal(client.closed, true);
});

test("[MQTT-3.1.4-1] a connection that sends no CONNECT is closed in time", () => {
  const broker = new TestBroker({ options: { connectTimeout: 10_000 } });
  const client = broker.dial();
  broker.clock.advance(9_999);
  assert.equal(client.closed, false);
  broker.clock.advance(1);
  assert.equal(client.closed, true);
});

test("[MQTT-3.1.2-24] silence for one and a half keep alive times closes and publishes the will", () => {
  const broker = new TestBroker();
  const watcher = broker.connect("w");
  watcher.subscribe("state");
  const client = broker.connect("a", { keepAlive: 10, will: WILL });
  broker.clock.advance(14_000);
  client.send({ kind: "pingreq" });
  assert.deepEqual(client.take(), [{ kind: "pingresp" }]);
  broker.clock.advance(14_999);
  assert.equal(client.closed, false);
  broker.clock.advance(1);
  assert.equal(client.closed, true);
  assert.deepEqual(watcher.messages(), ["state=gone"]);
});

test("keep alive 0 is never timed out", () => {
  const broker = new TestBroker();
  const client = broker.connect("a");
  broker.clock.advance(100 * 24 * 3_600_000);
  assert.equal(client.closed, false);
});

test("a keep alive longer than max_keepalive is refused, as is none at all", () => {
  const broker = new TestBroker({ options: { maxKeepAlive: 60 } });
  for (const keepAlive of [61, 0]) {
    const client = broker.dial();
    client.send(connectPacket("a", { keepAlive }));
    assert.deepEqual(client.take(), [{ kind: "connack", sessionPresent: false, returnCode: 2 }]);
  }
  assert.equal(broker.connect("a", { keepAlive: 60 }).closed, false);
});

test("[MQTT-3.1.2-8] a broken connection publishes the will, [MQTT-3.14.4-3] DISCONNECT does not", () => {
  const broker = new TestBroker();
  const watcher = broker.connect("w");
  watcher.subscribe("state");
  const polite = broker.connect("a", { will: WILL });
  polite.send({ kind: "disconnect" });
  assert.equal(polite.closed, true);
  polite.break();
  assert.deepEqual(watcher.messages(), []);
  broker.connect("b", { will: WILL }).break();
  assert.deepEqual(watcher.messages(), ["state=gone"]);
});

test("[MQTT-3.1.2-17] a will with RETAIN is retained", () => {
  const broker = new TestBroker();
  broker.connect("b", { will: { ...WILL, retain: true } }).break();
  const late = broker.connect("w");
  late.subscribe("state");
  assert.deepEqual(late.messages(), ["state=gone retain"]);
});

test("a protocol error publishes the will", () => {
  const broker = new TestBroker();
  const watcher = broker.connect("w");
  watcher.subscribe("state");
  const client = broker.connect("b", { will: WILL });
  client.sendBytes(hex("36 05 0001 61 0001"));
  assert.equal(client.closed, true);
  assert.deepEqual(watcher.messages(), ["state=gone"]);
});

test("[MQTT-3.1.4-2] a client identifier that connects again closes the connection before", () => {
  const broker = new TestBroker();
  const first = broker.connect("a");
  const second = broker.connect("a");
  assert.equal(first.closed, true);
  assert.equal(second.closed, false);
  second.subscribe("t");
  second.publish("t", "x");
  assert.deepEqual(second.messages(), ["t=x"]);
  first.break();
  second.publish("t", "y");
  assert.deepEqual(second.messages(), ["t=y"]);
});

test("packets that only a server sends close the connection", () => {
  for (const bytes of ["2002 0000", "9003 0001 00", "b002 0001", "d000"]) {
    const client = new TestBroker().connect("a");
    client.sendBytes(hex(bytes));
    assert.equal(client.closed, true, bytes);
  }
});

test("acknowledgements of what was never sent harm nobody", () => {
  const client = new TestBroker().connect("a");
  for (const bytes of ["4002 0009", "5002 0009", "6202 0009", "7002 0009"])
    client.sendBytes(hex(bytes));
  assert.deepEqual(client.take(), [
    { kind: "pubrel", packetId: 9 },
    { kind: "pubcomp", packetId: 9 },
  ]);
  assert.equal(client.closed, false);
});

test("invalid topic names and filters close the connection [MQTT-3.3.2-2] [MQTT-4.7.1-2]", () => {
  const broker = new TestBroker({ options: { maxTopicLevels: 5 } });
  const attempts = [
    {
      kind: "publish",
      topic: "a/+",
      payload: new Uint8Array(0),
      qos: 0,
      retain: false,
      dup: false,
      packetId: 0,
    },
    {
      kind: "publish",
      topic: "",
      payload: new Uint8Array(0),
      qos: 0,
      retain: false,
      dup: false,
      packetId: 0,
    },
    { kind: "subscribe", packetId: 1, subscriptions: [{ filter: "a/#/b", qos: 0 }] },
    { kind: "subscribe", packetId: 1, subscriptions: [{ filter: "/".repeat(6), qos: 0 }] },
    { kind: "unsubscribe", packetId: 1, filters: ["a#"] },
  ] as const;
  for (const packet of attempts) {
    const client = broker.connect("a");
    client.send(packet);
    assert.equal(client.closed, true, JSON.stringify(packet));
  }
  assert.equal(broker.connect("z", { will: { ...WILL, topic: "a/#" } }).closed, true);
});

test("what one chunk holds after the packet that ends the connection is not carried out", () => {
  const broker = new TestBroker();
  const watcher = broker.connect("w");
  watcher.subscribe("#");
  const client = broker.connect("a");
  client.sendBytes(hex("e000 30 03 0001 61"));
  assert.deepEqual(watcher.messages(), []);
});

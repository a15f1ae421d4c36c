/** MQTT 3.1.1 §3.1.0 to §3.1.2: the first packet, and what the flags of CONNECT mean. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "../../kit/hex.ts";
import { field, frame, rawConnect } from "../../kit/raw-packets.ts";
import { connectPacket, TestBroker } from "../../kit/test-broker.ts";

const KEPT = { cleanStart: false } as const;
const WILL = {
  topic: "will",
  payload: new TextEncoder().encode("gone"),
  qos: 1,
  retain: false,
} as const;

const REFUSED = (returnCode: number) => [{ kind: "connack", sessionPresent: false, returnCode }];

test("[MQTT-3.1.0-1] a first packet that is not CONNECT closes the connection and has no effect", () => {
  for (const first of [
    "2002 0000",
    "3003 0001 74",
    "4002 0001",
    "5002 0001",
    "6202 0001",
    "7002 0001",
    "8206 0001 0001 74 00",
    "9003 0001 00",
    "a205 0001 0001 74",
    "b002 0001",
    "c000",
    "d000",
    "e000",
    "0000",
    "f000",
  ]) {
    const broker = new TestBroker();
    const watcher = broker.connect("w");
    watcher.subscribe("#");
    const client = broker.dial();
    client.sendBytes(hex(first));
    assert.equal(client.closed, true, first);
    assert.deepEqual(client.take(), [], first);
    assert.deepEqual(watcher.messages(), []);
    assert.equal(broker.broker.subscriptions.count, 1);
  }
});

test("[MQTT-3.1.0-2] a second CONNECT closes the connection as a protocol violation", () => {
  const broker = new TestBroker();
  const watcher = broker.connect("w");
  watcher.subscribe("will");
  for (const second of ["a", "b"]) {
    const client = broker.connect("a", { will: WILL });
    client.send(connectPacket(second));
    assert.equal(client.closed, true);
    assert.deepEqual(client.take(), []);
    assert.equal(broker.broker.sessions.has(second), false);
    assert.deepEqual(watcher.messages(), ["will=gone"]);
  }
});

test("[MQTT-3.1.2-1] a CONNECT of another protocol name is not processed", () => {
  for (const name of ["mqtt", "MQTT ", "MQT", "", "MQIsdq", "MQTTX", "HTTP"]) {
    const broker = new TestBroker();
    const client = broker.dial();
    client.sendBytes(rawConnect({ name }));
    assert.equal(client.closed, true, name);
    assert.deepEqual(client.take(), []);
    assert.equal(broker.broker.sessions.size, 0);
  }
});

test("[MQTT-3.1.2-2] a protocol level that is not supported is answered by return code 1 and closed", () => {
  for (const level of [0, 1, 2, 3, 6, 7, 64, 127, 0x80, 0x83, 0x86, 0xff]) {
    const client = new TestBroker().dial();
    client.sendBytes(rawConnect({ level }));
    assert.deepEqual(client.wire.take(), hex("2002 0001"), `level ${level}`);
    assert.equal(client.closed, true);
  }
});

test("[MQTT-3.1.2-3] a reserved connect flag that is set closes the connection", () => {
  for (const flags of [0x01, 0x03]) {
    const client = new TestBroker().dial();
    client.sendBytes(rawConnect({ flags }));
    assert.equal(client.closed, true);
    assert.deepEqual(client.take(), []);
  }
});

test("[MQTT-3.1.2-4] without clean session the session is created, kept on leaving, and resumed", () => {
  const broker = new TestBroker();
  const client = broker.connect("a", KEPT);
  assert.deepEqual(client.connack, { kind: "connack", sessionPresent: false, returnCode: 0 });
  client.subscribe("t", 1);
  client.send({ kind: "disconnect" });
  client.break();
  const publisher = broker.connect("p");
  publisher.publish("t", "while away", 1, 1);
  const back = broker.connect("a", KEPT);
  assert.deepEqual(back.connack, { kind: "connack", sessionPresent: true, returnCode: 0 });
  assert.deepEqual(back.messages(), ["t=while away q1"]);
  publisher.publish("t", "while there", 1, 2);
  assert.deepEqual(back.messages(), ["t=while there q1"]);
});

test("[MQTT-3.1.2-5] QoS 1 and 2 messages that match are stored for a kept session that is away", () => {
  const broker = new TestBroker();
  const client = broker.connect("a", KEPT);
  client.subscribe("one", 1);
  client.subscribe("two/+", 2);
  client.break();
  const publisher = broker.connect("p");
  publisher.publish("one", "1", 1, 1);
  publisher.publish("two/x", "2", 2, 2);
  publisher.publish("other", "3", 1, 3);
  // A power cut between: what was acknowledged is on the disk.
  const back = broker.restart().connect("a", KEPT);
  assert.deepEqual(back.messages(), ["one=1 q1", "two/x=2 q2"]);
});

test("[MQTT-3.1.2-6] clean session discards the previous session, and leaves nothing to the next", () => {
  const broker = new TestBroker();
  const first = broker.connect("a", KEPT);
  first.subscribe("t", 2);
  first.publish("t", "unreleased", 2, 9);
  first.break();
  broker.connect("p").publish("t", "queued", 1, 1);
  const clean = broker.connect("a");
  assert.deepEqual(clean.take(), []);
  // Identifier 9 is free again: this is a new message.
  clean.subscribe("t", 0);
  clean.publish("t", "new", 2, 9, false, true);
  assert.deepEqual(clean.messages(), ["t=new"]);
  clean.break();
  const later = broker.connect("a", KEPT);
  assert.deepEqual(later.connack, { kind: "connack", sessionPresent: false, returnCode: 0 });
  broker.connect("p").publish("t", "after", 1, 2);
  assert.deepEqual(later.messages(), []);
});

test("[MQTT-3.1.2-7] retained messages stay when the session that published them ends", () => {
  const broker = new TestBroker();
  const client = broker.connect("a");
  client.publish("t", "kept", 1, 1, true);
  client.send({ kind: "disconnect" });
  client.break();
  broker.connect("a").break();
  const late = broker.connect("late");
  late.subscribe("t");
  assert.deepEqual(late.messages(), ["t=kept retain"]);
});

test("[MQTT-3.1.2-8] the will is published when the connection ends without DISCONNECT, in whatever way", () => {
  const endings: Readonly<Record<string, (broker: TestBroker) => void>> = {
    "the network fails": (broker) => broker.connect("a", { will: WILL }).break(),
    "keep alive runs out": (broker) => {
      broker.connect("a", { will: WILL, keepAlive: 10 });
      broker.clock.advance(15_000);
    },
    "the client breaks the protocol": (broker) =>
      broker.connect("a", { will: WILL }).sendBytes(hex("f000")),
    "another client takes its identifier": (broker) => {
      broker.connect("a", { will: WILL });
      broker.connect("a");
    },
    "the network fails, session kept": (broker) =>
      broker.connect("a", { ...KEPT, will: WILL }).break(),
  };
  for (const [how, end] of Object.entries(endings)) {
    const broker = new TestBroker();
    const watcher = broker.connect("w");
    watcher.subscribe("will", 2);
    end(broker);
    assert.deepEqual(watcher.messages(), ["will=gone q1"], how);
  }
});

test("[MQTT-3.1.2-9] with the will flag, will topic and message must be there, and its QoS and RETAIN are used", () => {
  for (const payload of [
    [field("c")],
    [field("c"), field("will")],
    [field("c"), field("will"), "0004 676f"],
  ]) {
    const client = new TestBroker().dial();
    client.sendBytes(rawConnect({ flags: 0x06, payload }));
    assert.equal(client.closed, true);
    assert.deepEqual(client.take(), []);
  }
  const broker = new TestBroker();
  const watcher = broker.connect("w");
  watcher.subscribe("will", 2);
  for (const qos of [0, 1, 2] as const) {
    broker.connect("a", { will: { ...WILL, qos } }).break();
    assert.deepEqual(watcher.messages(), [`will=gone${qos > 0 ? ` q${qos}` : ""}`]);
  }
});

test("[MQTT-3.1.2-10] a will that was published, or taken back by DISCONNECT, is gone for good", () => {
  const broker = new TestBroker();
  const watcher = broker.connect("w");
  watcher.subscribe("will");
  const lost = broker.connect("a", { ...KEPT, will: WILL });
  lost.break();
  assert.deepEqual(watcher.messages(), ["will=gone"]);
  const polite = broker.connect("b", { ...KEPT, will: WILL });
  polite.send({ kind: "disconnect" });
  polite.break();
  for (const id of ["a", "b"]) broker.connect(id, KEPT).break();
  broker.clock.advance(3_600_000);
  assert.deepEqual(watcher.messages(), []);
});

test("[MQTT-3.1.2-11] without the will flag, will details or a will in the payload close the connection", () => {
  for (const flags of [0x0a, 0x12, 0x1a, 0x22, 0x2a, 0x3a]) {
    const client = new TestBroker().dial();
    client.sendBytes(rawConnect({ flags }));
    assert.equal(client.closed, true, `flags ${flags}`);
    assert.deepEqual(client.take(), []);
  }
  const client = new TestBroker().dial();
  client.sendBytes(rawConnect({ payload: [field("c"), field("will"), field("gone")] }));
  assert.equal(client.closed, true);
});

test("[MQTT-3.1.2-12] without the will flag nothing is published when the connection ends", () => {
  const broker = new TestBroker();
  const watcher = broker.connect("w");
  watcher.subscribe("#");
  broker.connect("a").break();
  broker.connect("b", { keepAlive: 1 });
  broker.clock.advance(60_000);
  assert.deepEqual(watcher.take(), []);
});

test("[MQTT-3.1.2-13] a will QoS without the will flag closes the connection", () => {
  for (const flags of [0x0a, 0x12]) {
    const client = new TestBroker().dial();
    client.sendBytes(rawConnect({ flags }));
    assert.equal(client.closed, true);
    assert.deepEqual(client.take(), []);
  }
});

test("[MQTT-3.1.2-14] will QoS 3 closes the connection", () => {
  const client = new TestBroker().dial();
  client.sendBytes(
    rawConnect({ flags: 0x1e, payload: [field("c"), field("will"), field("gone")] }),
  );
  assert.equal(client.closed, true);
  assert.deepEqual(client.take(), []);
});

test("[MQTT-3.1.2-15] will RETAIN without the will flag closes the connection", () => {
  const client = new TestBroker().dial();
  client.sendBytes(rawConnect({ flags: 0x22 }));
  assert.equal(client.closed, true);
  assert.deepEqual(client.take(), []);
});

test("[MQTT-3.1.2-16] a will without RETAIN is not retained, and leaves a retained message as it is", () => {
  const broker = new TestBroker();
  const publisher = broker.connect("p");
  broker.connect("a", { will: WILL }).break();
  const early = broker.connect("early");
  early.subscribe("will");
  assert.deepEqual(early.messages(), []);
  publisher.publish("will", "before", 0, 0, true);
  broker.connect("a", { will: WILL }).break();
  const late = broker.connect("late");
  late.subscribe("will");
  assert.deepEqual(late.messages(), ["will=before retain"]);
});

test("[MQTT-3.1.2-17] a will with RETAIN is retained", () => {
  const broker = new TestBroker();
  const watcher = broker.connect("w");
  watcher.subscribe("will", 1);
  broker.connect("a", { will: { ...WILL, retain: true } }).break();
  assert.deepEqual(watcher.messages(), ["will=gone q1"]);
  const late = broker.connect("late");
  late.subscribe("will", 1);
  assert.deepEqual(late.messages(), ["will=gone q1 retain"]);
});

/** CONNECTs whose flags and payload do not agree: each is closed without an answer. */
function assertMalformed(flags: number, payload: readonly Uint8Array[]): void {
  const broker = new TestBroker();
  const client = broker.dial();
  client.sendBytes(rawConnect({ flags, payload }));
  assert.equal(client.closed, true);
  assert.deepEqual(client.take(), []);
  assert.equal(broker.broker.sessions.size, 0);
}

test("[MQTT-3.1.2-18] without its flag a user name in the payload closes the connection", () => {
  assertMalformed(0x02, [field("c"), field("user")]);
  assertMalformed(0x06, [field("c"), field("will"), field("gone"), field("user")]);
});

test("[MQTT-3.1.2-19] with its flag a missing user name closes the connection", () => {
  assertMalformed(0x82, [field("c")]);
  assertMalformed(0x86, [field("c"), field("will"), field("gone")]);
});

test("[MQTT-3.1.2-20] without its flag a password in the payload closes the connection", () => {
  assertMalformed(0x82, [field("c"), field("user"), field("secret")]);
});

test("[MQTT-3.1.2-21] with its flag a missing password closes the connection", () => {
  assertMalformed(0xc2, [field("c"), field("user")]);
});

test("[MQTT-3.1.2-22] a password without a user name closes the connection", () => {
  assertMalformed(0x42, [field("c"), field("secret")]);
  assertMalformed(0x42, [field("c"), field("user"), field("secret")]);
});

test("[MQTT-3.1.2-24] one and a half times the keep alive without a packet closes as if the network had failed", () => {
  const broker = new TestBroker();
  const watcher = broker.connect("w");
  watcher.subscribe("will");
  const client = broker.connect("a", { keepAlive: 60, will: { ...WILL, qos: 0 } });
  // Any packet counts, not only PINGREQ.
  const packets = [
    "c000",
    "3003 0001 74",
    "6202 0001",
    "8206 0001 0001 74 00",
    "a205 0001 0001 74",
  ];
  for (const bytes of packets) {
    broker.clock.advance(89_999);
    client.sendBytes(hex(bytes));
    assert.equal(client.closed, false, bytes);
  }
  broker.clock.advance(89_999);
  assert.equal(client.closed, false);
  broker.clock.advance(1);
  assert.equal(client.closed, true);
  assert.deepEqual(watcher.messages(), ["will=gone"]);
});

test("what the server sends does not count for the keep alive", () => {
  const broker = new TestBroker();
  const client = broker.connect("a", { keepAlive: 10 });
  client.subscribe("t");
  const publisher = broker.connect("p");
  for (let second = 0; second < 15; second++) {
    publisher.publish("t", "x");
    broker.clock.advance(1000);
  }
  assert.equal(client.closed, true);
});

test("a packet that comes in part does not end the connection, and is carried out when it is whole", () => {
  const broker = new TestBroker();
  const client = broker.dial();
  for (const byte of rawConnect()) client.sendBytes(new Uint8Array([byte]));
  assert.deepEqual(client.take(), [{ kind: "connack", sessionPresent: false, returnCode: 0 }]);
  for (const byte of frame(0x82, "0001", field("t"), "01"))
    client.sendBytes(new Uint8Array([byte]));
  assert.deepEqual(client.take(), [{ kind: "suback", packetId: 1, codes: [1] }]);
});

test("a connection that is refused has no effect on who holds the identifier", () => {
  const broker = new TestBroker();
  const holder = broker.connect("a", { will: WILL });
  const client = broker.dial();
  client.sendBytes(rawConnect({ level: 9, payload: [field("a")] }));
  assert.deepEqual(client.take(), REFUSED(1));
  assert.equal(holder.closed, false);
});

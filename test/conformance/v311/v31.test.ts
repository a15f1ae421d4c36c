/** MQTT 3.1, where it differs from 3.1.1. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "../../kit/hex.ts";
import { field, frame, rawConnect } from "../../kit/raw-packets.ts";
import { ScriptedAccess } from "../../kit/scripted-access.ts";
import { connectPacket, TestBroker, type TestClient } from "../../kit/test-broker.ts";

const V31 = { level: 3 } as const;
const KEPT = { level: 3, cleanStart: false } as const;
const MQISDP = { name: "MQIsdp", level: 3 } as const;

function dial31(broker: TestBroker, flags: number, payload: readonly Uint8Array[]): TestClient {
  const client = broker.dial();
  client.sendBytes(rawConnect({ ...MQISDP, flags, payload }));
  return client;
}

test("the protocol is called MQIsdp and has level 3, of a bridge 0x83", () => {
  for (const level of [3, 0x83]) {
    const client = new TestBroker().dial();
    client.sendBytes(rawConnect({ name: "MQIsdp", level }));
    assert.deepEqual(client.wire.take(), hex("2002 0000"));
    assert.equal(client.closed, false);
  }
});

test("its name with another level, and its level with another name, are return code 1", () => {
  for (const [name, level] of [
    ["MQIsdp", 4],
    ["MQIsdp", 5],
    ["MQIsdp", 2],
    ["MQTT", 3],
  ] as const) {
    const client = new TestBroker().dial();
    client.sendBytes(rawConnect({ name, level }));
    assert.deepEqual(client.wire.take(), hex("2002 0001"), `${name} ${level}`);
    assert.equal(client.closed, true);
  }
});

test("the first byte of CONNACK is reserved and 0, also where a session is resumed", () => {
  const broker = new TestBroker();
  const first = broker.connect("a", KEPT);
  first.subscribe("t", 1);
  first.break();
  broker.connect("p").publish("t", "x", 1, 1);
  const back = broker.dial();
  back.send(connectPacket("a", KEPT));
  assert.deepEqual(back.wire.take().subarray(0, 4), hex("2002 0000"));
});

test("there are no empty client identifiers, with or without clean session", () => {
  for (const flags of [0x00, 0x02]) {
    const client = dial31(new TestBroker(), flags, [field("")]);
    assert.deepEqual(client.wire.take(), hex("2002 0002"));
    assert.equal(client.closed, true);
  }
});

test("client identifiers of more than 23 characters are accepted, as Mosquitto does", () => {
  const broker = new TestBroker();
  for (const length of [1, 23, 24, 300]) {
    assert.deepEqual(broker.connect("x".repeat(length), V31).connack, {
      kind: "connack",
      sessionPresent: false,
      returnCode: 0,
    });
  }
});

test("a user name or password that its flag announces may be missing: the packet's length decides", () => {
  for (const [flags, payload] of [
    [0x82, [field("a")]],
    [0xc2, [field("a")]],
    [0xc2, [field("a"), field("user")]],
  ] as const) {
    const client = dial31(new TestBroker(), flags, payload);
    assert.deepEqual(client.wire.take(), hex("2002 0000"));
    assert.equal(client.closed, false);
  }
});

test("a user name that is there in part closes the connection all the same", () => {
  for (const payload of [
    [field("a"), hex("00")],
    [field("a"), hex("0005 61")],
  ]) {
    const client = dial31(new TestBroker(), 0x82, payload);
    assert.equal(client.closed, true);
    assert.deepEqual(client.take(), []);
  }
});

test("PUBREL, SUBSCRIBE and UNSUBSCRIBE may have DUP set when they are repeated", () => {
  const client = new TestBroker().connect("a", V31);
  client.publish("t", "x", 2, 7);
  client.take();
  client.sendBytes(frame(0x6a, "0007"));
  client.sendBytes(frame(0x8a, "0001", field("t"), "01"));
  client.sendBytes(frame(0xaa, "0002", field("t")));
  assert.deepEqual(client.wire.take(), hex("7002 0007  9003 0001 01  b002 0002"));
  assert.equal(client.closed, false);
});

test("a subscription that is not allowed is acknowledged as if it were, and brings nothing", () => {
  const access = new ScriptedAccess({ maySubscribe: () => false });
  const broker = new TestBroker({ access });
  const client = broker.connect("a", V31);
  assert.deepEqual(client.subscribe("t", 1), [1]);
  broker.connect("p").publish("t", "x", 1, 1);
  assert.deepEqual(client.messages(), []);
});

test("what is as in 3.1.1 works: QoS 0 to 2 both ways, wills, retained messages, kept sessions", () => {
  const broker = new TestBroker();
  const will = { topic: "w", payload: new Uint8Array([0x78]), qos: 1, retain: true } as const;
  const a = broker.connect("a", { ...KEPT, will });
  a.subscribe("t", 2);
  const b = broker.connect("b", { level: 4 });
  b.subscribe("w", 2);
  for (const qos of [0, 1, 2] as const) {
    b.publish("t", `${qos}`, qos, qos);
    if (qos === 2) b.send({ kind: "pubrel", packetId: 2 });
  }
  assert.deepEqual(a.messages(), ["t=0", "t=1 q1", "t=2 q2"]);
  a.break();
  assert.deepEqual(
    b.messages().filter((line) => line.startsWith("w")),
    ["w=x q1"],
  );
  const back = broker.connect("a", KEPT);
  assert.deepEqual(back.messages(), ["t=1 q1 dup", "t=2 q2 dup"]);
  const late = broker.connect("late", V31);
  late.subscribe("w", 2);
  assert.deepEqual(late.messages(), ["w=x q1 retain"]);
});

/** MQTT 3.1.1 §3.12 to §3.14, §4.1 and §4.8: PINGREQ, DISCONNECT, how long sessions last, errors. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Reason } from "../../../src/mqtt/reason-codes.ts";
import { hex } from "../../kit/hex.ts";
import { field, frame, joined } from "../../kit/raw-packets.ts";
import { ScriptedAccess } from "../../kit/scripted-access.ts";
import { connectPacket, TestBroker } from "../../kit/test-broker.ts";

const KEPT = { cleanStart: false } as const;
const WILL = {
  topic: "will",
  payload: new TextEncoder().encode("gone"),
  qos: 0,
  retain: false,
} as const;

test("[MQTT-3.12.4-1] PINGREQ is answered by PINGRESP, each one", () => {
  const client = new TestBroker().connect("c");
  client.sendBytes(hex("c000 c000"));
  assert.deepEqual(client.wire.take(), hex("d000 d000"));
});

test("[MQTT-3.14.1-1] DISCONNECT with reserved bits is no DISCONNECT: the will is published", () => {
  for (let flags = 0; flags < 16; flags++) {
    const broker = new TestBroker();
    const watcher = broker.connect("w");
    watcher.subscribe("will");
    const client = broker.connect("c", { will: WILL });
    client.sendBytes(new Uint8Array([0xe0 | flags, 0]));
    assert.equal(client.closed, true);
    assert.deepEqual(watcher.messages(), flags === 0 ? [] : ["will=gone"]);
  }
});

test("[MQTT-3.14.4-3] on DISCONNECT the will is discarded, and the connection is closed", () => {
  const broker = new TestBroker();
  const watcher = broker.connect("w");
  watcher.subscribe("will");
  for (const cleanStart of [true, false]) {
    const client = broker.connect("c", { cleanStart, will: { ...WILL, retain: true } });
    client.send({ kind: "disconnect" });
    assert.equal(client.closed, true);
    client.break();
    broker.clock.advance(100_000);
    assert.deepEqual(watcher.messages(), []);
  }
  assert.equal(broker.broker.retained.count, 0);
});

test("[MQTT-4.1.0-1] all of a session's state is kept while it lasts, over connections and power cuts", () => {
  let broker = new TestBroker();
  const client = broker.connect("a", KEPT);
  client.subscribe("t/#", 2);
  client.publish("x", "unreleased", 2, 100);
  const publisher = broker.connect("p");
  publisher.publish("t/1", "unacknowledged", 1, 1);
  publisher.publish("t/2", "unreceived", 2, 2);
  publisher.publish("t/3", "uncompleted", 2, 3);
  client.take();
  client.send({ kind: "pubrec", packetId: 3 });
  client.break();
  publisher.publish("t/4", "queued", 1, 4);
  broker.clock.advance(365 * 24 * 3_600_000);
  broker = broker.restart();
  const back = broker.connect("a", KEPT);
  const got = back.take().map((packet) => (packet.kind === "publish" ? packet.topic : packet.kind));
  assert.deepEqual(got.sort(), ["pubrel", "t/1", "t/2", "t/4"]);
  const watcher = broker.connect("w");
  watcher.subscribe("x");
  back.publish("x", "unreleased", 2, 100, false, true);
  assert.deepEqual(watcher.messages(), []);
  broker.connect("p").publish("t/5", "x");
  assert.deepEqual(back.messages(), ["t/5=x"]);
});

test("[MQTT-4.1.0-2] a session lasts while its client is connected, however long that is", () => {
  const broker = new TestBroker({ options: { sessionExpiry: 1000 } });
  const kept = broker.connect("kept", KEPT);
  const clean = broker.connect("clean");
  for (const client of [kept, clean]) client.subscribe("t", 1);
  broker.clock.advance(400 * 24 * 3_600_000);
  broker.connect("p").publish("t", "x", 1, 1);
  for (const client of [kept, clean]) assert.deepEqual(client.messages(), ["t=x q1"]);
});

const VIOLATIONS: Readonly<Record<string, string>> = {
  "packet type 0": "0000",
  "packet type 15": "f000",
  "a Remaining Length of five bytes": "3080808080 01",
  CONNACK: "2002 0000",
  SUBACK: "9003 0001 00",
  UNSUBACK: "b002 0001",
  PINGRESP: "d000",
  "a second CONNECT": "10 0d 0004 4d515454 04 02 0000 0001 63",
  "PUBLISH without a topic name": "3000",
  "PUBLISH with its topic cut off": "3003 0005 74",
  "PUBLISH with its identifier cut off": "3204 0001 74 00",
  "SUBSCRIBE without a QoS": "8205 0001 0001 74",
  "SUBSCRIBE with its filter cut off": "8205 0001 0002 74",
  "SUBSCRIBE of one byte": "8201 00",
  "UNSUBSCRIBE with its filter cut off": "a205 0001 0002 74",
  "PINGREQ with a body": "c001 00",
  "DISCONNECT with a body": "e001 00",
};

test("[MQTT-4.8.0-1] a protocol violation closes that connection, and what follows it is not processed", () => {
  for (const [what, bytes] of Object.entries(VIOLATIONS)) {
    const broker = new TestBroker();
    const other = broker.connect("other");
    other.subscribe("#");
    const client = broker.connect("c", { will: WILL });
    client.sendBytes(joined(bytes, frame(0x30, field("after"), "78")));
    assert.equal(client.closed, true, what);
    assert.deepEqual(client.take(), [], what);
    assert.deepEqual(other.messages(), ["will=gone"], what);
    other.publish("still/there", "x");
    assert.deepEqual(other.messages(), ["still/there=x"], what);
  }
});

test("[MQTT-4.8.0-2] what cannot be processed for now closes the connection", () => {
  const access = new ScriptedAccess();
  access.refusal = Reason.serverBusy;
  const busy = new TestBroker({ access }).dial();
  busy.send(connectPacket("c"));
  assert.deepEqual(busy.take(), [{ kind: "connack", sessionPresent: false, returnCode: 3 }]);
  assert.equal(busy.closed, true);
  const full = new TestBroker({ options: { maxConnections: 1 } });
  full.connect("a");
  const second = full.dial();
  second.send(connectPacket("b"));
  assert.deepEqual(second.take(), [{ kind: "connack", sessionPresent: false, returnCode: 3 }]);
  assert.equal(second.closed, true);
});

/** MQTT 3.1.1 §3.8 to §3.11: SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "../../kit/hex.ts";
import { field, frame } from "../../kit/raw-packets.ts";
import { ScriptedAccess } from "../../kit/scripted-access.ts";
import { TestBroker } from "../../kit/test-broker.ts";

const KEPT = { cleanStart: false } as const;

test("[MQTT-3.8.1-1] SUBSCRIBE without its reserved bits closes the connection", () => {
  for (const header of [0x80, 0x81, 0x83, 0x86, 0x8a, 0x8f]) {
    const broker = new TestBroker();
    const client = broker.connect("c");
    client.sendBytes(frame(header, "0001", field("t"), "00"));
    assert.equal(client.closed, true);
    assert.equal(broker.broker.subscriptions.count, 0);
  }
});

test("[MQTT-3.8.3-1] a filter of SUBSCRIBE that is not UTF-8 closes the connection", () => {
  const broker = new TestBroker();
  const client = broker.connect("c");
  client.sendBytes(frame(0x82, "0001", field("t"), "00", field(hex("61c328")), "00"));
  assert.equal(client.closed, true);
  assert.equal(broker.broker.subscriptions.count, 0);
});

test("[MQTT-3.8.3-2] filters with wildcards are supported, each form of them", () => {
  const client = new TestBroker().connect("c");
  for (const filter of ["#", "+", "a/#", "a/+", "+/a", "+/+", "+/#", "a/+/b/#"]) {
    assert.deepEqual(client.subscribe(filter, 1), [1], filter);
  }
  client.publish("a/x", "1");
  assert.deepEqual(client.messages(), ["a/x=1"]);
});

test("[MQTT-3.8.3-3] SUBSCRIBE without a filter closes the connection", () => {
  const client = new TestBroker().connect("c");
  client.sendBytes(hex("8202 0001"));
  assert.equal(client.closed, true);
  assert.deepEqual(client.take(), []);
});

test("[MQTT-3.8.3-4] reserved bits beside the QoS, or QoS 3, close the connection", () => {
  for (let options = 3; options < 256; options++) {
    const broker = new TestBroker();
    const client = broker.connect("c");
    client.sendBytes(frame(0x82, "0001", field("t"), new Uint8Array([options])));
    assert.equal(client.closed, true, `options ${options}`);
    assert.deepEqual(client.take(), []);
    assert.equal(broker.broker.subscriptions.count, 0);
  }
});

test("[MQTT-3.8.4-1] SUBSCRIBE is answered by SUBACK", () => {
  const client = new TestBroker().connect("c");
  client.sendBytes(hex("82 06 0001 0001 74 01"));
  assert.deepEqual(client.wire.take(), hex("9003 0001 01"));
});

test("[MQTT-3.8.4-2] SUBACK has the identifier of its SUBSCRIBE, though a PUBLISH may use the same", () => {
  const broker = new TestBroker();
  const client = broker.connect("c");
  client.publish("t", "x", 2, 77);
  client.take();
  client.send({ kind: "subscribe", packetId: 77, subscriptions: [{ filter: "t", qos: 0 }] });
  client.send({ kind: "subscribe", packetId: 65535, subscriptions: [{ filter: "t", qos: 0 }] });
  assert.deepEqual(client.take(), [
    { kind: "suback", packetId: 77, codes: [0] },
    { kind: "suback", packetId: 65535, codes: [0] },
  ]);
});

test("[MQTT-3.8.4-3] the same filter again replaces the subscription, sends retained messages again, and interrupts nothing", () => {
  const broker = new TestBroker();
  const publisher = broker.connect("p");
  publisher.publish("t", "retained", 1, 1, true);
  const client = broker.connect("c");
  client.subscribe("t", 2);
  assert.deepEqual(client.messages(), ["t=retained q1 retain"]);
  publisher.publish("t", "before", 1, 2);
  assert.deepEqual(client.messages(), ["t=before q1"]);
  client.subscribe("t", 0);
  assert.deepEqual(client.messages(), ["t=retained retain"]);
  publisher.publish("t", "after", 1, 3);
  assert.deepEqual(client.messages(), ["t=after"]);
  assert.equal(broker.broker.subscriptions.count, 1);
});

test("what is under way when a subscription is replaced goes on at the QoS that it had", () => {
  const broker = new TestBroker();
  const client = broker.connect("c");
  client.subscribe("t", 2);
  broker.connect("p").publish("t", "x", 2, 1);
  assert.deepEqual(client.messages(), ["t=x q2"]);
  client.subscribe("t", 0);
  client.send({ kind: "pubrec", packetId: 1 });
  assert.deepEqual(client.take(), [{ kind: "pubrel", packetId: 1 }]);
});

test("[MQTT-3.8.4-4] several filters in one SUBSCRIBE are as one SUBSCRIBE each, with one SUBACK", () => {
  const broker = new TestBroker();
  broker.connect("p").publish("b", "kept", 0, 0, true);
  const client = broker.connect("c");
  client.send({
    kind: "subscribe",
    packetId: 3,
    subscriptions: [
      { filter: "a", qos: 2 },
      { filter: "b", qos: 1 },
      { filter: "a", qos: 0 },
    ],
  });
  assert.deepEqual(client.take()[0], { kind: "suback", packetId: 3, codes: [2, 1, 0] });
  client.publish("a", "x", 2, 1);
  assert.deepEqual(client.messages(), ["a=x"]);
  assert.equal(broker.broker.subscriptions.count, 2);
});

test("[MQTT-3.8.4-5] SUBACK has a code for each filter: the QoS granted, or failure", () => {
  const access = new ScriptedAccess({ maySubscribe: (filter) => filter !== "secret" });
  const granted = new TestBroker({ access, policy: { maxQos: 1 } });
  const client = granted.connect("c");
  client.send({
    kind: "subscribe",
    packetId: 3,
    subscriptions: [
      { filter: "a", qos: 0 },
      { filter: "b", qos: 1 },
      { filter: "c", qos: 2 },
      { filter: "secret", qos: 2 },
    ],
  });
  assert.deepEqual(client.take(), [{ kind: "suback", packetId: 3, codes: [0, 1, 1, 0x80] }]);
});

test("[MQTT-3.8.4-6] messages come at the lower of the QoS published and the QoS granted", () => {
  const broker = new TestBroker();
  const publisher = broker.connect("p");
  for (const granted of [0, 1, 2] as const) {
    const client = broker.connect("c");
    client.subscribe("t", granted);
    const got = [0, 1, 2].map((published) => {
      publisher.publish("t", "x", published as 0 | 1 | 2, published);
      if (published === 2) publisher.send({ kind: "pubrel", packetId: 2 });
      const [message] = client.take();
      return message?.kind === "publish" ? message.qos : undefined;
    });
    assert.deepEqual(got, [0, Math.min(1, granted), Math.min(2, granted)]);
  }
});

test("[MQTT-3.9.3-1] the codes of SUBACK stand in the order of the filters", () => {
  const access = new ScriptedAccess({ maySubscribe: (filter) => !filter.startsWith("no") });
  const client = new TestBroker({ access }).connect("c");
  const subscriptions = ["no/1", "b", "no/2", "a", "b", "no/1"].map((filter, index) => ({
    filter,
    qos: (index % 3) as 0 | 1 | 2,
  }));
  client.send({ kind: "subscribe", packetId: 3, subscriptions });
  const codes = [0x80, 1, 0x80, 0, 1, 0x80];
  assert.deepEqual(client.take(), [{ kind: "suback", packetId: 3, codes }]);
});

test("[MQTT-3.9.3-2] SUBACK has no codes but 0, 1, 2 and 0x80", () => {
  const access = new ScriptedAccess({ maySubscribe: () => false });
  const client = new TestBroker({ access }).connect("c");
  for (const filter of ["a", "#", "+/a", "$SYS/#", "$share/g/a", "$share/g/#"]) {
    assert.deepEqual(client.subscribe(filter, 2), [0x80], filter);
  }
});

test("[MQTT-3.10.1-1] UNSUBSCRIBE without its reserved bits closes the connection", () => {
  for (const header of [0xa0, 0xa1, 0xa3, 0xa6, 0xaa, 0xaf]) {
    const broker = new TestBroker();
    const client = broker.connect("c", KEPT);
    client.subscribe("t");
    client.sendBytes(frame(header, "0001", field("t")));
    assert.equal(client.closed, true);
    assert.deepEqual(client.take(), []);
    assert.equal(broker.broker.subscriptions.count, 1);
  }
});

test("[MQTT-3.10.3-1] a filter of UNSUBSCRIBE that is not UTF-8 closes the connection", () => {
  const client = new TestBroker().connect("c");
  client.sendBytes(frame(0xa2, "0001", field("t"), field(hex("c328"))));
  assert.equal(client.closed, true);
  assert.deepEqual(client.take(), []);
});

test("[MQTT-3.10.3-2] UNSUBSCRIBE without a filter closes the connection", () => {
  const client = new TestBroker().connect("c");
  client.sendBytes(hex("a202 0001"));
  assert.equal(client.closed, true);
  assert.deepEqual(client.take(), []);
});

test("[MQTT-3.10.4-1] UNSUBSCRIBE removes the subscription whose filter is the same byte for byte, no other", () => {
  const filters = ["a/b", "a/+", "a/#", "#", "A/b", "/a/b", "a/b/", "\u00e9", "e\u0301", " a/b"];
  for (const removed of filters) {
    const broker = new TestBroker();
    const client = broker.connect("c");
    for (const filter of filters) client.subscribe(filter);
    client.send({ kind: "unsubscribe", packetId: 1, filters: [removed] });
    const left = [...(broker.broker.sessions.get("c")?.subscriptions.keys() ?? [])];
    assert.deepEqual(
      left,
      filters.filter((filter) => filter !== removed),
    );
    assert.equal(broker.broker.subscriptions.count, filters.length - 1);
  }
});

test("[MQTT-3.10.4-2] after UNSUBSCRIBE no new message is added for the client", () => {
  const broker = new TestBroker();
  const client = broker.connect("c", KEPT);
  client.subscribe("t", 1);
  client.send({ kind: "unsubscribe", packetId: 1, filters: ["t"] });
  const publisher = broker.connect("p");
  publisher.publish("t", "there", 1, 1);
  assert.deepEqual(client.take(), [{ kind: "unsuback", packetId: 1 }]);
  client.break();
  publisher.publish("t", "away", 1, 2);
  assert.deepEqual(broker.restart().connect("c", KEPT).messages(), []);
});

test("[MQTT-3.10.4-3] deliveries of QoS 1 and 2 that have begun are completed after UNSUBSCRIBE", () => {
  const broker = new TestBroker();
  const client = broker.connect("c", KEPT);
  client.subscribe("t", 2);
  const publisher = broker.connect("p");
  publisher.publish("t", "1", 1, 1);
  publisher.publish("t", "2", 2, 2);
  publisher.publish("t", "3", 2, 3);
  client.take();
  client.send({ kind: "unsubscribe", packetId: 1, filters: ["t"] });
  client.send({ kind: "pubrec", packetId: 2 });
  assert.deepEqual(client.take(), [
    { kind: "unsuback", packetId: 1 },
    { kind: "pubrel", packetId: 2 },
  ]);
  client.break();
  const back = broker.connect("c", KEPT);
  const again = back
    .take()
    .map((packet) => ("packetId" in packet ? [packet.kind, packet.packetId] : []));
  assert.deepEqual(again.sort(), [
    ["publish", 1],
    ["publish", 3],
    ["pubrel", 2],
  ]);
});

test("[MQTT-3.10.4-4] UNSUBSCRIBE is answered by UNSUBACK with its identifier", () => {
  const client = new TestBroker().connect("c");
  client.subscribe("t");
  client.sendBytes(hex("a2 05 1234 0001 74"));
  assert.deepEqual(client.wire.take(), hex("b002 1234"));
});

test("[MQTT-3.10.4-5] UNSUBSCRIBE is answered where there was no such subscription, too", () => {
  const client = new TestBroker().connect("c");
  client.sendBytes(hex("a2 05 1234 0001 74"));
  assert.deepEqual(client.wire.take(), hex("b002 1234"));
});

test("[MQTT-3.10.4-6] several filters in one UNSUBSCRIBE are as one UNSUBSCRIBE each, with one UNSUBACK", () => {
  const broker = new TestBroker();
  const client = broker.connect("c");
  for (const filter of ["a", "b", "c"]) client.subscribe(filter);
  client.send({ kind: "unsubscribe", packetId: 9, filters: ["a", "x", "a", "c"] });
  assert.deepEqual(client.take(), [{ kind: "unsuback", packetId: 9 }]);
  assert.deepEqual([...(broker.broker.sessions.get("c")?.subscriptions.keys() ?? [])], ["b"]);
});

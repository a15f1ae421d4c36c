/** MQTT 3.1.1 §3.3 to §3.7: PUBLISH and its flags, retained messages, who may publish. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "../../kit/hex.ts";
import { cutFrames, field, frame } from "../../kit/raw-packets.ts";
import { ScriptedAccess } from "../../kit/scripted-access.ts";
import { TestBroker, type TestClient } from "../../kit/test-broker.ts";

const KEPT = { cleanStart: false } as const;

/** The messages that a new subscription brings. */
function retained(broker: TestBroker, filter: string, qos: 0 | 1 | 2 = 2): string[] {
  const client = broker.connect("");
  client.subscribe(filter, qos);
  const messages = client.messages();
  client.send({ kind: "disconnect" });
  client.break();
  return messages.sort();
}

function dupsOf(client: TestClient): boolean[] {
  return client.take().flatMap((packet) => (packet.kind === "publish" ? [packet.dup] : []));
}

test("[MQTT-3.3.1-1] a PUBLISH that is sent again has DUP set", () => {
  const broker = new TestBroker();
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 2);
  const publisher = broker.connect("p");
  publisher.publish("t", "1", 1, 1);
  publisher.publish("t", "2", 2, 2);
  assert.deepEqual(dupsOf(client), [false, false]);
  client.break();
  assert.deepEqual(dupsOf(broker.connect("a", KEPT)), [true, true]);
});

test("[MQTT-3.3.1-2] DUP is 0 at QoS 0: the server sends it so, and closes on anything else", () => {
  const broker = new TestBroker({ options: { queueQos0Messages: true } });
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 0);
  client.break();
  broker.connect("p").publish("t", "1", 1, 1, false, true);
  assert.deepEqual(dupsOf(broker.connect("a", KEPT)), [false]);
  for (const header of [0x38, 0x39]) {
    const wrong = broker.connect("wrong");
    wrong.sendBytes(frame(header, field("t"), "78"));
    assert.equal(wrong.closed, true);
  }
});

test("[MQTT-3.3.1-3] DUP of an incoming PUBLISH does not go on to subscribers", () => {
  const broker = new TestBroker();
  const client = broker.connect("a");
  client.subscribe("t", 2);
  const publisher = broker.connect("p");
  publisher.publish("t", "1", 1, 1, false, true);
  publisher.publish("t", "2", 2, 2, false, true);
  assert.deepEqual(dupsOf(client), [false, false]);
});

test("[MQTT-3.3.1-4] a PUBLISH of QoS 3 closes the connection", () => {
  for (const header of [0x36, 0x37, 0x3e, 0x3f]) {
    const broker = new TestBroker();
    const client = broker.connect("a");
    client.sendBytes(frame(header, field("t"), "0001", "78"));
    assert.equal(client.closed, true);
    assert.equal(broker.broker.counters.publishReceived, 0);
  }
});

test("[MQTT-3.3.1-5] a message with RETAIN is stored with its QoS for later subscribers", () => {
  const broker = new TestBroker();
  const publisher = broker.connect("p");
  for (const qos of [0, 1, 2] as const) publisher.publish(`t/${qos}`, "x", qos, qos, true);
  const expected = ["t/0=x retain", "t/1=x q1 retain", "t/2=x q2 retain"];
  assert.deepEqual(retained(broker, "t/+"), expected);
  assert.deepEqual(retained(broker.restart(), "t/#"), expected);
});

test("[MQTT-3.3.1-6] a new subscription gets the last retained message of each topic that matches", () => {
  const broker = new TestBroker();
  const publisher = broker.connect("p");
  publisher.publish("a/1", "old", 1, 1, true);
  publisher.publish("a/1", "new", 1, 2, true);
  publisher.publish("a/2", "two", 1, 3, true);
  publisher.publish("a", "parent", 1, 4, true);
  publisher.publish("b", "other", 1, 5, true);
  assert.deepEqual(retained(broker, "a/1", 1), ["a/1=new q1 retain"]);
  assert.deepEqual(retained(broker, "a/+", 0), ["a/1=new retain", "a/2=two retain"]);
  const all = ["a/1=new q1 retain", "a/2=two q1 retain", "a=parent q1 retain"];
  assert.deepEqual(retained(broker, "a/#", 1), all);
});

test("[MQTT-3.3.1-7] a QoS 0 message with RETAIN discards the one retained before", () => {
  const broker = new TestBroker();
  const publisher = broker.connect("p");
  publisher.publish("t", "old", 2, 1, true);
  publisher.publish("t", "new", 0, 0, true);
  assert.deepEqual(retained(broker, "t"), ["t=new retain"]);
});

test("[MQTT-3.3.1-8] RETAIN is 1 on what a new subscription brings", () => {
  const broker = new TestBroker();
  const client = broker.connect("c");
  client.publish("t", "x", 1, 1, true);
  client.take();
  for (let count = 0; count < 2; count++) {
    client.sendBytes(hex("82 06 0001 0001 74 01"));
    const [suback, message] = cutFrames(client.wire.take());
    assert.equal(suback?.header, 0x90);
    assert.equal(message?.header, 0x33);
  }
});

test("[MQTT-3.3.1-9] RETAIN is 0 on what an established subscription brings", () => {
  const broker = new TestBroker();
  const client = broker.connect("c", KEPT);
  client.subscribe("t", 2);
  const publisher = broker.connect("p");
  for (const qos of [0, 1, 2] as const) publisher.publish("t", `${qos}`, qos, qos, true);
  assert.deepEqual(client.messages(), ["t=0", "t=1 q1", "t=2 q2"]);
  client.break();
  publisher.publish("t", "later", 1, 5, true);
  const back = broker.connect("c", KEPT).messages();
  assert.deepEqual(back.at(-1), "t=later q1");
});

test("[MQTT-3.3.1-10] an empty message with RETAIN is passed on, and removes the retained message", () => {
  const broker = new TestBroker();
  const client = broker.connect("c");
  client.subscribe("t", 1);
  for (const qos of [0, 1, 2] as const) {
    client.publish("t", "kept", 1, 9, true);
    client.messages();
    client.publish("t", "", qos, 1 + qos, true);
    assert.deepEqual(client.messages(), [`t=${qos > 0 ? " q1" : ""}`]);
    assert.deepEqual(retained(broker, "t"), []);
  }
  assert.deepEqual(retained(broker.restart(), "t"), []);
});

test("[MQTT-3.3.1-11] an empty message is not stored as a retained one", () => {
  const broker = new TestBroker();
  broker.connect("c").publish("t", "", 1, 1, true);
  assert.equal(broker.broker.retained.count, 0);
  assert.deepEqual(
    broker.disk.records().filter(({ key }) => key.startsWith("r/")),
    [],
  );
});

test("[MQTT-3.3.1-12] a message without RETAIN is not stored, and leaves the stored one as it is", () => {
  const broker = new TestBroker();
  const publisher = broker.connect("p");
  publisher.publish("new", "x", 1, 1);
  publisher.publish("known", "kept", 1, 2, true);
  publisher.publish("known", "passing", 2, 3);
  publisher.publish("known", "", 1, 4);
  assert.deepEqual(retained(broker, "#"), ["known=kept q1 retain"]);
});

test("[MQTT-3.3.2-1] the topic name comes first and is UTF-8, both ways", () => {
  const broker = new TestBroker();
  const client = broker.connect("c");
  client.subscribe("#");
  client.sendBytes(frame(0x32, field("tür/\u{1f6aa}"), "0007", "78"));
  const [message] = cutFrames(client.wire.take());
  assert.deepEqual(message?.body, frame(0x30, field("tür/\u{1f6aa}"), "78").slice(2));
  for (const body of ["", "00", "0002 74", "0002 c328"]) {
    const wrong = broker.connect("wrong");
    wrong.sendBytes(frame(0x30, body));
    assert.equal(wrong.closed, true, body);
  }
});

test("[MQTT-3.3.2-2] a topic name with a wildcard closes the connection and reaches nobody", () => {
  for (const topic of ["#", "+", "a/#", "a/+/b", "a+", "#a", "a/b#", "$SYS/#"]) {
    const broker = new TestBroker();
    const watcher = broker.connect("w");
    watcher.subscribe("#");
    const client = broker.connect("c");
    client.publish(topic, "x", 1, 1, true);
    assert.equal(client.closed, true, topic);
    assert.deepEqual(client.take(), []);
    assert.deepEqual(watcher.messages(), []);
    assert.equal(broker.broker.retained.count, 0);
  }
});

test("[MQTT-3.3.2-3] the topic name that a subscriber gets is the one published, which its filter matches", () => {
  const broker = new TestBroker();
  const client = broker.connect("c");
  const publisher = broker.connect("p");
  client.subscribe("a/+/c");
  client.subscribe("x/#");
  for (const topic of ["a/b/c", "a//c", "x", "x/y/z", "a/b", "b/b/c", "xx"])
    publisher.publish(topic, "");
  assert.deepEqual(client.messages(), ["a/b/c=", "a//c=", "x=", "x/y/z="]);
});

test("[MQTT-3.3.4-1] PUBLISH is answered by its QoS: nothing, PUBACK, PUBREC", () => {
  const broker = new TestBroker();
  const client = broker.connect("c");
  client.publish("t", "x");
  assert.deepEqual(client.take(), []);
  client.publish("t", "x", 1, 8);
  assert.deepEqual(client.take(), [{ kind: "puback", packetId: 8 }]);
  client.publish("t", "x", 2, 9);
  assert.deepEqual(client.take(), [{ kind: "pubrec", packetId: 9 }]);
});

test("[MQTT-3.3.5-1] overlapping subscriptions deliver at the highest QoS of those that match, once", () => {
  const broker = new TestBroker();
  const filters = [
    ["a/#", 0],
    ["a/b", 2],
    ["+/b", 1],
    ["a/c", 1],
  ] as const;
  const publisher = broker.connect("p");
  for (const order of [filters, [...filters].reverse()]) {
    const client = broker.connect("c");
    for (const [filter, qos] of order) client.subscribe(filter, qos);
    publisher.publish("a/b", "x", 2, 1);
    publisher.send({ kind: "pubrel", packetId: 1 });
    publisher.publish("a/c", "x", 2, 2);
    publisher.send({ kind: "pubrel", packetId: 2 });
    assert.deepEqual(client.messages(), ["a/b=x q2", "a/c=x q1"]);
  }
});

test("[MQTT-3.3.5-2] a PUBLISH that is not allowed is acknowledged as usual, and goes nowhere", () => {
  const access = new ScriptedAccess({ mayPublish: (topic) => topic !== "secret" });
  const broker = new TestBroker({ access });
  const watcher = broker.connect("w");
  watcher.subscribe("#", 2);
  const client = broker.connect("c");
  client.publish("secret", "x", 0, 0, true);
  client.publish("secret", "x", 1, 1, true);
  client.publish("secret", "x", 2, 2, true);
  client.send({ kind: "pubrel", packetId: 2 });
  assert.deepEqual(client.take(), [
    { kind: "puback", packetId: 1 },
    { kind: "pubrec", packetId: 2 },
    { kind: "pubcomp", packetId: 2 },
  ]);
  assert.equal(client.closed, false);
  assert.deepEqual(watcher.messages(), []);
  assert.equal(broker.broker.retained.count, 0);
  client.publish("open", "x", 2, 2);
  assert.deepEqual(watcher.messages(), ["open=x q2"]);
});

test("[MQTT-3.6.1-1] PUBREL without its reserved bits closes the connection", () => {
  for (const header of [0x60, 0x61, 0x63, 0x64, 0x6a, 0x6f]) {
    const client = new TestBroker().connect("c");
    client.publish("t", "x", 2, 1);
    client.take();
    client.sendBytes(frame(header, "0001"));
    assert.equal(client.closed, true);
    assert.deepEqual(client.take(), []);
  }
});

test("acknowledgements with anything but an identifier close the connection", () => {
  for (const header of [0x40, 0x50, 0x62, 0x70]) {
    for (const body of ["", "00", "0000", "0001 00", "0001 0000"]) {
      const client = new TestBroker().connect("c");
      client.sendBytes(frame(header, body));
      assert.equal(client.closed, true, `${header.toString(16)} ${body}`);
    }
  }
  const client = new TestBroker().connect("c");
  client.sendBytes(hex("4002 0001"));
  assert.equal(client.closed, false);
});

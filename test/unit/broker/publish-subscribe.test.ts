/** Publishing and subscribing: who receives what, at which QoS. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../../../src/bytes/utf8.ts";
import { Message } from "../../../src/seams/message.ts";
import { TestBroker } from "../../kit/test-broker.ts";

test("a message reaches those who subscribe and nobody else", () => {
  const broker = new TestBroker();
  const [a, b, c] = ["a", "b", "c"].map((id) => broker.connect(id));
  a?.subscribe("sensors/+/temperature");
  b?.subscribe("sensors/#");
  c?.publish("sensors/roof/temperature", "21.5");
  assert.deepEqual(a?.messages(), ["sensors/roof/temperature=21.5"]);
  assert.deepEqual(b?.messages(), ["sensors/roof/temperature=21.5"]);
  assert.deepEqual(c?.messages(), []);
});

test("[MQTT-3.3.5-1] overlapping subscriptions deliver one copy, at the highest QoS granted", () => {
  const broker = new TestBroker();
  const client = broker.connect("a");
  client.subscribe("x/#", 0);
  client.subscribe("x/y", 2);
  client.subscribe("+/y", 1);
  broker.connect("b").publish("x/y", "1", 2, 7);
  assert.deepEqual(client.messages(), ["x/y=1 q2"]);
});

test("[MQTT-3.8.4-6] the QoS delivered is the lower of published and granted", () => {
  const broker = new TestBroker();
  const publisher = broker.connect("p");
  const got: string[][] = [];
  for (const granted of [0, 1, 2] as const) {
    const client = broker.connect(`s${granted}`);
    assert.deepEqual(client.subscribe("t", granted), [granted]);
    for (const published of [0, 1, 2] as const)
      publisher.publish("t", `${published}`, published, published);
    got.push(client.messages());
    publisher.send({ kind: "pubrel", packetId: 2 });
  }
  assert.deepEqual(got, [
    ["t=0", "t=1", "t=2"],
    ["t=0", "t=1 q1", "t=2 q1"],
    ["t=0", "t=1 q1", "t=2 q2"],
  ]);
});

test("[MQTT-3.8.4-3] subscribing to the same filter again replaces the QoS", () => {
  const broker = new TestBroker();
  const client = broker.connect("a");
  client.subscribe("t", 2);
  client.subscribe("t", 0);
  client.publish("t", "x", 1, 1);
  assert.deepEqual(client.messages(), ["t=x"]);
});

test("[MQTT-3.10.4-1] after UNSUBSCRIBE nothing more comes; UNSUBACK answers unknown filters too", () => {
  const broker = new TestBroker();
  const client = broker.connect("a");
  client.subscribe("t");
  client.send({ kind: "unsubscribe", packetId: 9, filters: ["t", "never/subscribed"] });
  assert.deepEqual(client.take(), [{ kind: "unsuback", packetId: 9 }]);
  client.publish("t", "x");
  assert.deepEqual(client.messages(), []);
});

test("QoS 1 is acknowledged with the identifier it came with [MQTT-4.3.2-2]", () => {
  const broker = new TestBroker();
  const client = broker.connect("a");
  client.publish("t", "x", 1, 77);
  assert.deepEqual(client.take(), [{ kind: "puback", packetId: 77 }]);
});

test("[MQTT-4.3.3-2] QoS 2 is published once, however often PUBLISH and PUBREL are repeated", () => {
  const broker = new TestBroker();
  const client = broker.connect("a");
  const receiver = broker.connect("b");
  receiver.subscribe("t", 0);
  client.publish("t", "x", 2, 5);
  client.publish("t", "x", 2, 5, false, true);
  assert.deepEqual(client.take(), [
    { kind: "pubrec", packetId: 5 },
    { kind: "pubrec", packetId: 5 },
  ]);
  client.send({ kind: "pubrel", packetId: 5 });
  client.send({ kind: "pubrel", packetId: 5 });
  assert.deepEqual(client.take(), [
    { kind: "pubcomp", packetId: 5 },
    { kind: "pubcomp", packetId: 5 },
  ]);
  assert.deepEqual(receiver.messages(), ["t=x"]);
  client.publish("t", "y", 2, 5);
  assert.deepEqual(receiver.messages(), ["t=y"]);
});

test("[MQTT-4.3.3-1] QoS 2 delivery goes PUBLISH, PUBREC, PUBREL, PUBCOMP under one identifier", () => {
  const broker = new TestBroker();
  const client = broker.connect("a");
  client.subscribe("t", 2);
  broker.connect("b").publish("t", "x", 2, 1);
  const [publish] = client.take();
  assert.equal(publish?.kind === "publish" && publish.packetId, 1);
  client.send({ kind: "pubrec", packetId: 1 });
  assert.deepEqual(client.take(), [{ kind: "pubrel", packetId: 1 }]);
  client.send({ kind: "pubcomp", packetId: 1 });
  assert.deepEqual(client.take(), []);
});

test("no more than max_inflight_messages are on their way at a time, and the rest follow in order", () => {
  const broker = new TestBroker({ options: { maxInflightMessages: 2 } });
  const client = broker.connect("a");
  client.subscribe("t", 1);
  const publisher = broker.connect("b");
  for (let n = 1; n <= 5; n++) publisher.publish("t", `${n}`, 1, n);
  assert.deepEqual(client.messages(), ["t=1 q1", "t=2 q1"]);
  client.send({ kind: "puback", packetId: 1 });
  assert.deepEqual(client.messages(), ["t=3 q1"]);
  client.send({ kind: "puback", packetId: 2 });
  client.send({ kind: "puback", packetId: 3 });
  assert.deepEqual(client.messages(), ["t=4 q1", "t=5 q1"]);
});

test("a queue that is full drops what is newest, counts it and says so once a minute", () => {
  const broker = new TestBroker({ options: { maxInflightMessages: 1, maxQueuedMessages: 2 } });
  const client = broker.connect("slow");
  client.subscribe("t", 1);
  const publisher = broker.connect("b");
  for (let n = 1; n <= 6; n++) publisher.publish("t", `${n}`, 1, n);
  assert.equal(broker.broker.counters.publishDropped, 3);
  const notices = broker.log.lines.filter((line) => line.includes("dropped for client slow"));
  assert.equal(notices.length, 1);
  for (let packetId = 1; packetId <= 3; packetId++) client.send({ kind: "puback", packetId });
  assert.deepEqual(client.messages(), ["t=1 q1", "t=2 q1", "t=3 q1"]);
});

test("a client that does not read holds up nobody, and gets what queued once it reads again", () => {
  const broker = new TestBroker({ options: { maxQueuedMessages: 3 } });
  const slow = broker.connect("slow");
  const quick = broker.connect("quick");
  slow.subscribe("t");
  quick.subscribe("t");
  slow.wire.stuck = 10_000_000;
  const publisher = broker.connect("b");
  for (let n = 1; n <= 6; n++) publisher.publish("t", `${n}`);
  assert.equal(quick.messages().length, 6);
  // The first went out before the broker could know.
  assert.deepEqual(slow.messages(), ["t=1"]);
  slow.wire.drain();
  assert.deepEqual(slow.messages(), ["t=2", "t=3", "t=4"]);
  assert.equal(broker.broker.counters.publishDropped, 2);
});

test("[MQTT-4.7.2-1] wildcards at the first level do not reach $ topics", () => {
  const broker = new TestBroker();
  const client = broker.connect("a");
  client.subscribe("#");
  client.subscribe("+/x");
  client.publish("$other/x", "1");
  assert.deepEqual(client.messages(), []);
  client.subscribe("$other/#");
  client.publish("$other/x", "2");
  assert.deepEqual(client.messages(), ["$other/x=2"]);
});

test("clients cannot publish under $SYS", () => {
  const broker = new TestBroker();
  const client = broker.connect("a");
  client.subscribe("$SYS/#");
  client.publish("$SYS/broker/uptime", "forever", 1, 3);
  assert.deepEqual(client.take(), [{ kind: "puback", packetId: 3 }]);
});

test("a full queue gives up QoS 0 messages for QoS 1, never the other way round", () => {
  const broker = new TestBroker({ options: { maxInflightMessages: 1, maxQueuedMessages: 3 } });
  const client = broker.connect("slow");
  client.subscribe("t", 1);
  client.wire.stuck = 10_000_000;
  const publisher = broker.connect("b");
  publisher.publish("t", "first out");
  for (const text of ["0a", "0b"]) publisher.publish("t", text);
  for (const text of ["1a", "1b", "1c", "1d"]) publisher.publish("t", text, 1, 1);
  publisher.publish("t", "0c");
  client.wire.drain();
  const got = client.messages();
  client.send({ kind: "puback", packetId: 1 });
  got.push(...client.messages());
  client.send({ kind: "puback", packetId: 2 });
  got.push(...client.messages());
  assert.deepEqual(got, ["t=first out", "t=1a q1", "t=1b q1", "t=1c q1"]);
});

test("what a filter of a mount point matches above it is not delivered, and takes no room", () => {
  const broker = new TestBroker({
    policy: { mountPoint: "m/" },
    options: { maxInflightMessages: 1 },
  });
  const client = broker.connect("a");
  client.subscribe("#", 1);
  // "m/#" matches "m", which no client of this listener has a name for.
  for (const topic of ["m", "m/x"]) {
    broker.broker.insert(new Message(topic, encodeUtf8("1"), 1, false));
  }
  assert.deepEqual(client.messages(), ["x=1 q1"]);
});

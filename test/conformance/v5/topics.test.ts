/** MQTT 5.0 chapters 4.5 to 4.7 and 4.9: receipt, ordering, topic names and filters, flow control. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../../../src/bytes/utf8.ts";
import type { QoS } from "../../../src/mqtt/qos.ts";
import { field, frame } from "../../kit/raw-packets.ts";
import { TestBroker, type TestClient } from "../../kit/test-broker.ts";

const KEPT = { sessionExpiryInterval: 1000 };

function afterPublishing(topic: string): string {
  const client = new TestBroker().connect5("client");
  client.publish(topic, "x");
  return client.ending();
}

function afterSubscribing(filter: string): string {
  const client = new TestBroker().connect5("client");
  client.send({ kind: "subscribe", packetId: 1, subscriptions: [{ filter, qos: 0 }] });
  return client.ending();
}

function texts(client: TestClient): string[] {
  return client.publishes().map(({ payload }) => new TextDecoder().decode(payload));
}

test("[MQTT-4.5.0-1] a message is added to the session of everyone who subscribes, there or away", () => {
  const broker = new TestBroker();
  const clients = ["here", "away", "other"].map((id) => broker.connect5(id, KEPT));
  for (const [n, client] of clients.entries()) client.subscribe(n === 2 ? "u" : "t/#", 1);
  clients[1]?.break();
  broker.connect5("from").publish("t/x", "1", 1, 1);
  const back = broker.connect5("away", KEPT, { cleanStart: false });
  assert.deepEqual(
    [clients[0], back, clients[2]].map((client) => texts(client as TestClient)),
    [["1"], ["1"], []],
  );
});

test("[MQTT-4.6.0-5] [MQTT-4.6.0-6] messages of one publisher, topic and QoS come in their order, whatever holds them up", () => {
  for (const qos of [0, 1, 2] as const) {
    const broker = new TestBroker();
    const to = broker.connect5("to", { receiveMaximum: 3, ...KEPT });
    to.subscribe("t/+", 2);
    const from = broker.connect5("from");
    const publish = (n: number): void => from.publish(`t/${n % 2}`, `${n}`, qos, qos === 0 ? 0 : n);
    const seen: string[] = [];
    for (let n = 1; n <= 12; n++) {
      publish(n);
      if (qos === 2) from.send({ kind: "pubrel", packetId: n });
      // The wire is full for a while in between.
      if (n === 4) to.wire.stuck = 1_000_000;
      if (n === 8) to.wire.drain();
      seen.push(...answerAll(to));
    }
    for (let n = 0; n < 12; n++) seen.push(...answerAll(to));
    assert.deepEqual(
      seen,
      Array.from({ length: 12 }, (_, n) => `${n + 1}`),
      `QoS ${qos}`,
    );
  }
});

/** Acknowledges all that has come, and answers what that was. */
function answerAll(client: TestClient): string[] {
  return client.take().flatMap((packet) => {
    if (packet.kind === "pubrel") client.send({ kind: "pubcomp", packetId: packet.packetId });
    if (packet.kind !== "publish") return [];
    const { qos, packetId, payload } = packet;
    if (qos > 0) client.send({ kind: qos === 1 ? "puback" : "pubrec", packetId });
    return [new TextDecoder().decode(payload)];
  });
}

test("[MQTT-4.7.0-1] wildcards stand in topic filters, not in topic names", () => {
  for (const topic of ["+", "#", "a/+/b", "a/#"]) {
    assert.equal(afterPublishing(topic), "0x81", topic);
    assert.equal(afterSubscribing(topic), "open", topic);
  }
});

test("[MQTT-4.7.1-1] # is the whole last level", () => {
  for (const filter of ["#", "a/#", "/#", "+/#"])
    assert.equal(afterSubscribing(filter), "open", filter);
  for (const filter of ["a#", "a/#/b", "#/a", "##", "a/b#", "#+"]) {
    assert.equal(afterSubscribing(filter), "0x81", filter);
  }
});

test("[MQTT-4.7.1-2] + is a whole level", () => {
  for (const filter of ["+", "+/+", "/+", "+/", "a/+/b"]) {
    assert.equal(afterSubscribing(filter), "open", filter);
  }
  for (const filter of ["a+", "+a", "++", "a/b+", "a/+b/c"]) {
    assert.equal(afterSubscribing(filter), "0x81", filter);
  }
});

test("[MQTT-4.7.2-1] filters that begin with a wildcard do not match topic names that begin with $", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client");
  for (const filter of ["#", "+/x", "+/#", "+"]) client.subscribe(filter);
  client.publish("$dollar/x", "1", 0, 0, true);
  client.publish("$", "2");
  broker.broker.announce("$SYS/x", encodeUtf8("3"), true);
  assert.deepEqual(texts(client), []);
  for (const filter of ["$dollar/#", "$SYS/+"]) client.subscribe(filter);
  assert.deepEqual(texts(client).sort(), ["1", "3"]);
});

test("[MQTT-4.7.3-1] topic names and filters are not empty", () => {
  assert.equal(afterPublishing(""), "0x82");
  assert.equal(afterSubscribing(""), "0x81");
});

test("[MQTT-4.7.3-2] topic names and filters hold no U+0000", () => {
  const bad = new Uint8Array([0x61, 0, 0x62]);
  for (const packet of [frame(0x30, field(bad), "00"), frame(0x82, "0001 00", field(bad), "00")]) {
    const client = new TestBroker().connect5("client");
    client.sendBytes(packet);
    assert.equal(client.ending(), "0x81");
  }
});

test("[MQTT-4.7.3-3] topic names and filters are of up to 65535 bytes, also behind a mount point", () => {
  const longest = "\u00e4".repeat(32_767);
  const broker = new TestBroker();
  const client = broker.connect5("client");
  client.subscribe(longest);
  client.publish(longest, "x");
  assert.equal(client.publishes()[0]?.topic, longest);
  const mounted = new TestBroker({ policy: { mountPoint: "m/" } });
  const sender = mounted.connect5("sender");
  sender.publish(longest.slice(1), "x");
  assert.equal(sender.closed, false);
  sender.publish(longest, "x");
  assert.equal(sender.ending(), "0x90");
});

test("[MQTT-4.7.3-4] topic names are compared as they are, without any normalisation", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client");
  // Composed and decomposed; large and small; spaces and slashes count.
  const topics = ["\u00c5", "A\u030a", "\u212b", "a", "A", "a ", " a", "a/", "/a", "a//b", "a/b"];
  for (const topic of topics) client.publish(topic, topic, 0, 0, true);
  for (const topic of topics) {
    client.subscribe(topic);
    assert.deepEqual(
      client
        .publishes()
        .map((message) => [message.topic, new TextDecoder().decode(message.payload)]),
      [[topic, topic]],
    );
  }
});

test("[MQTT-4.9.0-1] [MQTT-4.9.0-2] the send quota is the client's receive maximum, at most the server's own, and is used up by PUBLISH of QoS 1 and 2", () => {
  const cases = [
    { asked: 1, own: 20, quota: 1 },
    { asked: 3, own: 20, quota: 3 },
    { asked: 65_535, own: 5, quota: 5 },
    { asked: undefined, own: 7, quota: 7 },
  ];
  for (const { asked, own, quota } of cases) {
    const broker = new TestBroker({ options: { maxInflightMessages: own } });
    const to = broker.connect5("to", { receiveMaximum: asked });
    to.subscribe("t", 2);
    const from = broker.connect5("from");
    for (let n = 1; n <= 10; n++) from.publish("t", `${n}`, (1 + (n % 2)) as QoS, n);
    assert.equal(to.publishes().length, quota);
  }
});

test("[MQTT-4.9.0-2] QoS 0 does not use the send quota up", () => {
  const broker = new TestBroker();
  const to = broker.connect5("to", { receiveMaximum: 1 });
  to.subscribe("t/1", 1);
  to.subscribe("t/0", 0);
  const from = broker.connect5("from");
  for (let n = 1; n <= 5; n++) from.publish("t/0", `${n}`);
  from.publish("t/1", "a", 1, 1);
  for (let n = 6; n <= 8; n++) from.publish("t/0", `${n}`);
  assert.deepEqual(texts(to), ["1", "2", "3", "4", "5", "a", "6", "7", "8"]);
});

test("[MQTT-4.9.0-3] other packets are served although the quota is used up", () => {
  const broker = new TestBroker({ options: { receiveMaximum: 1 } });
  const client = broker.connect5("client", { receiveMaximum: 1 });
  client.subscribe("t", 2);
  client.publish("t", "1", 2, 1);
  client.send({ kind: "pingreq" });
  client.send({ kind: "unsubscribe", packetId: 5, filters: ["t"] });
  client.send({ kind: "pubrec", packetId: 1 });
  client.send({ kind: "pubrel", packetId: 1 });
  assert.deepEqual(
    client.take().map(({ kind }) => kind),
    ["publish", "pubrec", "pingresp", "unsuback", "pubrel", "pubcomp"],
  );
});

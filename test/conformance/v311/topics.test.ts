/** MQTT 3.1.1 §4.7: topic names and topic filters. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "../../kit/hex.ts";
import { field, frame } from "../../kit/raw-packets.ts";
import { TestBroker } from "../../kit/test-broker.ts";

/** What a client that subscribes to `filter` alone gets of messages to `topics`. */
function received(filter: string, topics: readonly string[]): string[] {
  const broker = new TestBroker();
  const client = broker.connect("c");
  client.subscribe(filter);
  const publisher = broker.connect("p");
  for (const topic of topics) publisher.publish(topic, "");
  return client.messages().map((line) => line.slice(0, -1));
}

function isAccepted(filter: string): boolean {
  const broker = new TestBroker();
  const subscribing = broker.connect("c");
  subscribing.send({ kind: "subscribe", packetId: 1, subscriptions: [{ filter, qos: 0 }] });
  const unsubscribing = broker.connect("d");
  unsubscribing.send({ kind: "unsubscribe", packetId: 1, filters: [filter] });
  assert.equal(subscribing.closed, unsubscribing.closed, filter);
  return !subscribing.closed;
}

test("[MQTT-4.7.1-1] wildcards in a topic name close the connection, that of a will included", () => {
  for (const topic of ["+", "#", "a/+", "a/#", "+/a", "a+b", "a#"]) {
    const broker = new TestBroker();
    const client = broker.connect("c");
    client.publish(topic, "x");
    assert.equal(client.closed, true, topic);
    const will = { topic, payload: new Uint8Array(0), qos: 0, retain: false } as const;
    assert.equal(broker.connect("d", { will }).closed, true, topic);
  }
});

test("[MQTT-4.7.1-2] # stands alone or after a separator, and last", () => {
  for (const filter of ["#", "/#", "a/#", "a/b/#", "+/#", "$SYS/#"])
    assert.ok(isAccepted(filter), filter);
  for (const filter of [
    "a#",
    "a/b#",
    "#/a",
    "a/#/b",
    "##",
    "a/##",
    "#a",
    "+#",
    "#+",
    "a/#/",
    "#/",
  ]) {
    assert.equal(isAccepted(filter), false, filter);
  }
  const topics = ["s", "s/p", "s/p/r", "s/", "sp", "t/s"];
  assert.deepEqual(received("s/#", topics), ["s", "s/p", "s/p/r", "s/"]);
  assert.deepEqual(received("#", topics), topics);
  assert.deepEqual(received("s/p/#", topics), ["s/p", "s/p/r"]);
});

test("[MQTT-4.7.1-3] + is a whole level, at any place", () => {
  for (const filter of ["+", "+/a", "a/+", "a/+/b", "+/+/+", "/+", "+/"])
    assert.ok(isAccepted(filter), filter);
  for (const filter of ["a+", "+a", "a/b+", "a/+b/c", "++", "a/++", "+a/b", "a/+b"]) {
    assert.equal(isAccepted(filter), false, filter);
  }
  const topics = ["s", "s/p", "s/p/r", "s/", "/f"];
  assert.deepEqual(received("+", topics), ["s"]);
  assert.deepEqual(received("s/+", topics), ["s/p", "s/"]);
  assert.deepEqual(received("+/+", topics), ["s/p", "s/", "/f"]);
  assert.deepEqual(received("/+", topics), ["/f"]);
});

test("[MQTT-4.7.2-1] a filter that begins with a wildcard does not match names that begin with $", () => {
  const topics = ["$own", "$own/a", "$own/a/b", "plain/$own"];
  assert.deepEqual(received("#", topics), ["plain/$own"]);
  assert.deepEqual(received("+", topics), []);
  assert.deepEqual(received("+/a", topics), []);
  assert.deepEqual(received("+/#", topics), ["plain/$own"]);
  assert.deepEqual(received("$own/#", topics), ["$own", "$own/a", "$own/a/b"]);
  assert.deepEqual(received("$own/+", topics), ["$own/a"]);
  const broker = new TestBroker();
  broker.connect("p").publish("$own/a", "kept", 0, 0, true);
  const client = broker.connect("c");
  for (const filter of ["#", "+/a", "+/#"]) client.subscribe(filter);
  assert.deepEqual(client.messages(), []);
  client.subscribe("$own/+");
  assert.deepEqual(client.messages(), ["$own/a=kept retain"]);
});

test("[MQTT-4.7.3-1] an empty topic name or filter closes the connection", () => {
  assert.equal(isAccepted(""), false);
  for (const bytes of ["30 02 0000", "32 04 0000 0001"]) {
    const client = new TestBroker().connect("c");
    client.sendBytes(hex(bytes));
    assert.equal(client.closed, true);
    assert.deepEqual(client.take(), []);
  }
});

test("[MQTT-4.7.3-2] U+0000 in a topic name or filter closes the connection", () => {
  for (const bytes of [
    frame(0x30, field("a\u0000b")),
    frame(0x82, "0001", field("a\u0000b"), "00"),
    frame(0xa2, "0001", field("a\u0000b")),
  ]) {
    const client = new TestBroker().connect("c");
    client.sendBytes(bytes);
    assert.equal(client.closed, true);
  }
});

test("[MQTT-4.7.3-3] topic names and filters may have up to 65535 bytes", () => {
  const longest = `${"é".repeat(32_767)}x`;
  assert.equal(new TextEncoder().encode(longest).length, 65_535);
  const broker = new TestBroker();
  const client = broker.connect("c", { cleanStart: false });
  assert.deepEqual(client.subscribe(longest, 1), [1]);
  client.break();
  broker.connect("p").publish(longest, "x", 1, 1, true);
  const restarted = broker.restart();
  assert.deepEqual(restarted.connect("c", { cleanStart: false }).messages(), [`${longest}=x q1`]);
  const late = restarted.connect("late");
  late.subscribe("#");
  assert.deepEqual(late.messages(), [`${longest}=x retain`]);
});

test("[MQTT-4.7.3-4] topics are compared as they are, without any normalization", () => {
  const topics = [
    "Accounts",
    "ACCOUNTS",
    "accounts",
    "/a",
    "a",
    "a/",
    "a//b",
    "a/b",
    " a",
    "é",
    "e\u0301",
    "ﬁ",
    "fi",
    "a\u00ada",
  ];
  for (const topic of topics) assert.deepEqual(received(topic, topics), [topic]);
});

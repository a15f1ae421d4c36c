/** A bridge that speaks MQTT 5.0: what it asks for, carries and keeps to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Packet, PublishPacket } from "../../../src/mqtt/packets.ts";
import { hex } from "../../kit/hex.ts";
import { plain } from "../../kit/plain.ts";
import type { ServerEnd } from "../../kit/server-end.ts";
import { TestBridge, topic } from "../../kit/test-bridge.ts";

const V5 = { protocol: "mqttv50", loopMark: false } as const;

function published(remote: ServerEnd): PublishPacket[] {
  return remote.take().flatMap((packet: Packet) => (packet.kind === "publish" ? [packet] : []));
}

test("CONNECT asks for a session that is kept, and says what is taken", () => {
  const bridge = new TestBridge({
    options: { ...V5, sessionExpiry: 77, receiveMaximum: 9, topicAliasMaximum: 3 },
  });
  bridge.bridge.start();
  const connect = bridge.dialler.accept().take()[0];
  assert.ok(connect?.kind === "connect");
  assert.deepEqual([connect.level, connect.bridge, connect.cleanStart], [5, false, false]);
  assert.deepEqual(plain(connect.properties), {
    sessionExpiryInterval: 77,
    receiveMaximum: 9,
    topicAliasMaximum: 3,
    maximumPacketSize: 2_000_000,
  });
});

test("a remote broker that sends more at a time than it was told to is not left, as Mosquitto would go on so", () => {
  const bridge = new TestBridge({
    options: { ...V5, receiveMaximum: 2 },
    topics: [topic("a", "in", 2)],
  });
  const remote = bridge.start();
  remote.take();
  for (const packetId of [1, 2, 3]) remote.publish("a", "x", 2, packetId);
  bridge.here.disk.commit();
  assert.deepEqual(remote.told(), ["pubrec #1", "pubrec #2", "pubrec #3"]);
});

test("subscriptions want nothing back that the bridge sent, and RETAIN as it was published", () => {
  const bridge = new TestBridge({
    options: V5,
    topics: [topic("a/#", "both", 1), topic("$share/g/b", "in", 2)],
  });
  bridge.bridge.start();
  const remote = bridge.accept();
  const asked = remote.take().map((packet) => packet.kind === "subscribe" && packet.subscriptions);
  assert.deepEqual(plain(asked), [
    [{ filter: "a/#", qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 1 }],
    [{ filter: "$share/g/b", qos: 2, noLocal: false, retainAsPublished: true, retainHandling: 1 }],
  ]);
});

test("properties go both ways, with topics for answers renamed and the rest of the expiry interval", () => {
  const bridge = new TestBridge({
    options: V5,
    topics: [topic("ask/#", "both", 1, "", "site/"), topic("answer/#", "both", 1, "", "site/")],
  });
  const remote = bridge.start();
  const client = bridge.here.connect5("c");
  client.subscribe("ask/#", 1);
  const properties = {
    payloadFormatIndicator: 1,
    contentType: "text",
    correlationData: hex("0102"),
    userProperties: [["a", "b"]] as const,
  };
  client.publish("ask/1", "x", 1, 1, false, false, {
    ...properties,
    responseTopic: "answer/1",
    messageExpiryInterval: 60,
  });
  const [out] = published(remote);
  assert.deepEqual(plain(out?.properties), {
    ...properties,
    responseTopic: "site/answer/1",
    messageExpiryInterval: 60,
  });
  remote.publish("site/ask/2", "y", 1, 7, {
    properties: { ...properties, responseTopic: "site/answer/2", messageExpiryInterval: 5 },
  });
  const [, came] = client.publishes();
  assert.equal(came?.topic, "ask/2");
  assert.deepEqual(plain(came.properties), {
    ...properties,
    responseTopic: "answer/2",
    messageExpiryInterval: 5,
  });
});

test("what has waited goes with what is left of its expiry interval, or not at all", () => {
  const bridge = new TestBridge({ options: V5, topics: [topic("#", "out", 1)] });
  bridge.bridge.start();
  const client = bridge.here.connect5("c");
  client.publish("a", "short", 1, 1, false, false, { messageExpiryInterval: 10 });
  client.publish("a", "long", 1, 2, false, false, { messageExpiryInterval: 100 });
  bridge.here.clock.advance(30_000);
  const remote = bridge.accept();
  const [only, more] = published(remote);
  assert.deepEqual(plain(only?.payload), plain(new TextEncoder().encode("long")));
  assert.equal(only?.properties?.messageExpiryInterval, 70);
  assert.equal(more, undefined);
});

test("no more is on its way than the remote broker takes", () => {
  const bridge = new TestBridge({ options: V5, topics: [topic("#", "out", 1)] });
  const remote = bridge.start({ receiveMaximum: 3 });
  const client = bridge.here.connect("c");
  for (let id = 1; id <= 10; id++) client.publish("a", `${id}`, 1, id);
  const first = published(remote);
  assert.equal(first.length, 3);
  remote.send({ kind: "puback", packetId: first[0]?.packetId ?? 0 });
  assert.equal(published(remote).length, 1);
  // Another connection may allow more.
  remote.wire.break();
  bridge.wait();
  assert.equal(published(bridge.accept(true, { receiveMaximum: 100 })).length, 9);
});

test("without a word from the remote broker the window is as wide as it is useful", () => {
  const bridge = new TestBridge({ options: V5, topics: [topic("#", "out", 1)] });
  const remote = bridge.start();
  const client = bridge.here.connect("c");
  for (let id = 1; id <= 2000; id++) client.publish("a", "x", 1, id);
  assert.equal(published(remote).length, 2000);
});

test("QoS and RETAIN are lowered to what the remote broker takes", () => {
  const bridge = new TestBridge({ options: V5, topics: [topic("#", "out", 2)] });
  const remote = bridge.start({ maximumQos: 1, retainAvailable: 0 });
  bridge.here.connect("c").publish("a", "x", 2, 1, true);
  bridge.here.disk.commit();
  const [sent] = published(remote);
  assert.deepEqual([sent?.qos, sent?.retain], [1, false]);
  remote.send({ kind: "puback", packetId: sent?.packetId ?? 0 });
  assert.equal(bridge.bridge.backlog, 0);
});

test("a remote broker that takes QoS 0 only is waited for no longer", () => {
  const bridge = new TestBridge({ options: V5, topics: [topic("#", "out", 1)] });
  const remote = bridge.start({ maximumQos: 0 });
  bridge.here.connect("c").publish("a", "x", 1, 1);
  assert.deepEqual(remote.told(), ["publish a=x"]);
  assert.equal(bridge.bridge.backlog, 0);
});

test("a message too long for the remote broker is dropped, counted and told once; others go on", () => {
  const bridge = new TestBridge({ options: V5, topics: [topic("#", "out", 1)] });
  const remote = bridge.start({ maximumPacketSize: 50 });
  const client = bridge.here.connect("c");
  client.publish("a", "x".repeat(60), 1, 1);
  client.publish("b", "x".repeat(70), 1, 2);
  client.publish("c", "fits", 1, 3);
  assert.deepEqual(
    published(remote).map((packet) => packet.topic),
    ["c"],
  );
  assert.equal(bridge.bridge.counters.dropped, 2);
  assert.deepEqual(
    bridge.log.filter((line) => line.includes("too large")),
    ["warn: cloud: a has a message too large for the remote broker, dropped"],
  );
});

test("a refusal is final and counted, and holds nothing up", () => {
  const bridge = new TestBridge({ options: V5, topics: [topic("#", "out", 1)] });
  const remote = bridge.start();
  const client = bridge.here.connect("c");
  client.publish("a", "x", 1, 1);
  const [sent] = published(remote);
  remote.send({ kind: "puback", packetId: sent?.packetId ?? 0, reasonCode: 0x87 });
  assert.equal(bridge.bridge.backlog, 0);
  assert.equal(bridge.bridge.counters.dropped, 1);
  assert.match(
    bridge.log.join("\n"),
    /a message was refused by the remote broker \(Not authorized\)/,
  );
});

test("a remote broker without room gets the message again later, but not for ever", () => {
  const bridge = new TestBridge({ options: V5, topics: [topic("#", "out", 1)] });
  let remote = bridge.start();
  bridge.here.connect("c").publish("a", "x", 1, 1);
  for (let refusals = 1; refusals < 5; refusals++) {
    const [sent] = published(remote);
    remote.send({ kind: "puback", packetId: sent?.packetId ?? 0, reasonCode: 0x97 });
    assert.equal(remote.wire.closing, true);
    assert.equal(bridge.bridge.backlog, 1);
    bridge.wait();
    remote = bridge.accept(true);
  }
  const [last] = published(remote);
  remote.send({ kind: "puback", packetId: last?.packetId ?? 0, reasonCode: 0x97 });
  assert.equal(bridge.bridge.backlog, 0);
  assert.equal(bridge.bridge.counters.dropped, 1);
});

test("topic aliases are used as far as the remote broker takes them", () => {
  const bridge = new TestBridge({ options: V5, topics: [topic("#", "out", 0)] });
  const remote = bridge.start({ topicAliasMaximum: 1 });
  const client = bridge.here.connect("c");
  for (const payload of ["1", "2", "3"]) client.publish("a/long/topic", payload);
  assert.deepEqual(
    published(remote).map((packet) => [packet.topic, packet.properties?.topicAlias]),
    [
      ["a/long/topic", undefined],
      ["a/long/topic", 1],
      ["", 1],
    ],
  );
});

test("the age of a message goes with it, over a restart as well", () => {
  const options = { ...V5, ageProperty: "age" };
  const bridge = new TestBridge({ options, topics: [topic("#", "out", 1)] });
  bridge.bridge.start();
  const age = { userProperties: [["k", "v"]] as const };
  bridge.here.connect5("c").publish("a", "x", 1, 1, false, false, age);
  bridge.here.clock.advance(90_500);
  const remote = bridge.accept();
  const [sent] = published(remote);
  assert.deepEqual(plain(sent?.properties?.userProperties), [
    ["k", "v"],
    ["age", "90.500"],
  ]);
  const here = bridge.here.restart();
  here.clock.advance(1000);
  const again = new TestBridge({ here, options, topics: [topic("#", "out", 1)] });
  again.bridge.start();
  const [later] = published(again.accept());
  assert.equal(later?.properties?.userProperties?.at(-1)?.[1], "91.500");
});

test("the state at the remote broker is published as that takes it", () => {
  const bridge = new TestBridge({ options: { ...V5, notifications: true } });
  bridge.bridge.start();
  const remote = bridge.accept(false, { retainAvailable: 0, maximumQos: 0 });
  assert.deepEqual(remote.told(), ["publish $SYS/broker/connection/box.cloud/state=1"]);
  assert.equal(bridge.bridge.connected, true);
});

test("subscriptions that the remote broker cannot serve are told of, and the rest goes on", () => {
  const bridge = new TestBridge({
    options: V5,
    topics: [topic("a/#", "in", 1), topic("b", "in", 1), topic("c", "out", 1)],
  });
  bridge.bridge.start();
  const remote = bridge.accept(false, { wildcardSubscriptionAvailable: 0 });
  remote.answer();
  bridge.here.connect("p").publish("c", "x", 1, 1);
  assert.equal(published(remote).length, 1);
  assert.match(
    bridge.log.join("\n"),
    /refused the subscription to a\/# \(Wildcard Subscriptions not supported\)/,
  );
});

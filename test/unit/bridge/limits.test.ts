/** What a bridge keeps for a remote broker that is away, and what it spares one that takes little. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Rate } from "../../../src/bridge/rate.ts";
import { TestBridge, topic } from "../../kit/test-bridge.ts";
import { TestBroker } from "../../kit/test-broker.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

test("the broker's limit to what waits for a client does not hold for bridges", () => {
  const here = new TestBroker({ options: { maxQueuedMessages: 5, maxQueuedBytes: 10 } });
  const bridge = new TestBridge({ here, topics: [topic("#", "out", 1)] });
  bridge.bridge.start();
  const client = here.connect("c");
  for (let id = 1; id <= 50; id++) client.publish("a", "payload", 1, id);
  assert.equal(bridge.bridge.backlog, 50);
});

test("a bridge's own limits hold, by messages and by bytes", () => {
  const count = (options: object) => {
    const bridge = new TestBridge({ topics: [topic("#", "out", 1)], options });
    bridge.bridge.start();
    const client = bridge.here.connect("c");
    for (let id = 1; id <= 50; id++) client.publish("a", "1234567890", 1, id);
    return bridge.bridge.backlog;
  };
  assert.equal(count({ maxQueuedMessages: 7 }), 7);
  assert.equal(count({ maxQueuedBytes: 95 }), 9);
});

test("topics that are too long or too deep are dropped, counted and told once each", () => {
  const bridge = new TestBridge({
    topics: [topic("#", "out", 1, "", "site/")],
    options: { maximumTopicLength: 12, maximumTopicLevels: 3 },
  });
  const remote = bridge.start();
  const client = bridge.here.connect("c");
  for (const [id, name] of ["a/b", "a/b/c", "öööö", "aaaaaaaa", "x/y/z"].entries()) {
    client.publish(name, "x", 1, id + 1);
  }
  assert.deepEqual(remote.told(), ["publish site/a/b=x q1 #1"]);
  assert.equal(bridge.bridge.counters.dropped, 4);
  assert.equal(bridge.bridge.backlog, 1);
  assert.deepEqual(
    bridge.log.filter((line) => line.includes("dropped")),
    [
      "warn: cloud: a/b/c has more levels than the remote broker takes (3), dropped",
      "warn: cloud: öööö is a topic longer than the remote broker takes (12 bytes), dropped",
    ],
  );
});

test("a packet size of one's own holds before MQTT 5.0, too", () => {
  const options = { outgoingPacketSize: 20 };
  const bridge = new TestBridge({ topics: [topic("#", "out", 1)], options });
  const remote = bridge.start();
  const client = bridge.here.connect("c");
  client.publish("a", "x".repeat(30), 1, 1);
  client.publish("a", "short", 1, 2);
  assert.deepEqual(remote.told(), ["publish a=short q1 #2"]);
});

test("QoS and RETAIN are lowered as configured", () => {
  const options = { maximumQos: 1, outgoingRetain: false } as const;
  const bridge = new TestBridge({ topics: [topic("#", "out", 2)], options });
  const remote = bridge.start();
  bridge.here.connect("c").publish("a", "x", 2, 1, true);
  assert.deepEqual(remote.told(), ["publish a=x q1 #1"]);
});

test("no more than a number of messages goes out in a second", () => {
  const options = { maximumRate: 10 };
  const bridge = new TestBridge({ topics: [topic("#", "out", 1)], options });
  const remote = bridge.start();
  const client = bridge.here.connect("c");
  for (let id = 1; id <= 30; id++) client.publish("a", `${id}`, 1, id);
  const counts = [remote.told().length];
  for (let second = 0; second < 3; second++) {
    bridge.here.clock.advance(1000);
    counts.push(remote.told().length);
  }
  assert.deepEqual(counts, [10, 10, 10, 0]);
});

test("a rate fills up again, but never beyond a second's worth", () => {
  const clock = new VirtualClock();
  const rate = new Rate(clock, 2);
  assert.deepEqual([rate.spend(), rate.spend()], [0, 500]);
  clock.advance(60_000);
  assert.deepEqual([rate.spend(), rate.spend()], [0, 500]);
  assert.equal(new Rate(clock, 0).spend(), 0);
});

test("what has waited goes in order before what comes", () => {
  const bridge = new TestBridge({ topics: [topic("#", "out", 1)], options: { maxInflight: 1 } });
  bridge.bridge.start();
  const client = bridge.here.connect("c");
  for (let id = 1; id <= 3; id++) client.publish("a", `old${id}`, 1, id);
  const remote = bridge.accept();
  client.publish("a", "new", 1, 4);
  const order: string[] = [];
  for (let sent = remote.answer(); sent.length > 0; sent = remote.answer()) order.push(...sent);
  assert.deepEqual(
    order.map((line) => line.replace(/.*=(\S+).*/, "$1")),
    ["old1", "old2", "old3", "new"],
  );
});

test("with interleave what comes takes turns with what has waited, each in its order", () => {
  const bridge = new TestBridge({
    topics: [topic("#", "out", 1)],
    options: { maxInflight: 1, backlog: "interleave" },
  });
  bridge.bridge.start();
  const client = bridge.here.connect("c");
  for (let id = 1; id <= 5; id++) client.publish("a", `old${id}`, 1, id);
  const remote = bridge.accept();
  for (let id = 6; id <= 8; id++) client.publish("a", `new${id}`, 1, id);
  const order: string[] = [];
  for (let sent = remote.answer(); sent.length > 0; sent = remote.answer()) order.push(...sent);
  assert.deepEqual(
    order.map((line) => line.replace(/.*=(\S+).*/, "$1")),
    ["old1", "new6", "old2", "new7", "old3", "new8", "old4", "old5"],
  );
  assert.equal(bridge.bridge.backlog, 0);
});

test("before MQTT 5.0 the window is wide by itself, and as configured otherwise", () => {
  const sent = (options: object) => {
    const bridge = new TestBridge({ topics: [topic("#", "out", 1)], options });
    const remote = bridge.start();
    const client = bridge.here.connect("c");
    for (let id = 1; id <= 300; id++) client.publish("a", "x", 1, id);
    return remote.told().length;
  };
  assert.equal(sent({}), 100);
  assert.equal(sent({ maxInflight: 7 }), 7);
  assert.equal(sent({ maxInflight: 250 }), 250);
});

test("a session that is kept lets go of topics that are not shared any more", () => {
  const first = new TestBridge({ topics: [topic("a", "out", 1), topic("b", "out", 1)] });
  first.start();
  first.bridge.stop();
  const second = new TestBridge({ here: first.here, topics: [topic("b", "out", 1)] });
  second.bridge.start();
  const client = first.here.connect("c");
  client.publish("a", "x", 1, 1);
  client.publish("b", "y", 1, 2);
  assert.equal(second.bridge.backlog, 1);
});

test("before MQTT 5.0 few messages of QoS 2 are under way by themselves, beside those of QoS 1", () => {
  const sent = (options: object) => {
    const here = new TestBroker({ options: { receiveMaximum: 1000 } });
    const bridge = new TestBridge({ here, topics: [topic("#", "out", 2)], options });
    const remote = bridge.start();
    const client = here.connect("c");
    for (let id = 1; id <= 10; id++) client.publish("one", "x", 1, id);
    for (let id = 101; id <= 150; id++) client.publish("two", "x", 2, id);
    for (let waits = 0; waits < 3; waits++) here.disk.commit();
    const told = remote.told();
    return [
      told.filter((line) => line.includes("q1")),
      told.filter((line) => line.includes("q2")),
    ].map((lines) => lines.length);
  };
  assert.deepEqual(sent({}), [10, 19]);
  assert.deepEqual(sent({ maxInflight: 60 }), [10, 50]);
});

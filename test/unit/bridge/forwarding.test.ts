/** Messages over a bridge, both ways: custody, QoS, order, what happens over reconnections. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TestBridge, topic } from "../../kit/test-bridge.ts";
import { TestBroker } from "../../kit/test-broker.ts";

test("messages leave under their remote name, at the lower QoS, RETAIN as published", () => {
  const bridge = new TestBridge({ topics: [topic("#", "out", 1, "L/", "R/")] });
  const remote = bridge.start();
  const client = bridge.here.connect("p");
  client.publish("L/a", "0");
  client.publish("L/b", "1", 1, 1, true);
  client.publish("L/c", "2", 2, 2);
  client.publish("other", "x", 1, 3);
  assert.deepEqual(remote.told(), [
    "publish R/a=0",
    "publish R/b=1 q1 retain #1",
    "publish R/c=2 q1 #2",
  ]);
});

test("a publisher is acknowledged when the remote broker has the message, without waiting for the disk", () => {
  const here = new TestBroker({ autoCommit: false });
  const bridge = new TestBridge({ here, autoCommit: false, topics: [topic("#", "out", 1)] });
  const remote = bridge.start();
  const client = here.connect("p");
  client.publish("a", "x", 1, 7);
  assert.deepEqual(client.take(), []);
  remote.answer();
  assert.deepEqual(client.take(), [{ kind: "puback", packetId: 7 }]);
});

test("while the remote broker is away messages queue, and leave in order when it is back", () => {
  const bridge = new TestBridge({ topics: [topic("#", "out", 2)] });
  bridge.bridge.start();
  const client = bridge.here.connect("p");
  client.publish("a", "1", 1, 1);
  client.publish("a", "2", 2, 2);
  bridge.dialler.fail();
  client.publish("a", "3", 1, 3);
  assert.equal(bridge.bridge.backlog, 3);
  bridge.wait();
  const remote = bridge.accept();
  assert.deepEqual(remote.answer(), [
    "publish a=1 q1 #1",
    "publish a=2 q2 #2",
    "publish a=3 q1 #3",
  ]);
  remote.answer();
  assert.equal(bridge.bridge.backlog, 0);
});

test("messages survive a power cut between publish and connection", () => {
  const here = new TestBroker();
  new TestBridge({ here, topics: [topic("#", "out", 2)] }).bridge.start();
  here.connect("p").publish("a", "kept", 2, 1);
  const after = new TestBridge({ here: here.restart(), topics: [topic("#", "out", 2)] });
  after.bridge.start();
  const told = after.accept().told();
  assert.equal(told.length, 1);
  assert.match(told[0] ?? "", /^publish a=kept q2 #\d+$/);
});

test("a message under way at a power cut goes on under the identifier the remote broker knows", () => {
  const here = new TestBroker();
  const before = new TestBridge({ here, topics: [topic("#", "out", 2)] });
  const remote = before.start();
  const client = here.connect("p");
  client.publish("a", "received", 2, 1);
  client.publish("a", "sent", 2, 2);
  here.clock.advance(100);
  here.disk.commit();
  remote.send({ kind: "pubrec", packetId: 1 });
  here.disk.commit();
  const after = new TestBridge({ here: here.restart(), topics: [topic("#", "out", 2)] });
  after.bridge.start();
  assert.deepEqual(after.accept(true).told(), ["pubrel #1", "publish a=sent q2 dup #2"]);
});

test("[MQTT-4.4.0-1] after a lost connection, what was under way goes on where it stood", () => {
  const bridge = new TestBridge({ topics: [topic("#", "out", 2)] });
  const first = bridge.start();
  const client = bridge.here.connect("p");
  client.publish("a", "1", 2, 1);
  client.publish("a", "2", 1, 2);
  client.publish("a", "3", 2, 3);
  first.take();
  first.send({ kind: "pubrec", packetId: 1 });
  first.wire.break();
  client.publish("a", "4", 1, 4);
  bridge.wait();
  const second = bridge.accept(true);
  assert.deepEqual(second.answer(), [
    "pubrel #1",
    "publish a=2 q1 dup #2",
    "publish a=3 q2 dup #3",
    "publish a=4 q1 #4",
  ]);
  second.answer();
  assert.equal(bridge.bridge.backlog, 0);
});

test("what is sent again waits for a slow network, and none of it is left out", () => {
  const bridge = new TestBridge({ topics: [topic("#", "out", 1)] });
  const first = bridge.start();
  const client = bridge.here.connect("p");
  for (let id = 1; id <= 5; id++) client.publish("a", `${id}`.repeat(100_000), 1, id);
  assert.ok(first.take().length < 5, "the rest waits for the network");
  first.wire.drain();
  first.wire.drain();
  first.take();
  first.wire.break();
  bridge.wait();
  const second = bridge.accept(true);
  let sent = 0;
  for (let rounds = 0; rounds < 3; rounds++) {
    sent += second.answer().length;
    second.wire.drain();
  }
  assert.equal(sent, 5);
  assert.equal(bridge.bridge.backlog, 0);
});

test("no more messages are under way than the window allows", () => {
  const bridge = new TestBridge({ topics: [topic("#", "out", 1)], options: { maxInflight: 2 } });
  const remote = bridge.start();
  const client = bridge.here.connect("p");
  for (let id = 1; id <= 4; id++) client.publish("a", `${id}`, 1, id);
  assert.equal(remote.answer().length, 2);
  assert.equal(remote.answer().length, 2);
});

test("a remote broker that reads slowly fills the session here, not memory without bound", () => {
  const options = { maxQueuedMessages: 10 };
  const bridge = new TestBridge({ topics: [topic("#", "out")], options });
  const remote = bridge.start();
  remote.wire.stuck = 10_000_000;
  const client = bridge.here.connect("p");
  for (let count = 0; count < 100; count++) client.publish("a", `${count}`);
  assert.ok(remote.take().length <= 1);
  assert.ok(bridge.bridge.backlog <= 10);
  remote.wire.drain();
  assert.equal(remote.told().length, 10);
});

test("messages wait until the remote broker has answered what was asked first", () => {
  const bridge = new TestBridge({ topics: [topic("a", "out", 1), topic("b", "in", 1)] });
  bridge.bridge.start();
  const remote = bridge.accept();
  bridge.here.connect("p").publish("a", "x", 1, 1);
  assert.deepEqual(remote.answer(), ["subscribe b q1 #1"]);
  assert.deepEqual(remote.told(), ["publish a=x q1 #1"]);
});

test("retained messages go to a remote broker that does not know the bridge", () => {
  const bridge = new TestBridge({ topics: [topic("#", "out", 1)] });
  bridge.here.connect("p").publish("state", "on", 0, 0, true);
  bridge.bridge.start();
  const first = bridge.accept();
  assert.deepEqual(first.told(), ["publish state=on retain"]);
  first.wire.break();
  bridge.wait();
  const second = bridge.accept(true);
  assert.deepEqual(second.told(), [], "it has them");
  second.wire.break();
  bridge.wait();
  assert.deepEqual(bridge.accept(false).told(), ["publish state=on retain"]);
});

test("what a kept session here still subscribes to but nobody configures is not sent", () => {
  const here = new TestBroker();
  const before = new TestBridge({
    here,
    topics: [topic("old/#", "out", 1), topic("new/#", "out", 1)],
  });
  before.bridge.start();
  before.bridge.stop();
  const after = new TestBridge({ here, topics: [topic("new/#", "out", 1)] });
  const remote = after.start();
  const client = here.connect("p");
  client.publish("old/a", "x", 1, 1);
  client.publish("new/a", "y", 1, 2);
  assert.deepEqual(
    remote.told().map((line) => line.split(" ")[1]),
    ["new/a=y"],
  );
  assert.deepEqual(client.take()[0], { kind: "puback", packetId: 1 });
});

test("with a clean local session nothing is kept while the remote broker is away", () => {
  const bridge = new TestBridge({
    topics: [topic("#", "out", 1)],
    options: { localCleanSession: true },
  });
  const first = bridge.start();
  const client = bridge.here.connect("p");
  client.publish("a", "1", 1, 1);
  assert.deepEqual(first.answer(), ["publish a=1 q1 #1"]);
  first.wire.break();
  client.publish("a", "2", 1, 2);
  bridge.wait();
  const second = bridge.open();
  client.publish("a", "3", 1, 3);
  assert.deepEqual(second.told(), ["publish a=3 q1 #1"]);
});

test("messages come in under their local name, with RETAIN", () => {
  const bridge = new TestBridge({ topics: [topic("#", "in", 2, "L/", "R/")] });
  const remote = bridge.start();
  const client = bridge.here.connect("c");
  client.subscribe("#", 2);
  remote.publish("R/a", "0");
  remote.publish("R/b", "1", 1, 5, { retain: true });
  remote.publish("R/c", "2", 2, 6);
  assert.deepEqual(client.messages(), ["L/a=0", "L/b=1 q1", "L/c=2 q2"]);
  const late = bridge.here.connect("late");
  late.subscribe("L/b", 0);
  assert.deepEqual(late.messages(), ["L/b=1 retain"]);
});

test("the remote broker is acknowledged when the message is safe here, not before", () => {
  const here = new TestBroker({ autoCommit: false });
  const bridge = new TestBridge({ here, autoCommit: false, topics: [topic("#", "in", 2)] });
  const keeper = here.connect("keeper", { cleanStart: false });
  keeper.subscribe("#", 2);
  keeper.break();
  here.disk.commit();
  const remote = bridge.start();
  remote.publish("a", "1", 1, 5);
  remote.publish("a", "2", 2, 6);
  assert.deepEqual(remote.told(), []);
  here.disk.commit();
  assert.deepEqual(remote.told().sort(), ["puback #5", "pubrec #6"]);
  remote.send({ kind: "pubrel", packetId: 6 });
  assert.deepEqual(remote.told(), []);
  here.disk.commit();
  assert.deepEqual(remote.told(), ["pubcomp #6"]);
});

test("[MQTT-4.3.3-2] a QoS 2 message that comes again is published once", () => {
  const here = new TestBroker({ autoCommit: false });
  const bridge = new TestBridge({ here, autoCommit: false, topics: [topic("#", "in", 2)] });
  const first = bridge.start();
  const client = here.connect("c");
  client.subscribe("#", 2);
  first.publish("a", "1", 2, 6);
  first.wire.break();
  bridge.wait();
  const second = bridge.open(true);
  second.publish("a", "1", 2, 6, { dup: true });
  assert.deepEqual(second.told(), []);
  here.disk.commit();
  assert.deepEqual(second.told(), ["pubrec #6"], "one answer for both");
  second.wire.break();
  bridge.wait();
  const third = bridge.open(true);
  third.publish("a", "1", 2, 6, { dup: true });
  assert.deepEqual(third.told(), ["pubrec #6"]);
  third.send({ kind: "pubrel", packetId: 6 });
  here.disk.commit();
  assert.deepEqual(third.told(), ["pubcomp #6"]);
  third.publish("a", "2", 2, 6);
  here.disk.commit();
  assert.deepEqual(client.messages(), ["a=1 q2", "a=2 q2"]);
});

test("a QoS 2 message comes through once over a power cut here", () => {
  const here = new TestBroker();
  const before = new TestBridge({ here, topics: [topic("#", "in", 2)] });
  const remote = before.start();
  const keeper = here.connect("keeper", { cleanStart: false });
  keeper.subscribe("#", 2);
  remote.publish("a", "1", 2, 6);
  here.disk.commit();
  const again = here.restart();
  const after = new TestBridge({ here: again, topics: [topic("#", "in", 2)] });
  after.bridge.start();
  const second = after.open(true);
  second.publish("a", "1", 2, 6, { dup: true });
  again.disk.commit();
  assert.deepEqual(second.told(), ["pubrec #6"]);
  const back = again.connect("keeper", { cleanStart: false });
  assert.equal(back.messages().length, 1);
});

test("a remote broker that lost its session uses identifiers anew, open ones included", () => {
  const here = new TestBroker({ autoCommit: false });
  const bridge = new TestBridge({ here, autoCommit: false, topics: [topic("#", "in", 2)] });
  const first = bridge.start();
  const client = here.connect("c");
  client.subscribe("#", 2);
  first.publish("a", "old pending", 2, 6);
  first.publish("a", "old pending", 1, 7);
  first.wire.break();
  bridge.wait();
  const second = bridge.open(false);
  here.disk.commit();
  assert.deepEqual(second.told(), [], "these answers belong to the lost session");
  second.publish("a", "new", 2, 6);
  here.disk.commit();
  assert.deepEqual(second.told(), ["pubrec #6"]);
  assert.deepEqual(client.messages(), ["a=old pending q2", "a=old pending q1", "a=new q2"]);
});

test("what the remote broker sends unasked is acknowledged and dropped", () => {
  const bridge = new TestBridge({ topics: [topic("in/#", "in", 1), topic("out/#", "out", 1)] });
  const remote = bridge.start();
  const client = bridge.here.connect("c");
  client.subscribe("#", 1);
  client.subscribe("$SYS/#", 1);
  client.take();
  for (const [index, name] of ["stale/a", "$SYS/broker/version", "out/a"].entries()) {
    remote.publish(name, "x", 1, index + 1);
  }
  assert.deepEqual(client.messages(), []);
  assert.deepEqual(remote.told(), ["puback #1", "puback #2", "puback #3"]);
  assert.equal(bridge.log.filter((line) => /not configured to come in/.test(line)).length, 1);
});

test("what this broker refuses for good is acknowledged and dropped, with a line in the log", () => {
  const bridge = new TestBridge({ topics: [topic("#", "in", 1, "$SYS/", "R/")] });
  const remote = bridge.start();
  remote.publish("R/a", "x", 1, 1);
  assert.deepEqual(remote.told(), ["puback #1"]);
  assert.match(bridge.log.at(-1) ?? "", /this broker refused a message on \$SYS\/a/);
  for (let count = 0; count < 100; count++) remote.publish(`R/${"long/".repeat(1000)}`, "x", 1, 1);
  assert.equal(bridge.log.filter((line) => /refused a message/.test(line)).length, 1);
});

test("shared both ways, a marked bridge relies on the remote broker not to send back", () => {
  const bridge = new TestBridge({ topics: [topic("#", "both", 1)] });
  const remote = bridge.start();
  const client = bridge.here.connect("c");
  client.subscribe("#", 1);
  client.publish("a", "x", 1, 1);
  assert.equal(remote.answer().at(-1), "publish a=x q1 #1");
  client.take();
  remote.publish("a", "x", 1, 1);
  assert.deepEqual(client.messages(), ["a=x q1"], "published by another there");
  assert.deepEqual(remote.told(), ["puback #1"], "and not sent back");
});

test("shared both ways with a remote broker that knows no bridges, what comes back is not published again", () => {
  const bridge = new TestBridge({
    topics: [topic("#", "both", 2, "L/", "R/")],
    options: { tryPrivate: false },
  });
  const remote = bridge.start();
  const client = bridge.here.connect("c");
  client.subscribe("#", 2);
  const answers: string[] = [];
  for (const qos of [0, 1, 2] as const) {
    client.publish("L/a", `${qos}`, qos, qos);
    remote.answer();
    remote.answer();
    remote.publish("R/a", `${qos}`, qos, qos);
    answers.push(...remote.told());
  }
  assert.deepEqual(answers, ["puback #1", "pubrec #2"]);
  assert.deepEqual(client.messages(), ["L/a=0", "L/a=1 q1", "L/a=2 q2"]);
  remote.publish("R/a", "2", 0);
  assert.deepEqual(client.messages(), ["L/a=2"], "published by another there");
});

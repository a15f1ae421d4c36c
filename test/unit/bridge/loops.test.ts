/** Messages that come round over several bridges of MQTT 5.0, and what is kept from going at all. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Marks } from "../../../src/bridge/marks.ts";
import { Message } from "../../../src/seams/message.ts";
import { plain } from "../../kit/plain.ts";
import { TestBridge, topic } from "../../kit/test-bridge.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

const V5 = { protocol: "mqttv50" } as const;
const VIA = "midge-via";

function via(hops: string) {
  return { userProperties: [[VIA, hops]] as const };
}

test("each broker that a message leaves by is noted", () => {
  const bridge = new TestBridge({ options: V5, topics: [topic("#", "out", 1)] });
  const remote = bridge.start();
  const client = bridge.here.connect5("c");
  client.publish("a", "x", 1, 1);
  client.publish("a", "y", 1, 2, false, false, via("there"));
  assert.deepEqual(
    remote.take().map((packet) => packet.kind === "publish" && plain(packet.properties)),
    [{ userProperties: [[VIA, "here"]] }, { userProperties: [[VIA, "there here"]] }],
  );
});

test("what has been here before is acknowledged, counted and goes no further", () => {
  const bridge = new TestBridge({ options: V5, topics: [topic("#", "both", 1)] });
  const remote = bridge.start();
  const watch = bridge.here.connect("watch");
  watch.subscribe("#", 1);
  remote.publish("a", "x", 1, 9, { properties: via("here there") });
  assert.deepEqual(remote.told(), ["puback #9"]);
  assert.deepEqual(watch.messages(), []);
  // By another way than this bridge.
  bridge.here.connect5("c").publish("a", "y", 1, 1, false, false, via("there here"));
  assert.deepEqual(remote.told(), []);
  assert.equal(bridge.bridge.backlog, 0);
  assert.equal(bridge.bridge.counters.looped, 2);
});

test("a message that went by very many brokers is stopped, whoever they are", () => {
  const clock = new VirtualClock();
  const marks = new Marks({ clock, brokerId: "me", loopMark: true, ageProperty: "" });
  const hops = (count: number) =>
    via(Array.from({ length: count }, (_, one) => `b${one}`).join(" "));
  assert.equal(marks.hasComeBack(hops(31).userProperties), false);
  assert.equal(marks.hasComeBack(hops(32).userProperties), true);
});

test("what a bridge has taken in goes on by another, noted once, and is stopped when it comes back", () => {
  const clock = new VirtualClock();
  const marks = new Marks({ clock, brokerId: "me", loopMark: true, ageProperty: "" });
  const taken = marks.incoming(via("there").userProperties);
  assert.deepEqual(taken, [[VIA, "there ~me"]]);
  assert.equal(marks.hasComeRound(taken), false);
  assert.deepEqual(marks.outgoing(taken), [[VIA, "there me"]]);
  for (const hops of ["there me", "me there", "~me there", "~me there ~me"]) {
    assert.equal(marks.hasComeRound(via(hops).userProperties), true, hops);
    assert.equal(marks.hasComeBack(via(hops).userProperties), true, hops);
  }
  assert.equal(marks.hasComeBack(taken), true);
});

test("without marks nothing is added or stopped", () => {
  const marks = new Marks({
    clock: new VirtualClock(),
    brokerId: "me",
    loopMark: false,
    ageProperty: "",
  });
  assert.equal(marks.hasComeRound([[VIA, "me"]]), false);
  assert.equal(marks.hasComeBack([[VIA, "~me"]]), false);
  assert.equal(marks.outgoing(undefined), undefined);
  const message = new Message("a", new Uint8Array(0), 1, false);
  assert.equal(marks.arrived(message), message);
});

test("what is excluded goes neither way", () => {
  const bridge = new TestBridge({
    options: { exclude: ["L/secret/#"] },
    topics: [topic("#", "both", 1, "L/", "R/")],
  });
  const remote = bridge.start();
  const client = bridge.here.connect("c");
  client.subscribe("#", 1);
  client.publish("L/secret/1", "x", 1, 1);
  client.publish("L/open", "y", 1, 2);
  assert.deepEqual(
    remote.told(),
    ["publish R/open=y q1 #2"].map((line) => line.replace("#2", "#1")),
  );
  assert.equal(bridge.bridge.backlog, 1);
  remote.publish("R/secret/2", "z", 1, 5);
  assert.deepEqual(remote.told(), ["puback #5"]);
  assert.deepEqual(client.messages(), ["L/secret/1=x q1", "L/open=y q1"]);
});

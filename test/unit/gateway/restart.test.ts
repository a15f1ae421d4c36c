/** What outlives a restart: nodes, their sleep, wills and topic ids. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SnMessage } from "../../../src/mqttsn/packets.ts";
import { bytes, frameOf, messageOf, type Speaker, Stand, text } from "./stand.ts";

const disconnect = [{ kind: "disconnect", duration: undefined }];

test("stopping tells the nodes nothing, publishes no will and keeps the sessions", () => {
  const stand = new Stand();
  const node = stand.node("n");
  node.say({ kind: "willtopicupd", topic: "w", qos: 0, retain: false });
  node.take();
  stand.gateway.stop();
  stand.pass(10_000);
  assert.deepEqual(node.take(), []);
  assert.deepEqual(stand.door.wills, []);
  assert.equal(stand.door.sessions.has("n"), true);
  assert.equal(stand.door.sessions.get("n")?.holder, undefined);
  assert.deepEqual(node.ping(), []);
});

test("a sleeping node stays asleep, and gets what was buffered before and after", () => {
  const before = new Stand();
  before.sleeper("n", "t", 1, 600);
  before.door.publish("t", "1", 1);
  before.gateway.stop();
  before.door.publish("t", "2", 1);
  const stand = new Stand({}, before);
  stand.door.publish("t", "3", 1);
  const node = stand.at("at-n");
  assert.equal(stand.state("n"), "asleep");
  assert.equal(stand.report("n").sleepDuration, 600);
  assert.deepEqual(node.take(), []);
  assert.equal(node.ping()[0]?.kind, "register");
  for (const [index, payload] of ["1", "2", "3"].entries()) {
    const [publish] = index === 0 ? node.regack(1) : node.puback(index);
    assert.equal(publish?.kind === "publish" && text(publish.payload), payload);
  }
  assert.deepEqual(node.puback(3), [{ kind: "pingresp" }]);
});

test("an awake node is a sleeping one after a restart", () => {
  const before = new Stand();
  const node = before.sleeper("n", "t");
  before.door.publish("t", "1", 1);
  node.ping("n");
  before.gateway.stop();
  const stand = new Stand({}, before);
  assert.equal(stand.state("n"), "asleep");
});

test("restored nodes are supervised anew, and their wills are published when they are lost", () => {
  const before = new Stand();
  const node = before.node("n", { clean: false });
  node.say({ kind: "willtopicupd", topic: "w", qos: 1, retain: true });
  node.say({ kind: "willmsgupd", payload: bytes("gone") });
  node.disconnect(100);
  before.pass(60);
  const stand = new Stand({}, before);
  stand.pass(109);
  assert.equal(stand.state("n"), "asleep");
  stand.pass(1);
  assert.equal(stand.state("n"), "lost");
  const [will] = stand.door.wills;
  assert.deepEqual([will?.topic, will?.qos, will?.retain], ["w", 1, true]);
  assert.equal(text(will?.payload ?? new Uint8Array(0)), "gone");
});

test("an active node goes on when it is heard from the same address", () => {
  const before = new Stand();
  const earlier = before.node("n", { clean: false });
  earlier.subscribe({ type: "short", name: "ab" }, 1);
  earlier.register("up");
  before.door.publish("ab", "1", 1);
  const stand = new Stand({}, before);
  const node = stand.at("at-n");
  stand.door.publish("ab", "2", 1);
  assert.deepEqual(node.take(), [], "nothing before it is heard");
  const [publish] = node.publish(2, "x", 1);
  assert.deepEqual(
    publish?.kind === "publish" && [text(publish.payload), publish.dup],
    ["1", true],
    "what was in flight comes again",
  );
  assert.equal(stand.door.published[0]?.topic, undefined, "id 2 is none");
  node.publish(1, "x", 1);
  assert.equal(stand.door.published[0]?.topic, "up");
  assert.equal(text((node.puback(1)[0] as { payload: Uint8Array }).payload), "2");
});

test("a clean session goes on as well", () => {
  const before = new Stand();
  before.node("n", { clean: true }).subscribe({ type: "short", name: "ab" }, 0);
  const stand = new Stand({}, before);
  const node = stand.at("at-n");
  node.ping();
  stand.door.publish("ab", "x");
  assert.deepEqual(node.kinds(), ["publish"]);
  node.disconnect();
  assert.equal(stand.door.sessions.has("n"), false);
});

test("a restored node is found by ClientId from another address", () => {
  const before = new Stand();
  before.sleeper("n", "ab");
  before.node("m", { clean: false });
  const stand = new Stand({}, before);
  assert.deepEqual(stand.at("new").ping("n"), [{ kind: "pingresp" }]);
  assert.equal(stand.at("newer").connect("m", { clean: false })[0]?.kind, "connack");
  assert.deepEqual(stand.at("at-n").ping(), disconnect);
});

test("decisions: Topic ids: topic ids survive for disconnected, sleeping and active nodes", () => {
  const before = new Stand();
  const names = ["disconnected", "asleep", "active"];
  for (const name of names) {
    const node = before.node(name, { clean: false });
    node.register(`${name}/1`);
    node.register(`${name}/2`);
    if (name === "disconnected") node.disconnect();
    if (name === "asleep") node.disconnect(600);
  }
  const stand = new Stand({}, before);
  for (const name of names) {
    const node = stand.at(`at-${name}`);
    if (name === "disconnected") node.connect(name, { clean: false });
    node.publish(2, "x");
  }
  assert.deepEqual(
    stand.door.published.map(({ topic }) => topic),
    names.map((name) => `${name}/2`),
  );
  const [regack] = stand.at("at-active").register("active/3");
  assert.equal(regack?.kind === "regack" && regack.topicId, 3);
});

test("names are registered again before the gateway uses them", () => {
  const before = new Stand();
  before.sleeper("n", "t", 0);
  const stand = new Stand({}, before);
  stand.door.publish("t", "x");
  assert.equal(stand.at("at-n").ping()[0]?.kind, "register");
});

test("nodes behind forwarders are found again", () => {
  const before = new Stand();
  const connect = new Uint8Array([4, 0xfe, 0, 5, 7, 0x04, 0x00, 0x01, 0, 60, 0x6e]);
  before.at("fwd").sayRaw(connect);
  const stand = new Stand({}, before);
  const forwarder = stand.at("fwd");
  forwarder.sayRaw(new Uint8Array([4, 0xfe, 0, 5, 2, 0x16]));
  assert.deepEqual(forwarder.kinds(), ["encapsulated"]);
  assert.equal(stand.state("n"), "active");
});

test("lost and disconnected nodes are remembered without a session being held", () => {
  const before = new Stand();
  before.node("gone", { clean: false }).disconnect();
  before.node("silent", { clean: false });
  before.pass(100);
  const stand = new Stand({}, before);
  assert.equal(stand.state("gone"), "disconnected");
  assert.equal(stand.state("silent"), "lost");
  assert.equal(stand.door.sessions.get("gone")?.holder, undefined);
  assert.equal(stand.report("silent").lastSeen, before.report("silent").lastSeen);
  assert.equal(stand.report("silent").since, before.report("silent").since);
});

test("messages alone are not written: the store may be an SD card", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  node.register("t");
  node.subscribe("down/#", 1);
  const before = stand.journal.writes;
  for (let count = 0; count < 50; count++) {
    node.publish(1, "x", 1);
    node.ping();
    node.register("t");
    stand.pass(20);
  }
  assert.equal(stand.journal.writes, before);
});

test("waking writes nothing either", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t", 0);
  const before = stand.journal.writes;
  for (let count = 0; count < 10; count++) {
    stand.door.publish("t", "x");
    stand.pass(100);
    node.ping("n");
  }
  assert.equal(stand.journal.writes, before);
});

test("ClientIds and names with slashes, and of all sorts, are kept", () => {
  const before = new Stand();
  for (const clientId of ["a/b", "a", "a/b/1", "ä €", "g/n/x"]) {
    before.node(clientId, { clean: false }).register(`${clientId}/t`);
  }
  const stand = new Stand({}, before);
  for (const clientId of ["a/b", "a", "a/b/1", "ä €", "g/n/x"]) {
    stand.at(`at-${clientId}`).publish(1, "x");
    assert.equal(stand.door.published.at(-1)?.topic, `${clientId}/t`);
  }
});

test("damaged records and those of no node are left out and counted, and the rest is restored", () => {
  const before = new Stand();
  before.node("good", { clean: false }).register("t");
  const [record] = before.journal.stored();
  assert.ok(record);
  const { journal } = before;
  for (let length = 0; length < record.value.length; length++) {
    journal.put(`g/n/cut${length}`, record.value.slice(0, length));
  }
  journal.put("g/n/", record.value);
  journal.put("g/n/version", new Uint8Array(record.value).fill(99, 0, 1));
  journal.put("g/n/state", new Uint8Array(record.value).fill(99, 1, 2));
  journal.put("g/n/time", new Uint8Array(record.value).fill(255, 7, 15));
  for (const key of ["g/t/good/0", "g/t/good/x", "g/t/good/65535", "g/t/good/1e3", "g/t/good"]) {
    journal.put(key, bytes("t2"));
  }
  journal.put("g/t/good/2", new Uint8Array([0xff]));
  journal.put("g/t/nobody/1", bytes("t"));
  journal.put("g/t/good/7", bytes("t"));
  journal.put("g/x/y", bytes("t"));
  const damaged = journal.records.size - 2;
  const stand = new Stand({}, before);
  assert.equal(stand.restored, damaged);
  stand.at("at-good").publish(1, "x");
  assert.equal(stand.door.published[0]?.topic, "t");
  stand.pass(1);
  assert.equal(stand.door.announced.get("$SYS/gateway/count/total"), "1");
});

test("records may come in any order", () => {
  const before = new Stand();
  before.node("n", { clean: false }).register("t");
  const entries = [...before.journal.records].reverse();
  before.journal.records.clear();
  for (const [key, value] of entries) before.journal.records.set(key, value);
  const stand = new Stand({}, before);
  stand.at("at-n").publish(1, "x");
  assert.equal(stand.door.published[0]?.topic, "t");
});

test("a broker that refuses a restored node leaves it disconnected", () => {
  const before = new Stand();
  before.node("n", { clean: false });
  before.door.refuseEnter = 0x87;
  const stand = new Stand({}, before);
  assert.equal(stand.state("n"), "disconnected");
  assert.equal(stand.logged(/node "n" not restored/, "warn"), 1);
  assert.deepEqual(stand.at("at-n").ping(), disconnect);
});

test("an active node is given messages after a restart where it was before, without waiting for it", () => {
  for (const key of ["10.0.0.7:5000", "fwd"]) {
    const before = new Stand();
    before.link.knowsAddresses = true;
    const say = (speaker: Speaker, message: SnMessage) =>
      key === "fwd"
        ? speaker.say({
            kind: "encapsulated",
            radius: 0,
            wirelessNodeId: new Uint8Array([0, 0xab]),
            message: frameOf(message),
          })
        : speaker.say(message);
    const take = (speaker: Speaker) =>
      speaker.take().map((one) => (one.kind === "encapsulated" ? messageOf(one.message) : one));
    const node = before.at(key);
    say(node, {
      kind: "connect",
      clientId: "n",
      cleanSession: false,
      will: false,
      duration: 60,
      protocolId: 1,
    });
    say(node, {
      kind: "subscribe",
      dup: false,
      qos: 1,
      messageId: 1,
      topic: { type: "name", name: "topic" },
    });
    const stand = new Stand({}, before);
    stand.door.publish("topic", "x", 1);
    const again = stand.at(key);
    assert.deepEqual(
      take(again).map(({ kind }) => kind),
      ["register"],
    );
    say(again, { kind: "regack", topicId: 1, messageId: 1, returnCode: 0 });
    const [publish] = take(again);
    assert.equal(publish?.kind === "publish" && text(publish.payload), "x");
  }
});

test("a node that does not answer where it was before a restart is not lost for that", () => {
  const before = new Stand();
  before.link.knowsAddresses = true;
  const node = before.node("n", { clean: false, keepAlive: 600 });
  node.subscribe({ type: "short", name: "ab" }, 1);
  const stand = new Stand({}, before);
  stand.door.publish("ab", "x", 1);
  const old = stand.at("at-n");
  stand.pass(50);
  assert.equal(old.kinds().length, 5);
  assert.equal(stand.state("n"), "active");
  stand.pass(100);
  assert.deepEqual(old.take(), []);
  const moved = stand.at("elsewhere");
  assert.deepEqual(
    moved.ping("n").map(({ kind }) => kind),
    ["pingresp", "publish"],
  );
});

test("a link that was away finds its nodes where they were", () => {
  const stand = new Stand();
  stand.link.knowsAddresses = true;
  const node = stand.node("n", { clean: false });
  node.subscribe({ type: "short", name: "ab" }, 1);
  stand.gateway.detach(stand.link);
  stand.door.publish("ab", "x", 1);
  assert.deepEqual(node.take(), []);
  stand.gateway.attach(stand.link);
  assert.deepEqual(node.kinds(), ["publish"]);
});

test("counters survive a restart, and what is not stored at once is after six hours", () => {
  const before = new Stand();
  const node = before.node("n", { keepAlive: 0 });
  node.register("t");
  for (let count = 0; count < 7; count++) node.publish(1, "x");
  const { writes } = before.journal;
  before.pass(6 * 3600 - 1);
  node.publish(1, "x");
  assert.equal(before.journal.writes, writes);
  before.pass(10);
  node.publish(1, "x");
  node.publish(1, "x");
  assert.equal(before.journal.writes, writes + 1);
  const stand = new Stand({}, before);
  assert.equal(stand.report("n").messagesIn, 8, "the process just ended");
  stand.gateway.stop();
  const orderly = new Stand({}, before);
  orderly.at("at-n").publish(1, "x");
  orderly.gateway.stop();
  assert.equal(new Stand({}, before).report("n").messagesIn, 9);
});

test("records of before there were counters are still read", () => {
  const before = new Stand();
  before.node("n", { clean: false, keepAlive: 60 });
  const record = before.journal.records.get("g/n/n") as Uint8Array;
  // Without the four counters at the end, under the number of the former form.
  const former = record.slice(0, -16);
  former[0] = 1;
  before.journal.records.set("g/n/n", former);
  const stand = new Stand({}, before);
  assert.equal(stand.restored, 0);
  assert.deepEqual([stand.state("n"), stand.report("n").messagesIn], ["active", 0]);
});

/** A bridge's connection: what it says first, what it makes of failures, what it tells of itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "../../kit/hex.ts";
import { plain } from "../../kit/plain.ts";
import type { ServerEnd } from "../../kit/server-end.ts";
import { TestBridge, topic } from "../../kit/test-bridge.ts";

const STATE = "$SYS/broker/connection/box.cloud/state";
const NOTIFYING = { notifications: true };

/** What a local client sees on the state topic. */
function watch(bridge: TestBridge): () => string[] {
  const client = bridge.here.connect("watch");
  client.subscribe("$SYS/broker/connection/#", 1);
  return () =>
    client.messages().map((line) => line.replace(`${STATE}=`, "").replace(" retain", ""));
}

test("CONNECT is marked as a bridge's, with a will on the state topic", () => {
  const bridge = new TestBridge({
    options: { ...NOTIFYING, username: "u", password: "p", keepAlive: 33 },
  });
  bridge.bridge.start();
  const connect = bridge.dialler.accept().take()[0];
  assert.deepEqual(plain(connect), {
    kind: "connect",
    level: 4,
    bridge: true,
    clientId: "box.cloud",
    cleanStart: false,
    keepAlive: 33,
    will: { topic: STATE, payload: hex("30"), qos: 1, retain: true },
    username: "u",
    password: hex("70"),
  });
});

test("what is asked first: state, subscriptions, and the end of those no longer wanted", () => {
  const bridge = new TestBridge({
    topics: [topic("a/#", "in", 1), topic("b", "both", 2), topic("c/#", "out", 0)],
    options: { ...NOTIFYING, attemptUnsubscribe: true },
  });
  bridge.bridge.start();
  const remote = bridge.accept();
  assert.deepEqual(remote.answer(), [
    `publish ${STATE}=1 q1 retain #1`,
    "subscribe a/# q1 #2",
    "subscribe b q2 #3",
    "unsubscribe c/# #4",
  ]);
  bridge.here.connect("p").publish("c/1", "x", 0);
  assert.deepEqual(remote.told(), ["publish c/1=x"]);
});

test("the state topic here tells the truth: 0 at start, 1 from CONNACK to the end of the connection", () => {
  const bridge = new TestBridge({ options: NOTIFYING });
  const state = watch(bridge);
  bridge.bridge.start();
  assert.deepEqual(state(), ["0"]);
  bridge.dialler.fail("unknown host name");
  bridge.wait();
  const remote = bridge.dialler.accept();
  assert.deepEqual(state(), []);
  remote.connack();
  assert.deepEqual(state(), ["1"]);
  remote.wire.break();
  assert.deepEqual(state(), ["0"]);
  assert.equal(bridge.bridge.connected, false);
  const late = bridge.here.connect("late");
  late.subscribe(STATE);
  assert.deepEqual(late.messages(), [`${STATE}=0 retain`]);
});

test("notifications can be kept here, moved, or turned off", () => {
  const local = new TestBridge({ options: { notifications: true, notificationsLocalOnly: true } });
  const state = watch(local);
  local.bridge.start();
  const remote = local.dialler.accept();
  const connect = remote.take()[0];
  assert.equal(connect?.kind === "connect" && connect.will, undefined);
  remote.connack();
  assert.deepEqual(remote.told(), []);
  assert.deepEqual(state(), ["0", "1"]);

  const moved = new TestBridge({ options: { notifications: true, notificationTopic: "up" } });
  moved.bridge.start();
  assert.deepEqual(moved.accept().told(), ["publish up=1 q1 retain #1"]);

  const off = new TestBridge();
  const nothing = watch(off);
  assert.deepEqual(off.start().told(), []);
  assert.deepEqual(nothing(), []);
});

test("stopping says so at both brokers and keeps what waits", () => {
  const bridge = new TestBridge({ topics: [topic("#", "out", 1)], options: NOTIFYING });
  const state = watch(bridge);
  const remote = bridge.start();
  state();
  bridge.bridge.stop();
  assert.deepEqual(remote.told(), [`publish ${STATE}=0 retain`, "disconnect"]);
  assert.equal(remote.wire.closing, true);
  assert.deepEqual(state(), ["0"]);
  remote.wire.break();
  bridge.wait();
  assert.equal(bridge.dialler.pending, 0);
  bridge.here.connect("p").publish("a", "x", 1, 1);
  bridge.bridge.start();
  const again = bridge.accept(true);
  assert.ok(again.answer().length > 0);
  assert.deepEqual(again.told(), ["publish a=x q1 #1"]);
});

test("stopping while dialling or waiting leaves nothing behind", () => {
  const dialling = new TestBridge();
  dialling.bridge.start();
  dialling.bridge.stop();
  assert.equal(dialling.dialler.pending, 0);
  const waiting = new TestBridge();
  waiting.bridge.start();
  waiting.dialler.fail();
  waiting.bridge.stop();
  waiting.wait();
  assert.equal(waiting.dialler.dialled.length, 1);
});

test("a failure is logged in words, with when the next attempt is", () => {
  const bridge = new TestBridge();
  bridge.bridge.start();
  bridge.dialler.fail("connection refused");
  assert.deepEqual(bridge.log, ["warn: cloud: remote:1883: connection refused, next try in 5 s"]);
  bridge.here.clock.advance(4999);
  assert.equal(bridge.dialler.pending, 0);
  bridge.here.clock.advance(1);
  bridge.dialler.fail("connection refused");
  assert.match(bridge.log[1] ?? "", /^info: /, "the same again is no news");
  bridge.wait();
  bridge.dialler.fail("host unreachable");
  assert.match(bridge.log[2] ?? "", /^warn: cloud: remote:1883: host unreachable/);
});

test("a refusal is logged with its meaning", () => {
  const bridge = new TestBridge();
  bridge.bridge.start();
  bridge.dialler.accept().connack(false, 4);
  assert.deepEqual(bridge.log, [
    "warn: cloud: remote:1883: connection refused by the broker: bad user name or password, next try in 5 s",
  ]);
});

test("a remote broker that refuses the mark is asked again at once without it", () => {
  const bridge = new TestBridge();
  bridge.bridge.start();
  bridge.dialler.accept().connack(false, 1);
  bridge.here.clock.advance(0);
  const connect = bridge.dialler.accept().take()[0];
  assert.equal(connect?.kind === "connect" && connect.bridge, false);
  assert.deepEqual(bridge.log, [
    "info: cloud: remote:1883 takes no bridge, trying as a common client",
  ]);
});

test("a remote broker that closes on the mark is asked without it, too, and stays a common one", () => {
  const bridge = new TestBridge();
  bridge.bridge.start();
  const marks = (remote: ServerEnd): unknown => {
    const connect = remote.take()[0];
    return connect?.kind === "connect" && connect.bridge;
  };
  const first = bridge.dialler.accept();
  assert.equal(marks(first), true);
  first.wire.break();
  bridge.here.clock.advance(0);
  const second = bridge.dialler.accept();
  assert.equal(marks(second), false);
  second.connack();
  second.wire.break();
  bridge.wait();
  assert.equal(marks(bridge.dialler.accept()), false);
});

test("the protocol can be MQTT 3.1", () => {
  const bridge = new TestBridge({ options: { protocol: "mqttv31" } });
  bridge.bridge.start();
  const connect = bridge.dialler.accept().take()[0];
  assert.equal(connect?.kind === "connect" && connect.level, 3);
});

const TWO = [
  { host: "main", port: 1883 },
  { host: "2001:db8::1", port: 1884 },
];

test("a second address is tried at once, a wait comes after the last", () => {
  const bridge = new TestBridge({ options: { addresses: TWO } });
  bridge.bridge.start();
  bridge.dialler.fail();
  bridge.here.clock.advance(0);
  bridge.dialler.fail("host unreachable");
  bridge.here.clock.advance(0);
  assert.equal(bridge.dialler.pending, 0);
  assert.deepEqual(bridge.log, [
    "warn: cloud: main:1883: connection refused, trying [2001:db8::1]:1884",
    "warn: cloud: [2001:db8::1]:1884: host unreachable, next try in 5 s",
  ]);
  bridge.wait();
  assert.deepEqual(bridge.dialler.dialled, ["main:1883", "2001:db8::1:1884", "main:1883"]);
});

test("a stand-in is left, in order, when the main address answers again", () => {
  const bridge = new TestBridge({
    options: { ...NOTIFYING, addresses: TWO, restartCap: 30_000, keepAlive: 0 },
  });
  bridge.bridge.start();
  bridge.dialler.fail();
  bridge.here.clock.advance(0);
  const standIn = bridge.open();
  bridge.here.clock.advance(30_000);
  bridge.dialler.fail();
  bridge.here.clock.advance(30_000);
  const probe = bridge.dialler.accept();
  assert.deepEqual(probe.told(), []);
  assert.equal(probe.wire.closing, true);
  assert.deepEqual(standIn.told().slice(-2), [`publish ${STATE}=0 retain`, "disconnect"]);
  bridge.here.clock.advance(0);
  assert.equal(bridge.dialler.dialled.at(-1), "main:1883");
  bridge.open();
  bridge.here.clock.advance(10_000_000);
  assert.equal(bridge.dialler.pending, 0, "no more looking");
});

test("a main address that accepts connections but no clients is tried ever less often", () => {
  const bridge = new TestBridge({ options: { addresses: TWO, restartCap: 30_000, keepAlive: 0 } });
  bridge.bridge.start();
  bridge.dialler.fail();
  bridge.here.clock.advance(0);
  for (const wait of [30_000, 60_000, 120_000]) {
    bridge.open();
    bridge.here.clock.advance(wait - 1);
    assert.equal(bridge.dialler.pending, 0);
    bridge.here.clock.advance(1);
    bridge.dialler.accept();
    bridge.here.clock.advance(0);
    bridge.dialler.accept().connack(false, 3);
    bridge.here.clock.advance(0);
  }
});

test("with round_robin the bridge stays where it is", () => {
  const bridge = new TestBridge({ options: { addresses: TWO, roundRobin: true, keepAlive: 0 } });
  bridge.bridge.start();
  bridge.dialler.fail();
  bridge.here.clock.advance(0);
  bridge.open();
  bridge.here.clock.advance(10_000_000);
  assert.equal(bridge.dialler.pending, 0);
});

test("waits are short again after a connection that stood for a while, not after one that fell at once", () => {
  const bridge = new TestBridge({ options: { restartBase: 1000, restartCap: 60_000 } });
  bridge.bridge.start();
  const remote = bridge.open();
  bridge.here.clock.advance(10_000);
  remote.wire.break();
  assert.match(bridge.log.at(-1) ?? "", /connection closed by the other end, next try in 1 s/);
});

test("a remote broker that stays silent after CONNACK is left", () => {
  const bridge = new TestBridge({ topics: [topic("a", "in")], options: { keepAlive: 0 } });
  bridge.bridge.start();
  bridge.accept();
  bridge.here.clock.advance(30_000);
  assert.match(bridge.log.at(-1) ?? "", /no answer to SUBSCRIBE, next try in/);
});

test("a dead connection is noticed by keep alive, and messages queue from then on", () => {
  const bridge = new TestBridge({ topics: [topic("#", "out", 1)], options: { keepAlive: 10 } });
  const remote = bridge.start();
  bridge.here.connect("p").publish("a", "x", 1, 1);
  bridge.here.clock.advance(20_000);
  assert.equal(bridge.bridge.connected, false);
  assert.ok(remote.wire.closing);
  assert.match(bridge.log.at(-1) ?? "", /no answer to a keep-alive ping/);
  bridge.wait();
  assert.deepEqual(bridge.accept(true).told(), ["publish a=x q1 dup #1"]);
});

test("a refused subscription is told and the bridge goes on", () => {
  const bridge = new TestBridge({ topics: [topic("a", "in", 1), topic("b", "out")] });
  bridge.bridge.start();
  const remote = bridge.accept();
  remote.take();
  remote.send({ kind: "suback", packetId: 1, codes: [0x80] });
  assert.match(
    bridge.log.at(-1) ?? "",
    /^warn: cloud: the remote broker refused the subscription to a$/,
  );
  bridge.here.connect("p").publish("b", "x");
  assert.deepEqual(remote.told(), ["publish b=x"]);
});

const HOSTILE: readonly (readonly [string, string])[] = [
  ["a SUBACK without codes", "90 02 0001"],
  ["a SUBACK with codes for filters nobody asked for", "90 04 0001 01 01"],
  ["a PUBLISH with a topic cut off", "30 03 0009 61"],
  ["a PUBLISH with QoS 3", "36 05 0001 61 0001"],
  ["a PUBLISH to a wildcard", "30 05 0003 612f23"],
  ["a PUBLISH with ill-formed UTF-8", "30 04 0002 c3 28"],
  ["a packet that claims 268 MB", "30 ff ff ff 7f 0001 61"],
  ["a remaining length of five bytes", "30 ff ff ff ff 01"],
  ["a CONNECT", "10 0c 0004 4d515454 04 02 0000 0000"],
  ["a second CONNACK", "20 02 00 00"],
  ["a reserved packet type", "f0 00"],
];

for (const [what, bytes] of HOSTILE) {
  test(`a remote broker that sends ${what} is left, with a line in the log, and tried again`, () => {
    const bridge = new TestBridge({ topics: [topic("a", "in", 1)] });
    bridge.bridge.start();
    const remote = bridge.accept();
    remote.wire.arrive(hex(bytes));
    assert.equal(remote.wire.closing, true);
    assert.match(
      bridge.log.at(-1) ?? "",
      /^warn: cloud: remote:1883: protocol error: .*, next try in 5 s$/,
    );
    bridge.wait();
    assert.equal(bridge.dialler.pending, 1);
  });
}

test("bytes at random from the remote broker never do more than end the connection", () => {
  let state = 12345;
  const next = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state >>> 8;
  };
  const bridge = new TestBridge({ topics: [topic("#", "both", 2)] });
  bridge.bridge.start();
  for (let round = 0; round < 500; round++) {
    const remote = bridge.dialler.accept();
    remote.connack(round % 2 === 0);
    for (let chunk = 0; chunk < 8 && !remote.wire.closing; chunk++) {
      remote.wire.arrive(Uint8Array.from({ length: 1 + (next() % 40) }, () => next() & 0xff));
    }
    remote.wire.break();
    bridge.here.clock.advance(60_000);
    assert.equal(bridge.dialler.pending, 1, `round ${round}`);
  }
});

test("another client that takes the local client id makes the bridge start anew", () => {
  const bridge = new TestBridge({ topics: [topic("#", "out", 1)] });
  const remote = bridge.start();
  const thief = bridge.here.connect("local.box.cloud", { cleanStart: false });
  assert.equal(remote.wire.closing, true);
  assert.match(
    bridge.log.at(-1) ?? "",
    /another client took over "local.box.cloud" at this broker/,
  );
  thief.break();
  bridge.wait();
  const again = bridge.open(true);
  bridge.here.connect("p").publish("a", "x", 1, 1);
  assert.deepEqual(again.told(), ["publish a=x q1 #1"]);
});

test("the local client id is taken while the remote broker is away: nothing breaks", () => {
  const bridge = new TestBridge({ topics: [topic("#", "out", 1)] });
  bridge.bridge.start();
  bridge.dialler.fail();
  bridge.here.connect("local.box.cloud").break();
  bridge.wait();
  const remote = bridge.open();
  bridge.here.connect("p").publish("a", "x", 1, 1);
  assert.deepEqual(remote.told(), ["publish a=x q1 #1"]);
});

test("what is asked first takes no packet identifier of a message that is under way", () => {
  const bridge = new TestBridge({
    topics: [topic("a", "both", 2)],
    options: { notifications: true },
  });
  bridge.bridge.start();
  const first = bridge.accept();
  first.answer();
  const client = bridge.here.connect("c");
  for (let id = 1; id <= 3; id++) client.publish("a", `${id}`, 2, id);
  bridge.here.disk.commit();
  const ids = first.take().flatMap((packet) => ("packetId" in packet ? [packet.packetId] : []));
  assert.equal(ids.length, 3);
  first.send({ kind: "pubrec", packetId: ids[0] ?? 0 });
  first.wire.break();
  bridge.wait();
  const second = bridge.accept(true);
  const asked = second.take().flatMap((packet) => ("packetId" in packet ? [packet.packetId] : []));
  assert.equal(asked.length, 2);
  assert.deepEqual(
    asked.filter((packetId) => ids.includes(packetId)),
    [],
  );
});
